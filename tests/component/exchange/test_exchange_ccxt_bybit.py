"""Bybit: documented answers through ccxt's own code."""

from decimal import Decimal
from typing import Any

import pytest

from services.chassis.clock import SystemClock
from services.exchange.domain.evidence import VenueStatus
from services.exchange.domain.fills import Liquidity
from services.exchange.domain.order import Order
from services.exchange.domain.terms import LimitTerms, MarketTerms, TimeInForce
from services.exchange.ports import Accepted, AlreadyThere, NotSent, NotThere, Refused, Uncertain
from tests.support.ccxt_venue import NOW_MS, leaving, order_of, venue_of
from tests.support.scripted_http import ScriptedHttp


def bybit(**result: Any) -> dict[str, Any]:
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": NOW_MS}


def bybit_error(code: int, message: str) -> dict[str, Any]:
    return {"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": NOW_MS}


BYBIT_SPOT = {
    "symbol": "BTCUSDT",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "status": "Trading",
    "marginTrading": "none",
    "lotSizeFilter": {
        "basePrecision": "0.000001",
        "quotePrecision": "0.00000001",
        "minOrderQty": "0.000048",
        "maxOrderQty": "71.73956243",
        "minOrderAmt": "1",
        "maxOrderAmt": "4000000",
    },
    "priceFilter": {"tickSize": "0.01"},
}


def bybit_order(order: Order, **changes: Any) -> dict[str, Any]:
    told = {
        "orderId": "1523347543495541248",
        "orderLinkId": order.client_order_id,
        "symbol": "BTCUSDT",
        "price": "50000.01",
        "qty": "0.010000",
        "side": "Buy",
        "orderStatus": "New",
        "orderType": "Limit",
        "timeInForce": "GTC",
        "cumExecQty": "0.000000",
        "cumExecValue": "0.0",
        "cumExecFee": "0",
        "avgPrice": "0",
        "rejectReason": "EC_NoError",
        "triggerPrice": "0.00",
        "reduceOnly": False,
        "createdTime": str(NOW_MS),
        "updatedTime": str(NOW_MS),
    }
    return {**told, **changes}


def bybit_trade(number: int, order: Order, time_ms: int) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "orderId": "1523347543495541248",
        "orderLinkId": order.client_order_id,
        "side": "Buy",
        "orderType": "Limit",
        "execId": f"exec-{number}",
        "execPrice": "50000.01",
        "execQty": "0.001000",
        "execFee": "0.000001000000000001",
        "feeCurrency": "BTC",
        "isMaker": True,
        "execType": "Trade",
        "execTime": str(time_ms),
    }


def bybit_script(**answers: Any) -> ScriptedHttp:
    fixed = {
        "GET /v5/market/instruments-info": bybit(category="spot", list=[BYBIT_SPOT]),
        "GET /v5/market/time": bybit(timeSecond="1760000000", timeNano="1760000000000000000"),
    }
    named = {name.replace("__", " /v5/").replace("_", "/"): answer for name, answer in answers.items()}
    return ScriptedHttp({**fixed, **named})


LIMIT = LimitTerms(Decimal("50000.01"))


async def test_bybit_rules_and_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    script = bybit_script()
    async with venue_of(script, monkeypatch, exchange="bybit", instruments=("btc-usdt",)) as venue:
        (rules,) = await venue.instruments()
        assert (rules.tick_size, rules.lot_size, rules.min_quantity) == (
            Decimal("0.01"),
            Decimal("0.000001"),
            Decimal("0.000048"),
        )
        assert rules.min_notional == 1
        await venue.instruments()
    asked = [name for name, _ in script.asked]
    assert asked.count("GET /v5/market/instruments-info") == 1
    assert asked.count("GET /v5/market/time") == 1


async def test_bybit_gets_our_numbers_and_our_id(monkeypatch: pytest.MonkeyPatch) -> None:
    order = order_of(LimitTerms(Decimal("50000.01"), TimeInForce.IOC))
    script = bybit_script(POST__order_create=bybit(orderId="15", orderLinkId=order.client_order_id))
    async with venue_of(script, monkeypatch, exchange="bybit", instruments=("btc-usdt",)) as venue:
        outcome = await venue.place(leaving(order), 5)
    assert isinstance(outcome, Accepted), outcome
    assert (outcome.order.venue_order_id, outcome.order.status) == ("15", VenueStatus.OPEN)
    (sent,) = script.requests("POST /v5/order/create")
    wanted = {
        "category": "spot",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "orderType": "Limit",
        "qty": "0.01",
        "price": "50000.01",
        "timeInForce": "IOC",
        "orderLinkId": order.client_order_id,
    }
    assert {name: sent.get(name) for name in wanted} == wanted


async def test_bybit_market_orders_are_for_base_asset(monkeypatch: pytest.MonkeyPatch) -> None:
    order = order_of(MarketTerms())
    script = bybit_script(POST__order_create=bybit(orderId="15", orderLinkId=order.client_order_id))
    async with venue_of(script, monkeypatch, exchange="bybit", instruments=("btc-usdt",)) as venue:
        assert isinstance(await venue.place(leaving(order), 5), Accepted)
    (sent,) = script.requests("POST /v5/order/create")
    assert (sent["qty"], sent["marketUnit"]) == ("0.01", "baseCoin")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (bybit_error(170131, "Insufficient balance."), Refused),
        (bybit_error(170141, "Duplicate clientOrderId"), AlreadyThere),
        (bybit_error(10016, "System error"), Uncertain),
        (bybit_error(10006, "Too many visits!"), NotSent),
        (bybit_error(10003, "API key is invalid."), NotSent),
        ((502, {"gateway": "bad"}), Uncertain),
    ],
)
async def test_what_becomes_of_an_order_at_bybit(
    monkeypatch: pytest.MonkeyPatch, answer: Any, outcome: type
) -> None:
    script = bybit_script(POST__order_create=answer)
    async with venue_of(script, monkeypatch, exchange="bybit", instruments=("btc-usdt",)) as venue:
        assert isinstance(await venue.place(order_of(LIMIT), 5), outcome)


async def test_bybit_finds_by_our_id_in_both_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    order = order_of(LIMIT)
    closed = bybit_order(order, orderStatus="Filled", cumExecQty="0.010000", cumExecValue="500")
    script = bybit_script(
        GET__order_realtime=bybit(category="spot", list=[]),
        GET__order_history=bybit(category="spot", list=[closed]),
        GET__execution_list=bybit(list=[bybit_trade(1, order, NOW_MS)]),
    )
    async with venue_of(script, monkeypatch, exchange="bybit", instruments=("btc-usdt",)) as venue:
        told = await venue.find("paper", order.client_order_id)
        assert told is not None
        assert (told.status, told.terms, told.quantity) == (VenueStatus.FILLED, LIMIT, Decimal("0.01"))
        (fill,) = told.fills
        assert (fill.venue_trade_id, fill.client_order_id) == ("exec-1", order.client_order_id)
        assert (fill.fee, fill.fee_asset) == (Decimal("0.000001000000000001"), "btc")
        assert fill.liquidity is Liquidity.MAKER
    assert script.requests("GET /v5/order/realtime")[0]["orderLinkId"] == order.client_order_id


async def test_empty_lists_of_bybit_are_a_definite_no(monkeypatch: pytest.MonkeyPatch) -> None:
    script = bybit_script(
        GET__order_realtime=bybit(list=[]),
        GET__order_history=bybit(list=[]),
        POST__order_cancel=bybit_error(170213, "Order does not exist."),
    )
    async with venue_of(script, monkeypatch, exchange="bybit", instruments=("btc-usdt",)) as venue:
        assert await venue.find("paper", "tm-none") is None
        assert isinstance(await venue.cancel(order_of(LIMIT), 5), NotThere)


async def test_a_cancel_at_bybit_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer says only that the cancel was taken."""
    order = order_of(LIMIT)
    script = bybit_script(
        POST__order_cancel=bybit(orderId="15", orderLinkId=order.client_order_id),
        GET__order_realtime=bybit(list=[bybit_order(order, orderStatus="Cancelled")]),
        GET__execution_list=bybit(list=[]),
    )
    async with venue_of(script, monkeypatch, exchange="bybit", instruments=("btc-usdt",)) as venue:
        outcome = await venue.cancel(order, 5)
    assert isinstance(outcome, Accepted), outcome
    assert outcome.order.status is VenueStatus.CANCELLED
    assert script.requests("POST /v5/order/cancel")[0]["orderLinkId"] == order.client_order_id


async def test_bybits_fills_are_paged_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full page may be only the newest of its range: the range is halved until nothing can be missing."""
    order = order_of(LIMIT)
    now = int(SystemClock().now().timestamp() * 1000)
    trades = [bybit_trade(number, order, now - 3_600_000 + number * 1000) for number in range(250)]

    def listed(params: dict[str, Any]) -> Any:
        begin, end = int(params["startTime"]), int(params["endTime"])
        found = [each for each in trades if begin <= int(each["execTime"]) <= end]
        return bybit(list=list(reversed(found))[: int(params["limit"])])

    script = bybit_script(GET__execution_list=listed)
    seen: list[str] = []
    settings = {"exchange": "bybit", "instruments": ("btc-usdt",), "history_days": 2}
    async with venue_of(script, monkeypatch, **settings) as venue:
        cursor, more = "", True
        while more:
            page = await venue.fills_after("paper", cursor)
            seen += [fill.venue_trade_id for fill in page.fills]
            cursor, more = page.cursor, page.more
        assert seen == [f"exec-{number}" for number in range(250)]
        trades.append(bybit_trade(250, order, now - 500))
        later = await venue.fills_after("paper", cursor)
        assert [fill.venue_trade_id for fill in later.fills] == ["exec-250"]
        await venue.verify("paper", cursor)
