"""What goes onto the wire or into a row comes back the same."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import given
from hypothesis import strategies as st
from trademesh.exchange.v1 import exchange_service_pb2, order_kinds_pb2, order_pb2
from trademesh.risk.v1 import risk_service_pb2 as pb
from trademesh.type.v1 import contract_pb2, side_pb2

from services.kernel.decimals import render
from services.kernel.names import AccountName
from services.risk import convert, convert_events, convert_limits, convert_reports
from services.risk.domain.limits import InstrumentLimit, Limits
from services.risk.domain.order import OrderTerms, Side
from services.risk.domain.protections import Cooldown, LowProfit, MaxDrawdown, Protections, StopLossGuard
from services.risk.domain.reservation import Reservation
from services.risk.domain.traded import Contract, Traded
from services.risk.storage import rows, trade_rows
from tests.support.risk import BTC, LIMITS, NOW, PERP

PAPER = AccountName("paper")
amounts = st.decimals("0.00000001", "99999999", places=8)
maybe = st.none() | amounts
spans = st.integers(1, 86_400_000).map(lambda count: timedelta(milliseconds=count))
contracts = st.none() | st.builds(
    Contract, size=amounts, settle=st.sampled_from(["usdt", "btc"]), inverse=st.booleans()
)


@st.composite
def limits(draw: Any) -> Limits:
    """Limits with some set and some not."""
    names = ("max_order_notional", "max_position_notional", "max_gross_notional", "max_venue_notional")
    more = ("max_net_notional", "max_concentration", "max_leverage", "max_daily_loss", "max_daily_drawdown")
    changes: dict[str, Any] = {name: draw(maybe) for name in (*names, *more)}
    changes["instruments"] = draw(
        st.dictionaries(st.sampled_from([BTC, PERP]), st.builds(InstrumentLimit, maybe, maybe))
    )
    changes |= {"max_open_orders": draw(st.integers(0, 100)), "max_order_rate": draw(st.integers(0, 100))}
    changes |= {"order_rate_window": draw(spans), "duplicate_window": draw(st.just(timedelta(0)) | spans)}
    changes |= {"initial_margin": draw(amounts), "price_collar": draw(amounts)}
    return replace(LIMITS, **changes)


@given(limits())
def test_limits_come_back_from_the_wire_and_from_a_row(made: Limits) -> None:
    message = convert_limits.limits_to_proto(PAPER, made)
    paths = [field.name for field in message.DESCRIPTOR.fields]
    mask = FieldMask(paths=[path for path in paths if path not in {"name", "version", "update_time"}])
    change = convert_limits.limits_change_from_proto(pb.UpdateLimitsRequest(limits=message, update_mask=mask))
    assert replace(LIMITS, **change) == made
    row = {"document": rows.limits_document(made), "version": made.version, "update_time": made.update_time}
    assert rows.limits_from(row) == made


@st.composite
def protections(draw: Any) -> Protections:
    """Rules, some of them off."""
    count, flag = st.integers(1, 100), st.booleans()
    return Protections(
        cooldown=draw(st.none() | st.builds(Cooldown, spans)),
        stop_loss_guard=draw(st.none() | st.builds(StopLossGuard, spans, count, spans, flag, flag)),
        max_drawdown=draw(st.none() | st.builds(MaxDrawdown, spans, count, amounts, spans, flag)),
        low_profit=draw(st.none() | st.builds(LowProfit, spans, count, amounts, spans)),
        version=3,
        update_time=NOW,
    )


@given(protections())
def test_protections_come_back_from_the_wire_and_from_a_row(made: Protections) -> None:
    message = convert_reports.protections_to_proto(PAPER, made)
    mask = FieldMask(paths=["cooldown", "stop_loss_guard", "max_drawdown", "low_profit"])
    request = pb.UpdateProtectionsRequest(protections=message, update_mask=mask)
    assert replace(made, **convert_reports.protections_change_from_proto(request)) == made
    row = {"document": trade_rows.protections_document(made), "version": 3, "update_time": NOW}
    assert trade_rows.protections_from(row) == made


@given(contracts, amounts, maybe, maybe, st.booleans())
def test_orders_are_read_as_they_were_meant(
    contract: Contract | None, quantity: Decimal, limit: Decimal | None, trigger: Decimal | None, only: bool
) -> None:
    request = pb.CheckOrderRequest(
        account="accounts/paper",
        instrument=str(PERP),
        side=side_pb2.SIDE_SELL,
        quantity=render(quantity),
        limit_price="" if limit is None else render(limit),
        trigger_price="" if trigger is None else render(trigger),
        reduce_only=only,
        strategy="strategies/sma",
    )
    if contract is not None:
        request.contract.CopyFrom(
            contract_pb2.ContractTerms(
                kind=contract_pb2.INSTRUMENT_KIND_PERPETUAL,
                contract_size=render(contract.size),
                settle_asset=contract.settle,
                inverse=contract.inverse,
            )
        )
    expected = OrderTerms("paper", PERP, Side.SELL, quantity, limit, trigger, only, "", "sma", contract)
    assert convert.order_from_proto(request) == expected


@given(contracts, amounts, amounts, st.sampled_from(["", "g"]), st.booleans())
def test_reservations_come_back_from_a_row(
    contract: Contract | None, quantity: Decimal, per_unit: Decimal, group: str, stop: bool
) -> None:
    made = Reservation(
        "o1",
        "paper",
        Traded(PERP, "btc", "usdt", contract),
        Side.BUY,
        quantity,
        "usdt",
        per_unit,
        group=group,
        joined_at=quantity,
        filled=quantity,
        stop=stop,
    )
    assert rows.reservation_from(rows.reservation_row(made)) == made


def test_an_order_from_outside_counts_at_its_limit_or_its_trigger() -> None:
    trigger = order_kinds_pb2.Trigger(price="50000")
    order = order_pb2.Order(
        name="accounts/paper/orders/o1",
        instrument=str(BTC),
        side=side_pb2.SIDE_BUY,
        quantity="2",
        stop_market=order_kinds_pb2.StopMarketOrder(trigger=trigger),
        state=order_pb2.ORDER_STATE_OPEN,
        base_asset="btc",
        quote_asset="usdt",
    )
    resting = convert_events.order_changed_from_proto(order).resting
    assert resting is not None
    assert resting.wanted == Decimal(100_000)
    limit = order_kinds_pb2.LimitOrder(price="49000")
    order.stop_limit.CopyFrom(order_kinds_pb2.StopLimitOrder(trigger=trigger, limit=limit))
    resting = convert_events.order_changed_from_proto(order).resting
    assert resting is not None
    assert resting.wanted == Decimal(98_000)


def test_only_final_orders_and_reached_venues_are_complete() -> None:
    done = order_pb2.Order(name="a", state=order_pb2.ORDER_STATE_CANCELLED)
    still = order_pb2.Order(name="b", state=order_pb2.ORDER_STATE_UNKNOWN)
    answer = exchange_service_pb2.CancelAllOrdersResponse(orders=[done], complete=True)
    assert convert_events.cancel_outcome_from_proto(answer).complete
    answer.orders.append(still)
    outcome = convert_events.cancel_outcome_from_proto(answer)
    assert (outcome.complete, outcome.open_orders) == (False, ("b",))
    away = exchange_service_pb2.CancelAllOrdersResponse(complete=True, unreachable_venues=["venues/sim"])
    assert not convert_events.cancel_outcome_from_proto(away).complete
