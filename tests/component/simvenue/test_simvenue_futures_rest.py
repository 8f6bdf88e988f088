"""The futures' door over HTTP: words, codes, weights, and what an account has."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from services.simvenue.domain.terms import Side
from tests.support.binance_venue import BinanceVenue, RawClient, Reply, binance_venue

D = Decimal
PERP = "btc-usdt-perp"
FUNDS = {"usdt": D(100_000)}
ORDER = "/fapi/v1/order"


@pytest_asyncio.fixture
async def binance(tmp_path: Path) -> AsyncIterator[BinanceVenue]:
    accounts = {"trader-1": FUNDS, "trader-2": FUNDS}
    async with binance_venue(tmp_path, accounts, perpetuals=True, liquidation=True) as venue:
        yield venue


@pytest.fixture
def trader(binance: BinanceVenue) -> RawClient:
    return binance.raw("trader-1")


async def limit(trader: RawClient, side: str, quantity: str, price: str, **more: object) -> Reply:
    order = {"symbol": "BTCUSDT", "side": side, "type": "LIMIT", "timeInForce": "GTC"}
    asked = {**order, "quantity": quantity, "price": price, "newOrderRespType": "RESULT", **more}
    return await trader.signed("POST", ORDER, **asked)


async def market(trader: RawClient, side: str, quantity: str, **more: object) -> Reply:
    order = {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": quantity}
    return await trader.signed("POST", ORDER, **{**order, "newOrderRespType": "RESULT", **more})


async def hold(binance: BinanceVenue, trader: RawClient, quantity: str = "1") -> None:
    """Let the trader be long at 60000."""
    await binance.rest(Side.SELL, quantity, "60000", PERP)
    assert (await market(trader, "BUY", quantity)).body["status"] == "FILLED"


async def test_a_perpetual_has_binances_name_and_rules(trader: RawClient) -> None:
    told = (await trader.public("GET", "/fapi/v1/exchangeInfo")).body
    by_name = {each["symbol"]: each for each in told["symbols"]}
    symbol = by_name["BTCUSDT"]
    assert (symbol["contractType"], symbol["marginAsset"], symbol["status"]) == (
        "PERPETUAL",
        "USDT",
        "TRADING",
    )
    filters = {each["filterType"]: each for each in symbol["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.1"
    assert filters["MIN_NOTIONAL"] == {"filterType": "MIN_NOTIONAL", "notional": "50"}
    limits = {(each["rateLimitType"], each["interval"]): each["limit"] for each in told["rateLimits"]}
    assert limits == {
        ("REQUEST_WEIGHT", "MINUTE"): 2400,
        ("ORDERS", "SECOND"): 300,
        ("ORDERS", "MINUTE"): 1200,
    }


async def test_an_order_rests_is_found_and_cancelled(trader: RawClient) -> None:
    placed = await limit(trader, "BUY", "0.5", "50000", newClientOrderId="mine")
    assert placed.status == 200
    assert placed.headers["X-MBX-ORDER-COUNT-10S"] == placed.headers["X-MBX-ORDER-COUNT-1M"] == "1"
    wanted = {"status": "NEW", "price": "50000", "origQty": "0.5", "type": "LIMIT", "positionSide": "BOTH"}
    assert placed.body.items() >= wanted.items()
    named = {"symbol": "BTCUSDT", "origClientOrderId": "mine"}
    assert (await trader.signed("GET", ORDER, **named)).body.items() >= wanted.items()
    assert (await trader.signed("GET", "/fapi/v1/openOrder", **named)).body["clientOrderId"] == "mine"
    (opened,) = (await trader.signed("GET", "/fapi/v1/openOrders")).body
    assert opened["orderId"] == placed.body["orderId"]
    gone = await trader.signed("DELETE", ORDER, **named)
    assert (gone.body["status"], gone.body["clientOrderId"]) == ("CANCELED", "mine")
    assert (await trader.signed("DELETE", ORDER, **named)).code == -2011
    assert (await trader.signed("GET", "/fapi/v1/openOrder", **named)).code == -2013
    assert [each["status"] for each in (await _all(trader))] == ["CANCELED"]


async def _all(trader: RawClient) -> Any:
    return (await trader.signed("GET", "/fapi/v1/allOrders", symbol="BTCUSDT")).body


async def test_an_answer_is_an_acknowledgement_unless_more_is_asked_for(
    binance: BinanceVenue, trader: RawClient
) -> None:
    await binance.rest(Side.SELL, "1", "60000", PERP)
    told = (await market(trader, "BUY", "1", newOrderRespType="ACK")).body
    assert (told["status"], told["executedQty"], told["avgPrice"]) == ("NEW", "0", "0")
    found = (await trader.signed("GET", ORDER, symbol="BTCUSDT", orderId=told["orderId"])).body
    assert (found["status"], found["cumQuote"], found["avgPrice"]) == ("FILLED", "60000", "60000")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "NOSUCH"}, -1121),
        ({"side": "UP"}, -1117),
        ({"type": "ICEBERG"}, -1116),
        ({"type": "STOP_MARKET", "stopPrice": "1"}, -4120),
        ({"timeInForce": "GTD"}, -1115),
        ({"price": "50000.05"}, -4014),
        ({"price": "50000.005"}, -1111),
        ({"price": "2000000"}, -4002),
        ({"quantity": "0.0005"}, -1111),
        ({"quantity": "0"}, -4003),
        ({"quantity": "1001"}, -4005),
        ({"quantity": "0.001", "price": "40000"}, -4164),
        ({"quantity": "20"}, -2019),
        ({"reduceOnly": "true"}, -2022),
        ({"timeInForce": "GTX", "price": "60000"}, -5022),
        ({"newClientOrderId": "used"}, -4116),
        ({"newClientOrderId": "no blanks"}, -1100),
        ({"positionSide": "LONG"}, -4061),
        ({"closePosition": "true"}, -4136),
        ({"stopPrice": "1"}, -1106),
        ({"nonsense": "1"}, -1104),
        ({"recvWindow": "0", "timestamp": "1"}, -1021),
    ],
)
async def test_refusals_have_binances_codes(
    binance: BinanceVenue, trader: RawClient, change: dict[str, str], code: int
) -> None:
    await binance.rest(Side.SELL, "1", "60000", PERP)
    await limit(trader, "BUY", "0.1", "40000", newClientOrderId="used")
    asked = {"side": "BUY", "quantity": "1", "price": "50000", **change}
    refused = await limit(trader, **asked)
    assert (refused.status, refused.code) == (400, code), refused.body
    assert len(await _all(trader)) == 1


async def test_who_does_not_sign_is_turned_away(trader: RawClient) -> None:
    trader.secret = "wrong"
    assert (await limit(trader, "BUY", "1", "50000")).code == -1022
    trader.key = "nobody"
    assert (await limit(trader, "BUY", "1", "50000")).code == -2015


async def test_several_orders_at_once_are_answered_each_by_itself(trader: RawClient) -> None:
    order = '{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","price":"50000"'
    orders = f'[{order},"quantity":"0.1"}},{order},"quantity":"99"}},{order},"quantity":"0.2"}}]'
    placed = (await trader.signed("POST", "/fapi/v1/batchOrders", batchOrders=orders)).body
    assert [each.get("code", each.get("origQty")) for each in placed] == ["0.1", -2019, "0.2"]
    numbers = f"[{placed[0]['orderId']},12345]"
    gone = await trader.signed("DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT", orderIdList=numbers)
    assert [each.get("code", each.get("status")) for each in gone.body] == ["CANCELED", -2011]
    done = await trader.signed("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
    assert done.body["code"] == 200
    assert (await trader.signed("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")).body == []


async def test_the_spot_door_knows_nothing_of_perpetual_orders(trader: RawClient) -> None:
    await limit(trader, "BUY", "1", "50000")
    assert (await trader.signed("GET", "/api/v3/openOrders")).body == []
    assert len((await trader.public("GET", "/api/v3/exchangeInfo")).body["symbols"]) == 2


async def test_a_position_its_margin_and_its_profit(binance: BinanceVenue, trader: RawClient) -> None:
    await hold(binance, trader)
    await binance.rest(Side.BUY, "1", "61000", PERP)
    assert (await market(trader, "SELL", "0.4", reduceOnly="true")).body["status"] == "FILLED"
    (held,) = (await trader.signed("GET", "/fapi/v3/positionRisk", symbol="BTCUSDT")).body
    assert (
        held.items()
        >= {
            "positionAmt": "0.6",
            "entryPrice": "60000",
            "markPrice": "61000",
            "unRealizedProfit": "600",
            "notional": "36600",
            "initialMargin": "3600",
            "maintMargin": "1830",
        }.items()
    )
    fees = D(60000) * D("0.0005") + D(24400) * D("0.0005")
    wallet = D(100_000) - fees + 400
    told = (await trader.signed("GET", "/fapi/v3/account")).body
    assert (D(told["totalWalletBalance"]), D(told["totalMarginBalance"])) == (wallet, wallet + 600)
    (usdt,) = (await trader.signed("GET", "/fapi/v2/balance")).body
    assert (D(usdt["balance"]), D(usdt["availableBalance"])) == (wallet, wallet - 3600)
    # The mark at which what is left breaks the account: equity is maintenance there.
    price = D(held["liquidationPrice"])
    gap = wallet + D("0.6") * (price - 60000) - D("0.6") * price * D("0.05")
    assert price < 0 or abs(gap) < D("1e-6") or held["liquidationPrice"] == "0"
    first, second = (await trader.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")).body
    assert (first["realizedPnl"], second["realizedPnl"], second["maker"]) == ("0", "400", False)
    income = (await trader.signed("GET", "/fapi/v1/income")).body
    assert [(each["incomeType"], D(each["income"])) for each in income] == [
        ("TRANSFER", D(100_000)),
        ("COMMISSION", D(-30)),
        ("COMMISSION", D("-12.2")),
        ("REALIZED_PNL", D(400)),
    ]


async def test_a_short_is_told_below_zero(binance: BinanceVenue, trader: RawClient) -> None:
    await binance.rest(Side.BUY, "10", "60000", PERP)
    await market(trader, "SELL", "10")
    (held,) = (await trader.signed("GET", "/fapi/v2/positionRisk")).body
    assert (held["positionAmt"], held["notional"]) == ("-10", "-600000")
    price, wallet = D(held["liquidationPrice"]), D(100_000) - 300
    assert price > 60000
    assert abs(wallet + 10 * (60000 - price) - 10 * price * D("0.05")) < D("1e-6")


async def test_market_data_in_the_futures_words(binance: BinanceVenue, trader: RawClient) -> None:
    await hold(binance, trader)
    await binance.rest(Side.SELL, "2", "60500", PERP)
    depth = (await trader.public("GET", "/fapi/v1/depth", symbol="BTCUSDT")).body
    assert depth["asks"] == [["60500.00000000", "2.00000000"]]
    assert {"lastUpdateId", "E", "T"} <= depth.keys()
    (trade,) = (await trader.public("GET", "/fapi/v1/trades", symbol="BTCUSDT")).body
    assert (trade["price"], trade["qty"], trade["isBuyerMaker"]) == ("60000", "1", False)
    premium = (await trader.public("GET", "/fapi/v1/premiumIndex", symbol="BTCUSDT")).body
    assert (premium["markPrice"], premium["lastFundingRate"]) == ("60000", "0.0001")
    assert premium["nextFundingTime"] % 28_800_000 == 0
    best = (await trader.public("GET", "/fapi/v1/ticker/bookTicker", symbol="BTCUSDT")).body
    assert best["askPrice"] == "60500.00000000"
    assert (await trader.public("GET", "/fapi/v2/ticker/price", symbol="BTCUSDT")).body["price"] == "60000"
    day = (await trader.public("GET", "/fapi/v1/ticker/24hr", symbol="BTCUSDT")).body
    assert D(day["lastPrice"]) == 60000
    (kline,) = (await trader.public("GET", "/fapi/v1/klines", symbol="BTCUSDT", interval="1m")).body
    assert D(kline[1]) == 60000
    aggregate = (await trader.public("GET", "/fapi/v1/aggTrades", symbol="BTCUSDT")).body[0]
    assert "M" not in aggregate
    assert (await trader.public("GET", "/fapi/v1/fundingRate")).body == []


async def test_modes_are_what_they_are(trader: RawClient) -> None:
    async def post(path: str, **values: object) -> int | None:
        return (await trader.signed("POST", f"/fapi/v1/{path}", **values)).code

    assert (await trader.signed("GET", "/fapi/v1/positionSide/dual")).body == {"dualSidePosition": False}
    assert await post("positionSide/dual", dualSidePosition="false") == -4059
    assert await post("positionSide/dual", dualSidePosition="true") == -1130
    assert await post("marginType", symbol="BTCUSDT", marginType="CROSSED") == -4046
    assert await post("leverage", symbol="BTCUSDT", leverage=20) == -4028
    assert await post("leverage", symbol="BTCUSDT", leverage=10) is None
    (bracket,) = (await trader.signed("GET", "/fapi/v1/leverageBracket", symbol="BTCUSDT")).body
    assert bracket["brackets"][0]["maintMarginRatio"] == "0.05"
    rate = (await trader.signed("GET", "/fapi/v1/commissionRate", symbol="BTCUSDT")).body
    assert (rate["makerCommissionRate"], rate["takerCommissionRate"]) == ("0.0002", "0.0005")


async def test_the_futures_count_apart_from_spot(binance: BinanceVenue, trader: RawClient) -> None:
    binance.door.futures_limits.exhaust("127.0.0.1")
    turned = await trader.public("GET", "/fapi/v1/time")
    assert (turned.status, turned.code) == (429, -1003)
    assert int(turned.headers["Retry-After"]) > 0
    assert (await trader.public("GET", "/api/v3/time")).status == 200
    for _ in range(10):
        turned = await trader.public("GET", "/fapi/v1/time")
    assert turned.status == 418
    binance.door.futures_limits.pardon()
    used = (await trader.public("GET", "/fapi/v1/time")).headers["X-MBX-USED-WEIGHT-1M"]
    assert used == "1"


async def test_without_perpetuals_there_is_no_such_door(tmp_path: Path) -> None:
    async with binance_venue(tmp_path, {"trader-1": FUNDS}) as venue:
        assert (await venue.raw("trader-1").public("GET", "/fapi/v1/time")).status == 404
