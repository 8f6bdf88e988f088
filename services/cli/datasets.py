"""What can be exported: where each kind of rows comes from, and its columns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

Row = Mapping[str, Any]


class ColumnType(Enum):
    """What a column holds."""

    TEXT = "text"
    DECIMAL = "decimal"
    TIME = "time"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file.

    Attributes:
        name: in the file.
        type: what it holds.
        read: its text, of a row as REST gives it; empty where there is no value.
    """

    name: str
    type: ColumnType
    read: Callable[[Row], str]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A kind of rows.

    Attributes:
        collection: last part of the REST path, below the account.
        field: of the answer, which holds the rows.
        query: always asked for.
        filters: options that it understands, with the query parameter of each.
        columns: of the file, in order.
    """

    collection: str
    field: str
    query: Mapping[str, str]
    filters: frozenset[str]
    columns: Sequence[Column]


class Kind(StrEnum):
    """What to export."""

    LEDGER = "ledger"
    FILLS = "fills"
    LOTS = "lots"
    GAINS = "gains"
    EQUITY = "equity"


def _plain(name: str, field: str = "") -> Callable[[Row], str]:
    def read(row: Row) -> str:
        value = row.get(field or name, "")
        return " ".join(map(str, value)) if isinstance(value, list) else str(value)

    return read


def _text(name: str, field: str = "") -> Column:
    return Column(name, ColumnType.TEXT, _plain(name, field))


def _decimal(name: str, field: str = "") -> Column:
    return Column(name, ColumnType.DECIMAL, _plain(name, field))


def _time(name: str) -> Column:
    return Column(name, ColumnType.TIME, _plain(name))


def _flag(name: str) -> Column:
    return Column(name, ColumnType.FLAG, lambda row: "true" if row.get(name) else "false")


def _enum(name: str, prefix: str) -> Column:
    read = _plain(name)
    return Column(name, ColumnType.TEXT, lambda row: read(row).removeprefix(prefix).lower())


def _seconds(name: str, field: str) -> Column:
    read = _plain(field)
    return Column(name, ColumnType.DECIMAL, lambda row: read(row).removesuffix("s"))


_TIMES = frozenset({"start_time", "end_time"})

DATASETS: Mapping[Kind, Dataset] = {
    Kind.LEDGER: Dataset(
        "ledgerEntries",
        "ledger_entries",
        {"oldest_first": "true"},
        _TIMES | {"strategy"},
        (
            _text("name"),
            _text("transaction_id"),
            _enum("kind", "LEDGER_TRANSACTION_KIND_"),
            _text("ledger_account"),
            _text("asset"),
            _decimal("amount"),
            _text("strategy"),
            _text("source"),
            _text("reason"),
            _time("exchange_time"),
            _time("create_time"),
            _text("correlation_id"),
        ),
    ),
    Kind.FILLS: Dataset(
        "fills",
        "fills",
        {},
        _TIMES,
        (
            _text("name"),
            _text("order"),
            _text("instrument"),
            _enum("side", "SIDE_"),
            _decimal("price"),
            _decimal("quantity"),
            _decimal("fee"),
            _text("fee_asset"),
            _text("base_asset"),
            _text("quote_asset"),
            _enum("liquidity", "LIQUIDITY_"),
            _text("venue_trade_id"),
            _text("strategy"),
            _time("exchange_time"),
            _time("receive_time"),
            _text("correlation_id"),
        ),
    ),
    Kind.LOTS: Dataset(
        "taxLots",
        "tax_lots",
        {"include_closed": "true"},
        frozenset({"instrument"}),
        (
            _text("name"),
            _text("instrument"),
            _enum("side", "SIDE_"),
            _decimal("quantity"),
            _decimal("remaining_quantity"),
            _decimal("price"),
            _text("fill"),
            _text("strategy"),
            _time("open_time"),
        ),
    ),
    Kind.GAINS: Dataset(
        "realizedGains",
        "realized_gains",
        {},
        _TIMES | {"instrument"},
        (
            _text("name"),
            _text("tax_lot"),
            _text("instrument"),
            _enum("side", "SIDE_"),
            _decimal("quantity"),
            _decimal("open_price"),
            _decimal("close_price"),
            _decimal("proceeds_amount"),
            _decimal("cost_amount"),
            _decimal("gain_amount"),
            _text("quote_asset"),
            _text("open_fill"),
            _text("close_fill"),
            _time("open_time"),
            _time("close_time"),
            _seconds("holding_seconds", "holding_duration"),
            _enum("lot_method", "LOT_METHOD_"),
            _text("strategy"),
        ),
    ),
    Kind.EQUITY: Dataset(
        "equityPoints",
        "equity_points",
        {},
        _TIMES,
        (
            _text("name"),
            _time("create_time"),
            _enum("cause", "EQUITY_POINT_CAUSE_"),
            _text("valuation_asset"),
            _decimal("equity"),
            _decimal("net_flow_amount"),
            _decimal("growth_index"),
            _decimal("drawdown"),
            _decimal("max_drawdown"),
            _flag("incomplete"),
            _text("missing_prices"),
        ),
    ),
}
