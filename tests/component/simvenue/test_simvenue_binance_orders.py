"""Orders by the Binance door: every kind, every answer, every refusal, over plain HTTP."""

from typing import Any

import pytest

from services.simvenue.domain.terms import Side
from tests.support.binance_venue import BinanceVenue, RawClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

ORDER = "/api/v3/order"
TEST = "/api/v3/order/test"
REPLACE = "/api/v3/order/cancelReplace"
LIMIT: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "100",
}
MARKET: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
STOP: dict[str, Any] = {**MARKET, "type": "STOP_LOSS", "stopPrice": "100"}
MAKER: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT_MAKER",
    "quantity": "1",
    "price": "100",
}
ABSENT = object()


async def test_a_limit_order_rests_and_is_told_in_full(trader: RawClient) -> None:
    placed = (await trader.limit("BUY", "0.5", "100.25", newClientOrderId="a.b:c/d_e-f")).body
    shown = (await trader.signed("GET", ORDER, symbol="BTCUSDT", orderId=placed["orderId"])).body
    assert placed | {"orderId": 0, "transactTime": 0, "workingTime": 0} == {
        "symbol": "BTCUSDT",
        "orderId": 0,
        "orderListId": -1,
        "clientOrderId": "a.b:c/d_e-f",
        "transactTime": 0,
        "price": "100.25000000",
        "origQty": "0.50000000",
        "executedQty": "0.00000000",
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "workingTime": 0,
        "fills": [],
        "selfTradePreventionMode": "EXPIRE_TAKER",
    }
    assert shown["time"] == placed["transactTime"]
    assert shown["isWorking"] is True
    assert shown["icebergQty"] == shown["stopPrice"] == "0.00000000"


async def test_what_the_answer_says_depends_on_what_is_asked(trader: RawClient) -> None:
    short = (await trader.limit("BUY", "1", "100", newOrderRespType="ACK")).body
    middle = (await trader.limit("BUY", "1", "100", newOrderRespType="RESULT")).body
    maker = (await trader.signed("POST", ORDER, **MAKER)).body
    assert set(short) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    assert middle["status"] == "NEW"
    assert "fills" not in middle
    assert set(maker) == set(short)


async def test_fills_fees_and_balances_are_exact(binance: BinanceVenue, trader: RawClient) -> None:
    await binance.rest(Side.SELL, "0.00006", "100000.01")
    await binance.rest(Side.SELL, "1", "100000.02")
    order = (await trader.signed("POST", ORDER, **{**MARKET, "quantity": "0.00016"})).body
    account = (await trader.signed("GET", "/api/v3/account", omitZeroBalances="true")).body
    trades = (await trader.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")).body
    assert order["status"] == "FILLED"
    assert order["cummulativeQuoteQty"] == "16.00000260"
    assert [(fill["price"], fill["qty"], fill["commission"]) for fill in order["fills"]] == [
        ("100000.01000000", "0.00006000", "0.0060000006"),
        ("100000.02000000", "0.00010000", "0.010000002"),
    ]
    held = {each["asset"]: each["free"] for each in account["balances"]}
    assert held["BTC"] == "20000.00016000"
    assert held["USDT"] == "999999983.9839973974"
    assert [each["commission"] for each in trades] == ["0.0060000006", "0.010000002"]
    assert (trades[0]["isBuyer"], trades[0]["isMaker"], trades[0]["commissionAsset"]) == (True, False, "USDT")


async def test_a_market_order_spends_or_brings_a_sum(binance: BinanceVenue, trader: RawClient) -> None:
    await binance.rest(Side.SELL, "1", "100")
    await binance.rest(Side.SELL, "1", "200")
    await binance.rest(Side.BUY, "5", "50")
    order = {"symbol": "BTCUSDT", "type": "MARKET", "quoteOrderQty": "150"}
    bought = (await trader.signed("POST", ORDER, side="BUY", **order)).body
    sold = (await trader.signed("POST", ORDER, side="SELL", **order)).body
    assert (bought["origQty"], bought["cummulativeQuoteQty"]) == ("1.25000000", "150.00000000")
    assert (sold["origQty"], sold["cummulativeQuoteQty"]) == ("3.00000000", "150.00000000")
    assert bought["origQuoteOrderQty"] == "150.00000000"


@pytest.mark.parametrize(
    ("force", "quantity", "status", "executed"),
    [
        ("IOC", "2", "EXPIRED", "1.00000000"),
        ("FOK", "2", "EXPIRED", "0.00000000"),
        ("FOK", "1", "FILLED", "1.00000000"),
    ],
)
async def test_times_in_force(
    binance: BinanceVenue, trader: RawClient, force: str, quantity: str, status: str, executed: str
) -> None:
    await binance.rest(Side.SELL, "1", "100")
    order = (await trader.limit("BUY", quantity, "100", timeInForce=force)).body
    assert (order["status"], order["executedQty"]) == (status, executed)


async def test_an_iceberg_shows_a_part(trader: RawClient) -> None:
    order = (await trader.limit("BUY", "10", "100", icebergQty="2")).body
    depth = (await trader.public("GET", "/api/v3/depth", symbol="BTCUSDT")).body
    assert order["icebergQty"] == "2.00000000"
    assert depth["bids"] == [["100.00000000", "2.00000000"]]


async def test_a_stop_waits_and_goes_off(binance: BinanceVenue, trader: RawClient) -> None:
    await binance.rest(Side.BUY, "1", "100")
    await binance.hit(Side.SELL, "0.1", "100")
    stop = {**STOP, "side": "SELL", "stopPrice": "90", "newOrderRespType": "RESULT"}
    placed = (await trader.signed("POST", ORDER, **stop)).body
    limited = {**stop, "type": "STOP_LOSS_LIMIT", "price": "85", "timeInForce": "GTC"}
    second = (await trader.signed("POST", ORDER, **limited)).body
    waiting = (await trader.signed("GET", ORDER, symbol="BTCUSDT", orderId=placed["orderId"])).body
    await binance.rest(Side.BUY, "2", "90")
    await binance.hit(Side.SELL, "1.4", "90")
    done = (await trader.signed("GET", ORDER, symbol="BTCUSDT", orderId=placed["orderId"])).body
    rests = (await trader.signed("GET", ORDER, symbol="BTCUSDT", orderId=second["orderId"])).body
    assert (placed["status"], placed["stopPrice"], placed["workingTime"]) == ("NEW", "90.00000000", -1)
    assert (waiting["isWorking"], waiting["type"]) == (False, "STOP_LOSS")
    assert (done["status"], done["executedQty"], done["isWorking"]) == ("FILLED", "1.00000000", True)
    assert (rests["type"], rests["status"]) == ("STOP_LOSS_LIMIT", "PARTIALLY_FILLED")


@pytest.mark.parametrize(
    ("mode", "taker", "maker"),
    [
        ("EXPIRE_TAKER", "EXPIRED_IN_MATCH", "NEW"),
        ("EXPIRE_MAKER", "NEW", "EXPIRED_IN_MATCH"),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
        ("NONE", "FILLED", "FILLED"),
    ],
)
async def test_orders_of_one_account_meet(trader: RawClient, mode: str, taker: str, maker: str) -> None:
    resting = (await trader.limit("SELL", "1", "100")).body
    coming = (await trader.limit("BUY", "1", "100", selfTradePreventionMode=mode)).body
    shown = (await trader.signed("GET", ORDER, symbol="BTCUSDT", orderId=resting["orderId"])).body
    assert (coming["status"], shown["status"]) == (taker, maker)
    assert coming["selfTradePreventionMode"] == mode


@pytest.mark.parametrize(
    ("order", "change", "code", "text"),
    [
        (LIMIT, {"symbol": ABSENT}, -1102, "'symbol'"),
        (LIMIT, {"side": ABSENT}, -1102, "'side'"),
        (LIMIT, {"type": ABSENT}, -1102, "'type'"),
        (LIMIT, {"timeInForce": ABSENT}, -1102, "'timeInForce'"),
        (LIMIT, {"quantity": ABSENT}, -1102, "'quantity'"),
        (LIMIT, {"price": ""}, -1102, "'price'"),
        (LIMIT, {"symbol": "BTCEUR"}, -1121, "Invalid symbol."),
        (LIMIT, {"side": "buy"}, -1117, "Invalid side."),
        (LIMIT, {"type": "TAKE_PROFIT"}, -1116, "Invalid orderType."),
        (LIMIT, {"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
        (LIMIT, {"quantity": "1e3"}, -1100, "Illegal characters found in parameter 'quantity'"),
        (LIMIT, {"quantity": "-1"}, -1100, "legal range is"),
        (LIMIT, {"quantity": "0"}, -1013, "Invalid quantity."),
        (LIMIT, {"price": "0.00"}, -1013, "Invalid price."),
        (LIMIT, {"price": "100.123456789"}, -1111, "Parameter 'price' has too much precision."),
        (LIMIT, {"newClientOrderId": "no blanks"}, -1100, "newClientOrderId"),
        (LIMIT, {"newClientOrderId": "a" * 37}, -1100, "newClientOrderId"),
        (LIMIT, {"newOrderRespType": "LONG"}, -1130, "newOrderRespType"),
        (LIMIT, {"selfTradePreventionMode": "TRANSFER"}, -1130, "selfTradePreventionMode"),
        (LIMIT, {"strategyType": "999999"}, -1134, "strategyType was less than 1000000."),
        (LIMIT, {"stopPrice": "90"}, -1106, "Parameter 'stopPrice' sent when not required."),
        (LIMIT, {"quoteOrderQty": "90"}, -1106, "quoteOrderQty"),
        (LIMIT, {"trailingDelta": "10"}, -1106, "trailingDelta"),
        (LIMIT, {"price": "100.001"}, -1013, "Filter failure: PRICE_FILTER"),
        (LIMIT, {"price": "1000000.01"}, -1013, "Filter failure: PRICE_FILTER"),
        (LIMIT, {"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
        (LIMIT, {"quantity": "9001"}, -1013, "Filter failure: LOT_SIZE"),
        (LIMIT, {"quantity": "0.04"}, -1013, "Filter failure: NOTIONAL"),
        (LIMIT, {"icebergQty": "0.05"}, -1013, "Filter failure: ICEBERG_PARTS"),
        (LIMIT, {"icebergQty": "0.1", "timeInForce": "IOC"}, -1013, "TimeInForce must be GTC"),
        (LIMIT, {"icebergQty": "2"}, -2010, "IcebergQty exceeds QTY."),
        (MARKET, {"price": "100"}, -1106, "Parameter 'price' sent when not required."),
        (MARKET, {"timeInForce": "GTC"}, -1106, "timeInForce"),
        (MARKET, {"quantity": ABSENT}, -1102, "Param 'quantity' or 'quoteOrderQty' must be sent"),
        (MARKET, {"quoteOrderQty": "100"}, -1128, "Combination of optional parameters invalid."),
        (MARKET, {"quantity": "9001"}, -1013, "Filter failure: MARKET_LOT_SIZE"),
        (MAKER, {"timeInForce": "GTC"}, -1106, "timeInForce"),
        (STOP, {"stopPrice": ABSENT}, -1102, "'stopPrice'"),
        (STOP, {"stopPrice": "100.001"}, -1013, "Filter failure: PRICE_FILTER"),
        (STOP, {"price": "100"}, -1106, "price"),
    ],
)
async def test_refused_before_it_reaches_the_engine(
    trader: RawClient, order: dict[str, Any], change: dict[str, Any], code: int, text: str
) -> None:
    wanted = {name: value for name, value in {**order, **change}.items() if value is not ABSENT}
    for path in (ORDER, TEST):
        answer = await trader.signed("POST", path, **wanted)
        assert (answer.code, answer.status) == (code, 400)
        assert text in answer.body["msg"]
    assert (await trader.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT")).body == []


@pytest.mark.parametrize(
    ("order", "text"),
    [
        (
            {**LIMIT, "quantity": "9000", "price": "1000000"},
            "Account has insufficient balance for requested action.",
        ),
        ({**MAKER, "price": "200"}, "Order would immediately match and take."),
        ({**LIMIT, "newClientOrderId": "used"}, "Duplicate order sent."),
        ({**STOP, "stopPrice": "150"}, "Order would trigger immediately."),
        (
            {"symbol": "ETHUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "100"},
            "Order book liquidity is less than `LOT_SIZE` filter minimum quantity.",
        ),
    ],
)
async def test_refused_by_the_engine(
    binance: BinanceVenue, trader: RawClient, order: dict[str, Any], text: str
) -> None:
    await binance.rest(Side.SELL, "1", "200")
    await binance.hit(Side.BUY, "0.1", "200")
    await trader.limit("BUY", "1", "100", newClientOrderId="used")
    answer = await trader.signed("POST", ORDER, **order)
    assert (answer.status, answer.body) == (400, {"code": -2010, "msg": text})


async def test_order_test_places_nothing(trader: RawClient) -> None:
    assert (await trader.signed("POST", TEST, **LIMIT)).body == {}
    rates = (await trader.signed("POST", TEST, **LIMIT, computeCommissionRates="true")).body
    assert rates["standardCommissionForOrder"] == {"maker": "0.0008", "taker": "0.001"}
    assert (await trader.signed("GET", "/api/v3/openOrders")).body == []


async def test_cancels(trader: RawClient) -> None:
    placed = (await trader.limit("BUY", "1", "100", newClientOrderId="mine")).body
    which = {"symbol": "BTCUSDT", "origClientOrderId": "mine"}
    restricted = await trader.signed("DELETE", ORDER, **which, cancelRestrictions="ONLY_PARTIALLY_FILLED")
    wrong = await trader.signed("DELETE", ORDER, **which, cancelRestrictions="NEVER")
    elsewhere = await trader.signed("DELETE", ORDER, **{**which, "symbol": "ETHUSDT"})
    nothing = await trader.signed("DELETE", ORDER, symbol="BTCUSDT")
    done = (await trader.signed("DELETE", ORDER, **which, newClientOrderId="bye")).body
    again = await trader.signed("DELETE", ORDER, **which)
    assert restricted.body == {"code": -2011, "msg": "Order was not canceled due to cancel restrictions."}
    assert wrong.body == {"code": -1145, "msg": "Invalid cancelRestrictions"}
    assert (
        nothing.body["msg"]
        == "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
    )
    assert (done["orderId"], done["status"]) == (placed["orderId"], "CANCELED")
    assert (done["origClientOrderId"], done["clientOrderId"]) == ("mine", "bye")
    assert again.body == elsewhere.body == {"code": -2011, "msg": "Unknown order sent."}


async def test_an_order_that_is_not_there(trader: RawClient) -> None:
    answer = await trader.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="nobody")
    assert answer.body == {"code": -2013, "msg": "Order does not exist."}


async def test_all_orders_of_a_symbol_are_cancelled(trader: RawClient) -> None:
    none = await trader.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    for price in ("100", "101"):
        await trader.limit("BUY", "1", price)
    await trader.limit("BUY", "1", "100", symbol="ETHUSDT")
    gone = (await trader.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")).body
    left = (await trader.signed("GET", "/api/v3/openOrders")).body
    assert none.body == {"code": -2011, "msg": "Unknown order sent."}
    assert [(each["status"], each["price"]) for each in gone] == [
        ("CANCELED", "100.00000000"),
        ("CANCELED", "101.00000000"),
    ]
    assert [each["symbol"] for each in left] == ["ETHUSDT"]


async def test_cancel_and_replace(trader: RawClient) -> None:
    await trader.limit("BUY", "1", "100", newClientOrderId="old")
    new = {**LIMIT, "price": "101", "newClientOrderId": "new"}
    mode = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "old"}
    done = await trader.signed("POST", REPLACE, **new, **mode)
    assert done.status == 200
    assert (done.body["cancelResult"], done.body["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert done.body["cancelResponse"]["origClientOrderId"] == "old"
    assert done.body["newOrderResponse"]["clientOrderId"] == "new"


@pytest.mark.parametrize(
    ("mode", "cancel", "price", "status", "code", "results"),
    [
        ("STOP_ON_FAILURE", "nobody", "100", 400, -2022, ("FAILURE", "NOT_ATTEMPTED")),
        ("ALLOW_FAILURE", "nobody", "100", 409, -2021, ("FAILURE", "SUCCESS")),
        ("STOP_ON_FAILURE", "old", "1000000", 409, -2021, ("SUCCESS", "FAILURE")),
        ("ALLOW_FAILURE", "nobody", "1000000", 400, -2022, ("FAILURE", "FAILURE")),
    ],
)
async def test_cancel_and_replace_that_fail(
    trader: RawClient, mode: str, cancel: str, price: str, status: int, code: int, results: tuple[str, str]
) -> None:
    await trader.limit("BUY", "1", "100", newClientOrderId="old")
    new = {**LIMIT, "quantity": "5000", "price": price}
    new |= {"cancelReplaceMode": mode, "cancelOrigClientOrderId": cancel}
    answer = await trader.signed("POST", REPLACE, **new)
    data = answer.body["data"]
    assert (answer.status, answer.code) == (status, code)
    assert (data["cancelResult"], data["newOrderResult"]) == results
    assert (data["newOrderResponse"] is None) == (results[1] == "NOT_ATTEMPTED")
    if results[0] == "FAILURE":
        assert data["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}


async def test_history_is_paged_by_number_and_time(binance: BinanceVenue, trader: RawClient) -> None:
    await binance.rest(Side.SELL, "10", "100")
    placed = [(await trader.limit("BUY", "1", "100")).body for _ in range(3)]
    trades = [each["fills"][0]["tradeId"] for each in placed]
    history, mine = "/api/v3/allOrders", "/api/v3/myTrades"
    symbol = {"symbol": "BTCUSDT"}
    start = placed[0]["transactTime"]

    async def ids(path: str, name: str, **query: object) -> list[int]:
        return [each[name] for each in (await trader.signed("GET", path, **symbol, **query)).body]

    numbers = [each["orderId"] for each in placed]
    assert await ids(history, "orderId", limit=2) == numbers[1:]
    assert await ids(history, "orderId", orderId=numbers[0], limit=2) == numbers[:2]
    assert await ids(history, "orderId", startTime=start, limit=1) == numbers[:1]
    assert await ids(mine, "id", limit=2) == trades[1:]
    assert await ids(mine, "id", fromId=trades[1]) == trades[1:]
    assert await ids(mine, "id", orderId=numbers[1]) == trades[1:2]
    assert await ids(mine, "id", startTime=start, endTime=start + 60_000) == trades
    long = await trader.signed("GET", mine, **symbol, startTime=0, endTime=86_400_001)
    mixed = await trader.signed("GET", mine, **symbol, fromId=1, startTime=0)
    assert (long.code, long.body["msg"]) == (-1127, "More than 24 hours between startTime and endTime.")
    assert mixed.code == -1128


async def test_too_many_open_orders(trader: RawClient, binance: BinanceVenue) -> None:
    await binance.fill_up(trader.account, 200)
    refused = await trader.limit("BUY", "1", "100")
    assert refused.body == {"code": -1013, "msg": "Filter failure: MAX_NUM_ORDERS"}


async def test_deposits_and_coins(binance: BinanceVenue, trader: RawClient) -> None:
    await binance.deposit(trader.account, "btc", "0.5")
    found = (await trader.signed("GET", "/sapi/v1/capital/deposit/hisrec", coin="BTC")).body
    coins = (await trader.signed("GET", "/sapi/v1/capital/config/getall")).body
    gone = (await trader.signed("GET", "/sapi/v1/capital/withdraw/history")).body
    fees = (await trader.signed("GET", "/sapi/v1/asset/tradeFee", symbol="BTCUSDT")).body
    assert [each["amount"] for each in found] == ["0.50000000", "20000.00000000"]
    assert {each["coin"]: each["free"] for each in coins}["BTC"] == "20000.50000000"
    assert gone == []
    assert fees == [{"symbol": "BTCUSDT", "makerCommission": "0.0008", "takerCommission": "0.001"}]
