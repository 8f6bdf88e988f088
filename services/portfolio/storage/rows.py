"""What reader and writer of the books read in the same way."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.portfolio.domain.lots import LotMethod
from services.portfolio.domain.position import Position
from services.portfolio.ports import BookedEntry, Place
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


def in_order(
    query: Select[Any], order: Sequence[Any], after: Place | None, *, ascending: bool = True
) -> Select[Any]:
    """A query whose rows come in an order, after a place in it.

    Args:
        query: for the rows.
        order: their number, or their time and their number.
        after: where to go on; None for the beginning.
        ascending: whether the smallest come first.
    """
    query = query.order_by(*(column if ascending else column.desc() for column in order))
    if after is None:
        return query
    place = (after.number,) if len(order) == 1 else (after.time, after.number)
    return query.where(_beyond(order, place, ascending=ascending))


def _beyond(order: Sequence[Any], place: Sequence[Any], *, ascending: bool) -> ColumnElement[bool]:
    """Whether a row comes after a place in an order of one or two columns."""
    first, *rest = order
    further: ColumnElement[bool] = first > place[0] if ascending else first < place[0]
    if not rest:
        return further
    # The first bound stands alone too: it is the one that an index serves on every backend.
    edge = first >= place[0] if ascending else first <= place[0]
    return and_(edge, or_(further, _beyond(rest, place[1:], ascending=ascending)))


def positions_table(strategy: str | None) -> Table:
    """Where the positions of an account stand, or of its strategies where one is given."""
    return POSITIONS if strategy is None else STRATEGY_POSITIONS


def position_of(row: Mapping[Any, Any]) -> Position:
    """The position of a row."""
    return Position(**{name: row[name] for name in POSITION_COLUMNS}, contract=contract_of(row))


async def load_lot_method(connection: AsyncConnection, account: str, default: LotMethod) -> LotMethod:
    """The method an account was set to, or the default."""
    found = await LOT_METHOD.value(connection, {"account": account})
    return default if found is None else LotMethod(found)
