"""Statements that each backend spells in its own way."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def insert_if_absent(connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one with the same primary or unique key stands there.

    Unlike an insert that fails, it leaves the transaction usable on every backend.

    Returns:
        Whether the row is new.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    result = await connection.execute(insert(table).values(**values).on_conflict_do_nothing())
    return result.rowcount == 1
