"""The event log and its stream, over a real gRPC server, on both backends."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from trademesh.events.v1 import outbox_service_pb2 as pb
from trademesh.events.v1 import outbox_service_pb2_grpc as pb_grpc

from services.chassis.events import OutboxServicer, outbox
from services.chassis.persistence import Database
from services.chassis.telemetry.correlation import correlated
from tests.support.eventlog import BOUND_S, CLOCK, add_events, binding, open_database, served
from tests.support.postgres import PostgresServer
from tests.support.rpc import serving

Stub = Any  # the asynchronous stub exists in the type stubs only


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await open_database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def stub(database: Database) -> AsyncIterator[Stub]:
    async with served(database) as channel:
        yield pb_grpc.OutboxServiceStub(channel)


class Reader:
    """Reads frames of one stream."""

    def __init__(self, stub: Stub, after_sequence: int = 0) -> None:
        self._call = stub.StreamEvents(pb.StreamEventsRequest(after_sequence=after_sequence))

    async def next(self) -> pb.StreamEventsResponse:
        frame = await asyncio.wait_for(self._call.read(), BOUND_S)
        assert isinstance(frame, pb.StreamEventsResponse)
        return frame

    async def events(self, count: int) -> list[pb.Event]:
        found: list[pb.Event] = []
        while len(found) < count:
            found.extend((await self.next()).page.events)
        return found

    def close(self) -> None:
        self._call.cancel()


async def test_an_empty_log(stub: Stub) -> None:
    head = await stub.GetHead(pb.GetHeadRequest(), timeout=BOUND_S)
    assert head.latest_sequence == 0
    UUID(head.log_id)
    reader = Reader(stub)
    start = (await reader.next()).start
    assert (start.log_id, start.latest_sequence, start.after_event_id) == (head.log_id, 0, "")
    assert (await reader.next()).heartbeat == pb.Heartbeat(latest_sequence=0)
    reader.close()


async def test_events_come_with_all_that_belongs_to_them(database: Database, stub: Stub) -> None:
    before = CLOCK.now()
    with correlated("the-cause"):
        async with database.write() as connection:
            sequence = await outbox.append(
                connection, StringValue(value="x"), subject="things/x", now=CLOCK.now()
            )
    assert sequence == 1
    reader = Reader(stub)
    (event,) = await reader.events(1)
    reader.close()
    text = StringValue()
    assert event.payload.Unpack(text)
    assert text.value == "x"
    assert event.payload.type_url == "type.googleapis.com/google.protobuf.StringValue"
    assert (event.subject, event.correlation_id) == ("things/x", "the-cause")
    assert event.log_id == (await stub.GetHead(pb.GetHeadRequest(), timeout=BOUND_S)).log_id
    written = event.create_time.ToDatetime(tzinfo=before.tzinfo)
    assert timedelta() <= written - before < timedelta(seconds=BOUND_S)
    UUID(event.event_id)


async def test_a_stream_replays_and_then_follows(database: Database, stub: Stub) -> None:
    await add_events(database, *(str(number) for number in range(1, 601)))  # more than two pages
    reader = Reader(stub, after_sequence=10)
    start = (await reader.next()).start
    assert start.latest_sequence == 600
    replayed = await reader.events(590)
    assert [event.sequence for event in replayed] == list(range(11, 601))
    assert [event.subject for event in replayed] == [f"things/{number}" for number in range(11, 601)]
    assert await add_events(database, "live") == 601
    assert [event.sequence for event in await reader.events(1)] == [601]
    reader.close()


async def test_the_start_names_the_event_before(database: Database, stub: Stub) -> None:
    await add_events(database, "a", "b")
    reader = Reader(stub)
    ids = [event.event_id for event in await reader.events(2)]
    reader.close()
    again = Reader(stub, after_sequence=1)
    assert (await again.next()).start.after_event_id == ids[0]
    again.close()


async def test_a_sequence_beyond_the_log_ends_the_stream(database: Database, stub: Stub) -> None:
    await add_events(database, "a")
    reader = Reader(stub, after_sequence=2)
    assert (await reader.next()).start.latest_sequence == 1
    assert (await reader.next()).end.reason == pb.StreamEnd.REASON_SEQUENCE_AHEAD


async def test_a_negative_sequence_is_refused(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await Reader(stub, after_sequence=-1).next()
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_rolled_back_event_never_was_and_leaves_no_gap(database: Database, stub: Stub) -> None:
    async def fail() -> None:
        async with database.write() as connection:
            await outbox.append(connection, StringValue(value="lost"), subject="s", now=CLOCK.now())
            raise LookupError

    await add_events(database, "a")
    with pytest.raises(LookupError):
        await fail()
    async with database.write() as connection:
        savepoint = await connection.begin_nested()
        await outbox.append(connection, StringValue(value="lost"), subject="s", now=CLOCK.now())
        await savepoint.rollback()
    assert await add_events(database, "b") == 2
    reader = Reader(stub)
    assert [event.subject for event in await reader.events(2)] == ["things/a", "things/b"]
    reader.close()


async def test_fifty_writers_make_one_gapless_log(database: Database, stub: Stub) -> None:
    readers = [Reader(stub) for _ in range(3)]  # they share what is read
    sequences = await asyncio.gather(*(add_events(database, f"{number}") for number in range(50)))
    assert sorted(sequences) == list(range(1, 51))
    for reader in readers:
        events = await reader.events(50)
        reader.close()
        assert [event.sequence for event in events] == list(range(1, 51))
        by_writer = {event.subject: event.sequence for event in events}
        assert [by_writer[f"things/{number}"] for number in range(50)] == sequences


async def test_while_events_keep_coming_they_share_pages(database: Database) -> None:
    servicer = OutboxServicer(database, linger=0.3)
    async with serving([binding(servicer)]) as channel:
        reader = Reader(pb_grpc.OutboxServiceStub(channel))
        assert (await reader.next()).HasField("start")
        for number in range(30):
            await add_events(database, str(number))
        sizes: list[int] = []
        while sum(sizes) < 30:
            sizes.append(len((await reader.next()).page.events))
        assert len(sizes) < 15
        servicer.drain()


async def test_a_page_of_large_events_fits_a_message(database: Database, stub: Stub) -> None:
    large = [f"{number}-{'x' * 100_000}" for number in range(30)]
    huge = "30-" + "x" * 1_000_000  # with its subject above the bound of a page
    await add_events(database, *large, huge, "31-")
    reader = Reader(stub)
    assert (await reader.next()).HasField("start")
    pages: list[pb.EventPage] = []
    while sum(len(page.events) for page in pages) < 32:
        pages.append((await reader.next()).page)
    reader.close()
    assert [event.sequence for page in pages for event in page.events] == list(range(1, 33))
    assert all(page.ByteSize() <= 1024 * 1024 or len(page.events) == 1 for page in pages)
    assert len(pages) < 32


async def test_draining_ends_every_stream(database: Database) -> None:
    servicer = OutboxServicer(database)
    async with serving([binding(servicer)]) as channel:
        readers = [Reader(pb_grpc.OutboxServiceStub(channel)) for _ in range(3)]
        for reader in readers:
            assert (await reader.next()).HasField("start")
        servicer.drain()
        for reader in readers:
            while (frame := await reader.next()).HasField("heartbeat"):
                pass
            assert frame.end.reason == pb.StreamEnd.REASON_DRAINING


async def test_a_consumer_that_does_not_read_holds_nobody_up(database: Database, stub: Stub) -> None:
    lazy = Reader(stub)
    assert (await lazy.next()).HasField("start")
    await add_events(database, *(f"{number}-{'x' * 2000}" for number in range(1500)))
    eager = Reader(stub)
    assert len(await eager.events(1500)) == 1500
    eager.close()
    await database.ping()  # no connection is kept for the one that does not read
    assert [event.sequence for event in await lazy.events(1500)] == list(range(1, 1501))
    lazy.close()


async def test_events_of_another_instance_are_seen(postgres_server: PostgresServer) -> None:
    url = postgres_server.fresh_database()
    here, there = await open_database(url), await open_database(url)
    async with served(here) as channel:
        reader = Reader(pb_grpc.OutboxServiceStub(channel))
        assert (await reader.next()).HasField("start")
        await add_events(there, "elsewhere")
        (event,) = await reader.events(1)
        assert event.subject == "things/elsewhere"
        reader.close()
    await here.close()
    await there.close()
    postgres_server.drop(url)
