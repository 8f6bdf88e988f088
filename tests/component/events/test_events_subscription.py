"""Subscriptions over a real gRPC server, on both backends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC
from uuid import uuid4

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf.wrappers_pb2 import Int64Value, StringValue
from opentelemetry import propagate, trace
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.events import (
    ApplyHere,
    Envelope,
    InUnits,
    Subscription,
    SubscriptionState,
    inbox,
    outbox,
)
from services.chassis.events.errors import LogDivergedError, StreamBrokenError
from services.chassis.persistence import Database
from services.chassis.telemetry.correlation import correlation_id
from tests.support.eventlog import (
    BOUND_S,
    CLOCK,
    add_events,
    effects,
    note_effect,
    open_database,
    served,
    served_at,
    subscribed,
    until,
)
from tests.support.postgres import PostgresServer


@pytest.fixture
async def databases(new_database_url: Callable[[], str]) -> AsyncIterator[tuple[Database, Database]]:
    """The producer's database and the consumer's."""
    maker, taker = await open_database(new_database_url()), await open_database(new_database_url())
    yield maker, taker
    await maker.close()
    await taker.close()


async def test_events_take_effect_once_and_in_order(databases: tuple[Database, Database]) -> None:
    maker, taker = databases
    texts = [str(number) for number in range(300)]
    await add_events(maker, *texts)
    async with served(maker) as channel, subscribed(channel, taker) as subscription:
        await subscription.wait_for(300, BOUND_S)
        await add_events(maker, "live")
        await subscription.wait_for(301, BOUND_S)
        assert subscription.position() == 301
        await until(subscription.caught_up)
        await subscription.check()
    assert await effects(taker) == [*texts, "live"]


async def test_a_new_start_goes_on_after_the_last_effect(databases: tuple[Database, Database]) -> None:
    maker, taker = databases
    async with served(maker) as channel:
        for turn in range(3):
            last = await add_events(maker, f"{turn}-a", f"{turn}-b")
            async with subscribed(channel, taker) as subscription:
                await subscription.wait_for(last, BOUND_S)
    assert await effects(taker) == ["0-a", "0-b", "1-a", "1-b", "2-a", "2-b"]


async def test_the_source_may_go_and_come_back(databases: tuple[Database, Database]) -> None:
    maker, taker = databases
    async with AsyncExitStack() as first:
        address = await first.enter_async_context(served_at(maker))
        async with grpc.aio.insecure_channel(address) as channel, subscribed(channel, taker) as subscription:
            await subscription.wait_for(await add_events(maker, "a"), BOUND_S)
            await first.aclose()
            await until(lambda: subscription.state is SubscriptionState.CONNECTING)
            assert not subscription.caught_up()
            await add_events(maker, "b")
            async with served_at(maker, port=int(address.rpartition(":")[2])):
                await subscription.wait_for(2, BOUND_S)
                assert subscription.state is SubscriptionState.STREAMING
    assert await effects(taker) == ["a", "b"]


async def test_correlation_and_trace_are_restored(databases: tuple[Database, Database]) -> None:
    maker, taker = databases
    seen: list[tuple[str, str, Envelope]] = []

    async def look(connection: AsyncConnection, envelope: Envelope) -> None:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        seen.append((correlation_id.get(), carrier.get("traceparent", ""), envelope))

    span = trace.NonRecordingSpan(
        trace.SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=True, trace_flags=trace.TraceFlags(1))
    )
    with trace.use_span(span):
        await add_events(maker, "a")
    async with served(maker) as channel, subscribed(channel, taker, look) as subscription:
        await subscription.wait_for(1, BOUND_S)
    ((correlation, traceparent, envelope),) = seen
    assert correlation == "cause-of-a"
    assert traceparent == f"00-{0xABC:032x}-{0xDEF:016x}-01"
    assert (envelope.source, envelope.sequence, envelope.subject) == ("maker", 1, "things/a")
    assert envelope.type == "google.protobuf.StringValue"
    assert envelope.unpack(Int64Value) is None
    assert envelope.create_time.tzinfo is UTC


async def test_a_poison_event_blocks_is_visible_and_is_never_passed_over(
    databases: tuple[Database, Database],
) -> None:
    maker, taker = databases
    cured = asyncio.Event()
    attempts = 0

    async def apply(connection: AsyncConnection, envelope: Envelope) -> None:
        nonlocal attempts
        await note_effect(connection, envelope)
        if envelope.unpack(StringValue) == StringValue(value="poison") and not cured.is_set():
            attempts += 1
            raise ValueError("cannot apply this")

    await add_events(maker, "a", "b", "poison", "c")
    async with served(maker) as channel, subscribed(channel, taker, apply) as subscription:
        await until(lambda: attempts >= 3 and subscription.state is SubscriptionState.BLOCKED)
        assert not subscription.caught_up()
        assert await effects(taker) == ["a", "b"]  # those before it do not wait for it
        cured.set()
        await subscription.wait_for(4, BOUND_S)
        await until(subscription.caught_up)
    assert await effects(taker) == ["a", "b", "poison", "c"]


async def test_effects_in_units_hold_back_until_the_end_of_their_transaction(
    databases: tuple[Database, Database],
) -> None:
    """One event fails twice: nothing that shared its transaction is kept, and each takes effect once."""
    maker, taker = databases
    failures = 2
    sizes: list[int] = []

    @asynccontextmanager
    async def unit(connection: AsyncConnection) -> AsyncIterator[ApplyHere]:
        held: list[Envelope] = []

        async def apply(envelope: Envelope) -> None:
            nonlocal failures
            if envelope.sequence == 3 and failures:
                failures -= 1
                raise ValueError("not yet")
            held.append(envelope)

        yield apply
        sizes.append(len(held))
        for envelope in held:
            await note_effect(connection, envelope)

    texts = [str(number) for number in range(40)]
    await add_events(maker, *texts)
    async with served(maker) as channel, subscribed(channel, taker, InUnits(unit)) as subscription:
        await subscription.wait_for(40, BOUND_S)
    assert failures == 0
    assert await effects(taker) == texts
    assert sum(sizes) == len(texts)


async def test_waiting_in_vain_ends(databases: tuple[Database, Database]) -> None:
    maker, taker = databases
    async with served(maker) as channel, subscribed(channel, taker) as subscription:
        with pytest.raises(TimeoutError):
            await subscription.wait_for(1, 0.05)


async def test_another_log_halts_until_somebody_decides(new_database_url: Callable[[], str]) -> None:
    """The decision is the statement of docs/operations.md."""
    old, new, taker = [await open_database(new_database_url()) for _ in range(3)]
    async with served(old) as channel, subscribed(channel, taker) as subscription:
        await subscription.wait_for(await add_events(old, "a", "b"), BOUND_S)
    await add_events(new, "x", "y", "z")
    async with served(new) as channel, subscribed(channel, taker) as subscription:
        await until(lambda: subscription.state is SubscriptionState.HALTED)
        with pytest.raises(LogDivergedError):
            await subscription.check()
        assert await effects(taker) == ["a", "b"]
        async with new.read() as connection:
            log_id = (await outbox.head(connection)).log_id
            first = await outbox.event_id_at(connection, 1)
        async with taker.write() as connection:
            change = "SET log_id = :log, sequence = 1, event_id = :event WHERE source = 'maker'"
            decision = sa.text(f"UPDATE inbox_cursor {change}")
            await connection.execute(decision, {"log": log_id, "event": first})
        await subscription.wait_for(3, BOUND_S)
        await subscription.check()
    assert await effects(taker) == ["a", "b", "y", "z"]
    for database in (old, new, taker):
        await database.close()


@pytest.mark.parametrize("same", [True, False])
async def test_what_another_instance_has_applied_is_passed_over_if_it_is_the_same_event(
    databases: tuple[Database, Database], same: bool
) -> None:
    maker, taker = databases
    here, elsewhere = uuid4(), uuid4()
    async with served(maker) as channel, subscribed(channel, taker) as subscription:
        await subscription.wait_for(await add_events(maker, "a", "b"), BOUND_S)
        async with taker.write() as connection:
            seen = await inbox.load_cursor(connection, "maker")
            assert seen is not None
            reached = inbox.Cursor(seen.log_id, 3, str(here if same else elsewhere))
            assert await inbox.move_cursor(connection, "maker", seen, reached, CLOCK.now())
            assert not await inbox.move_cursor(connection, "maker", seen, reached, CLOCK.now())
            strange = inbox.Cursor(str(uuid4()), 4, str(uuid4()))
            assert not await inbox.move_cursor(connection, "maker", reached, strange, CLOCK.now())
        async with maker.write() as connection:
            for text, identity in (("c", here), ("d", None)):
                await outbox.append(
                    connection,
                    StringValue(value=text),
                    subject="things/x",
                    now=CLOCK.now(),
                    event_id=identity,
                )
        if same:
            await subscription.wait_for(4, BOUND_S)
        else:
            await until(lambda: subscription.state is SubscriptionState.HALTED)
    assert await effects(taker) == (["a", "b", "d"] if same else ["a", "b"])


async def test_two_instances_on_one_database_apply_each_event_once(postgres_server: PostgresServer) -> None:
    urls = [postgres_server.fresh_database() for _ in range(2)]
    maker = await open_database(urls[0])
    one, two = await open_database(urls[1]), await open_database(urls[1])
    async with (
        served(maker) as channel,
        subscribed(channel, one, batch=3) as first,
        subscribed(channel, two, batch=5) as second,
    ):
        await asyncio.gather(*(add_events(maker, f"{number}-a", f"{number}-b") for number in range(40)))
        await first.wait_for(80, BOUND_S)
        await second.wait_for(80, BOUND_S)
    applied = await effects(one)
    assert len(applied) == len(set(applied)) == 80
    for database in (maker, one, two):
        await database.close()
    for url in urls:
        postgres_server.drop(url)


async def test_the_cursor_names_the_last_event_that_took_effect(
    databases: tuple[Database, Database],
) -> None:
    maker, taker = databases
    async with served(maker) as channel, subscribed(channel, taker) as subscription:
        await subscription.wait_for(await add_events(maker, "a", "b"), BOUND_S)
    async with maker.read() as connection:
        head, last = await outbox.head(connection), await outbox.event_id_at(connection, 2)
    async with taker.read() as connection:
        cursor = await inbox.load_cursor(connection, "maker")
        rows = (await connection.execute(sa.text("SELECT count(*) FROM inbox_cursor"))).scalar_one()
    assert cursor == inbox.Cursor(head.log_id, 2, last)
    assert rows == 1


async def test_an_inbox_with_a_row_for_each_event_goes_on_at_its_cursor(
    new_database_url: Callable[[], str],
) -> None:
    maker, taker_url = await open_database(new_database_url()), new_database_url()
    taker = await open_database(taker_url)
    async with served(maker) as channel:
        async with subscribed(channel, taker) as subscription:
            await subscription.wait_for(await add_events(maker, "a", "b"), BOUND_S)
        async with taker.write() as connection:
            for statement in (
                "CREATE TABLE inbox_event (source TEXT, event_id TEXT)",
                "INSERT INTO inbox_event SELECT source, event_id FROM inbox_cursor",
                "UPDATE alembic_version SET version_num = '0002'",
            ):
                await connection.execute(sa.text(statement))
        await taker.close()
        taker = await open_database(taker_url)
        async with subscribed(channel, taker) as subscription:
            await subscription.wait_for(await add_events(maker, "c"), BOUND_S)
    assert await effects(taker) == ["a", "b", "c"]
    for database in (maker, taker):
        await database.close()


async def test_it_ends_when_told_to_even_in_the_moment_something_breaks(
    databases: tuple[Database, Database],
) -> None:
    """A task group that fails and is cancelled in one turn tells of its failure only."""
    maker, taker = databases
    running: list[asyncio.Task[None]] = []
    broken: list[str] = []

    async def break_once(connection: AsyncConnection, envelope: Envelope) -> None:
        applying = asyncio.current_task()
        if applying is not None and not broken:
            broken.append("as told")
            # After the group has heard of the failure, and before it has ended.
            applying.add_done_callback(lambda _: running[0].cancel())
            raise StreamBrokenError("as told")

    await add_events(maker, "a")
    async with served(maker) as channel:
        subscription = Subscription(channel, "maker", taker, break_once, CLOCK)
        running.append(asyncio.create_task(subscription.run()))
        done, _ = await asyncio.wait(running, timeout=5)
        for task in running:
            task.cancel()
    assert done
    assert running[0].cancelled()
