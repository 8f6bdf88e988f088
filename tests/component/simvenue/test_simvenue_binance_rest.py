"""The Binance door over plain HTTP: who may ask, how much, and what of the market it tells."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest

from services.simvenue.binance.faults import Fault, FaultKind
from services.simvenue.domain.terms import Side
from tests.support.binance_venue import (
    FUNDS,
    BinanceVenue,
    RawClient,
    SettableClock,
    binance_venue,
    now_ms,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

ACCOUNT = "/api/v3/account"
ORDER = "/api/v3/order"


async def test_the_time_is_ours_and_ping_says_nothing(trader: RawClient) -> None:
    before = now_ms()
    told = (await trader.public("GET", "/api/v3/time")).body["serverTime"]
    assert before <= told <= now_ms()
    assert (await trader.public("GET", "/api/v3/ping")).body == {}


async def test_the_rules_of_a_symbol(trader: RawClient) -> None:
    info = (await trader.public("GET", "/api/v3/exchangeInfo", symbol="BTCUSDT")).body
    (symbol,) = info["symbols"]
    filters = {each["filterType"]: each for each in symbol["filters"]}
    assert (symbol["symbol"], symbol["baseAsset"], symbol["quoteAsset"]) == ("BTCUSDT", "BTC", "USDT")
    assert symbol["orderTypes"] == ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT"]
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001000"
    assert filters["NOTIONAL"]["minNotional"] == "5.00000000"
    assert {"MARKET_LOT_SIZE", "ICEBERG_PARTS", "MAX_NUM_ORDERS"} < filters.keys()
    assert {each["rateLimitType"] for each in info["rateLimits"]} == {"REQUEST_WEIGHT", "ORDERS"}


@pytest.mark.parametrize(
    ("signed", "code", "status"),
    [
        ({}, 200, 200),
        ({"timestamp": -4_000}, 200, 200),
        ({"timestamp": -6_000}, -1021, 400),
        ({"timestamp": -6_000, "recvWindow": 10_000}, 200, 200),
        ({"timestamp": 1_500}, -1021, 400),
        ({"recvWindow": 60_001}, -1131, 400),
    ],
)
async def test_a_request_must_be_fresh(
    trader: RawClient, signed: dict[str, int], code: int, status: int
) -> None:
    params = {**signed, "timestamp": now_ms() + signed.get("timestamp", 0)}
    answer = await trader.signed("GET", ACCOUNT, **params)
    assert (answer.code or 200, answer.status) == (code, status)


async def test_a_request_must_be_signed_by_its_keys_owner(trader: RawClient) -> None:
    query = urlencode({"timestamp": now_ms()})
    signature = trader.sign(query)
    good = await trader.send("GET", ACCOUNT, f"{query}&signature={signature.upper()}")
    wrong = await trader.send("GET", ACCOUNT, f"{query}&signature={'0' * 64}")
    altered = await trader.send("GET", ACCOUNT, f"{query}&recvWindow=1000&signature={signature}")
    absent = await trader.send("GET", ACCOUNT, query)
    undated = await trader.send("GET", ACCOUNT, f"signature={trader.sign('')}")
    assert good.status == 200
    assert (wrong.code, wrong.status) == (-1022, 400)
    assert altered.code == -1022
    assert (absent.code, absent.body["msg"]) == (
        -1102,
        "Mandatory parameter 'signature' was not sent, was empty/null, or malformed.",
    )
    assert undated.code == -1102


async def test_query_and_body_are_signed_one_after_the_other(trader: RawClient) -> None:
    query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC"
    body = f"quantity=1&price=100&timestamp={now_ms()}"
    joined = await trader.send("POST", ORDER, query, f"{body}&signature={trader.sign(query + body)}")
    apart = await trader.send("POST", ORDER, query, f"{body}&signature={trader.sign(f'{query}&{body}')}")
    assert joined.status == 200
    assert joined.body["price"] == "100.00000000"
    assert apart.code == -1022


@pytest.mark.parametrize(
    ("key", "code"), [(None, -2014), ("", -2014), ("no key!", -2014), ("key-of-nobody", -2015)]
)
async def test_a_key_must_be_one(trader: RawClient, key: str | None, code: int) -> None:
    trader.key = key
    answer = await trader.signed("GET", ACCOUNT)
    assert (answer.code, answer.status) == (code, 401)


async def test_what_was_not_asked_for_is_refused(trader: RawClient) -> None:
    none_expected = await trader.public("GET", "/api/v3/ping", symbol="BTCUSDT")
    twice = await trader.send("GET", "/api/v3/depth", "symbol=BTCUSDT&symbol=ETHUSDT")
    unread = await trader.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT", colour="red")
    assert none_expected.body == {
        "code": -1101,
        "msg": "Too many parameters; expected '0' and received '1'.",
    }
    assert twice.code == -1101
    assert unread.body == {
        "code": -1104,
        "msg": "Not all sent parameters were read; read '3' parameter(s) but was sent '4'.",
    }


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/api/v3/depth", "", -1102),
        ("/api/v3/depth", "symbol=", -1102),
        ("/api/v3/depth", "symbol=btc/usdt", -1100),
        ("/api/v3/depth", "symbol=BTCEUR", -1121),
        ("/api/v3/depth", "symbol=BTCUSDT&limit=", -1105),
        ("/api/v3/depth", "symbol=BTCUSDT&limit=ten", -1100),
        ("/api/v3/depth", "symbol=BTCUSDT&limit=0", -1130),
        ("/api/v3/klines", "symbol=BTCUSDT&interval=7m", -1120),
        ("/api/v3/ticker/price", "symbol=BTCUSDT&symbols=[]", -1128),
        ("/api/v3/ticker/price", 'symbols=["BTCUSDT","BTCUSDT"]', -1151),
        ("/api/v3/ticker/24hr", "symbol=BTCUSDT&type=HUGE", -1130),
        ("/api/v3/historicalTrades", "symbol=BTCUSDT&fromId=-1", -1100),
        ("/api/v3/nothing", "", -5000),
    ],
)
async def test_public_refusals(trader: RawClient, path: str, query: str, code: int) -> None:
    answer = await trader.send("GET", path, query)
    assert answer.code == code
    assert answer.status == (404 if code == -5000 else 400)


async def test_depth_trades_and_best_prices(binance: BinanceVenue, trader: RawClient) -> None:
    await binance.rest(Side.SELL, "2", "101")
    await binance.rest(Side.SELL, "1", "102.5")
    await trader.limit("BUY", "1", "99.5")
    await trader.limit("BUY", "0.75", "101")
    depth = (await trader.public("GET", "/api/v3/depth", symbol="BTCUSDT", limit=5)).body
    best = (await trader.public("GET", "/api/v3/ticker/bookTicker", symbol="BTCUSDT")).body
    (trade,) = (await trader.public("GET", "/api/v3/trades", symbol="BTCUSDT", limit=1)).body
    (price,) = (await trader.public("GET", "/api/v3/ticker/price", symbols='["BTCUSDT"]')).body
    assert depth["bids"] == [["99.50000000", "1.00000000"]]
    assert depth["asks"] == [["101.00000000", "1.25000000"], ["102.50000000", "1.00000000"]]
    assert best == {
        "symbol": "BTCUSDT",
        "bidPrice": "99.50000000",
        "bidQty": "1.00000000",
        "askPrice": "101.00000000",
        "askQty": "1.25000000",
    }
    assert (trade["price"], trade["qty"], trade["quoteQty"]) == ("101.00000000", "0.75000000", "75.75000000")
    assert trade["isBuyerMaker"] is False
    assert price == {"symbol": "BTCUSDT", "price": "101.00000000"}


async def test_trades_of_one_taker_at_one_price_are_one_aggregate(
    binance: BinanceVenue, trader: RawClient
) -> None:
    for price in ("101", "101", "102"):
        await binance.rest(Side.SELL, "1", price)
    fills = (await trader.limit("BUY", "3", "102")).body["fills"]
    first = fills[0]["tradeId"]
    query = {"symbol": "BTCUSDT", "fromId": first}
    aggregates = (await trader.public("GET", "/api/v3/aggTrades", **query)).body
    trades = (await trader.public("GET", "/api/v3/historicalTrades", **query)).body
    assert [(each["f"], each["l"], each["p"], each["q"]) for each in aggregates] == [
        (first, fills[1]["tradeId"], "101.00000000", "2.00000000"),
        (fills[2]["tradeId"], fills[2]["tradeId"], "102.00000000", "1.00000000"),
    ]
    assert [each["id"] for each in trades] == [each["tradeId"] for each in fills]


@asynccontextmanager
async def standing_still(folder: Path) -> AsyncIterator[tuple[SettableClock, BinanceVenue, RawClient]]:
    """A venue whose minutes and seconds end only where the test says so."""
    clock = SettableClock()
    async with binance_venue(folder, {"alice": FUNDS}, clock=clock) as venue:
        yield clock, venue, venue.raw("alice")


async def test_weight_is_counted_and_told(tmp_path: Path) -> None:
    async with standing_still(tmp_path) as (clock, venue, alice):
        first = await alice.public("GET", "/api/v3/depth", symbol="BTCUSDT", limit=101)
        second = await alice.signed("GET", ACCOUNT, timestamp=venue.door.now_ms())
        third = await alice.limit("BUY", "1", "100", timestamp=venue.door.now_ms())
        clock.move(minutes=1)
        fourth = await alice.public("GET", "/api/v3/ping")
    used = [each.headers["X-MBX-USED-WEIGHT-1M"] for each in (first, second, third, fourth)]
    assert used == ["25", "45", "46", "1"]
    assert (third.headers["X-MBX-ORDER-COUNT-10S"], third.headers["X-MBX-ORDER-COUNT-1D"]) == ("1", "1")


async def test_429_then_418_and_longer_bans(tmp_path: Path) -> None:
    async with standing_still(tmp_path) as (clock, venue, alice):
        for _ in range(75):
            await alice.public("GET", "/api/v3/ticker/24hr")
        refused = await alice.public("GET", "/api/v3/ping")
        assert (refused.status, refused.code, refused.headers["Retry-After"]) == (429, -1003, "60")
        assert "current limit is 6000 request weight per 1 MINUTE" in refused.body["msg"]
        statuses = [(await alice.public("GET", "/api/v3/ping")).status for _ in range(12)]
        assert statuses == [429] * 9 + [418] * 3
        banned = await alice.public("GET", "/api/v3/ping")
        assert banned.headers["Retry-After"] == "120"
        assert f"IP banned until {venue.door.now_ms() + 120_000}." in banned.body["msg"]
        clock.move(seconds=120)
        assert (await alice.public("GET", "/api/v3/ping")).status == 200
        venue.door.limits.ban("127.0.0.1")
        again = await alice.public("GET", "/api/v3/ping")
        assert (again.status, again.headers["Retry-After"]) == (418, "240")


async def test_too_many_orders(tmp_path: Path) -> None:
    async with standing_still(tmp_path) as (clock, venue, alice):
        limits = venue.door.limits
        for _ in range(limits.allowance.orders_10s):
            limits.count_order("alice")
        refused = await alice.limit("BUY", "1", "100", timestamp=venue.door.now_ms())
        assert (refused.status, refused.code) == (429, -1015)
        assert "Retry-After" not in refused.headers
        clock.move(seconds=10)
        assert (await alice.limit("BUY", "1", "100", timestamp=venue.door.now_ms())).status == 200


@pytest.mark.parametrize(
    ("kind", "status", "code", "done"),
    [
        (FaultKind.BUSY, 503, -1008, False),
        (FaultKind.LOST_ANSWER, 503, -1007, True),
        (FaultKind.LIMITED, 429, -1003, False),
        (FaultKind.BANNED, 418, -1003, False),
    ],
)
async def test_faults_with_an_answer(
    binance: BinanceVenue, trader: RawClient, kind: FaultKind, status: int, code: int, done: bool
) -> None:
    binance.door.faults.add(Fault(kind, "POST", ORDER))
    answer = await trader.limit("BUY", "1", "100", newClientOrderId="mine")
    assert (answer.status, answer.code) == (status, code)
    binance.door.limits.pardon()
    found = await trader.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="mine")
    assert (found.code is None) == done


@pytest.mark.parametrize(("kind", "done"), [(FaultKind.DROP_BEFORE, False), (FaultKind.DROP_AFTER, True)])
async def test_a_connection_that_breaks(
    binance: BinanceVenue, trader: RawClient, kind: FaultKind, done: bool
) -> None:
    binance.door.faults.add(Fault(kind, "POST", ORDER))
    with pytest.raises(aiohttp.ClientConnectionError):
        await trader.limit("BUY", "1", "100", newClientOrderId="mine")
    binance.door.faults.clear()
    found = await trader.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="mine")
    assert (found.code is None) == done


async def test_an_answer_that_never_comes(binance: BinanceVenue, trader: RawClient) -> None:
    binance.door.faults.add(Fault(FaultKind.HANG, "POST", ORDER))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await trader.limit("BUY", "1", "100", newClientOrderId="mine")
    found = await trader.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="mine")
    assert found.body["status"] == "NEW"


async def test_statistics_and_candles(binance: BinanceVenue, trader: RawClient) -> None:
    await binance.rest(Side.SELL, "1", "2000", "eth-usdt")
    await binance.hit(Side.BUY, "0.5", "2000", "eth-usdt")
    await binance.rest(Side.SELL, "1", "2100", "eth-usdt")
    await binance.hit(Side.BUY, "1.5", "2100", "eth-usdt")
    day = (await trader.public("GET", "/api/v3/ticker/24hr", symbol="ETHUSDT")).body
    mini = (await trader.public("GET", "/api/v3/ticker/24hr", symbols='["ETHUSDT"]', type="MINI")).body[0]
    average = (await trader.public("GET", "/api/v3/avgPrice", symbol="ETHUSDT")).body
    candles = (await trader.public("GET", "/api/v3/klines", symbol="ETHUSDT", interval="1d")).body
    assert (day["openPrice"], day["highPrice"], day["lastPrice"]) == (
        "2000.00000000",
        "2100.00000000",
        "2100.00000000",
    )
    assert (day["priceChange"], day["priceChangePercent"]) == ("100.00000000", "5.000")
    assert (day["volume"], day["quoteVolume"], day["count"]) == ("2.00000000", "4100.00000000", 3)
    assert mini["volume"] == day["volume"]
    assert "bidPrice" not in mini
    assert average["price"] == "2050.00000000"
    assert sum(Decimal(candle[5]) for candle in candles) == Decimal(2)
    assert candles[-1][4] == "2100.00000000"
