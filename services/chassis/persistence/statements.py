"""Statements that every service needs, and those that each backend spells in its own way."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, Select, Table, and_, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.persistence.prepared import Prepared
from services.kernel.decimals import EXACT

_KEY: Final = "key_"


async def insert_if_absent(connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one with the same primary or unique key stands there.

    Unlike an insert that fails, it leaves the transaction usable on every backend.

    Returns:
        Whether the row is new.
    """
    return await _insertion(table, connection.dialect.name).run(connection, values) == 1


async def row_at(connection: AsyncConnection, table: Table, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """The one row with a primary or unique key, by column name; None where there is none."""
    return await _look_up(table, tuple(key)).row(connection, _named(key))


async def change_row(
    connection: AsyncConnection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]
) -> bool:
    """Change columns of the rows that a key names; answers whether there was one."""
    change = _change(table, tuple(key), tuple(values))
    return await change.run(connection, {**_named(key), **values}) > 0


async def find_row(connection: AsyncConnection, query: Select[Any]) -> dict[str, Any] | None:
    """The one row that a query finds, by column name; None where there is none.

    Raises:
        sqlalchemy.exc.MultipleResultsFound: there are several.
    """
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else {str(column): value for column, value in row.items()}


async def put_row(
    connection: AsyncConnection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """Store a row in place of the one with the same key, if there is one.

    Args:
        connection: of a write transaction.
        table: where.
        key: a primary or unique key, by column name.
        values: the other columns.
    """
    if not await insert_if_absent(connection, table, {**key, **values}):
        await change_row(connection, table, key, values)


async def add_exactly(
    connection: AsyncConnection, table: Table, key: Mapping[str, Any], column: str, change: Decimal
) -> None:
    """Add to an exact amount, which SQL cannot do; a row that is not there counts as zero.

    Args:
        connection: of a write transaction.
        table: where.
        key: a primary or unique key, by column name.
        column: the amount; with the key, all that the row needs.
        change: what to add.
    """
    if await insert_if_absent(connection, table, {**key, column: change}):
        return
    held = await row_at(connection, table, key)
    if held is None:
        raise AssertionError(f"a row of {table.name} stood in the way and is gone")
    await change_row(connection, table, key, {column: EXACT.add(held[column], change)})


# Statements are made once: to build one takes SQLAlchemy longer than SQLite takes to run it.


@cache
def _insertion(table: Table, dialect: str) -> Prepared:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return Prepared(insert(table).on_conflict_do_nothing())


@cache
def _look_up(table: Table, key: tuple[str, ...]) -> Prepared:
    return Prepared(select(table).where(_has(table, key)))


@cache
def _change(table: Table, key: tuple[str, ...], columns: tuple[str, ...]) -> Prepared:
    values: dict[str, BindParameter[Any]] = {name: bindparam(name) for name in columns}
    return Prepared(update(table).where(_has(table, key)).values(values))


def _has(table: Table, key: Iterable[str]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == bindparam(f"{_KEY}{name}") for name in key))


def _named(key: Mapping[str, Any]) -> dict[str, Any]:
    # An update may set a column of its key, so that both need names of their own.
    return {f"{_KEY}{name}": value for name, value in key.items()}
