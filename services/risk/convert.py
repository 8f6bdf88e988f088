"""Protobuf to domain and back."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from trademesh.exchange.v1 import balance_pb2, fill_pb2, order_pb2
from trademesh.risk.v1 import decision_pb2, exposure_pb2, limits_pb2, risk_service_pb2
from trademesh.type.v1 import side_pb2

from services.chassis.rpc.timestamps import to_timestamp
from services.kernel.decimals import EXACT, parse, render
from services.kernel.errors import DomainError, ErrorKind, Violation
from services.kernel.names import AccountName, InstrumentName, OrderName
from services.risk.bookings import ExchangeEvent, Filled, OrderEnded, OrderOpened, Transferred
from services.risk.domain.account import Reservation
from services.risk.domain.limits import Limits, TradingMode, TradingState
from services.risk.domain.order import OrderTerms, Side
from services.risk.handlers import ExposureReport
from services.risk.ports import Decision, LimitsChange

_SIDES = {side_pb2.SIDE_BUY: Side.BUY, side_pb2.SIDE_SELL: Side.SELL}
_MODES = {
    TradingMode.ACTIVE: exposure_pb2.TRADING_MODE_ACTIVE,
    TradingMode.HALTED: exposure_pb2.TRADING_MODE_HALTED,
}
_AMOUNTS = ("max_order_notional", "max_position_notional", "max_gross_notional", "price_collar")
_COUNT = "max_open_orders"
_FINAL = {
    order_pb2.ORDER_STATE_FILLED,
    order_pb2.ORDER_STATE_CANCELLED,
    order_pb2.ORDER_STATE_DENIED,
    order_pb2.ORDER_STATE_REJECTED,
    order_pb2.ORDER_STATE_EXPIRED,
}
_RESTING = {order_pb2.ORDER_STATE_OPEN, order_pb2.ORDER_STATE_PARTIALLY_FILLED}


def order_from_proto(request: risk_service_pb2.CheckOrderRequest) -> OrderTerms:
    """Read what risk is asked about; the contract's rules have been checked."""
    return OrderTerms(
        account=AccountName.parse(request.account, field="account").account,
        instrument=InstrumentName.parse(request.instrument, field="instrument"),
        side=_SIDES[request.side],
        quantity=parse(request.quantity),
        limit_price=parse(request.limit_price) if request.limit_price else None,
    )


def limits_change_from_proto(request: risk_service_pb2.UpdateLimitsRequest) -> LimitsChange:
    """Read the limits that change.

    Raises:
        DomainError: INVALID_UPDATE_MASK where the mask names a field that cannot be set, or one that
            has no value.
    """
    message = request.limits
    paths = list(request.update_mask.paths) or [
        name for name in (*_AMOUNTS, _COUNT) if getattr(message, name)
    ]
    change: LimitsChange = {}
    for path in paths:
        if path == _COUNT:
            change["max_open_orders"] = message.max_open_orders
        elif path in _AMOUNTS and getattr(message, path):
            change[path] = parse(getattr(message, path))  # type: ignore[literal-required]
        else:
            raise DomainError(
                "INVALID_UPDATE_MASK",
                f"{path!r} cannot be set, or has no value",
                kind=ErrorKind.INVALID,
                violations=[Violation("update_mask", f"{path!r} cannot be set, or has no value")],
            )
    return change


def limits_to_proto(account: AccountName, limits: Limits) -> limits_pb2.Limits:
    """Write limits."""
    return limits_pb2.Limits(
        name=f"{account}/limits",
        max_order_notional=render(limits.max_order_notional),
        max_position_notional=render(limits.max_position_notional),
        max_gross_notional=render(limits.max_gross_notional),
        price_collar=render(limits.price_collar),
        max_open_orders=limits.max_open_orders,
        version=limits.version,
        update_time=to_timestamp(limits.update_time),
    )


def trading_to_proto(account: AccountName, trading: TradingState) -> exposure_pb2.TradingState:
    """Write the mode of an account."""
    return exposure_pb2.TradingState(
        account=str(account),
        mode=_MODES[trading.mode],
        reason=trading.reason,
        update_time=to_timestamp(trading.update_time),
    )


def decision_to_proto(decision: Decision) -> decision_pb2.Decision:
    """Write a decision."""
    reserved = decision.reservation
    return decision_pb2.Decision(
        approved=decision.approved,
        checks=[
            decision_pb2.Check(
                kind=decision_pb2.CheckKind.Name(check.kind.value),
                passed=check.passed,
                observed=check.observed,
                allowed=check.allowed,
                message=check.message,
            )
            for check in decision.checks
        ],
        reservation=None if reserved is None else _reservation_to_proto(reserved),
        limits_version=decision.limits_version,
        decide_time=to_timestamp(decision.decide_time),
    )


def exposure_to_proto(
    account: AccountName, report: ExposureReport, read_time: datetime
) -> exposure_pb2.Exposure:
    """Write what an account has at stake."""
    state = report.state
    instruments = [
        _instrument_exposure(instrument, report) for instrument in sorted(state.instruments(), key=str)
    ]
    missing = [each.instrument for each in instruments if not each.mark_price]
    return exposure_pb2.Exposure(
        name=f"{account}/exposure",
        instruments=instruments,
        assets=[
            exposure_pb2.AssetExposure(
                asset=asset, quantity=render(quantity), reserved_quantity=render(state.reserved(asset))
            )
            for asset, quantity in sorted(state.holdings.items())
        ],
        gross_notional="" if missing else _total([parse(each.notional) for each in instruments]),
        missing_prices=missing,
        open_order_count=len(state.reservations),
        trading_state=trading_to_proto(account, report.trading),
        read_time=to_timestamp(read_time),
    )


def order_changed_from_proto(order: order_pb2.Order) -> ExchangeEvent | None:
    """Read what a change of an order means to risk; None where it means nothing."""
    name = OrderName.parse(order.name)
    if order.state in _FINAL:
        return OrderEnded(name.order)
    if order.state not in _RESTING or order.WhichOneof("kind") != "limit":
        return None
    side, price = _SIDES[order.side], parse(order.limit.price)
    return OrderOpened(
        Reservation(
            order_id=name.order,
            account=name.account,
            instrument=InstrumentName.parse(order.instrument),
            side=side,
            remaining=EXACT.subtract(parse(order.quantity), parse(order.filled_quantity or "0")),
            asset=order.quote_asset if side is Side.BUY else order.base_asset,
            per_unit=price if side is Side.BUY else Decimal(1),
        )
    )


def fill_from_proto(fill: fill_pb2.Fill) -> Filled:
    """Read a fill of the exchange.

    Raises:
        ValueError: an amount is not a decimal.
        DomainError: a name is not one.
    """
    order = OrderName.parse(fill.order, field="order")
    return Filled(
        order_id=order.order,
        account=order.account,
        instrument=InstrumentName.parse(fill.instrument),
        base_asset=fill.base_asset,
        quote_asset=fill.quote_asset,
        side=_SIDES[fill.side],
        quantity=parse(fill.quantity),
        price=parse(fill.price),
        fee=parse(fill.fee),
        fee_asset=fill.fee_asset,
    )


def transfer_from_proto(transfer: balance_pb2.Transfer) -> Transferred:
    """Read a transfer of the exchange.

    Raises:
        ValueError: the amount is not a decimal.
        DomainError: the account's name is not one.
    """
    account = AccountName.parse(transfer.account, field="account")
    return Transferred(account.account, transfer.asset, parse(transfer.amount))


def _instrument_exposure(
    instrument: InstrumentName, report: ExposureReport
) -> exposure_pb2.InstrumentExposure:
    state, quote = report.state, report.quotes.get(instrument)
    position = state.positions.get(instrument, Decimal(0))
    message = exposure_pb2.InstrumentExposure(
        instrument=str(instrument),
        quantity=render(position),
        pending_buy_quantity=render(state.pending(instrument, Side.BUY)),
        pending_sell_quantity=render(state.pending(instrument, Side.SELL)),
    )
    if quote is not None:
        message.mark_price = render(quote.mark)
        message.notional = render(EXACT.multiply(position.copy_abs(), quote.mark))
    return message


def _reservation_to_proto(reservation: Reservation) -> decision_pb2.Reservation:
    return decision_pb2.Reservation(
        order_id=reservation.order_id, asset=reservation.asset, quantity=render(reservation.quantity)
    )


def _total(amounts: Sequence[Decimal]) -> str:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return render(total)
