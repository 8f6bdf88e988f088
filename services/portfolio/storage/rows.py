"""What reader and writer of the books read in the same way."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.portfolio.domain.lots import LotMethod
from services.portfolio.domain.position import Position
from services.portfolio.ports import BookedEntry
from services.portfolio.storage.journal import contract_of
from services.portfolio.storage.statements import LOT_METHOD
from services.portfolio.storage.tables import LEDGER_ENTRIES, POSITIONS, STRATEGY_POSITIONS

POSITION_COLUMNS: Final = (
    "account",
    "venue",
    "instrument",
    "base_asset",
    "quote_asset",
    "quantity",
    "cost",
    "realized_pnl",
    "fill_count",
    "last_fill_time",
)
"""Columns that a position has as they are; those of its contract come beside them."""


def entry_rows() -> Select[Any]:
    """Ledger entries, column by column as :class:`BookedEntry` has them."""
    return select(*(LEDGER_ENTRIES.c[name] for name in BookedEntry.__dataclass_fields__))


def positions_table(strategy: str | None) -> Table:
    """Where the positions of an account stand, or of its strategies where one is given."""
    return POSITIONS if strategy is None else STRATEGY_POSITIONS


def position_of(row: Mapping[Any, Any]) -> Position:
    """The position of a row."""
    return Position(**{name: row[name] for name in POSITION_COLUMNS}, contract=contract_of(row))


async def load_lot_method(connection: AsyncConnection, account: str, default: LotMethod) -> LotMethod:
    """The method an account was set to, or the default."""
    found = (await connection.execute(LOT_METHOD, {"account": account})).scalar_one_or_none()
    return default if found is None else LotMethod(found)
