"""Messages to values and back; rules of instruments; settings."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from trademesh.exchange.v1 import order_pb2
from trademesh.exchange.v1.exchange_service_pb2 import CreateOrderRequest
from trademesh.simvenue.v1 import order_pb2 as venue_order_pb2
from trademesh.type.v1 import side_pb2

from services.chassis.rpc.interceptors.validation import check
from services.exchange import convert
from services.exchange.domain.assets import Assets, Side
from services.exchange.domain.evidence import VenueStatus
from services.exchange.domain.fills import Fill, Transfer
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import Order, OrderIntent
from services.exchange.domain.positions import VenuePosition
from services.exchange.domain.sweeps import Swept
from services.exchange.domain.terms import LimitTerms, MarketTerms, Terms, TimeInForce
from services.exchange.settings import AccountSettings, BudgetSettings, ExchangeSettings, VenueSettings
from services.exchange.storage.rows import fill_of as fill_from_row
from services.exchange.storage.rows import fill_row, order_row
from services.exchange.storage.rows import order_of as order_from_row
from services.exchange.storage.tables import ORDERS
from services.exchange.venues import simvenue_convert
from services.kernel.errors import DomainError
from tests.support.exchange_strategies import fills, ids, orders, positions, transfers


@given(orders())
def test_order_there_and_back(order: Order) -> None:
    message = convert.order_to_proto(order)
    assert convert.order_of(order_pb2.Order.FromString(message.SerializeToString())) == order
    if order.quote_quantity is not None:
        # A request names one of them; an answer shows both.
        message.quantity = ""
    check(message)


@given(orders())
def test_order_to_a_row_and_back(order: Order) -> None:
    row: Any = order_row(order)
    assert order_from_row(row) == order
    assert set(row) == set(ORDERS.columns.keys())


@given(st.lists(orders(), max_size=3), st.booleans(), st.lists(ids, max_size=2))
def test_swept_orders_there_and_back(found: list[Order], complete: bool, venues: list[str]) -> None:
    swept = Swept(tuple(found), complete, tuple(venues))
    assert convert.swept_of(convert.swept_to_proto(swept)) == swept


@given(fills)
def test_fill_there_and_back(fill: Fill) -> None:
    assert convert.fill_of(convert.fill_to_proto(fill)) == fill
    row: Any = fill_row(fill)
    assert fill_from_row(row) == fill


@given(positions)
def test_position_there_and_back(position: VenuePosition) -> None:
    assert convert.position_of(convert.position_to_proto(position)) == position


@given(transfers)
def test_transfer_there_and_back(transfer: Transfer) -> None:
    assert convert.transfer_of(convert.transfer_to_proto(transfer)) == transfer


@given(orders())
def test_order_to_the_simulated_venue_and_back(order: Order) -> None:
    order = replace(order, client_order_id="tm-1", account="paper", instrument="btc-usdt")
    sent = simvenue_convert.CAPABILITIES.as_sent(order)
    request = simvenue_convert.place_request(sent)
    check(request)
    answer = venue_order_pb2.Order(
        client_order_id=request.client_order_id,
        venue_order_id=7,
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity or "3",
        quote_quantity=request.quote_quantity,
        status=venue_order_pb2.ORDER_STATUS_EXPIRED,
        close_reason=venue_order_pb2.CLOSE_REASON_FILL_OR_KILL,
    )
    kind = request.WhichOneof("terms")
    assert kind is not None
    getattr(answer, kind).CopyFrom(getattr(request, kind))
    told = simvenue_convert.order_of(answer, order.assets)
    assert (told.side, told.quote_quantity, told.terms) == (sent.side, sent.quote_quantity, sent.terms)
    assert told.quantity == (sent.quantity if sent.quote_quantity is None else 3)
    assert (told.status, told.reason) == (VenueStatus.EXPIRED, "FILL_OR_KILL")


def test_intent_does_not_look_at_output_only_fields() -> None:
    order = order_pb2.Order(
        instrument="venues/sim/instruments/btc-usdt", side=side_pb2.SIDE_SELL, quantity="1"
    )
    order.limit.price = "5"
    request = CreateOrderRequest(parent="accounts/paper", order=order)
    plain = convert.intent_of(request)
    request.order.state, request.order.filled_quantity = order_pb2.ORDER_STATE_FILLED, "nonsense"
    assert convert.intent_of(request) == plain
    assert plain.terms == LimitTerms(Decimal(5), TimeInForce.GTC)


@pytest.mark.parametrize(
    ("parent", "instrument"),
    [
        ("accounts/-", "venues/sim/instruments/btc-usdt"),
        ("accounts/paper", "venues/sim/instruments/-"),
        ("x", "venues/sim"),
    ],
)
def test_a_wrong_name_is_a_definite_error(parent: str, instrument: str) -> None:
    order = order_pb2.Order(instrument=instrument, side=side_pb2.SIDE_BUY, quantity="1")
    order.market.SetInParent()
    with pytest.raises(DomainError) as caught:
        convert.intent_of(CreateOrderRequest(parent=parent, order=order))
    assert caught.value.reason == "INVALID_NAME"


RULES = InstrumentRules(
    instrument="btc-usdt",
    assets=Assets("btc", "usdt"),
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.0001"),
    min_quantity=Decimal("0.001"),
    max_quantity=Decimal(10),
    min_notional=Decimal(5),
)


@pytest.mark.parametrize(
    ("quantity", "terms", "reason"),
    [
        ("0.00101", MarketTerms(), "QUANTITY_OFF_LOT"),
        ("0.0009", MarketTerms(), "QUANTITY_OUT_OF_RANGE"),
        ("10.0001", MarketTerms(), "QUANTITY_OUT_OF_RANGE"),
        ("1", LimitTerms(Decimal("60000.001")), "PRICE_OFF_TICK"),
        ("0.001", LimitTerms(Decimal("4999.99")), "NOTIONAL_TOO_SMALL"),
        ("1", LimitTerms(Decimal(60000), TimeInForce.IOC, post_only=True), "INVALID_REQUEST"),
        ("0.001", LimitTerms(Decimal(5000)), None),
        ("10", MarketTerms(), None),
    ],
)
def test_rules_of_an_instrument(quantity: str, terms: Terms, reason: str | None) -> None:
    intent = OrderIntent(
        account="paper",
        venue="sim",
        instrument="btc-usdt",
        side=Side.BUY,
        quantity=Decimal(quantity),
        terms=terms,
    )
    if reason is None:
        RULES.check(intent)
        return
    with pytest.raises(DomainError) as caught:
        RULES.check(intent)
    assert caught.value.reason == reason
    assert caught.value.violations


def test_settings_refuse_the_simulated_venue_where_real_money_moves() -> None:
    live = VenueSettings(name="real", simulated=False, live=True)
    accounts = (AccountSettings(name="paper", venues=("real",)),)
    with pytest.raises(ValidationError, match="simulated venue only"):
        ExchangeSettings(venues=(live,), accounts=accounts)


def test_live_trading_is_off_unless_a_venue_says_so() -> None:
    assert not VenueSettings(name="real").protection().live
    assert VenueSettings(name="real", live=True).protection().live


def test_settings_refuse_rate_budgets_that_cannot_be_kept() -> None:
    good = BudgetSettings(name="weight", window_seconds=60, limit=100, reserve=10)
    assert good.budget().reserve == 10
    with pytest.raises(ValidationError, match="below the limit"):
        BudgetSettings(name="weight", window_seconds=60, limit=100, reserve=100)
    with pytest.raises(ValidationError, match="one name"):
        ExchangeSettings(venues=(VenueSettings(name="sim", rate_budgets=(good, good)),))


def test_settings_refuse_what_cannot_be_meant() -> None:
    with pytest.raises(ValidationError, match="unknown venues"):
        ExchangeSettings(accounts=(AccountSettings(name="paper", venues=("none",)),))
    with pytest.raises(ValidationError):
        ExchangeSettings(keep_requests_days=6)
    timing = ExchangeSettings().timing()
    assert timing.quiet > timing.send
    assert timing.keep_requests >= 7 * 24 * 3600
