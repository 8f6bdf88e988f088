"""Values of the domain as messages of the contract, and back."""

from collections.abc import Callable, Iterable
from uuid import UUID

from trademesh.strategy.v1 import signal_pb2, strategy_pb2, strategy_service_pb2
from trademesh.type.v1 import side_pb2

from services.chassis.rpc.interceptors.validation import check
from services.chassis.rpc.timestamps import to_datetime, to_timestamp
from services.kernel.decimals import parse, render
from services.kernel.errors import DomainError, ErrorKind, Violation
from services.kernel.names import InstrumentName, StrategyName
from services.strategy.domain.signal import Signal, SignalDraft
from services.strategy.domain.sma import Side, SmaCross
from services.strategy.domain.strategy import Definition, Strategy, StrategyState

FIELDS = ("instrument", "candle_interval", "quantity", "sma_cross")
"""What an update mask may name."""

_STATES = {
    StrategyState.ENABLED: strategy_pb2.STRATEGY_STATE_ENABLED,
    StrategyState.DISABLED: strategy_pb2.STRATEGY_STATE_DISABLED,
}
_STATES_BACK = {wire: state for state, wire in _STATES.items()}
_SIDES = {Side.BUY: side_pb2.SIDE_BUY, Side.SELL: side_pb2.SIDE_SELL}
_SIDES_BACK = {wire: side for side, wire in _SIDES.items()}


def definition_from_proto(message: strategy_pb2.Strategy) -> Definition:
    """What a strategy says.

    Raises:
        DomainError: the instrument's name is none.
        ValueError: an amount is no decimal, or the periods make no cross.
    """
    return Definition(
        instrument=InstrumentName.parse(message.instrument, field="strategy.instrument"),
        candle_interval=message.candle_interval,
        quantity=parse(message.quantity),
        rule=SmaCross(message.sma_cross.fast_period, message.sma_cross.slow_period),
    )


def definition_to_proto(value: Definition) -> strategy_pb2.Strategy:
    """What a strategy says, on the wire."""
    return strategy_pb2.Strategy(
        instrument=str(value.instrument),
        candle_interval=value.candle_interval,
        quantity=render(value.quantity),
        sma_cross=strategy_pb2.SmaCross(
            fast_period=value.rule.fast_period, slow_period=value.rule.slow_period
        ),
    )


def redefinition_of(
    request: strategy_service_pb2.UpdateStrategyRequest,
) -> Callable[[Definition], Definition]:
    """What an update makes of the present definition: the masked fields of the request in its place.

    The function raises DomainError INVALID_REQUEST where the result breaks a rule of the contract.

    Raises:
        DomainError: INVALID with reason INVALID_UPDATE_MASK.
    """
    paths = _masked(request.update_mask.paths)

    def redefine(present: Definition) -> Definition:
        merged = definition_to_proto(present)
        for path in paths:
            merged.ClearField(path)
            if request.strategy.HasField(path) if path == "sma_cross" else getattr(request.strategy, path):
                merged.MergeFrom(_only(request.strategy, path))
        check(merged)
        return definition_from_proto(merged)

    return redefine


def strategy_to_proto(value: Strategy) -> strategy_pb2.Strategy:
    """A strategy on the wire."""
    message = definition_to_proto(value.definition)
    message.name = str(value.name)
    message.state = _STATES[value.state]
    message.etag = value.etag
    message.create_time.CopyFrom(to_timestamp(value.create_time))
    message.update_time.CopyFrom(to_timestamp(value.update_time))
    return message


def strategy_from_proto(message: strategy_pb2.Strategy) -> Strategy:
    """A strategy from the wire.

    Raises:
        DomainError: a name is none.
        KeyError: it has no state.
        ValueError: an amount is no decimal, or the periods make no cross.
    """
    return Strategy(
        name=StrategyName.parse(message.name),
        definition=definition_from_proto(message),
        state=_STATES_BACK[message.state],
        etag=message.etag,
        create_time=to_datetime(message.create_time),
        update_time=to_datetime(message.update_time),
    )


def signal_to_proto(value: Signal) -> signal_pb2.Signal:
    """A signal on the wire; also the payload of its event."""
    draft = value.draft
    return signal_pb2.Signal(
        name=value.name,
        instrument=str(draft.instrument),
        side=_SIDES[draft.side],
        quantity=render(draft.quantity),
        reference_price=render(draft.reference_price),
        fast_average=render(draft.fast_average),
        slow_average=render(draft.slow_average),
        exchange_time=to_timestamp(draft.exchange_time),
        create_time=to_timestamp(value.create_time),
        correlation_id=draft.correlation_id,
        sequence=value.sequence,
    )


def signal_from_proto(message: signal_pb2.Signal) -> Signal:
    """A signal from the wire.

    Raises:
        DomainError: a name is none.
        KeyError: it has no side.
        ValueError: an amount is no decimal, or the id is no UUID.
    """
    parent, _, signal_id = message.name.partition("/signals/")
    draft = SignalDraft(
        signal_id=UUID(signal_id),
        strategy=StrategyName.parse(parent),
        instrument=InstrumentName.parse(message.instrument),
        side=_SIDES_BACK[message.side],
        quantity=parse(message.quantity),
        reference_price=parse(message.reference_price),
        fast_average=parse(message.fast_average),
        slow_average=parse(message.slow_average),
        exchange_time=to_datetime(message.exchange_time),
        correlation_id=message.correlation_id,
    )
    return Signal(draft, to_datetime(message.create_time), message.sequence)


def _masked(paths: Iterable[str]) -> tuple[str, ...]:
    named = tuple(dict.fromkeys(paths))
    if named in {(), ("*",)}:
        return FIELDS
    unknown = [path for path in named if path not in FIELDS]
    if unknown:
        raise DomainError(
            "INVALID_UPDATE_MASK",
            f"{unknown[0]!r} is not a field that an update sets",
            kind=ErrorKind.INVALID,
            violations=[Violation("update_mask", f"may name {', '.join(FIELDS)}")],
        )
    return named


def _only(message: strategy_pb2.Strategy, path: str) -> strategy_pb2.Strategy:
    single = strategy_pb2.Strategy()
    if path == "sma_cross":
        single.sma_cross.CopyFrom(message.sma_cross)
    else:
        setattr(single, path, getattr(message, path))
    return single
