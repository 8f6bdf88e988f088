"""Limits on the wire."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from google.protobuf.duration_pb2 import Duration
from trademesh.risk.v1 import limits_pb2, risk_service_pb2

from services.chassis.rpc.timestamps import to_timestamp
from services.kernel.decimals import parse, render
from services.kernel.errors import DomainError, ErrorKind, Violation
from services.kernel.names import AccountName, InstrumentName
from services.risk.domain.limits import InstrumentLimit, Limits
from services.risk.domain.traded import ONE
from services.risk.ports import LimitsChange

_REQUIRED = "price_collar"
_MARGIN = "initial_margin"
_RATE_WINDOW = "order_rate_window"
_AMOUNTS = (
    "max_order_notional",
    "max_position_notional",
    "max_gross_notional",
    "max_venue_notional",
    "max_net_notional",
    "max_concentration",
    "max_leverage",
    "max_daily_loss",
    "max_daily_drawdown",
)
_COUNTS = ("max_open_orders", "max_order_rate")
_SPANS = (_RATE_WINDOW, "duplicate_window")
_INSTRUMENTS = "instrument_limits"


def limits_change_from_proto(request: risk_service_pb2.UpdateLimitsRequest) -> LimitsChange:
    """Read the limits that change; one that the mask names and that has no value becomes no limit.

    Raises:
        DomainError: INVALID_UPDATE_MASK where the mask names a field that cannot be set, or the price
            collar without a value; INVALID_NAME.
    """
    message = request.limits
    paths = list(request.update_mask.paths) or [field.name for field, _ in message.ListFields()]
    if not request.update_mask.paths:
        paths = [path for path in paths if path not in {"name", "version", "update_time"}]
    return cast("LimitsChange", dict(_value(message, path) for path in paths))


def limits_to_proto(account: AccountName, limits: Limits) -> limits_pb2.Limits:
    """Write limits; no limit is an empty amount, a zero or an absent duration."""
    message = limits_pb2.Limits(
        name=f"{account}/limits",
        price_collar=render(limits.price_collar),
        max_open_orders=limits.max_open_orders,
        max_order_rate=limits.max_order_rate,
        initial_margin="" if limits.initial_margin == ONE else render(limits.initial_margin),
        instrument_limits=[
            limits_pb2.InstrumentLimit(
                instrument=str(name),
                max_notional=_written(own.max_notional),
                max_position_quantity=_written(own.max_position_quantity),
            )
            for name, own in sorted(limits.instruments.items(), key=lambda item: str(item[0]))
        ],
        version=limits.version,
        update_time=to_timestamp(limits.update_time),
    )
    for name in _AMOUNTS:
        setattr(message, name, _written(getattr(limits, name)))
    for name in _SPANS:
        span: timedelta = getattr(limits, name)
        if span:
            getattr(message, name).FromTimedelta(span)
    return message


def _value(message: limits_pb2.Limits, path: str) -> tuple[str, Any]:
    """The name and value of a limit."""
    if path in _COUNTS:
        return path, getattr(message, path)
    if path in _AMOUNTS:
        return path, _read(getattr(message, path))
    if path in _SPANS:
        span: Duration = getattr(message, path)
        return path, span.ToTimedelta() or timedelta(seconds=1 if path == _RATE_WINDOW else 0)
    if path == _MARGIN:
        return path, _read(message.initial_margin) or ONE
    if path == _REQUIRED and message.price_collar:
        return path, parse(message.price_collar)
    if path == _INSTRUMENTS:
        return "instruments", {
            InstrumentName.parse(own.instrument, field=f"limits.{_INSTRUMENTS}"): InstrumentLimit(
                _read(own.max_notional), _read(own.max_position_quantity)
            )
            for own in message.instrument_limits
        }
    text = f"{path!r} cannot be set, or has no value"
    raise DomainError(
        "INVALID_UPDATE_MASK", text, kind=ErrorKind.INVALID, violations=[Violation("update_mask", text)]
    )


def _read(amount: str) -> Decimal | None:
    return parse(amount) if amount else None


def _written(amount: Decimal | None) -> str:
    return "" if amount is None else render(amount)
