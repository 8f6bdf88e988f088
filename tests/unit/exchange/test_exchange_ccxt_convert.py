"""ccxt's structures and ours."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.domain.assets import Assets, Contract, Side
from services.exchange.domain.evidence import VenueStatus
from services.exchange.domain.fills import Liquidity
from services.exchange.domain.terms import (
    LimitTerms,
    MarketTerms,
    Offset,
    OffsetKind,
    StopLimitTerms,
    StopMarketTerms,
    TimeInForce,
    TrailingStopTerms,
    Trigger,
)
from services.exchange.venues import ccxt_convert as convert
from services.exchange.venues.ccxt_names import assets_of, instrument_of, symbols_of
from services.kernel.decimals import render
from tests.support.venue_lab import new_order

ORDER: dict[str, Any] = {
    "id": "28",
    "clientOrderId": "tm-1",
    "symbol": "BTC/USDT",
    "side": "buy",
    "type": "limit",
    "price": "50000.01",
    "amount": "1.5",
    "filled": "0",
    "status": "open",
    "timeInForce": "GTC",
    "postOnly": False,
    "triggerPrice": None,
    "reduceOnly": None,
    "info": {},
}
amounts = st.decimals(
    min_value=Decimal("1E-18"), max_value=Decimal("1E+18"), places=18, allow_nan=False, allow_infinity=False
)


def told(**changes: Any) -> Any:
    return convert.order_of({**ORDER, **changes})


@pytest.mark.parametrize(
    ("instrument", "symbol", "assets"),
    [
        ("btc-usdt", "BTC/USDT", Assets("btc", "usdt")),
        ("btc-usdt-perp", "BTC/USDT:USDT", Assets("btc", "usdt")),
        ("btc-usd-perp", "BTC/USD:BTC", Assets("btc", "usd")),
        ("1000shib-usdt", "1000SHIB/USDT", Assets("1000shib", "usdt")),
    ],
)
def test_names_there_and_back(instrument: str, symbol: str, assets: Assets) -> None:
    assert symbol in symbols_of(instrument)
    assert instrument_of(symbol) == instrument
    assert assets_of(symbol) == assets


@pytest.mark.parametrize("symbol", ["BTC/USDT:USDT-241227", "BTC/USDT:USDT-241227-100-C", "BTCUSDT", ""])
def test_dated_contracts_are_none_of_ours(symbol: str) -> None:
    with pytest.raises(ValueError, match="perpetual"):
        instrument_of(symbol)


@pytest.mark.parametrize("instrument", ["btc", "btc-usdt-dec", "BTC-USDT", "btc-usdt-perp-x"])
def test_ids_that_cannot_be_meant(instrument: str) -> None:
    with pytest.raises(ValueError, match="perpetual"):
        symbols_of(instrument)


@given(amounts, amounts)
def test_an_order_leaves_with_exactly_its_amounts(quantity: Decimal, price: Decimal) -> None:
    order = new_order("a", Side.BUY, quantity, LimitTerms(price), venue="v")
    kind, side, amount, limit, params = convert.placing(order)
    assert (kind, side) == ("limit", "buy")
    assert (Decimal(amount), Decimal(limit or "")) == (quantity, price)
    assert params["clientOrderId"] == order.client_order_id


@pytest.mark.parametrize(
    ("terms", "kind", "params"),
    [
        (MarketTerms(), "market", {}),
        (LimitTerms(Decimal(5)), "limit", {}),
        (LimitTerms(Decimal(5), TimeInForce.IOC), "limit", {"timeInForce": "IOC"}),
        (LimitTerms(Decimal(5), TimeInForce.FOK), "limit", {"timeInForce": "FOK"}),
        (LimitTerms(Decimal(5), post_only=True), "limit", {"postOnly": True}),
        (LimitTerms(Decimal(5), display_quantity=Decimal("0.1")), "limit", {"icebergAmount": "0.1"}),
        (StopMarketTerms(Trigger(Decimal(7))), "market", {"stopLossPrice": "7"}),
        (
            StopLimitTerms(Trigger(Decimal(7)), LimitTerms(Decimal(5), TimeInForce.IOC)),
            "limit",
            {"stopLossPrice": "7", "timeInForce": "IOC"},
        ),
    ],
)
def test_kinds_as_ccxt_takes_them(terms: Any, kind: str, params: dict[str, Any]) -> None:
    order = new_order("a", Side.SELL, "1", terms, venue="v")
    sent_kind, side, _, _, sent = convert.placing(order)
    sent.pop("clientOrderId")
    assert (sent_kind, side, sent) == (kind, "sell", params)


def test_a_kind_that_was_not_declared_is_a_fault_of_ours() -> None:
    terms = TrailingStopTerms(Offset(OffsetKind.TICKS, Decimal(5)))
    order = new_order("a", Side.SELL, "1", terms, venue="v")
    with pytest.raises(AssertionError):
        convert.placing(order)


@given(amounts, amounts)
def test_an_orders_amounts_are_read_exactly(quantity: Decimal, price: Decimal) -> None:
    read = told(amount=render(quantity), price=render(price))
    assert (read.quantity, read.terms) == (quantity, LimitTerms(price))


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({}, VenueStatus.OPEN, ""),
        ({"status": "canceling"}, VenueStatus.OPEN, ""),
        ({"status": "closed", "filled": "1.5"}, VenueStatus.FILLED, ""),
        # Bybit's PartiallyFilledCanceled comes as closed.
        ({"status": "closed", "filled": "0.5"}, VenueStatus.CANCELLED, ""),
        ({"status": "canceled", "filled": "0.5"}, VenueStatus.CANCELLED, ""),
        ({"status": "canceled", "timeInForce": "IOC"}, VenueStatus.EXPIRED, "IMMEDIATE_OR_CANCEL"),
        ({"status": "expired", "timeInForce": "FOK"}, VenueStatus.EXPIRED, "FILL_OR_KILL"),
        ({"status": "expired", "type": "market"}, VenueStatus.EXPIRED, "NO_LIQUIDITY"),
        ({"status": "canceled", "type": "market"}, VenueStatus.EXPIRED, "NO_LIQUIDITY"),
        (
            {"status": "expired", "info": {"status": "EXPIRED_IN_MATCH"}},
            VenueStatus.EXPIRED,
            "SELF_TRADE_PREVENTION",
        ),
        (
            {"status": "rejected", "info": {"rejectReason": "EC_PostOnlyWillTakeLiquidity"}},
            VenueStatus.EXPIRED,
            "POST_ONLY_WOULD_TRADE",
        ),
    ],
)
def test_how_an_order_stands(changes: dict[str, Any], status: VenueStatus, reason: str) -> None:
    read = told(**changes)
    assert (read.status, read.reason) == (status, reason)


@pytest.mark.parametrize(
    ("changes", "terms"),
    [
        ({"timeInForce": "FOK"}, LimitTerms(Decimal("50000.01"), TimeInForce.FOK)),
        ({"timeInForce": "PO"}, LimitTerms(Decimal("50000.01"), post_only=True)),
        ({"postOnly": True}, LimitTerms(Decimal("50000.01"), post_only=True)),
        ({"type": "market", "price": "49999"}, MarketTerms()),
        ({"type": "market", "triggerPrice": "9"}, StopMarketTerms(Trigger(Decimal(9)))),
        ({"triggerPrice": "9"}, StopLimitTerms(Trigger(Decimal(9)), LimitTerms(Decimal("50000.01")))),
        ({"triggerPrice": "0"}, LimitTerms(Decimal("50000.01"))),
    ],
)
def test_terms_of_an_order(changes: dict[str, Any], terms: Any) -> None:
    assert told(**changes).terms == terms


@pytest.mark.parametrize("amount", [0.1, True, None, "NaN", "Infinity", "one", [], b"1"])
def test_what_is_no_text_is_no_amount(amount: Any) -> None:
    with pytest.raises(ValueError, match="amount"):
        convert.number(amount)


TRADE: dict[str, Any] = {
    "id": "77",
    "order": "28",
    "symbol": "BTC/USDT",
    "price": "50000.01",
    "amount": "0.00000001",
    "fee": {"cost": "0.0000000000125", "currency": "BNB"},
    "takerOrMaker": "maker",
    "timestamp": 1723161244001,
}


def test_a_fill() -> None:
    fill = convert.fill_of(TRADE, "tm-1", by_symbol=True)
    assert (fill.venue_trade_id, fill.venue_order_id, fill.client_order_id) == ("btc-usdt:77", "28", "tm-1")
    assert (fill.price, fill.quantity) == (Decimal("50000.01"), Decimal("0.00000001"))
    assert (fill.fee, fill.fee_asset, fill.liquidity) == (Decimal("0.0000000000125"), "bnb", Liquidity.MAKER)
    assert fill.exchange_time == datetime(2024, 8, 8, 23, 54, 4, 1000, UTC)


def test_a_fill_without_a_fee_and_with_an_id_that_is_unique_by_itself() -> None:
    fill = convert.fill_of({**TRADE, "fee": None, "takerOrMaker": None}, "tm-1", by_symbol=False)
    assert (fill.venue_trade_id, fill.fee, fill.fee_asset) == ("77", Decimal(0), "usdt")
    assert fill.liquidity is Liquidity.UNSPECIFIED


def test_a_rebate_is_a_fee_below_zero() -> None:
    fill = convert.fill_of({**TRADE, "fee": {"cost": "-0.01", "currency": "USDT"}}, "", by_symbol=True)
    assert fill.fee == Decimal("-0.01")


def test_balances_lock_what_is_not_free() -> None:
    said = {
        "total": {"BTC": "3", "USDT": "10"},
        "BTC": {"free": "1", "used": "2", "total": "3"},
        "USDT": {"free": "9.9", "used": None, "total": "10"},
    }
    now = datetime(2026, 1, 1, tzinfo=UTC)
    held = {each.asset: (each.free, each.locked) for each in convert.balances_of(said, "a", "v", now)}
    assert held == {"btc": (Decimal(1), Decimal(2)), "usdt": (Decimal("9.9"), Decimal("0.1"))}


def test_rules_of_a_spot_market_and_of_a_perpetual() -> None:
    market: dict[str, Any] = {
        "symbol": "BTC/USDT:USDT",
        "precision": {"price": "0.10", "amount": "0.001"},
        "limits": {"amount": {"min": "0.001", "max": None}, "cost": {"min": "100"}, "price": {}},
        "contract": True,
        "contractSize": "1",
        "settle": "USDT",
        "inverse": False,
    }
    rules = convert.rules_of(market)
    assert (rules.instrument, rules.tick_size, rules.lot_size) == (
        "btc-usdt-perp",
        Decimal("0.1"),
        Decimal("0.001"),
    )
    assert (rules.min_notional, rules.contract) == (Decimal(100), Contract(Decimal(1), "usdt"))
    assert rules.max_quantity > Decimal("1E+12")
    spot = convert.rules_of({**market, "symbol": "BTC/USDT", "contract": False})
    assert (spot.instrument, spot.contract) == ("btc-usdt", None)
    with pytest.raises(ValueError, match="step"):
        convert.rules_of({**market, "precision": {"price": None, "amount": "1"}})
