"""WatchMarket through real gRPC: conflation, completeness, resuming, slow callers, drain."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from prometheus_client import CollectorRegistry
from trademesh.market.v1 import market_service_pb2 as pb
from trademesh.market.v1 import market_service_pb2_grpc

from services.chassis.rpc.server import build_server
from services.market.domain.feed_events import BookChanged, InstrumentsListed
from services.market.handlers import StreamLimits
from services.market.ports import FeedLostError
from tests.support.market import (
    BTC,
    START,
    ScriptedMarket,
    book,
    candle,
    ingesting,
    instrument,
    market,
    open_market,
    snapshot,
)
from tests.support.rpc import Serve

_TICKER, _BOOK = pb.MARKET_EVENT_KIND_TICKER, pb.MARKET_EVENT_KIND_ORDER_BOOK
_TRADE, _CANDLE = pb.MARKET_EVENT_KIND_TRADE, pb.MARKET_EVENT_KIND_CANDLE


@asynccontextmanager
async def _watching(serve: Serve, made: ScriptedMarket, **wish: Any) -> AsyncIterator[Any]:
    async with serve([made.binding]) as channel:
        stub = market_service_pb2_grpc.MarketServiceStub(channel)
        call = stub.WatchMarket(pb.WatchMarketRequest(instrument=str(BTC), **wish), timeout=20)
        async with asyncio.timeout(10):
            while not made.registry.get_sample_value("trademesh_market_subscribers"):
                await asyncio.sleep(0.005)
        yield call
        call.cancel()


async def test_a_snapshot_comes_first_and_then_changes(serve: Serve) -> None:
    made = open_market()
    async with _watching(serve, made, kinds=[_TICKER, _BOOK], depth=1) as call:
        first = [await call.read(), await call.read()]
        made.change(11, 1, ("99.5", "4"))
        then = [await call.read(), await call.read()]
    tickers = [each.ticker.bid_price for each in (*first, *then) if each.HasField("ticker")]
    books = [each.order_book for each in (*first, *then) if each.HasField("order_book")]
    assert tickers == ["99", "99.5"]
    assert [(each.bids[0].price, len(each.bids)) for each in books] == [("99", 1), ("99.5", 1)]


async def test_tickers_are_folded_and_trades_are_not(serve: Serve) -> None:
    made = open_market()
    wish = pb.WatchMarketRequest(kinds=[_TICKER, _TRADE])
    wish.min_update_interval.FromMilliseconds(200)
    async with _watching(serve, made, kinds=wish.kinds, min_update_interval=wish.min_update_interval) as call:
        assert (await call.read()).ticker.last_price == ""
        for number in range(11, 61):
            made.trade(number, 1, str(number))
        frames = [await call.read() for _ in range(51)]
    trades = [each.trade.venue_trade_id for each in frames if each.HasField("trade")]
    tickers = [each.ticker.last_price for each in frames if each.HasField("ticker")]
    assert trades == [str(number) for number in range(11, 61)]
    assert tickers == ["60"]


async def test_closed_candles_resume_after_a_moment_and_close_by_time(serve: Serve) -> None:
    made = open_market(past=[candle(-3, "1"), candle(-2, "2"), candle(-1, "3")])
    after = pb.WatchMarketRequest()
    after.candles_after.FromSeconds(int(START.timestamp()) - 3)
    async with _watching(
        serve, made, kinds=[_CANDLE], candle_interval="1s", candles_after=after.candles_after
    ) as call:
        made.trade(11, 0.2, "4")
        made.pass_time(1)
        frames = [await call.read() for _ in range(3)]
    assert [each.candle.close_price for each in frames] == ["2", "3", "4"]
    assert all(each.candle.closed for each in frames)


async def test_a_slow_caller_gets_the_reason_and_not_a_hole(serve: Serve) -> None:
    made = open_market(StreamLimits(queue=100))
    async with _watching(serve, made, kinds=[_TRADE]) as call:
        # Nothing yields to the stream in between, as when its caller has stopped reading.
        for number in range(11, 200):
            made.trade(number, 1)
        frame = await call.read()
        assert frame.end.reason == "SLOW_CONSUMER"
        assert await call.read() is grpc.aio.EOF
    assert made.registry.get_sample_value("trademesh_market_slow_consumers_total") == 1


async def test_a_quiet_stream_beats(serve: Serve) -> None:
    made = open_market(StreamLimits(heartbeat=0.02))
    async with _watching(serve, made, kinds=[_TRADE]) as call:
        frame = await call.read()
    assert frame.heartbeat.send_time.ToSeconds() == START.timestamp()


async def test_drain_ends_streams_with_a_frame(serve: Serve) -> None:
    made = open_market()
    async with _watching(serve, made, kinds=[_TRADE]) as call:
        made.trade(11, 1)
        made.servicer.drain()
        frames = [await call.read(), await call.read()]
        assert frames[0].trade.venue_trade_id == "11"
        assert frames[1].end.reason == "SERVER_DRAINING"
        assert await call.read() is grpc.aio.EOF


async def test_a_server_that_stops_ends_streams_with_a_frame() -> None:
    made = open_market()
    server = await build_server([made.binding], registry=CollectorRegistry())
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = market_service_pb2_grpc.MarketServiceStub(channel)
        call: Any = stub.WatchMarket(pb.WatchMarketRequest(instrument=str(BTC), kinds=[_TICKER]), timeout=20)
        assert (await call.read()).HasField("ticker")
        await server.stop(10)
        assert (await call.read()).end.reason == "SERVER_DRAINING"
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK


async def test_a_venue_that_begins_anew_ends_streams(serve: Serve) -> None:
    made = open_market()
    async with _watching(serve, made, kinds=[_CANDLE]) as call:
        made.apply(snapshot(1, -500, restarted=True))
        assert (await call.read()).end.reason == "MARKET_DATA_STALE"
    assert made.board.live(BTC).trades.last() is None


async def test_a_subscriber_that_leaves_is_forgotten(serve: Serve) -> None:
    made = open_market()
    async with _watching(serve, made) as call:
        await call.read()
    async with asyncio.timeout(5):
        while made.registry.get_sample_value("trademesh_market_subscribers"):
            await asyncio.sleep(0.005)


async def test_a_stale_market_refuses_a_watch_of_prices(serve: Serve) -> None:
    made = open_market()
    made.clock.move(60)
    async with serve([made.binding]) as channel:
        stub = market_service_pb2_grpc.MarketServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.WatchMarket(pb.WatchMarketRequest(instrument=str(BTC))).read()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_the_feed_is_opened_again_after_a_loss_and_after_a_gap() -> None:
    made = market()
    async with ingesting(made):
        for event in (InstrumentsListed((instrument(),)), snapshot(10)):
            made.feed.script.put_nowait(event)
        async with asyncio.timeout(5):
            await made.board.ready()
        made.feed.script.put_nowait(FeedLostError("cut"))
        await _until(lambda: made.feed.connections == 2)
        made.feed.script.put_nowait(snapshot(50, 3))
        await _until(lambda: _sequence(made) == 50)
        made.feed.script.put_nowait(_gap())
        await _until(lambda: made.feed.connections == 3)
        made.feed.script.put_nowait(snapshot(60, 5))
        await _until(lambda: _sequence(made) == 60)
    assert made.registry.get_sample_value("trademesh_market_resyncs_total", {"venue": "sim"}) == 2


def _gap() -> Any:
    return BookChanged(book(55, 4))


def _sequence(made: ScriptedMarket) -> int:
    view = made.board.live(BTC).book(1)
    return view.sequence if view else -1


async def _until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.002)
