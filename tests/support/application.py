"""A whole service without the mesh: its real ``build``, real gRPC, and neighbours of the test's choice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import grpc
from google.protobuf.message import Message
from trademesh.events.v1 import outbox_service_pb2_grpc

from services.chassis.clock import SystemClock
from services.chassis.events import OutboxServicer, outbox
from services.chassis.ids import UuidSource
from services.chassis.persistence import Database
from services.chassis.runtime import Binding, Build, Runtime
from tests.support.rpc import Serve
from tests.support.storage import MIGRATIONS

CLOCK = SystemClock()


@asynccontextmanager
async def running(
    name: str, build: Build, serve: Serve, *, database: Database, channels: Mapping[str, grpc.aio.Channel]
) -> AsyncIterator[grpc.aio.Channel]:
    """Build a service, prepare it, run its background work and serve it.

    Args:
        name: of the service.
        build: its composition root.
        serve: the fixture of the same name.
        database: its database, migrated.
        channels: channel to each service that it calls.
    """
    application = await build(_runtime(name, database, channels.__getitem__))
    if application.prepare is not None:
        await application.prepare()
    tasks = [asyncio.ensure_future(each.run()) for each in application.background]
    try:
        async with serve(application.servicers) as channel:
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
async def alone(name: str, build: Build, path: object) -> AsyncIterator[Any]:
    """The servicer of a service whose neighbours are all away, on a new SQLite file."""
    database = await Database.open(f"sqlite:///{path}", migrations=f"services.{name}.storage.migrations")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        nowhere = await stack.enter_async_context(grpc.aio.insecure_channel("127.0.0.1:1"))
        application = await build(_runtime(name, database, lambda _: nowhere))
        if application.prepare is not None:
            await application.prepare()
        yield application.servicers[0].servicer


def _runtime(name: str, database: Database, connect: Callable[[str], grpc.aio.Channel]) -> Runtime:
    return Runtime(
        spec=cast("Any", SimpleNamespace(name=name)),
        settings=cast("Any", None),
        clock=CLOCK,
        ids=UuidSource(),
        database=database,
        connect=connect,
    )


class EventLog:
    """A real event log of a service that is not there.

    Attributes:
        binding: serves it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.binding = Binding(
            "trademesh.events.v1.OutboxService",
            OutboxServicer(database),
            outbox_service_pb2_grpc.add_OutboxServiceServicer_to_server,
        )

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
