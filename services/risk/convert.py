"""Protobuf to domain and back: orders, decisions, modes, exposure."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from trademesh.market.v1 import instrument_pb2
from trademesh.risk.v1 import decision_pb2, exposure_pb2, risk_service_pb2
from trademesh.type.v1 import contract_pb2, side_pb2

from services.chassis.rpc.timestamps import to_timestamp
from services.kernel.decimals import EXACT, parse, render
from services.kernel.errors import DomainError, ErrorKind, Violation
from services.kernel.names import AccountName, InstrumentName, StrategyName
from services.risk.domain.cancellation import Cancellation
from services.risk.domain.checks import CheckKind
from services.risk.domain.order import OrderTerms, Side
from services.risk.domain.reservation import Reservation
from services.risk.domain.traded import Contract, Rules
from services.risk.domain.trading import EVERYBODY, TradingChange, TradingMode
from services.risk.handlers.show_exposure import ExposureReport
from services.risk.handlers.trading_modes import ModeReport
from services.risk.ports import Decision

SIDES = {side_pb2.SIDE_BUY: Side.BUY, side_pb2.SIDE_SELL: Side.SELL}
_KINDS = {kind: f"CHECK_KIND_{kind.name}" for kind in CheckKind}
_MODES = {
    TradingMode.ACTIVE: exposure_pb2.TRADING_MODE_ACTIVE,
    TradingMode.HALTED: exposure_pb2.TRADING_MODE_HALTED,
    TradingMode.REDUCING: exposure_pb2.TRADING_MODE_REDUCING,
}


def order_from_proto(request: risk_service_pb2.CheckOrderRequest, account: str = "") -> OrderTerms:
    """Read what risk is asked about; the contract's rules have been checked.

    Args:
        request: the question.
        account: full name of the account, where the question is one of a batch for it.

    Raises:
        DomainError: INVALID_NAME; INVALID_REQUEST where the question of a batch names another account.
    """
    if account and request.account not in {"", account}:
        raise DomainError(
            "INVALID_REQUEST",
            f"an order of {request.account} cannot be checked with those of {account}",
            kind=ErrorKind.INVALID,
            violations=[Violation("orders.account", f"must be {account}")],
        )
    return OrderTerms(
        account=AccountName.parse(account or request.account, field="account").account,
        instrument=InstrumentName.parse(request.instrument, field="instrument"),
        side=SIDES[request.side],
        quantity=parse(request.quantity),
        limit_price=parse(request.limit_price) if request.limit_price else None,
        trigger_price=parse(request.trigger_price) if request.trigger_price else None,
        reduce_only=request.reduce_only,
        group=request.group.lower(),
        strategy=StrategyName.parse(request.strategy, field="strategy").strategy if request.strategy else "",
        contract=contract_from_proto(request.contract) if request.HasField("contract") else None,
    )


def contract_from_proto(terms: contract_pb2.ContractTerms) -> Contract | None:
    """Read what a contract stands for; None for spot.

    Raises:
        DomainError: INVALID_REQUEST where the size is not an amount above zero, or no asset is named.
    """
    if terms.kind != contract_pb2.INSTRUMENT_KIND_PERPETUAL:
        return None
    try:
        size = parse(terms.contract_size)
    except ValueError:
        size = Decimal(0)
    if size <= 0 or not terms.settle_asset:
        raise DomainError(
            "INVALID_REQUEST",
            "a contract needs a size above zero and a settle asset",
            kind=ErrorKind.INVALID,
            violations=[Violation("contract", "must have contract_size above zero and settle_asset")],
        )
    return Contract(size, terms.settle_asset, terms.inverse)


def rules_from_proto(found: instrument_pb2.Instrument) -> Rules:
    """Read what a venue takes orders for."""
    return Rules(
        base=found.base_asset,
        quote=found.quote_asset,
        tick=_positive(found.tick_size),
        lot=_positive(found.lot_size),
        min_quantity=_positive(found.min_quantity),
        max_quantity=_positive(found.max_quantity),
        min_notional=_positive(found.min_notional),
        halted=found.state == instrument_pb2.INSTRUMENT_STATE_HALTED,
    )


def mode_from_proto(mode: "exposure_pb2.TradingMode") -> TradingMode:
    """Read the mode of a halt: HALTED where none is set."""
    return TradingMode.REDUCING if mode == exposure_pb2.TRADING_MODE_REDUCING else TradingMode.HALTED


def account_from_proto(name: str, *, field: str = "account") -> str:
    """Read the id of an account, or of all of them.

    Raises:
        DomainError: INVALID_NAME.
    """
    return EVERYBODY if name == f"accounts/{EVERYBODY}" else AccountName.parse(name, field=field).account


def mode_to_proto(report: ModeReport) -> exposure_pb2.TradingState:
    """Write whether an account may trade."""
    own = report.own
    state = exposure_pb2.TradingState(
        account=f"accounts/{report.account}",
        mode=_MODES[own.mode],
        reason=own.reason,
        update_time=to_timestamp(own.update_time),
        changed_by=own.changed_by,
        effective_mode=_MODES[report.effective.mode],
    )
    return with_cancellation(state, report.cancellation)


def with_cancellation(
    state: exposure_pb2.TradingState, cancellation: Cancellation | None
) -> exposure_pb2.TradingState:
    """A copy of a state that tells how far a cancel of all open orders is."""
    copy = exposure_pb2.TradingState()
    copy.CopyFrom(state)
    for name in ("cancel_requested", "confirmed", "open_orders", "unreachable_venues"):
        copy.ClearField(name)
    if cancellation is not None:
        copy.cancel_requested = True
        copy.confirmed = cancellation.confirmed
        copy.open_orders.extend(cancellation.open_orders)
        copy.unreachable_venues.extend(cancellation.unreachable_venues)
    return copy


def trading_change_to_proto(change: TradingChange) -> exposure_pb2.TradingStateChange:
    """Write a change of a mode."""
    return exposure_pb2.TradingStateChange(
        account=f"accounts/{change.account}",
        from_mode=_MODES[change.before],
        to_mode=_MODES[change.after.mode],
        reason=change.after.reason,
        changed_by=change.after.changed_by,
        change_time=to_timestamp(change.after.update_time),
        correlation_id=change.correlation_id,
    )


def decision_to_proto(decision: Decision) -> decision_pb2.Decision:
    """Write a decision."""
    reserved = decision.reservation
    return decision_pb2.Decision(
        approved=decision.approved,
        checks=[
            decision_pb2.Check(
                kind=_KINDS[kind], passed=passed, observed=observed, allowed=allowed, message=message
            )
            for kind, passed, observed, allowed, message in decision.checks
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
    missing = [each.instrument for each in instruments if not each.notional]
    return exposure_pb2.Exposure(
        name=f"{account}/exposure",
        instruments=instruments,
        assets=[
            exposure_pb2.AssetExposure(
                asset=asset,
                quantity=render(quantity),
                reserved_quantity=render(state.reserved.get((venue, asset), Decimal(0))),
                venue=f"venues/{venue}",
            )
            for (venue, asset), quantity in sorted(state.holdings.items())
        ],
        gross_notional="" if missing else _total([parse(each.notional) for each in instruments]),
        missing_prices=missing,
        open_order_count=state.open_orders,
        trading_state=mode_to_proto(report.mode),
        read_time=to_timestamp(read_time),
    )


def _instrument_exposure(
    instrument: InstrumentName, report: ExposureReport
) -> exposure_pb2.InstrumentExposure:
    state, quote = report.state, report.market.quotes.get(instrument)
    traded, quantity = state.traded_of(instrument), state.quantity(instrument)
    message = exposure_pb2.InstrumentExposure(
        instrument=str(instrument),
        quantity=render(quantity),
        pending_buy_quantity=render(state.pending.get((instrument, Side.BUY), Decimal(0))),
        pending_sell_quantity=render(state.pending.get((instrument, Side.SELL), Decimal(0))),
    )
    if quote is not None:
        message.mark_price = render(quote.mark)
        rate = None if traded is None else report.market.rates.get(traded.money)
        if traded is not None and rate is not None:
            message.notional = render(EXACT.multiply(traded.worth(quantity.copy_abs(), quote.mark), rate))
    return message


def _reservation_to_proto(reservation: Reservation) -> decision_pb2.Reservation:
    return decision_pb2.Reservation(
        order_id=reservation.order_id,
        asset=reservation.asset,
        quantity=render(reservation.wanted),
        group=reservation.group,
    )


def _positive(amount: str) -> Decimal | None:
    """An amount above zero; None where the venue says nothing."""
    value = parse(amount) if amount else Decimal(0)
    return value if value > 0 else None


def _total(amounts: Sequence[Decimal]) -> str:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return render(total)
