"""The feed of a real exchange: recorded messages of Binance through ccxt.pro's own code."""

import asyncio
import os
import subprocess
import sys
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from prometheus_client import CollectorRegistry
from trademesh.market.v1 import market_service_pb2 as pb
from trademesh.market.v1 import market_service_pb2_grpc

from services.chassis.clock import SystemClock
from services.kernel.names import InstrumentName
from services.market.app import assemble
from services.market.board import VenueBoard
from services.market.domain.book import BookKeeper
from services.market.domain.candles import Interval
from services.market.domain.feed_events import (
    BookChanged,
    FeedEvent,
    InstrumentsListed,
    Resynced,
    TradeHappened,
)
from services.market.domain.instrument import InstrumentState
from services.market.feeds.ccxt_feed import CcxtFeed, CcxtFeedSettings
from services.market.ingest import Ingest
from services.market.metrics import MarketMetrics
from services.market.ports import FeedLostError
from services.market.settings import MarketSettings
from tests.support.application import runtime_of, serving_application
from tests.support.binance_replay import Replay, replaying
from tests.support.recorded_book import RecordedMarket
from tests.support.simvenue import running_venue, simvenue_settings, sqlite_url

_MOST = 5_000
BTC = InstrumentName("binance", "btc-usdt")


def feed_settings(replay: Replay) -> CcxtFeedSettings:
    market = {"exchange": "binance", "instruments": ("btc-usdt",)}
    if replay.usdm:
        market = {"exchange": "binanceusdm", "market": "swap", "instruments": ("btc-usdt-perp",)}
    origin = {"rest_url": f"http://127.0.0.1:{replay.port}", "ws_url": f"ws://127.0.0.1:{replay.port}"}
    return CcxtFeedSettings.model_validate({"name": "binance", **market, **origin})


def feed_of(replay: Replay, **settings: Any) -> CcxtFeed:
    return CcxtFeed(feed_settings(replay), SystemClock(), **settings)


async def until_played(replay: Replay, feed: CcxtFeed) -> list[FeedEvent]:
    """All events up to the last recorded change and trade."""
    last_time = replay.depths()[-1]["E"]
    last_trade = str(replay.trades()[-1]["t"])
    seen: list[FeedEvent] = []
    left = {"book", "trades"}
    async with asyncio.timeout(20), aclosing(feed.connect()) as events:
        async for event in events:
            seen.append(event)
            if isinstance(event, Resynced):
                replay.released.set()
            if isinstance(event, BookChanged) and _ms(event.change.exchange_time) == last_time:
                left.discard("book")
            if isinstance(event, TradeHappened) and event.trade.venue_trade_id == last_trade:
                left.discard("trades")
            if not left:
                break
    return seen


def book_of(events: list[FeedEvent]) -> tuple[list[Any], list[Any]]:
    """The whole book that the events lead to, by the service's own book keeper."""
    keeper = BookKeeper(BTC)
    for event in events:
        match event:
            case Resynced(book=book):
                keeper.replace(book)
            case BookChanged(change=change):
                keeper.change(change)
            case TradeHappened(sequence=sequence):
                keeper.step(sequence)
    view = keeper.view(1_000_000)
    assert view is not None
    return [(each.price, each.quantity) for each in view.bids], [
        (each.price, each.quantity) for each in view.asks
    ]


@pytest.mark.parametrize("symbol", ["btcusdt", "ethusdt"])
async def test_the_book_is_the_recorded_one(binance_spot: Path, symbol: str) -> None:
    replay = Replay.of(binance_spot / f"{symbol}_20240808.gz", _MOST)
    expected = _expected(binance_spot / f"{symbol}_20240808.gz", replay)
    async with replaying(replay):
        feed = feed_of(replay) if symbol == "btcusdt" else _eth_feed(replay)
        bids, asks = book_of(await until_played(replay, feed))
    assert (bids, asks) == expected
    assert len(bids) > 500


async def test_the_perpetuals_book_is_the_recorded_one(binance_spot: Path) -> None:
    path = binance_spot.parent / "binance_usdm" / "btcusdt_20240808.gz"
    replay = Replay.of(path, _MOST, usdm=True)
    expected = _expected(path, replay)
    async with replaying(replay):
        events = await until_played(replay, feed_of(replay))
    assert book_of(events) == expected


async def test_every_recorded_trade_is_told_once_exactly(binance_spot: Path) -> None:
    replay = Replay.of(binance_spot / "btcusdt_20240808.gz", _MOST)
    async with replaying(replay):
        events = await until_played(replay, feed_of(replay))
    told = [event.trade for event in events if isinstance(event, TradeHappened)]
    assert [(each.venue_trade_id, each.price, each.quantity, _ms(each.exchange_time)) for each in told] == [
        (str(each["t"]), Decimal(each["p"]), Decimal(each["q"]), each["T"]) for each in replay.trades()
    ]
    # "m": the buyer was the maker, so a seller took.
    assert [each.aggressor_side.name == "SELL" for each in told] == [each["m"] for each in replay.trades()]


async def test_a_connection_begins_with_instruments_and_a_whole_book(binance_spot: Path) -> None:
    replay = Replay.of(binance_spot / "btcusdt_20240808.gz", _MOST)
    async with replaying(replay):
        listed, first, *rest = await until_played(replay, feed_of(replay, history_candles=2))
    assert isinstance(listed, InstrumentsListed)
    (instrument,) = listed.instruments
    assert (instrument.name, instrument.venue_symbol, instrument.state) == (
        BTC,
        "BTCUSDT",
        InstrumentState.TRADING,
    )
    assert (instrument.tick_size, instrument.lot_size) == (Decimal("0.01"), Decimal("0.00001"))
    assert isinstance(first, Resynced)
    assert len(first.book.bids) > 500
    assert all(level.quantity > 0 for level in (*first.book.bids, *first.book.asks))
    assert first.history is not None
    for interval in Interval:
        candles = first.history.candles[interval]
        assert [each.quote_volume for each in candles] == [Decimal("8.25")] * len(candles)
        assert all(each.close_time <= first.history.complete_from for each in candles)
    sequences = [
        event.change.sequence if isinstance(event, BookChanged) else event.sequence
        for event in rest
        if isinstance(event, BookChanged | TradeHappened)
    ]
    assert sequences == list(range(2, len(sequences) + 2))


async def test_a_missing_message_opens_the_feed_anew(binance_spot: Path) -> None:
    replay = Replay.of(binance_spot / "btcusdt_20240808.gz", _MOST)
    replay.skipped = {200}
    async with replaying(replay):
        with pytest.raises(FeedLostError, match="ChecksumError"):
            await until_played(replay, feed_of(replay))


async def test_a_cut_stream_is_lost_and_taken_up_again(binance_spot: Path) -> None:
    replay = Replay.of(binance_spot / "btcusdt_20240808.gz", 2_000)
    metrics = MarketMetrics(CollectorRegistry())
    board = VenueBoard("binance", SystemClock(), metrics)
    async with replaying(replay):
        ingest = Ingest(feed_of(replay), board, metrics, pause=0.01, max_pause=0.05)
        task = asyncio.create_task(ingest.run())
        try:
            async with asyncio.timeout(30):
                await board.ready()
                subscribed = replay.subscriptions
                await replay.cut()
                while replay.subscriptions < subscribed + 2:
                    await asyncio.sleep(0.02)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert board.live(BTC).book(5) is not None


async def test_nobody_there_is_a_lost_feed(unused_tcp_port: int) -> None:
    replay = Replay({}, {"btcusdt@depth": []}, usdm=False, port=unused_tcp_port)
    with pytest.raises(FeedLostError, match="ClientConnectorError"):
        await anext(feed_of(replay).connect())


async def test_a_venue_that_is_away_keeps_nothing_from_starting(
    tmp_path: Path, binance_spot: Path, unused_tcp_port: int
) -> None:
    replay = Replay.of(binance_spot / "btcusdt_20240808.gz", 200)
    replay.port = unused_tcp_port
    settings = MarketSettings(feeds=(feed_settings(replay),))
    async with running_venue(sqlite_url(tmp_path), simvenue_settings()) as venue:
        runtime = runtime_of("market", {"simvenue": venue.channel})
        application = assemble(runtime, settings, MarketMetrics(CollectorRegistry()))
        async with serving_application(application) as channel:
            stub: Any = market_service_pb2_grpc.MarketServiceStub(channel)
            for self_test in application.self_tests:
                await self_test()
            ticker = await stub.GetTicker(pb.GetTickerRequest(name="venues/sim/instruments/btc-usdt/ticker"))
            assert ticker.bid_price
            request = pb.GetTickerRequest(name=f"{BTC}/ticker")
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.GetTicker(request)
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
            async with replaying(replay), asyncio.timeout(20):
                while True:
                    try:
                        found = await stub.GetTicker(request)
                        break
                    except grpc.aio.AioRpcError:
                        await asyncio.sleep(0.05)
                assert Decimal(found.bid_price) < Decimal(found.ask_price)


def test_ccxt_is_imported_only_where_it_is_needed() -> None:
    code = "import sys, services.market.app, services.exchange.app; sys.exit('ccxt' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], check=False, env=environment)
    assert done.returncode == 0


def _eth_feed(replay: Replay) -> CcxtFeed:
    settings = CcxtFeedSettings(
        name="binance",
        exchange="binance",
        instruments=("eth-usdt",),
        rest_url=f"http://127.0.0.1:{replay.port}",
        ws_url=f"ws://127.0.0.1:{replay.port}",
    )
    return CcxtFeed(settings, SystemClock())


def _expected(path: Path, replay: Replay) -> tuple[list[Any], list[Any]]:
    """The book at the last replayed change, rebuilt from the recording by other code."""
    recorded = RecordedMarket(path, until_ms=replay.depths()[-1]["E"])
    bids, asks = recorded.whole()
    return bids, asks


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
