"""A whole service without the mesh: its real parts, real gRPC, and neighbours of the test's choice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
from google.protobuf.message import Message

from services.chassis.clock import SystemClock
from services.chassis.events import outbox, outbox_binding
from services.chassis.ids import UuidSource
from services.chassis.persistence import Database
from services.chassis.registry import load_registry
from services.chassis.runtime import Application, Build, Runtime
from services.chassis.settings import ChassisSettings
from services.kernel.clock import Clock
from tests.support.rpc import serving
from tests.support.storage import MIGRATIONS

CLOCK = SystemClock()
_PREPARED_WITHIN_S = 30.0


def no_channel(service: str) -> grpc.aio.Channel:
    """In place of channels, for a service that calls nobody."""
    raise AssertionError(f"nobody may be called, not {service} either")


def runtime_of(
    service: str,
    connect: Callable[[str], grpc.aio.Channel] | Mapping[str, grpc.aio.Channel] = no_channel,
    database: Database | None = None,
    *,
    clock: Clock = CLOCK,
    instance: str = "",
) -> Runtime:
    """What the chassis gives a service.

    Args:
        service: its name in the registry.
        connect: the channel to each service that it calls, in place of the mesh's.
        database: its database, migrated.
        clock: the time.
        instance: id of the instance; made from the name where it is empty.
    """
    return Runtime(
        load_registry()[service],
        ChassisSettings(instance=instance or f"{service}-test"),
        clock,
        UuidSource(),
        database,
        connect.__getitem__ if isinstance(connect, Mapping) else connect,
    )


@asynccontextmanager
async def serving_application(application: Application) -> AsyncIterator[grpc.aio.Channel]:
    """Run an application as a process would: prepare, background work, calls, close.

    Background work that ends or fails fails the test, whatever else did.
    """
    if application.prepare is not None:
        async with asyncio.timeout(_PREPARED_WITHIN_S):
            await application.prepare()
    tasks = [asyncio.create_task(_endless(each.run), name=each.name) for each in application.background]
    try:
        async with serving(application.servicers) as channel:
            yield channel
    finally:
        ended = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if application.close is not None:
            await application.close()
        for task in ended:
            task.result()


@asynccontextmanager
async def running(
    name: str, build: Build, *, database: Database, channels: Mapping[str, grpc.aio.Channel]
) -> AsyncIterator[grpc.aio.Channel]:
    """Build a service and run it.

    Args:
        name: of the service.
        build: its composition root.
        database: its database, migrated.
        channels: channel to each service that it calls.
    """
    application = await build(runtime_of(name, channels, database))
    async with serving_application(application) as channel:
        yield channel


@asynccontextmanager
async def alone(name: str, build: Build, path: object) -> AsyncIterator[Any]:
    """The servicer of a service whose neighbours are all away, on a new SQLite file."""
    database = await Database.open(f"sqlite:///{path}", migrations=f"services.{name}.storage.migrations")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        nowhere = await stack.enter_async_context(grpc.aio.insecure_channel("127.0.0.1:1"))
        application = await build(runtime_of(name, lambda _: nowhere, database))
        if application.prepare is not None:
            await application.prepare()
        yield application.servicers[0].servicer


async def _endless(run: Callable[[], Any]) -> None:
    await run()
    raise AssertionError("background work ended by itself")


class EventLog:
    """A real event log of a service that is not there.

    Attributes:
        binding: serves it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.binding = outbox_binding(database)

    async def happened(self, *events: Message, correlation_id: str = "") -> int:
        """Log events in one transaction; gives the last sequence."""
        sequence = 0
        async with self._database.write() as connection:
            for event in events:
                sequence = await outbox.append(
                    connection, event, subject="test", now=CLOCK.now(), correlation_id=correlation_id
                )
        return sequence


@asynccontextmanager
async def event_log(path: object) -> AsyncIterator[EventLog]:
    """An empty event log in a new SQLite file."""
    async with AsyncExitStack() as stack:
        database = await Database.open(f"sqlite:///{path}", migrations=MIGRATIONS)
        stack.push_async_callback(database.close)
        yield EventLog(database)
