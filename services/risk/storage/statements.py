"""Statements of risk that each backend spells in its own way, made once."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.chassis.persistence import Prepared
from services.risk.storage.tables import DECISIONS, ENDED_ORDERS

_SIZES = (1, 8, 64)


@cache
def upserting(dialect: str, table: sa.Table, key: tuple[str, ...], columns: tuple[str, ...]) -> Prepared:
    """Stores rows in place of those with the same key."""
    insert = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    changed = {name: insert.excluded[name] for name in columns}
    return Prepared(insert.on_conflict_do_update(index_elements=list(key), set_=changed))


@cache
def noting_end(dialect: str) -> Prepared:
    """Notes that an order ended, unless there is a decision on it."""
    order_id = sa.bindparam("order_id", type_=sa.Text)
    end_time = sa.bindparam("end_time", type_=ENDED_ORDERS.c.end_time.type)
    decided = sa.exists().where(DECISIONS.c.order_id == order_id)
    insert = sqlite.insert(ENDED_ORDERS) if dialect == "sqlite" else postgresql.insert(ENDED_ORDERS)
    return Prepared(
        insert.from_select(
            ["order_id", "end_time"], sa.select(order_id, end_time).where(~decided)
        ).on_conflict_do_nothing()
    )


def with_ids(table: sa.Table, ids: Sequence[str]) -> Iterator[tuple[Prepared, Mapping[str, str]]]:
    """Statements, with their parameters, that find the rows with these order ids.

    A prepared statement has no list in it, so there is one for each of a few sizes; the last id fills it up.
    """
    for start in range(0, len(ids), _SIZES[-1]):
        part = ids[start : start + _SIZES[-1]]
        size = next(size for size in _SIZES if size >= len(part))
        named = (part[min(place, len(part) - 1)] for place in range(size))
        yield _finding(table, size), {f"id{place}": each for place, each in enumerate(named)}


@cache
def _finding(table: sa.Table, size: int) -> Prepared:
    those = [table.c.order_id == sa.bindparam(f"id{place}") for place in range(size)]
    return Prepared(sa.select(table).where(sa.or_(*those)))
