"""The Binance door's streams over plain WebSockets: they join the snapshot, and tell what happened."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from services.simvenue.domain.orders import LimitTerms, NewOrder
from services.simvenue.domain.terms import Side
from services.simvenue.domain.venue import Venue
from tests.support.binance_venue import (
    BTC,
    FUNDS,
    MAKERS,
    BinanceVenue,
    RawClient,
    binance_venue,
)
from tests.support.recorded import recorded_data

pytestmark = pytest.mark.asyncio(loop_scope="session")


class LocalBook:
    """A book kept as Binance's documentation says, from a snapshot and the depth stream."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        self.last = snapshot["lastUpdateId"]
        self.sides = {side: dict(map(tuple, snapshot[side])) for side in ("bids", "asks")}
        self._joined = False

    def apply(self, event: dict[str, Any]) -> None:
        """Take an event in; fails where the chain is broken."""
        if event["u"] <= self.last:
            return
        if self._joined:
            assert event["U"] == self.last + 1
        else:
            assert event["U"] <= self.last + 1 <= event["u"]
        self._joined = True
        for side, key in (("bids", "b"), ("asks", "a")):
            for price, quantity in event[key]:
                if Decimal(quantity) == 0:
                    self.sides[side].pop(price, None)
                else:
                    self.sides[side][price] = quantity
        self.last = event["u"]

    def told(self) -> dict[str, list[list[str]]]:
        """The book as REST tells it."""
        bids = sorted(self.sides["bids"].items(), key=lambda level: Decimal(level[0]), reverse=True)
        asks = sorted(self.sides["asks"].items(), key=lambda level: Decimal(level[0]))
        return {"bids": [*map(list, bids)], "asks": [*map(list, asks)]}


def busy(random: Random, orders: int) -> Any:
    """One step of the venue in which many orders come and go."""

    def command(venue: Venue, now_ns: int) -> None:
        for number in range(orders):
            side = random.choice((Side.BUY, Side.SELL))
            price = Decimal(random.randint(9_000, 11_000)) / 100
            who = random.choice((MAKERS, "takers"))
            quantity = Decimal(random.randint(1, 300)) / 100
            request = NewOrder(f"{random.random()}", BTC, side, quantity + 1, LimitTerms(price))
            order = venue.place(who, request, now_ns)
            if number % 3 == 0 and order.status.is_open:
                venue.cancel(who, order.venue_order_id, now_ns)

    return command


async def test_depth_joins_the_snapshot(binance: BinanceVenue, trader: RawClient) -> None:
    random = Random(1)
    execute = binance.door.floor.execute
    async with binance.listening("/ws/btcusdt@depth@100ms") as stream:
        await execute(busy(random, 50))
        early = [await stream.next()]
        await execute(busy(random, 50))
        book = LocalBook((await trader.public("GET", "/api/v3/depth", symbol="BTCUSDT", limit=5000)).body)
        for _ in range(3):
            await execute(busy(random, 50))
            early.append(await stream.next())
        for event in early:
            book.apply(event)
        final = (await trader.public("GET", "/api/v3/depth", symbol="BTCUSDT", limit=5000)).body
        while book.last < final["lastUpdateId"]:
            book.apply(await stream.next())
    assert book.last == final["lastUpdateId"]
    assert book.told() == {side: final[side] for side in ("bids", "asks")}
    assert book.told()["bids"]


@pytest.mark.parametrize("recorded", [False, True])
async def test_depth_joins_the_snapshot_of_a_market_that_moves(tmp_path: Path, recorded: bool) -> None:
    market: dict[str, Any] = {"crowd": True, "speed": 20, "synthetic_warmup_seconds": 20}
    if recorded:
        market = {"recording": recorded_data() / "binance_spot", "speed": 20, "recording_warmup_seconds": 5}
    async with (
        binance_venue(tmp_path, {"alice": FUNDS}, **market) as venue,
        venue.listening("/ws/btcusdt@depth@100ms") as stream,
    ):
        alice = venue.raw("alice")
        events = [await stream.next() for _ in range(2)]
        book = LocalBook((await alice.public("GET", "/api/v3/depth", symbol="BTCUSDT", limit=5000)).body)
        events += [await stream.next() for _ in range(4)]
        await venue.stop_crowd()
        final = (await alice.public("GET", "/api/v3/depth", symbol="BTCUSDT", limit=5000)).body
        for event in events:
            book.apply(event)
        while book.last < final["lastUpdateId"]:
            book.apply(await stream.next())
    assert book.last == final["lastUpdateId"]
    assert book.told() == {side: final[side] for side in ("bids", "asks")}
    assert len(final["bids"]) > 3


async def test_public_events_tell_what_rest_tells(binance: BinanceVenue, trader: RawClient) -> None:
    names = [
        "trade",
        "aggTrade",
        "bookTicker",
        "kline_1m",
        "ticker",
        "miniTicker",
        "depth5@100ms",
        "avgPrice",
    ]
    seen: dict[str, Any] = {}
    await binance.rest(Side.SELL, "2", "101.37")
    async with binance.listening(
        "/stream?streams=" + "/".join(f"btcusdt@{name}" for name in names)
    ) as stream:
        await binance.rest(Side.BUY, "1", "99")
        await binance.hit(Side.BUY, "0.5", "101.37")

        def done(message: Any) -> bool:
            name, data = message["stream"].removeprefix("btcusdt@"), message["data"]
            if name not in {"ticker", "miniTicker", "kline_1m", "depth5@100ms", "bookTicker"} or new(data):
                seen[name] = data
            return seen.keys() == set(names)

        await stream.until(done)
    trade = (await trader.public("GET", "/api/v3/trades", symbol="BTCUSDT", limit=1)).body[0]
    day = (await trader.public("GET", "/api/v3/ticker/24hr", symbol="BTCUSDT")).body
    depth = (await trader.public("GET", "/api/v3/depth", symbol="BTCUSDT", limit=5)).body
    kline = seen["kline_1m"]["k"]
    which = {"symbol": "BTCUSDT", "interval": "1m", "startTime": kline["t"], "limit": 1}
    minute = (await trader.public("GET", "/api/v3/klines", **which)).body[0]
    told = seen["trade"]
    assert (told["t"], told["p"], told["q"], told["T"]) == (
        trade["id"],
        trade["price"],
        trade["qty"],
        trade["time"],
    )
    assert seen["aggTrade"]["f"] == seen["aggTrade"]["l"] == trade["id"]
    best = seen["bookTicker"]
    assert (best["b"], best["B"], best["u"]) == ("99.00000000", "1.00000000", depth["lastUpdateId"])
    assert seen["depth5@100ms"] == depth
    assert (seen["ticker"]["c"], seen["ticker"]["v"]) == (day["lastPrice"], day["volume"])
    assert seen["miniTicker"]["q"] == day["quoteVolume"]
    assert [kline[key] for key in "tohlcvTqnVQ"] == minute[:11]
    assert seen["avgPrice"]["i"] == "5m"


def new(data: dict[str, Any]) -> bool:
    """Whether a message knows of the last trade of the test before."""
    if "k" in data:
        return bool(data["k"]["c"] == "101.37000000")
    if "asks" in data:
        return bool(data["asks"] == [["101.37000000", "1.50000000"]])
    return bool(data.get("c") == "101.37000000" or data.get("A") == "1.50000000")


async def test_a_candle_is_told_closed(binance: BinanceVenue) -> None:
    await binance.rest(Side.SELL, "2", "102.41")
    async with binance.listening("/ws/btcusdt@kline_1s") as stream:
        await binance.hit(Side.BUY, "0.5", "102.41")
        last = await stream.until(lambda event: event["k"]["x"] and event["k"]["c"] == "102.41000000")
    kline = last["k"]
    assert kline["T"] - kline["t"] == 999
    assert Decimal(kline["v"]) >= Decimal("0.5")
    assert kline["f"] <= kline["L"]


async def test_streams_are_chosen_on_an_open_socket(binance: BinanceVenue) -> None:
    async with binance.listening("/ws") as stream:
        assert await stream.ask("SUBSCRIBE", ["btcusdt@trade", "ethusdt@depth"]) == {"result": None, "id": 1}
        assert (await stream.ask("LIST_SUBSCRIPTIONS"))["result"] == ["btcusdt@trade", "ethusdt@depth"]
        assert (await stream.ask("UNSUBSCRIBE", ["ethusdt@depth"]))["result"] is None
        assert (await stream.ask("GET_PROPERTY", ["combined"]))["result"] is False
        assert (await stream.ask("SET_PROPERTY", ["combined", True]))["result"] is None
        await binance.rest(Side.SELL, "2", "101")
        await binance.hit(Side.BUY, "0.5", "101")
        event = await stream.next()
    assert (event["stream"], event["data"]["e"]) == ("btcusdt@trade", "trade")


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        ("{", 3, "Invalid JSON"),
        ("[]", 2, "missing field `method`"),
        ('{"method": "SUBSCRIBE", "id": 1.5}', 2, "request ID"),
        ('{"method": "SUBSCRIBE", "params": {}, "id": 1}', 2, "params must be a list"),
        ('{"method": "SUBSCRIBE", "params": ["btceur@trade"], "id": 1}', 2, "invalid stream"),
        ('{"method": "SUBSCRIBE", "params": ["btcusdt@kline_7m"], "id": 1}', 2, "invalid stream"),
        ('{"method": "SUBSCRIBE", "params": [7], "id": 1}', 2, "invalid stream"),
        ('{"method": "subscribe", "id": 1}', 2, "unknown variant `subscribe`"),
        ('{"method": "SET_PROPERTY", "params": ["combined", 1], "id": 1}', 1, "expected Boolean"),
        ('{"method": "GET_PROPERTY", "params": ["colour"], "id": 1}', 0, "Unknown property"),
        ('{"method": "GET_PROPERTY", "params": [], "id": 1}', 2, "must be a string"),
    ],
)
async def test_control_messages_that_make_no_sense(
    binance: BinanceVenue, message: str, code: int, text: str
) -> None:
    async with binance.listening("/ws") as stream:
        await stream.socket.send_str(message)
        error = (await stream.next())["error"]
    assert error["code"] == code
    assert text in error["msg"]


async def test_more_than_five_messages_in_a_second_end_the_socket(binance: BinanceVenue) -> None:
    async with binance.listening("/ws") as stream:
        for number in range(6):
            await stream.socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
        assert await stream.closed() == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_a_reader_that_falls_behind_is_sent_away(tmp_path: Path) -> None:
    async with (
        binance_venue(tmp_path, {"alice": FUNDS}, buffered_events=5) as venue,
        venue.listening("/ws/btcusdt@depth@100ms") as stream,
    ):
        await venue.door.floor.execute(busy(Random(1), 200))
        assert await stream.closed() == aiohttp.WSCloseCode.TRY_AGAIN_LATER


@pytest.fixture(scope="module")
def real_messages() -> dict[str, dict[str, Any]]:
    """One real message of each kind, as Binance sent it."""
    found: dict[str, dict[str, Any]] = {}
    with gzip.open(recorded_data() / "binance_spot" / "btcusdt_20240808.gz", "rt") as lines:
        for line in lines:
            message = json.loads(line.split(" ", 1)[1])
            stream = message.get("stream", "snapshot")
            found.setdefault(stream, message.get("data", message))
            if len(found) == 4:
                break
    return found


async def test_messages_have_the_shape_of_real_ones(
    binance: BinanceVenue, trader: RawClient, real_messages: dict[str, dict[str, Any]]
) -> None:
    streams = [name for name in real_messages if name != "snapshot"]
    ours: dict[str, Any] = {}
    async with binance.listening("/stream?streams=" + "/".join(streams)) as stream:
        await binance.rest(Side.SELL, "2", "101")
        await binance.hit(Side.BUY, "0.5", "101")

        def done(message: Any) -> bool:
            ours.setdefault(message["stream"], message["data"])
            return len(ours) == len(streams)

        await stream.until(done)
    ours["snapshot"] = (await trader.public("GET", "/api/v3/depth", symbol="BTCUSDT")).body
    assert {name: shape(message) for name, message in ours.items()} == {
        name: shape(message) for name, message in real_messages.items()
    }


def shape(message: dict[str, Any]) -> dict[str, str]:
    """Names and kinds of fields; of a number in a text, how many decimals it has."""

    def kind(value: Any) -> str:
        if isinstance(value, str) and "." in value:
            return f"{len(value.partition('.')[2])} decimals"
        return type(value).__name__

    return {name: kind(value) for name, value in message.items()}
