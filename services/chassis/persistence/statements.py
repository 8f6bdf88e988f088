"""Statements that every service needs, and those that each backend spells in its own way."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.decimals import EXACT


async def insert_if_absent(connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one with the same primary or unique key stands there.

    Unlike an insert that fails, it leaves the transaction usable on every backend.

    Returns:
        Whether the row is new.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    result = await connection.execute(insert(table).values(**values).on_conflict_do_nothing())
    return result.rowcount == 1


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
        await connection.execute(update(table).where(_has(table, key)).values(**values))


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
    held: Decimal = (await connection.execute(select(table.c[column]).where(_has(table, key)))).scalar_one()
    total = EXACT.add(held, change)
    await connection.execute(update(table).where(_has(table, key)).values({column: total}))


def _has(table: Table, key: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key.items()))
