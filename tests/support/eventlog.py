"""A producer and a consumer of events, for the tests of the chassis' event log."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import grpc
import sqlalchemy as sa
from google.protobuf.wrappers_pb2 import StringValue
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncConnection
from trademesh.events.v1 import outbox_service_pb2_grpc as pb_grpc

from services.chassis.clock import SystemClock
from services.chassis.events import Envelope, InUnits, OutboxServicer, Subscription, outbox
from services.chassis.persistence import Database
from services.chassis.rpc.server import Binding, build_server
from tests.support.storage import EFFECT, MIGRATIONS

CLOCK = SystemClock()
BOUND_S = 20.0
"""Longest that a test waits for anything."""

Apply = Callable[[AsyncConnection, Envelope], Awaitable[None]]


async def open_database(url: str) -> Database:
    """Open a database with the tests' schema."""
    return await Database.open(url, migrations=MIGRATIONS)


async def add_events(database: Database, *texts: str) -> int:
    """Append one event for each text, in one transaction; gives the last sequence."""
    sequence = 0
    async with database.write() as connection:
        for text in texts:
            sequence = await outbox.append(
                connection,
                StringValue(value=text),
                subject=f"things/{text}",
                correlation_id=f"cause-of-{text}",
                now=CLOCK.now(),
            )
    return sequence


def binding(servicer: pb_grpc.OutboxServiceServicer) -> Binding:
    """The servicer as a server takes it."""
    add = pb_grpc.add_OutboxServiceServicer_to_server
    return Binding(servicer, add)


@asynccontextmanager
async def served_at(database: Database, *, port: int = 0) -> AsyncIterator[str]:
    """Serve the log of a database; gives its address."""
    servicer = OutboxServicer(database, heartbeat=0.2)
    server = await build_server(
        [binding(servicer)], address=f"127.0.0.1:{port}", registry=CollectorRegistry()
    )
    await server.start()
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        servicer.drain()
        # A handler that still runs when the last server and channel are gone never ends.
        await until(lambda: servicer.streams == 0)
        await server.stop(0)


@asynccontextmanager
async def served(database: Database) -> AsyncIterator[grpc.aio.Channel]:
    """Serve the log of a database; gives a channel to it."""
    async with served_at(database) as address, grpc.aio.insecure_channel(address) as channel:
        yield channel


async def note_effect(connection: AsyncConnection, envelope: Envelope) -> None:
    """The effect of an event in these tests: one row, which a second application would double."""
    text = envelope.unpack(StringValue)
    assert text is not None
    place = (await connection.execute(sa.select(sa.func.count()).select_from(EFFECT))).scalar_one() + 1
    await connection.execute(
        sa.insert(EFFECT).values(place=place, event_id=str(envelope.event_id), text=text.value)
    )


async def effects(database: Database) -> list[str]:
    """The texts of the applied events, in the order of their application."""
    async with database.read() as connection:
        rows = await connection.execute(sa.select(EFFECT.c.text).order_by(EFFECT.c.place))
        return [row.text for row in rows]


@asynccontextmanager
async def subscribed(
    channel: grpc.aio.Channel, database: Database, apply: Apply | InUnits = note_effect, *, batch: int = 64
) -> AsyncIterator[Subscription]:
    """A running subscription."""
    subscription = Subscription(channel, "maker", database, apply, CLOCK, batch=batch)
    task = asyncio.create_task(subscription.run())
    try:
        yield subscription
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it did not within the bound.
    """
    async with asyncio.timeout(BOUND_S):
        while not holds():
            await asyncio.sleep(0.005)
