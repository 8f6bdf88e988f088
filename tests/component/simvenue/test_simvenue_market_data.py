"""Public data and the clock: candles, pages, trades, speed; on the real recording too."""

import asyncio
import bisect
import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from trademesh.simvenue.v1 import market_data_pb2, order_pb2
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from tests.support.simvenue import RunningVenue, running_venue, simvenue_settings, sqlite_url

D = Decimal
BEGIN_NS = 1_723_161_255_208_000_000
"""Event time of the first message of the recording."""
END_NS = BEGIN_NS + 345_000_000_000
"""Just before its end."""


async def candles(venue: RunningVenue, **fields: Any) -> list[market_data_pb2.Candle]:
    """All pages."""
    request = pb.ListCandlesRequest(symbol="btc-usdt", **fields)
    found: list[market_data_pb2.Candle] = []
    while True:
        answer = await venue.stub.ListCandles(request)
        found += answer.candles
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


class Ours:
    """Our time: it passes when the test says so."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


async def test_candles_of_the_past_are_there_when_the_venue_opens(tmp_path: Path) -> None:
    settings = simvenue_settings(synthetic_warmup_seconds=120)
    async with running_venue(sqlite_url(tmp_path), settings, monotonic_ns=Ours()) as venue:
        whole = await candles(venue, interval=market_data_pb2.CANDLE_INTERVAL_1S)
        paged = await candles(venue, interval=market_data_pb2.CANDLE_INTERVAL_1S, page_size=7)
        assert len(whole) > 60
        assert paged == whole
        start, end = whole[10].open_time, whole[20].open_time
        ranged = await candles(
            venue, interval=market_data_pb2.CANDLE_INTERVAL_1S, start_time=start, end_time=end
        )
        assert ranged == whole[10:20]


async def test_a_closed_candle_never_changes_while_the_market_is_late(tmp_path: Path) -> None:
    ours = Ours()
    settings = simvenue_settings(speed=100)
    async with running_venue(sqlite_url(tmp_path), settings, monotonic_ns=ours) as venue:
        due = await _exchange_ns(venue) + 60_000_000_000
        ours.now_ns = 600_000_000
        closed: list[market_data_pb2.Candle] = []
        late = True
        while late:
            late = await _exchange_ns(venue) < due
            shown = await candles(venue, interval=market_data_pb2.CANDLE_INTERVAL_1S)
            assert shown[: len(closed)] == closed
            closed = [candle for candle in shown if candle.closed]
        assert closed[-1].close_time.ToNanoseconds() > due - 5_000_000_000
        for _ in range(30):  # exchange time is where ours is: the market has nothing left to do
            assert await candles(venue, interval=market_data_pb2.CANDLE_INTERVAL_1S) == shown


async def test_trades_are_listed_from_any_id(tmp_path: Path) -> None:
    async with running_venue(sqlite_url(tmp_path), simvenue_settings()) as venue:
        newest = await venue.stub.ListTrades(pb.ListTradesRequest(symbol="btc-usdt", page_size=1000))
        ids = [trade.trade_id for trade in newest.trades]
        assert ids == sorted(ids)
        after = pb.ListTradesRequest(symbol="btc-usdt", after_trade_id=ids[3], page_size=4)
        assert [trade.trade_id for trade in (await venue.stub.ListTrades(after)).trades] == ids[4:8]


async def test_exchange_time_runs_at_its_speed(tmp_path: Path) -> None:
    ours = Ours()
    settings = simvenue_settings(speed=100)
    async with running_venue(sqlite_url(tmp_path), settings, monotonic_ns=ours) as venue:
        first = await _exchange_ns(venue)
        trades = await _trades(venue)
        for ours.now_ns in (20_000_000, 40_000_000, 60_000_000):
            due = first + 100 * ours.now_ns
            while (now := await _exchange_ns(venue)) != due:  # the market has to act up to there
                assert now < due
        assert await _trades(venue) > trades


async def _trades(venue: RunningVenue) -> int:
    newest = await venue.stub.ListTrades(pb.ListTradesRequest(symbol="btc-usdt", page_size=1))
    return newest.trades[-1].trade_id


async def _exchange_ns(venue: RunningVenue) -> int:
    return (await venue.stub.GetTime(pb.GetTimeRequest())).exchange_time.ToNanoseconds()


async def test_the_warm_up_of_a_recording_has_its_trades_and_times(
    tmp_path: Path, binance_spot: Path
) -> None:
    async with running_venue(sqlite_url(tmp_path), simvenue_settings(recording=binance_spot)) as venue:
        info = await venue.stub.GetVenueInfo(pb.GetVenueInfoRequest())
        assert info.history_start_time.ToNanoseconds() == BEGIN_NS
        opened = BEGIN_NS + 60_000_000_000
        assert opened <= info.exchange_time.ToNanoseconds() < opened + 20_000_000_000
        shown = await candles(
            venue, interval=market_data_pb2.CANDLE_INTERVAL_1S, end_time=_stamp(opened // 10**9 * 10**9)
        )
        expected = _recorded_candles(binance_spot / "btcusdt_20240808.gz", opened)
        assert len(shown) > 40
        for candle in shown:
            second = candle.open_time.seconds
            prices, volume = expected[second]
            assert [D(candle.open), D(candle.high), D(candle.low), D(candle.close)] == prices
            assert (D(candle.volume), candle.closed) == (volume, True)
        assert [candle.open_time.seconds for candle in shown] == sorted(expected)


async def test_market_orders_fill_at_prices_of_the_recorded_book(tmp_path: Path, binance_spot: Path) -> None:
    settings = simvenue_settings(recording=binance_spot, speed=10)
    async with running_venue(sqlite_url(tmp_path), settings) as venue:
        fills: list[order_pb2.Fill] = []
        for number in range(30):
            side = side_pb2.SIDE_SELL if number % 3 == 2 else side_pb2.SIDE_BUY
            placed = await venue.stub.PlaceOrder(
                pb.PlaceOrderRequest(
                    account="paper",
                    client_order_id=str(number),
                    symbol="btc-usdt",
                    side=side,
                    quantity="0.05" if number else "1",
                    market=order_pb2.MarketTerms(),
                )
            )
            assert placed.status == order_pb2.ORDER_STATUS_FILLED
            if placed.create_time.ToNanoseconds() > END_NS:
                break  # on a very busy machine: the recording has begun again, with other times
            fills += placed.fills
            await asyncio.sleep(0.02)
    stood = _Standing(binance_spot / "btcusdt_20240808.gz", "61000", "63000")
    assert len(fills) >= 10
    for fill in fills:
        assert stood.at(fill.exchange_time.ToNanoseconds(), fill.price, fill.side), fill


def _stamp(time_ns: int) -> Any:
    candle = market_data_pb2.Candle()
    candle.open_time.FromNanoseconds(time_ns)
    return candle.open_time


def _messages(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") as lines:
        for line in lines:
            message = json.loads(line.partition(" ")[2])
            yield message.get("data", message)


def _recorded_candles(path: Path, end_ns: int) -> dict[int, tuple[list[Decimal], Decimal]]:
    """Open, high, low, close and volume of each second, straight from the recorded trades.

    A trade is played when the recording told of it, so it counts for the second of the newest event
    time seen so far; trades before the book's snapshot are not played.
    """
    seconds: dict[int, list[tuple[Decimal, Decimal]]] = {}
    newest, started = 0, False
    for data in _messages(path):
        started = started or "lastUpdateId" in data
        newest = max(newest, data.get("E", 0))
        if data.get("e") == "trade" and started and newest // 1000 < end_ns // 10**9:
            seconds.setdefault(newest // 1000, []).append((D(data["p"]), D(data["q"])))
    told = {}
    for second, trades in seconds.items():
        prices = [price for price, _ in trades]
        candle = [prices[0], max(prices), min(prices), prices[-1]]
        told[second] = (candle, sum((quantity for _, quantity in trades), D(0)))
    return told


class _Standing:
    """When each price stood in the recorded book: between two of its depth messages, at either's word.

    Args:
        path: the recording.
        lowest: prices below are left out.
        highest: prices above are left out.
    """

    def __init__(self, path: Path, lowest: str, highest: str) -> None:
        self._times: list[int] = []
        self._books: list[dict[str, set[Decimal]]] = []
        now: dict[str, set[Decimal]] = {"b": set(), "a": set()}
        newest = 0
        for data in _messages(path):
            newest = max(newest, data.get("E", 0))
            changes: dict[str, Any] = {"b": data.get("b", data.get("bids"))}
            changes["a"] = data.get("a", data.get("asks"))
            if data.get("e") != "depthUpdate" and "lastUpdateId" not in data:
                continue
            for side, prices in now.items():
                for text, quantity in changes[side]:
                    price = D(text)
                    if D(quantity) and D(lowest) < price < D(highest):
                        prices.add(price)
                    else:
                        prices.discard(price)
            self._times.append(newest * 1_000_000)
            self._books.append({side: set(prices) for side, prices in now.items()})

    def at(self, time_ns: int, price: str, side: Any) -> bool:
        """Whether a taker of that side could have met that price."""
        against = "a" if side == side_pb2.SIDE_BUY else "b"
        place = bisect.bisect_right(self._times, time_ns) - 1
        return D(price) in self._books[place][against]
