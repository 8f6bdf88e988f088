"""Order kinds and the words of all contracts: side, time in force, contract."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from trademesh.exchange.v1 import order_kinds_pb2, order_pb2
from trademesh.type.v1 import contract_pb2, side_pb2

from services.chassis.rpc.timestamps import optional_datetime, to_timestamp
from services.exchange.domain.assets import Contract, Side
from services.exchange.domain.fills import Liquidity
from services.exchange.domain.terms import (
    Kind,
    LimitIfTouchedTerms,
    LimitTerms,
    MarketIfTouchedTerms,
    MarketTerms,
    Offset,
    OffsetKind,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    TimeInForce,
    TrailingStopTerms,
    Trigger,
    TriggerSource,
    kind_of,
)
from services.exchange.domain.triggers import TriggerStatus
from services.kernel.decimals import parse, render
from services.kernel.errors import DomainError, ErrorKind, Violation

_SIDES: Final = {Side.BUY: side_pb2.SIDE_BUY, Side.SELL: side_pb2.SIDE_SELL}
_SIDES_BACK: Final[Mapping[int, Side]] = {value: key for key, value in _SIDES.items()}
_TIMES_IN_FORCE: Final = {
    TimeInForce.GTC: side_pb2.TIME_IN_FORCE_GTC,
    TimeInForce.IOC: side_pb2.TIME_IN_FORCE_IOC,
    TimeInForce.FOK: side_pb2.TIME_IN_FORCE_FOK,
    TimeInForce.GTD: side_pb2.TIME_IN_FORCE_GTD,
    TimeInForce.DAY: side_pb2.TIME_IN_FORCE_DAY,
}
_TIMES_IN_FORCE_BACK: Final[Mapping[int, TimeInForce]] = {
    **{value: key for key, value in _TIMES_IN_FORCE.items()},
    side_pb2.TIME_IN_FORCE_UNSPECIFIED: TimeInForce.GTC,
}
_SOURCES: Final = {
    TriggerSource.LAST: order_kinds_pb2.TRIGGER_SOURCE_LAST,
    TriggerSource.BOOK: order_kinds_pb2.TRIGGER_SOURCE_BOOK,
}
_SOURCES_BACK: Final[Mapping[int, TriggerSource]] = {
    **{value: key for key, value in _SOURCES.items()},
    order_kinds_pb2.TRIGGER_SOURCE_UNSPECIFIED: TriggerSource.LAST,
}
_LIQUIDITIES: Final[Mapping[Liquidity, side_pb2.Liquidity]] = {
    each: getattr(side_pb2, f"LIQUIDITY_{each}") for each in Liquidity
}
_LIQUIDITIES_BACK: Final[Mapping[int, Liquidity]] = {value: key for key, value in _LIQUIDITIES.items()}


def side_of(side: int, field: str) -> Side:
    """A side.

    Raises:
        DomainError: INVALID_REQUEST where it is none.
    """
    if side not in _SIDES_BACK:
        raise invalid(field, "must be SIDE_BUY or SIDE_SELL")
    return _SIDES_BACK[side]


def side_to_proto(side: Side) -> side_pb2.Side:
    """A side as the contracts spell it."""
    return _SIDES[side]


def time_in_force_to_proto(value: TimeInForce) -> side_pb2.TimeInForce:
    """A time in force as the contracts spell it."""
    return _TIMES_IN_FORCE[value]


def time_in_force_of(value: int) -> TimeInForce:
    """A time in force; not set means good till cancelled."""
    return _TIMES_IN_FORCE_BACK[value]


def liquidity_of(value: int) -> Liquidity:
    """A liquidity; what we do not know is unspecified."""
    return _LIQUIDITIES_BACK.get(value, Liquidity.UNSPECIFIED)


def liquidity_to_proto(liquidity: Liquidity) -> side_pb2.Liquidity:
    """A liquidity as the contracts spell it."""
    return _LIQUIDITIES[liquidity]


def contract_to_proto(contract: Contract) -> contract_pb2.ContractTerms:
    """What one unit stands for, as the contracts spell it."""
    return contract_pb2.ContractTerms(
        kind=contract_pb2.INSTRUMENT_KIND_PERPETUAL,
        contract_size=render(contract.size),
        settle_asset=contract.settle_asset,
        inverse=contract.inverse,
    )


def optional_contract(message: Any) -> Contract | None:
    """The field ``contract`` of a message; None for spot."""
    if not message.HasField("contract") or message.contract.kind != contract_pb2.INSTRUMENT_KIND_PERPETUAL:
        return None
    terms = message.contract
    return Contract(parse(terms.contract_size), terms.settle_asset, terms.inverse)


def terms_of(order: order_pb2.Order) -> Terms:
    """The order kind of a message.

    Raises:
        DomainError: INVALID_REQUEST where it has none.
    """
    kind = order.WhichOneof("kind")
    if kind is None:
        raise invalid("order.kind", f"must be one of {', '.join(Kind)}")
    return _READERS[kind](getattr(order, kind))


def write_terms(message: order_pb2.Order, terms: Terms) -> None:
    """Set the order kind of a message."""
    match terms:
        case MarketTerms():
            message.market.SetInParent()
        case LimitTerms():
            _write_limit(message.limit, terms)
        case StopLimitTerms(trigger, limit) | LimitIfTouchedTerms(trigger, limit):
            part = getattr(message, kind_of(terms).value)
            _write_trigger(part.trigger, trigger)
            _write_limit(part.limit, limit)
        case StopMarketTerms(trigger) | MarketIfTouchedTerms(trigger):
            part = getattr(message, kind_of(terms).value)
            _write_trigger(part.trigger, trigger)
            _write_waiting(part, terms)
        case TrailingStopTerms():
            _write_trailing(message.trailing_stop, terms)


def status_to_proto(status: TriggerStatus) -> order_kinds_pb2.TriggerStatus:
    """How a trigger stands, as the contract shows it."""
    return order_kinds_pb2.TriggerStatus(
        price=_text(status.price),
        best_price=_text(status.best_price),
        activate_time=None if status.activate_time is None else to_timestamp(status.activate_time),
        trigger_time=None if status.trigger_time is None else to_timestamp(status.trigger_time),
        trigger_market_price=_text(status.market_price),
    )


def status_of(message: order_kinds_pb2.TriggerStatus) -> TriggerStatus:
    """How a trigger stands."""
    return TriggerStatus(
        price=optional_amount(message.price),
        best_price=optional_amount(message.best_price),
        activate_time=optional_datetime(message, "activate_time"),
        trigger_time=optional_datetime(message, "trigger_time"),
        market_price=optional_amount(message.trigger_market_price),
    )


def optional_amount(text: str) -> Decimal | None:
    """An amount; None where the text is empty."""
    return parse(text) if text else None


def invalid(field: str, message: str) -> DomainError:
    """A field of a request that cannot be meant."""
    return DomainError(
        "INVALID_REQUEST",
        f"{field}: {message}",
        kind=ErrorKind.INVALID,
        violations=[Violation(field, message)],
    )


def _limit_of(limit: order_kinds_pb2.LimitOrder) -> LimitTerms:
    return LimitTerms(
        price=parse(limit.price),
        time_in_force=time_in_force_of(limit.time_in_force),
        post_only=limit.post_only,
        expire_time=optional_datetime(limit, "expire_time"),
        display_quantity=optional_amount(limit.display_quantity),
    )


def _trigger_of(trigger: order_kinds_pb2.Trigger) -> Trigger:
    return Trigger(parse(trigger.price), _SOURCES_BACK[trigger.source])


def _waiting_of(message: Any) -> tuple[TimeInForce, datetime | None]:
    return time_in_force_of(message.time_in_force), optional_datetime(message, "expire_time")


def _trailing_of(message: order_kinds_pb2.TrailingStopOrder) -> TrailingStopTerms:
    match message.WhichOneof("offset"):
        case "absolute":
            offset = Offset(OffsetKind.ABSOLUTE, parse(message.absolute))
        case "percent":
            offset = Offset(OffsetKind.PERCENT, parse(message.percent))
        case "ticks":
            offset = Offset(OffsetKind.TICKS, Decimal(message.ticks))
        case _:
            raise invalid("order.trailing_stop.offset", "must be absolute, percent or ticks")
    time_in_force, expire_time = _waiting_of(message)
    return TrailingStopTerms(
        offset=offset,
        activation_price=optional_amount(message.activation_price),
        source=_SOURCES_BACK[message.source],
        time_in_force=time_in_force,
        expire_time=expire_time,
    )


def _stop_market_of(message: order_kinds_pb2.StopMarketOrder) -> StopMarketTerms:
    return StopMarketTerms(_trigger_of(message.trigger), *_waiting_of(message))


def _stop_limit_of(message: order_kinds_pb2.StopLimitOrder) -> StopLimitTerms:
    return StopLimitTerms(_trigger_of(message.trigger), _limit_of(message.limit))


def _market_if_touched_of(message: order_kinds_pb2.MarketIfTouchedOrder) -> MarketIfTouchedTerms:
    return MarketIfTouchedTerms(_trigger_of(message.trigger), *_waiting_of(message))


def _limit_if_touched_of(message: order_kinds_pb2.LimitIfTouchedOrder) -> LimitIfTouchedTerms:
    return LimitIfTouchedTerms(_trigger_of(message.trigger), _limit_of(message.limit))


_READERS: Final[Mapping[str, Callable[[Any], Terms]]] = {
    Kind.MARKET: lambda _: MarketTerms(),
    Kind.LIMIT: _limit_of,
    Kind.STOP_MARKET: _stop_market_of,
    Kind.STOP_LIMIT: _stop_limit_of,
    Kind.MARKET_IF_TOUCHED: _market_if_touched_of,
    Kind.LIMIT_IF_TOUCHED: _limit_if_touched_of,
    Kind.TRAILING_STOP: _trailing_of,
}


def _write_limit(message: order_kinds_pb2.LimitOrder, terms: LimitTerms) -> None:
    message.price = render(terms.price)
    message.post_only = terms.post_only
    message.display_quantity = _text(terms.display_quantity)
    _write_waiting(message, terms)


def _write_trigger(message: order_kinds_pb2.Trigger, trigger: Trigger) -> None:
    message.price = render(trigger.price)
    message.source = _SOURCES[trigger.source]


def _write_waiting(
    message: Any, terms: LimitTerms | StopMarketTerms | MarketIfTouchedTerms | TrailingStopTerms
) -> None:
    message.time_in_force = _TIMES_IN_FORCE[terms.time_in_force]
    if terms.expire_time is not None:
        message.expire_time.CopyFrom(to_timestamp(terms.expire_time))


def _write_trailing(message: order_kinds_pb2.TrailingStopOrder, terms: TrailingStopTerms) -> None:
    match terms.offset.kind:
        case OffsetKind.ABSOLUTE:
            message.absolute = render(terms.offset.amount)
        case OffsetKind.PERCENT:
            message.percent = render(terms.offset.amount)
        case OffsetKind.TICKS:
            message.ticks = int(terms.offset.amount)
    message.activation_price = _text(terms.activation_price)
    message.source = _SOURCES[terms.source]
    _write_waiting(message, terms)


def _text(amount: Decimal | None) -> str:
    return "" if amount is None else render(amount)
