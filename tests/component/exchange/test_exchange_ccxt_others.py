"""Crypto.com and Binance's perpetuals: documented answers through ccxt's own code."""

from decimal import Decimal
from typing import Any

import pytest

from services.chassis.clock import SystemClock
from services.exchange.domain.evidence import VenueStatus
from services.exchange.domain.order import Order
from services.exchange.domain.terms import Kind, LimitTerms
from services.exchange.ports import Accepted, AlreadyThere, NotSent, NotThere, Refused, Uncertain
from tests.support.ccxt_venue import NOW_MS, leaving, order_of, venue_of
from tests.support.scripted_http import ScriptedHttp

LIMIT = LimitTerms(Decimal("50000.01"))


def cryptocom(method: str, **result: Any) -> dict[str, Any]:
    return {"id": 1, "method": method, "code": 0, "result": result}


CRO = {
    "symbol": "BTC_USDT",
    "inst_type": "CCY_PAIR",
    "display_name": "BTC/USDT",
    "base_ccy": "BTC",
    "quote_ccy": "USDT",
    "quote_decimals": 2,
    "quantity_decimals": 5,
    "price_tick_size": "0.01",
    "qty_tick_size": "0.00001",
    "tradable": True,
    "expiry_timestamp_ms": 0,
}


def cryptocom_script(**answers: Any) -> ScriptedHttp:
    path = "/exchange/v1/"
    fixed = {
        f"GET {path}public/get-instruments": cryptocom("public/get-instruments", data=[CRO]),
        f"GET {path}public/get-book": cryptocom(
            "public/get-book", data=[{"bids": [["1", "2", "3"]], "asks": [], "t": NOW_MS}], depth=1
        ),
    }
    named = {f"POST {path}private/{name.replace('_', '-')}": answer for name, answer in answers.items()}
    return ScriptedHttp({**fixed, **named})


async def test_cryptocom_places_finds_and_cancels_by_our_id(monkeypatch: pytest.MonkeyPatch) -> None:
    order = order_of(LIMIT)
    told = {
        "order_id": "6530219599901000701",
        "client_oid": order.client_order_id,
        "order_type": "LIMIT",
        "time_in_force": "GOOD_TILL_CANCEL",
        "side": "BUY",
        "exec_inst": [],
        "quantity": "0.01000",
        "limit_price": "50000.01",
        "order_value": "500",
        "avg_price": "0",
        "cumulative_quantity": "0",
        "cumulative_value": "0",
        "cumulative_fee": "0",
        "status": "ACTIVE",
        "instrument_name": "BTC_USDT",
        "fee_instrument_name": "BTC",
        "create_time": NOW_MS,
        "update_time": NOW_MS,
    }
    script = cryptocom_script(
        create_order=cryptocom("private/create-order", client_oid=order.client_order_id, order_id="653"),
        get_order_detail=cryptocom("private/get-order-detail", **told),
        cancel_order=cryptocom("private/cancel-order", client_oid=order.client_order_id, order_id="653"),
        get_trades=cryptocom("private/get-trades", data=[]),
    )
    async with venue_of(script, monkeypatch, exchange="cryptocom", instruments=("btc-usdt",)) as venue:
        await venue.instruments()
        await venue.instruments()
        assert isinstance(await venue.place(leaving(order), 5), Accepted)
        found = await venue.find("paper", order.client_order_id)
        assert found is not None
        assert (found.status, found.terms, found.quantity) == (VenueStatus.OPEN, LIMIT, Decimal("0.01"))
        assert isinstance(await venue.cancel(order, 5), Accepted)
    (sent,) = script.requests("POST /exchange/v1/private/create-order")
    params = sent["params"]
    assert (params["client_oid"], params["quantity"], params["price"]) == (
        order.client_order_id,
        "0.01",
        "50000.01",
    )
    assert isinstance(params["quantity"], str)


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [(400, 306, Refused), (400, 204, AlreadyThere), (500, 50001, Uncertain), (429, 42901, NotSent)],
)
async def test_what_becomes_of_an_order_at_cryptocom(
    monkeypatch: pytest.MonkeyPatch, status: int, code: int, outcome: type
) -> None:
    body = {"id": 1, "method": "private/create-order", "code": code, "message": "WORDS"}
    script = cryptocom_script(create_order=(status, body))
    async with venue_of(script, monkeypatch, exchange="cryptocom", instruments=("btc-usdt",)) as venue:
        assert isinstance(await venue.place(order_of(LIMIT), 5), outcome)


async def test_no_such_order_at_cryptocom(monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"id": 1, "method": "private/get-order-detail", "code": 40401, "message": "NOT_FOUND"}
    script = cryptocom_script(get_order_detail=(404, body), cancel_order=(404, body))
    async with venue_of(script, monkeypatch, exchange="cryptocom", instruments=("btc-usdt",)) as venue:
        assert await venue.find("paper", "tm-none") is None
        assert isinstance(await venue.cancel(order_of(LIMIT), 5), NotThere)


PERPETUAL = {
    "symbol": "BTCUSDT",
    "pair": "BTCUSDT",
    "contractType": "PERPETUAL",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "pricePrecision": 2,
    "quantityPrecision": 3,
    "orderTypes": ["LIMIT", "MARKET"],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "556.80", "maxPrice": "4529764", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "120", "stepSize": "0.001"},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
    ],
}
SWAP = {"exchange": "binanceusdm", "market": "swap", "instruments": ("btc-usdt-perp",)}


def usdm_script(**answers: Any) -> ScriptedHttp:
    fixed = {
        "GET /fapi/v1/exchangeInfo": {"symbols": [PERPETUAL], "rateLimits": [], "serverTime": 1},
        "GET /fapi/v1/time": {"serverTime": NOW_MS},
        "GET /fapi/v1/leverageBracket": [],
    }
    named = {name.replace("__", " /fapi/").replace("_", "/"): answer for name, answer in answers.items()}
    return ScriptedHttp({**fixed, **named})


def usdm_order(order: Order, **changes: Any) -> dict[str, Any]:
    told = {
        "orderId": 22542179,
        "symbol": "BTCUSDT",
        "status": "NEW",
        "clientOrderId": order.client_order_id,
        "price": "50000.10",
        "avgPrice": "0.00",
        "origQty": "0.010",
        "executedQty": "0.000",
        "cumQuote": "0.00000",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "reduceOnly": True,
        "closePosition": False,
        "side": "BUY",
        "positionSide": "BOTH",
        "stopPrice": "0.00",
        "time": NOW_MS,
        "updateTime": NOW_MS,
    }
    return {**told, **changes}


def income_of(kind: str, amount: str, number: int, time_ms: int) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "incomeType": kind,
        "income": amount,
        "asset": "USDT",
        "info": kind,
        "time": time_ms,
        "tranId": number,
        "tradeId": "",
    }


async def test_a_perpetual_has_a_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    async with venue_of(usdm_script(), monkeypatch, **SWAP) as venue:
        (rules,) = await venue.instruments()
    assert (rules.instrument, rules.tick_size, rules.min_notional) == (
        "btc-usdt-perp",
        Decimal("0.1"),
        Decimal(100),
    )
    assert rules.contract is not None
    assert (rules.contract.size, rules.contract.settle_asset, rules.contract.inverse) == (
        Decimal(1),
        "usdt",
        False,
    )
    assert venue.capabilities.native(Kind.LIMIT) is not None


async def test_a_perpetuals_order_may_only_reduce(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = LimitTerms(Decimal("50000.1"), post_only=True)
    order = order_of(terms, "btc-usdt-perp", reduce_only=True)
    script = usdm_script(POST__v1_order=usdm_order(order, timeInForce="GTX"))
    async with venue_of(script, monkeypatch, **SWAP) as venue:
        outcome = await venue.place(leaving(order), 5)
    assert isinstance(outcome, Accepted), outcome
    assert (outcome.order.terms, outcome.order.reduce_only) == (terms, True)
    assert outcome.order.contract is not None
    (sent,) = script.requests("POST /fapi/v1/order")
    assert (sent["reduceOnly"], sent["timeInForce"], sent["quantity"], sent["price"]) == (
        "true",
        "GTX",
        "0.01",
        "50000.1",
    )
    assert sent["newClientOrderId"] == order.client_order_id
    assert sent["recvWindow"] == "4000"


async def test_positions_and_funding_of_perpetuals(monkeypatch: pytest.MonkeyPatch) -> None:
    position = {
        "symbol": "BTCUSDT",
        "positionSide": "BOTH",
        "positionAmt": "-0.010",
        "entryPrice": "50000.1",
        "breakEvenPrice": "50000.0",
        "markPrice": "49000.00000000",
        "unRealizedProfit": "10.00100000",
        "liquidationPrice": "0",
        "isolatedMargin": "0",
        "notional": "-490.00",
        "marginAsset": "USDT",
        "initialMargin": "24.5",
        "maintMargin": "1.9",
        "positionInitialMargin": "24.5",
        "updateTime": NOW_MS,
    }
    now = int(SystemClock().now().timestamp() * 1000) - 120_000
    income = [
        income_of("TRANSFER", "-0.37500000", 9689322392, now),
        income_of("COMMISSION", "-0.01", 9689322393, now),
        income_of("FUNDING_FEE", "0.13488000", 4480321991774044580, now),
    ]

    def listed(params: dict[str, Any]) -> Any:
        return income if int(params["startTime"]) <= now <= int(params["endTime"]) else []

    script = usdm_script(
        GET__v3_positionRisk=[position],
        GET__v2_positionRisk=[position],
        GET__v1_income=listed,
    )
    async with venue_of(script, monkeypatch, **SWAP) as venue:
        (held,) = await venue.positions("paper")
        assert (held.instrument, held.quantity, held.entry_price) == (
            "btc-usdt-perp",
            Decimal("-0.01"),
            Decimal("50000.1"),
        )
        page = await venue.transfers_after("paper", "")
        moved = list(page.transfers)
        while page.more:
            page = await venue.transfers_after("paper", page.cursor)
            moved += page.transfers
        assert sorted(each.amount for each in moved) == [Decimal("-0.375"), Decimal("0.13488")]
        assert len({each.venue_transfer_id for each in moved}) == 2
        again = await venue.transfers_after("paper", page.cursor)
        assert list(again.transfers) == []
