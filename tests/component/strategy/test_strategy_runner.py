"""From closed candles to signals: warm-up, restarts, losses, two instances, on both databases."""

import asyncio
from datetime import timedelta
from typing import Any

import grpc
import pytest
import structlog
from trademesh.events.v1 import outbox_service_pb2, outbox_service_pb2_grpc
from trademesh.strategy.v1 import signal_pb2, strategy_service_pb2_grpc
from trademesh.strategy.v1 import strategy_service_pb2 as pb

from services.chassis.events import outbox
from services.strategy.domain.strategy import StrategyState
from services.strategy.runner import RunnerLimits
from tests.support.rpc import Serve
from tests.support.strategy import (
    CROSS,
    DEFINITION,
    START,
    ScriptedCandles,
    candle,
    candles,
    opened,
    running,
    wired,
)

_PAST = candles(0, "10", "11", "10", "9")


async def test_the_past_warms_up_and_the_present_signals(database_url: str) -> None:
    async with opened(database_url) as database:
        made = wired(database, ScriptedCandles(_PAST))
        await made.commands.create_at_first_start(CROSS, DEFINITION)
        with structlog.testing.capture_logs() as logs:
            async with running(made.pool()):
                await made.until_processed(3)
                assert await made.signals() == []
                made.market.close(*candles(4, "12", "13", "11"))
                assert await made.until_signals(2) == [("buy", "12"), ("sell", "11")]
                await made.until_processed(6)
        stored = await made.store.signals_after(CROSS, 0, 9)
        emitted = [each for each in logs if each["event"] == "signal_emitted"]
        assert [each["signal"] for each in emitted] == [each.name for each in stored]
        assert len({each.draft.correlation_id for each in stored}) == 2


async def test_a_loss_of_the_market_loses_and_doubles_nothing(database_url: str) -> None:
    async with opened(database_url) as database:
        made = wired(database, ScriptedCandles(_PAST))
        await made.commands.create_at_first_start(CROSS, DEFINITION)
        async with running(made.pool()):
            await made.until_processed(3)
            made.market.close(candle(4, "12"))
            await made.until_signals(1)
            made.market.lose()
            made.market.close(*candles(5, "11", "13"))
            made.market.find()
            assert await made.until_signals(3) == [("buy", "12"), ("sell", "11"), ("buy", "13")]


async def test_a_restart_resumes_after_the_last_candle(database_url: str) -> None:
    async with opened(database_url) as database:
        market = ScriptedCandles(_PAST)
        made = wired(database, market)
        await made.commands.create_at_first_start(CROSS, DEFINITION)
        async with running(made.pool()):
            await made.until_processed(3)
            market.close(candle(4, "12"))
            await made.until_signals(1)
    market.close(*candles(5, "11", "13"))
    async with opened(database_url) as database:
        again = wired(database, market)
        async with running(again.pool("another process")):
            assert await again.until_signals(3) == [("buy", "12"), ("sell", "11"), ("buy", "13")]


async def test_what_was_missed_for_too_long_only_warms_up(database_url: str) -> None:
    async with opened(database_url) as database:
        market = ScriptedCandles(_PAST)
        made = wired(database, market)
        await made.commands.create_at_first_start(CROSS, DEFINITION)
        async with running(made.pool()):
            await made.until_processed(3)
        # A crossing at once, then calm: its candle lies 31 s behind the newest one.
        market.close(candle(4, "12"), candle(35, "13"))
        async with running(made.pool()):
            await made.until_processed(35)
            assert await made.signals() == []
            market.close(candle(36, "11"))
            assert await made.until_signals(1) == [("sell", "11")]
        assert (
            made.registry.get_sample_value("trademesh_strategy_late_signals_total", {"strategy": "cross"})
            == 1
        )


async def test_a_venue_that_begins_anew_begins_the_strategy_anew(database_url: str) -> None:
    async with opened(database_url) as database:
        made = wired(database, ScriptedCandles(_PAST))
        await made.commands.create_at_first_start(CROSS, DEFINITION)
        async with running(made.pool()):
            await made.until_processed(3)
            made.market.close(candle(4, "12"))
            await made.until_signals(1)
            made.market.begin_anew(candles(0, "10", "9"))
            await made.until_processed(1)
            made.market.close(candle(2, "12"), candle(3, "9"), candle(4, "12"))
            # The candle of the same time is another one in the new run.
            assert len(await made.until_signals(4)) == 4


async def test_a_market_that_lags_is_waited_for(database_url: str) -> None:
    async with opened(database_url) as database:
        limits = RunnerLimits(clock_reset_grace=60, pause=0.001, max_pause=0.01)
        made = wired(database, ScriptedCandles(_PAST), limits)
        await made.commands.create_at_first_start(CROSS, DEFINITION)
        async with running(made.pool()):
            await made.until_processed(3)
            made.market.close(candle(4, "12"))
            await made.until_signals(1)
            watches = made.market.watches
            made.market.lose()
            made.market.venue_time = START
            made.market.find()
            await asyncio.sleep(0.05)
            assert made.market.watches == watches
            made.market.venue_time = None
            made.market.close(candle(5, "11"))
            assert await made.until_signals(2) == [("buy", "12"), ("sell", "11")]


async def test_disabling_stops_and_enabling_begins_anew(database_url: str) -> None:
    async with opened(database_url) as database:
        made = wired(database, ScriptedCandles(_PAST))
        await made.commands.create_at_first_start(CROSS, DEFINITION)
        pool = made.pool()
        async with running(pool):
            await made.until_processed(3)
            await made.set_state(StrategyState.DISABLED)
            async with asyncio.timeout(5):
                while pool.running():
                    await asyncio.sleep(0.005)
            made.market.close(*candles(4, "12", "9"))
            await made.set_state(StrategyState.ENABLED)
            await made.until_processed(5)
            assert await made.signals() == []
            made.market.close(candle(6, "12"))
            assert await made.until_signals(1) == [("buy", "12")]


async def test_of_two_instances_one_runs_and_the_other_takes_over(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("a SQLite database belongs to one process")
    market = ScriptedCandles(_PAST)
    async with opened(database_url) as one, opened(database_url) as two:
        first, second = wired(one, market), wired(two, market)
        await first.commands.create_at_first_start(CROSS, DEFINITION)
        async with running(second.pool("second")) as standby:
            async with running(first.pool("first")) as active:
                async with asyncio.timeout(5):
                    while not (active.running() or standby.running()):
                        await asyncio.sleep(0.005)
                await first.until_processed(3)
                market.close(candle(4, "12"))
                await first.until_signals(1)
                await asyncio.sleep(0.1)
                assert len(active.running()) + len(standby.running()) == 1
            market.close(candle(5, "11"))
            assert await second.until_signals(2) == [("buy", "12"), ("sell", "11")]
            assert standby.running() == {CROSS}


async def test_signals_are_listed_watched_and_streamed_as_events(serve: Serve, database_url: str) -> None:
    async with opened(database_url) as database:
        made = wired(database, ScriptedCandles(_PAST))
        await made.commands.create_at_first_start(CROSS, DEFINITION)
        async with running(made.pool()), serve(made.bindings) as channel:
            await made.until_processed(3)
            stub = strategy_service_pb2_grpc.StrategyServiceStub(channel)
            made.market.close(*candles(4, "12", "9"))
            await made.until_signals(2)
            call: Any = stub.WatchSignals(pb.WatchSignalsRequest(parent=str(CROSS), after_sequence=1))
            assert (await call.read()).signal.reference_price == "9"
            made.market.close(candle(6, "12"))
            watched = [await _signal(call)]
            first = await stub.ListSignals(pb.ListSignalsRequest(parent=str(CROSS), page_size=2))
            token = first.next_page_token
            rest = await stub.ListSignals(pb.ListSignalsRequest(parent=str(CROSS), page_token=token))
            assert [each.sequence for each in (*first.signals, *rest.signals)] == [3, 2, 1]
            assert watched == [first.signals[0]]
            events: Any = outbox_service_pb2_grpc.OutboxServiceStub(channel).StreamEvents(
                outbox_service_pb2.StreamEventsRequest(after_sequence=2)
            )
            assert (await events.read()).start.latest_sequence == 3
            (event,) = (await events.read()).page.events
            payload = signal_pb2.Signal()
            assert event.payload.Unpack(payload)
            assert payload == first.signals[0]
            assert event.correlation_id == payload.correlation_id
            made.servicer.drain()
            while not (frame := await call.read()).HasField("end"):
                assert frame.HasField("heartbeat")
            assert frame.end.reason == "SERVER_DRAINING"
            assert await call.read() is grpc.aio.EOF
            events.cancel()
        async with database.read() as connection:
            assert (await outbox.head(connection)).latest_sequence == 3


async def _signal(call: Any) -> signal_pb2.Signal:
    while True:
        frame = await call.read()
        if frame.HasField("signal"):
            found: signal_pb2.Signal = frame.signal
            return found
        assert frame.HasField("heartbeat")


def test_the_age_is_thirty_seconds_of_exchange_time() -> None:
    assert RunnerLimits().max_signal_age == timedelta(seconds=30)
