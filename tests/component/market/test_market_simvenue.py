"""The market service on the real simulated venue, over real gRPC."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from trademesh.market.v1 import market_service_pb2 as pb
from trademesh.market.v1 import market_service_pb2_grpc
from trademesh.simvenue.v1 import market_data_pb2, simvenue_service_pb2

from services.chassis.clock import SystemClock
from services.market.app import assemble
from services.market.board import VenueBoard
from services.market.convert import candle_to_proto
from services.market.domain.candles import Interval
from services.market.domain.feed_events import BookChanged
from services.market.feeds.simvenue import SimvenueFeed
from services.market.feeds.simvenue_messages import INTERVALS
from services.market.metrics import MarketMetrics
from services.market.settings import MarketSettings
from tests.support.application import runtime_of, serving_application
from tests.support.market import BTC
from tests.support.simvenue import running_venue, simvenue_settings, sqlite_url

_BTC = "venues/sim/instruments/btc-usdt"


@asynccontextmanager
async def _market(tmp_path: Path, **venue_settings: Any) -> AsyncIterator[tuple[Any, Any]]:
    """A venue's stub and a market's stub."""
    async with running_venue(sqlite_url(tmp_path), simvenue_settings(**venue_settings)) as venue:
        runtime = runtime_of("market", {"simvenue": venue.channel})
        application = assemble(runtime, MarketSettings(), MarketMetrics(CollectorRegistry()))
        async with serving_application(application) as channel:
            for self_test in application.self_tests:
                await self_test()
            yield venue.stub, market_service_pb2_grpc.MarketServiceStub(channel)


async def test_everything_is_there_once_the_service_is_prepared(tmp_path: Path) -> None:
    # The venue's market all but stands still, so that two answers are of the same moment.
    async with _market(tmp_path, speed=Decimal("0.001")) as (_, market):
        listed = await market.ListInstruments(pb.ListInstrumentsRequest(parent="venues/sim"))
        assert [each.name for each in listed.instruments] == [_BTC, "venues/sim/instruments/eth-usdt"]
        for each in listed.instruments:
            ticker = await market.GetTicker(pb.GetTickerRequest(name=f"{each.name}/ticker"))
            assert Decimal(ticker.bid_price) < Decimal(ticker.ask_price)
            book = await market.GetOrderBook(pb.GetOrderBookRequest(name=f"{each.name}/orderBook"))
            assert book.bids[0].price == ticker.bid_price
            trades = await market.ListTrades(pb.ListTradesRequest(parent=each.name))
            assert trades.trades[0].price == ticker.last_price


async def test_closed_candles_equal_the_venues_own(tmp_path: Path) -> None:
    """Warm-up and live candles alike; the venue sums its trades up by itself."""
    async with _market(tmp_path, speed=Decimal(20)) as (venue, market):
        request = pb.WatchMarketRequest(
            instrument=_BTC, kinds=[pb.MARKET_EVENT_KIND_CANDLE], candle_interval="1s"
        )
        call = market.WatchMarket(request, timeout=30)
        live: list[Any] = []
        while len(live) < 30:
            frame = await call.read()
            if frame.HasField("candle"):
                live.append(frame.candle)
        call.cancel()
        for interval, theirs in (
            ("1s", market_data_pb2.CANDLE_INTERVAL_1S),
            ("1m", market_data_pb2.CANDLE_INTERVAL_1M),
        ):
            listed = await market.ListCandles(
                pb.ListCandlesRequest(parent=_BTC, interval=interval, page_size=1000)
            )
            ours = {_key(each): _ours(each) for each in listed.candles if each.closed}
            assert ours
            known = await venue.ListCandles(
                simvenue_service_pb2.ListCandlesRequest(symbol="btc-usdt", interval=theirs, page_size=1000)
            )
            expected = {_key(each): _theirs(each) for each in known.candles if each.closed}
            assert ours == _between(expected, min(ours), max(ours))
            if interval == "1s":
                assert {_key(each) for each in live} <= ours.keys()


async def test_streamed_books_equal_the_venues_book(tmp_path: Path) -> None:
    async with _market(tmp_path, speed=Decimal(5)) as (venue, market):
        async with asyncio.timeout(20):
            compared = 0
            while compared < 5:
                theirs = await venue.GetOrderBook(
                    simvenue_service_pb2.GetOrderBookRequest(symbol="btc-usdt", depth=50)
                )
                request = pb.GetOrderBookRequest(name=f"{_BTC}/orderBook", depth=50)
                ours = await market.GetOrderBook(request)
                if ours.sequence != theirs.sequence:
                    continue
                compared += 1
                for mine, other in ((ours.bids, theirs.bids), (ours.asks, theirs.asks)):
                    assert [(e.price, e.quantity) for e in mine] == [(e.price, e.quantity) for e in other]


async def test_a_hole_in_the_stream_leaves_no_hole_in_candles_and_trades(tmp_path: Path) -> None:
    settings = simvenue_settings(speed=Decimal(20))
    async with running_venue(sqlite_url(tmp_path), settings) as venue:
        feed = SimvenueFeed(venue.channel, SystemClock())
        metrics = MarketMetrics(CollectorRegistry())
        board = VenueBoard("sim", SystemClock(), metrics)
        for _ in range(4):
            await _follow(feed, board, seconds=3)
            # Four seconds of the venue's time pass unseen.
            await asyncio.sleep(0.2)
        await _follow(feed, board, seconds=3)
        for interval in (Interval.SECOND, Interval.MINUTE):
            candles = board.live(BTC).candles(interval).between(None, None)
            ours = {_key(each): _ours(each) for each in map(candle_to_proto, candles) if each.closed}
            known = await venue.stub.ListCandles(
                simvenue_service_pb2.ListCandlesRequest(
                    symbol="btc-usdt", interval=INTERVALS[interval], page_size=1000
                )
            )
            expected = {_key(each): _theirs(each) for each in known.candles if each.closed}
            assert ours
            assert ours == _between(expected, min(ours), max(ours))
        trades = await venue.stub.ListTrades(
            simvenue_service_pb2.ListTradesRequest(symbol="btc-usdt", page_size=1000)
        )
        seen = [each.venue_trade_id for each in reversed(board.live(BTC).trades.page(5000))]
        theirs = [str(each.trade_id) for each in trades.trades]
        assert seen == [each for each in theirs if int(seen[0]) <= int(each) <= int(seen[-1])]


async def _follow(feed: SimvenueFeed, board: VenueBoard, seconds: float) -> None:
    """Take the feed's events in for some seconds of the venue's time, then cut it."""
    begin = None
    async with asyncio.timeout(20), aclosing(feed.connect()) as events:
        async for event in events:
            board.apply(event)
            if isinstance(event, BookChanged):
                moment = event.change.exchange_time
                begin = begin or moment
                if moment - begin > timedelta(seconds=seconds):
                    return


def _between(candles: dict[int, Any], first: int, last: int) -> dict[int, Any]:
    return {key: value for key, value in candles.items() if first <= key <= last}


def _key(candle: Any) -> int:
    return int(candle.open_time.ToNanoseconds())


def _ours(candle: Any) -> tuple[str, ...]:
    return (
        candle.open_price,
        candle.high_price,
        candle.low_price,
        candle.close_price,
        candle.base_volume,
        candle.quote_volume,
        candle.trade_count,
    )


def _theirs(candle: Any) -> tuple[str, ...]:
    return (
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        candle.volume,
        candle.quote_volume,
        candle.trade_count,
    )
