"""Protobuf to domain and back."""

from collections.abc import Sequence

from trademesh.exchange.v1 import order_pb2
from trademesh.orchestrator.v1 import cycle_pb2, trading_status_pb2
from trademesh.strategy.v1 import signal_pb2
from trademesh.type.v1 import side_pb2

from services.chassis.rpc.timestamps import to_datetime, to_timestamp
from services.kernel.decimals import parse, render
from services.kernel.names import AccountName, InstrumentName
from services.orchestrator.domain.cycle import Cycle, CycleState, Side, Signal, Step
from services.orchestrator.domain.order import OrderPhase, OrderView
from services.orchestrator.domain.trading import Trading, TradingMode
from services.orchestrator.ports import Tally

_SIDES = {side_pb2.SIDE_BUY: Side.BUY, side_pb2.SIDE_SELL: Side.SELL}
_MODES = {
    TradingMode.RUNNING: trading_status_pb2.TRADING_MODE_RUNNING,
    TradingMode.STOPPED: trading_status_pb2.TRADING_MODE_STOPPED,
    TradingMode.EMERGENCY_STOPPED: trading_status_pb2.TRADING_MODE_EMERGENCY_STOPPED,
}
_STATES = {state: f"CYCLE_STATE_{state.name}" for state in CycleState}
_PHASES = {
    order_pb2.ORDER_STATE_FILLED: OrderPhase.ENDED,
    order_pb2.ORDER_STATE_CANCELLED: OrderPhase.ENDED,
    order_pb2.ORDER_STATE_EXPIRED: OrderPhase.ENDED,
    order_pb2.ORDER_STATE_DENIED: OrderPhase.REFUSED,
    order_pb2.ORDER_STATE_REJECTED: OrderPhase.REFUSED,
}
_STATE_PREFIX = "ORDER_STATE_"
WORKING_STATES = [name for name, state in order_pb2.OrderState.items() if state != 0 and state not in _PHASES]
"""The states of an order that is not final, as the exchange's ListOrders takes them."""


def signal_from_proto(message: signal_pb2.Signal) -> Signal:
    """Read a signal of the strategy service.

    Raises:
        ValueError: the quantity is not a decimal, or the side is not set.
        DomainError: a name is not one.
    """
    side = _SIDES.get(message.side)
    if side is None:
        msg = f"{message.name} has no side"
        raise ValueError(msg)
    return Signal(
        name=message.name,
        strategy=message.name.partition("/signals/")[0],
        instrument=InstrumentName.parse(message.instrument, field="instrument"),
        side=side,
        quantity=parse(message.quantity),
        create_time=to_datetime(message.create_time),
        correlation_id=message.correlation_id,
    )


def order_from_proto(message: order_pb2.Order) -> OrderView:
    """Read an order of the exchange service.

    Raises:
        ValueError: the filled quantity is not a decimal.
    """
    return OrderView(
        name=message.name,
        version=message.version,
        phase=_PHASES.get(message.state, OrderPhase.WORKING),
        state=order_pb2.OrderState.Name(message.state).removeprefix(_STATE_PREFIX),
        filled_quantity=parse(message.filled_quantity or "0"),
        reason=message.reason,
        message=message.reason_message,
    )


def side_to_proto(side: Side) -> side_pb2.Side:
    """Write a side."""
    return side_pb2.SIDE_BUY if side is Side.BUY else side_pb2.SIDE_SELL


def states_from_proto(states: Sequence[cycle_pb2.CycleState]) -> list[CycleState]:
    """Read cycle states; the unset one asks for nothing."""
    names = {cycle_pb2.CycleState.Name(state) for state in states}
    return [state for state, name in _STATES.items() if name in names]


def cycle_to_proto(cycle: Cycle) -> cycle_pb2.Cycle:
    """Write a cycle."""
    signal = cycle.signal
    return cycle_pb2.Cycle(
        name=_name(cycle),
        signal=signal.name,
        strategy=signal.strategy,
        instrument=str(signal.instrument),
        side=side_to_proto(signal.side),
        quantity=render(cycle.quantity),
        state=_STATES[cycle.state],
        reason=cycle.reason,
        order=cycle.order,
        filled_quantity=render(cycle.filled_quantity),
        steps=[_step_to_proto(step) for step in cycle.steps],
        correlation_id=signal.correlation_id,
        create_time=to_timestamp(cycle.create_time),
        update_time=to_timestamp(cycle.update_time),
    )


def status_to_proto(
    account: AccountName, trading: Trading, tally: Tally, pending_cancels: Sequence[str]
) -> trading_status_pb2.TradingStatus:
    """Write whether the mesh trades."""
    last = tally.last
    return trading_status_pb2.TradingStatus(
        mode=_MODES[trading.mode],
        account=str(account),
        reason=trading.reason,
        mode_update_time=to_timestamp(trading.update_time),
        cycle_count=tally.total,
        filled_cycle_count=tally.filled,
        running_cycle_count=tally.running,
        last_cycle="" if last is None else _name(last),
        last_cycle_time=None if last is None else to_timestamp(last.create_time),
        unconfirmed_cancels=pending_cancels,
    )


def _name(cycle: Cycle) -> str:
    return f"cycles/{cycle.id}"


def _step_to_proto(step: Step) -> cycle_pb2.CycleStep:
    return cycle_pb2.CycleStep(
        state=_STATES[step.state], message=step.message, step_time=to_timestamp(step.step_time)
    )
