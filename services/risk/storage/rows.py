"""Values of the domain as rows, and back."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.kernel.decimals import parse, render
from services.kernel.names import InstrumentName
from services.risk.domain.account import Position
from services.risk.domain.cancellation import Cancellation
from services.risk.domain.equity import Day
from services.risk.domain.limits import InstrumentLimit, Limits
from services.risk.domain.order import Side
from services.risk.domain.reservation import Reservation
from services.risk.domain.traded import Contract, Traded
from services.risk.domain.trading import TradingChange, TradingMode, TradingState

_INVERSE, _LINEAR = "inverse", "linear"
_SPANS = ("order_rate_window", "duplicate_window")
_NUMBERS = ("max_open_orders", "max_order_rate")


def contract_text(contract: Contract | None) -> str:
    """A contract as one word each for size, settle asset and kind; empty for spot."""
    if contract is None:
        return ""
    return f"{render(contract.size)} {contract.settle} {_INVERSE if contract.inverse else _LINEAR}"


def contract_from(text: str) -> Contract | None:
    """A contract from its text."""
    if not text:
        return None
    size, settle, kind = text.split(" ")
    return Contract(parse(size), settle, kind == _INVERSE)


def traded_row(traded: Traded) -> dict[str, Any]:
    """What is traded, as columns."""
    return {
        "instrument": str(traded.instrument),
        "base_asset": traded.base,
        "quote_asset": traded.quote,
        "contract": contract_text(traded.contract),
    }


def traded_from(row: Mapping[str, Any]) -> Traded:
    """What is traded, from columns."""
    return Traded(
        InstrumentName.parse(row["instrument"]),
        row["base_asset"],
        row["quote_asset"],
        contract_from(row["contract"]),
    )


def position_from(row: Mapping[str, Any]) -> Position:
    """A row of ``account_positions``."""
    return Position(traded_from(row), row["quantity"], row["cost"])


def position_row(position: Position) -> dict[str, Any]:
    """A position as the columns of ``account_positions`` beside the account."""
    return {**traded_row(position.traded), "quantity": position.quantity, "cost": position.cost}


def reservation_row(reservation: Reservation) -> dict[str, Any]:
    """A reservation as a row of ``order_reservations``."""
    return {
        "order_id": reservation.order_id,
        "account": reservation.account,
        "claim": reservation.claim,
        **traded_row(reservation.traded),
        "side": reservation.side.name,
        "quantity": reservation.quantity,
        "asset": reservation.asset,
        "per_unit": reservation.per_unit,
        "joined_at": reservation.joined_at,
        "filled": reservation.filled,
        "ended": reservation.ended,
        "stop": reservation.stop,
    }


def reservation_from(row: Mapping[str, Any]) -> Reservation:
    """A row of ``order_reservations``."""
    return Reservation(
        order_id=row["order_id"],
        account=row["account"],
        traded=traded_from(row),
        side=Side[row["side"]],
        quantity=row["quantity"],
        asset=row["asset"],
        per_unit=row["per_unit"],
        group="" if row["claim"] == row["order_id"] else row["claim"],
        joined_at=row["joined_at"],
        filled=row["filled"],
        ended=row["ended"],
        stop=row["stop"],
    )


def limits_document(limits: Limits) -> dict[str, Any]:
    """Limits as a document; what is no limit is left out."""
    document: dict[str, Any] = {}
    for name in (each.name for each in fields(limits)):
        value = getattr(limits, name)
        if isinstance(value, Decimal):
            document[name] = render(value)
        elif isinstance(value, timedelta):
            document[name] = value // timedelta(microseconds=1)
        elif name in _NUMBERS:
            document[name] = value
    document["instruments"] = {
        str(name): {key: render(value) for key, value in asdict(own).items() if value is not None}
        for name, own in limits.instruments.items()
    }
    return document


def limits_from(row: Mapping[str, Any]) -> Limits:
    """A row of ``limit_versions``."""
    document: dict[str, Any] = dict(row["document"])
    own = document.pop("instruments", {})
    known: dict[str, Any] = {"max_order_notional": None, "max_position_notional": None}
    known["max_gross_notional"] = None
    for name, value in document.items():
        if name in _SPANS:
            known[name] = timedelta(microseconds=value)
        else:
            known[name] = value if name in _NUMBERS else parse(value)
    return Limits(
        **known,
        version=row["version"],
        update_time=row["update_time"],
        instruments={
            InstrumentName.parse(name): InstrumentLimit(
                **{key: parse(value) for key, value in values.items()}
            )
            for name, values in own.items()
        },
    )


def trading_from(row: Mapping[str, Any]) -> TradingState:
    """A row of ``trading_states``."""
    return TradingState(TradingMode(row["mode"]), row["reason"], row["update_time"], row["changed_by"])


def trading_change_row(change_id: str, change: TradingChange) -> dict[str, Any]:
    """A change as a row of ``trading_changes``."""
    return {
        "change_id": change_id,
        "account": change.account,
        "from_mode": change.before.value,
        "to_mode": change.after.mode.value,
        "reason": change.after.reason,
        "changed_by": change.after.changed_by,
        "change_time": change.after.update_time,
        "correlation_id": change.correlation_id,
    }


def trading_change_from(row: Mapping[str, Any]) -> TradingChange:
    """A row of ``trading_changes``."""
    return TradingChange(
        account=row["account"],
        before=TradingMode(row["from_mode"]),
        after=TradingState(TradingMode(row["to_mode"]), row["reason"], row["change_time"], row["changed_by"]),
        correlation_id=row["correlation_id"],
    )


def cancellation_row(cancellation: Cancellation) -> dict[str, Any]:
    """An intent as the columns of ``cancellations`` beside its id."""
    return {
        "account": cancellation.account,
        "create_time": cancellation.create_time,
        "update_time": cancellation.update_time,
        "confirmed": cancellation.confirmed,
        "ended": cancellation.ended,
        "open_orders": list(cancellation.open_orders),
        "unreachable_venues": list(cancellation.unreachable_venues),
    }


def cancellation_from(row: Mapping[str, Any]) -> Cancellation:
    """A row of ``cancellations``."""
    return Cancellation(
        **{
            **row,
            "open_orders": tuple(row["open_orders"]),
            "unreachable_venues": tuple(row["unreachable_venues"]),
        }
    )


def day_row(day: Day) -> dict[str, Any]:
    """A day as the columns of ``equity_days`` beside the account."""
    return {
        "day": day.day.isoformat(),
        "start": day.start,
        "peak": day.peak,
        "flows": [[venue, asset, render(amount)] for (venue, asset), amount in day.flows.items()],
    }


def day_from(row: Mapping[str, Any]) -> Day:
    """A row of ``equity_days``."""
    flows = {(venue, asset): parse(amount) for venue, asset, amount in row["flows"]}
    return Day(date.fromisoformat(row["day"]), row["start"], row["peak"], flows)
