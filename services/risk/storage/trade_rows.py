"""Protections, locks and trades as rows."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import timedelta
from decimal import Decimal
from typing import Any

from services.kernel.decimals import parse, render
from services.risk.domain.locks import Lock
from services.risk.domain.protections import Cooldown, LowProfit, MaxDrawdown, Protections, StopLossGuard
from services.risk.domain.traded import Traded
from services.risk.domain.trades import ClosedTrade, OpenTrade

RULES: Mapping[str, type[Any]] = {
    "cooldown": Cooldown,
    "stop_loss_guard": StopLossGuard,
    "max_drawdown": MaxDrawdown,
    "low_profit": LowProfit,
}
"""The rules by their names in ``Protections``."""

_TYPES: Mapping[str, type[Any]] = {
    "lookback": timedelta,
    "lock_duration": timedelta,
    "max_drawdown_amount": Decimal,
    "required_profit": Decimal,
}


def protections_document(protections: Protections) -> dict[str, Any]:
    """The rules as a document; those that are off are left out."""
    document: dict[str, Any] = {}
    for name in RULES:
        rule = getattr(protections, name)
        if rule is not None:
            document[name] = {each.name: _plain(getattr(rule, each.name)) for each in fields(rule)}
    return document


def protections_from(row: Mapping[str, Any]) -> Protections:
    """A row of ``protection_versions``."""
    rules = {
        name: RULES[name](**{key: _typed(key, value) for key, value in values.items()})
        for name, values in row["document"].items()
    }
    return Protections(**rules, version=row["version"], update_time=row["update_time"])


def lock_row(lock: Lock) -> dict[str, Any]:
    """A lock as a row of ``locks``."""
    return asdict(lock)


def lock_from(row: Mapping[str, Any]) -> Lock:
    """A row of ``locks``."""
    return Lock(**row)


def open_trade_row(trade: OpenTrade) -> dict[str, Any]:
    """A trade as the columns of ``open_trades`` beside its key."""
    names = ("open_time", "quantity", "greatest", "cash", "entry_cost")
    return {name: getattr(trade, name) for name in names}


def open_trade_from(row: Mapping[str, Any], traded: Traded) -> OpenTrade:
    """A row of ``open_trades``."""
    return OpenTrade(traded=traded, **{key: value for key, value in row.items() if key != "instrument"})


def closed_trade_row(trade: ClosedTrade) -> dict[str, Any]:
    """A trade as a row of ``closed_trades``."""
    return asdict(trade)


def closed_trade_from(row: Mapping[str, Any]) -> ClosedTrade:
    """A row of ``closed_trades``."""
    return ClosedTrade(**row)


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    return render(value) if isinstance(value, Decimal) else value


def _typed(name: str, value: Any) -> Any:
    kind = _TYPES.get(name)
    if kind is timedelta:
        return timedelta(microseconds=value)
    return parse(value) if kind is Decimal else value
