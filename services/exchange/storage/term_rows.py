"""Between the columns of an order's kind and trigger and the domain's values."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from services.chassis.persistence import Row
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
    end_of,
    kind_of,
    limit_of,
    time_in_force_of,
    trigger_of,
)
from services.exchange.domain.triggers import TriggerStatus, source_of

_WITHOUT_TRIGGER: Final = frozenset({Kind.MARKET.value, Kind.LIMIT.value})


def terms_row(terms: Terms) -> dict[str, Any]:
    """The columns of an order's kind; empty where the kind has no such term."""
    limit = limit_of(terms)
    trigger = trigger_of(terms)
    trailing = terms if isinstance(terms, TrailingStopTerms) else None

    source = source_of(terms)
    time_in_force = time_in_force_of(terms)
    return {
        "kind": kind_of(terms).value,
        "limit_price": None if limit is None else limit.price,
        "time_in_force": None if time_in_force is None else time_in_force.value,
        "expire_time": end_of(terms),
        "post_only": limit is not None and limit.post_only,
        "display_quantity": None if limit is None else limit.display_quantity,
        "trigger_price": None if trigger is None else trigger.price,
        "trigger_source": None if source is None else source.value,
        "offset_kind": None if trailing is None else trailing.offset.kind.value,
        "offset_amount": None if trailing is None else trailing.offset.amount,
        "activation_price": None if trailing is None else trailing.activation_price,
    }


def terms_of(row: Row) -> Terms:
    """The order kind of a row."""
    return _READERS[Kind(row["kind"])](row)


def status_row(status: TriggerStatus | None) -> dict[str, Any]:
    """The columns of how a trigger stands."""
    shown = status or TriggerStatus()
    return {
        "status_price": shown.price,
        "best_price": shown.best_price,
        "activate_time": shown.activate_time,
        "trigger_time": shown.trigger_time,
        "trigger_market_price": shown.market_price,
    }


def status_of(row: Row) -> TriggerStatus | None:
    """How the trigger of a row stands; None where the kind has none."""
    if row["kind"] in _WITHOUT_TRIGGER:
        return None
    return TriggerStatus(
        price=row["status_price"],
        best_price=row["best_price"],
        activate_time=row["activate_time"],
        trigger_time=row["trigger_time"],
        market_price=row["trigger_market_price"],
    )


def _limit_of(row: Row) -> LimitTerms:
    return LimitTerms(
        price=row["limit_price"],
        time_in_force=TimeInForce(row["time_in_force"]),
        post_only=row["post_only"],
        expire_time=row["expire_time"],
        display_quantity=row["display_quantity"],
    )


def _trigger_of(row: Row) -> Trigger:
    return Trigger(row["trigger_price"], TriggerSource(row["trigger_source"]))


def _trailing_of(row: Row) -> TrailingStopTerms:
    return TrailingStopTerms(
        offset=Offset(OffsetKind(row["offset_kind"]), row["offset_amount"]),
        activation_price=row["activation_price"],
        source=TriggerSource(row["trigger_source"]),
        time_in_force=TimeInForce(row["time_in_force"]),
        expire_time=row["expire_time"],
    )


def _waiting_of(row: Row) -> tuple[Trigger, TimeInForce, datetime | None]:
    return _trigger_of(row), TimeInForce(row["time_in_force"]), row["expire_time"]


_READERS: Final[Mapping[Kind, Callable[[Row], Terms]]] = {
    Kind.MARKET: lambda _: MarketTerms(),
    Kind.LIMIT: _limit_of,
    Kind.STOP_MARKET: lambda row: StopMarketTerms(*_waiting_of(row)),
    Kind.STOP_LIMIT: lambda row: StopLimitTerms(_trigger_of(row), _limit_of(row)),
    Kind.MARKET_IF_TOUCHED: lambda row: MarketIfTouchedTerms(*_waiting_of(row)),
    Kind.LIMIT_IF_TOUCHED: lambda row: LimitIfTouchedTerms(_trigger_of(row), _limit_of(row)),
    Kind.TRAILING_STOP: _trailing_of,
}
