"""A service's database: SQLite or PostgreSQL behind one door.

database = await Database.open(url, migrations="services.portfolio.storage.migrations")
async with database.read() as connection: ...
async with database.write() as connection: ...
"""

from sqlalchemy.ext.asyncio import AsyncConnection as Connection

from services.chassis.persistence.database import Database
from services.chassis.persistence.errors import (
    StorageConflictError,
    StorageInUseError,
    StorageSchemaError,
    StorageUnavailableError,
)
from services.chassis.persistence.notices import Notices, announce
from services.chassis.persistence.prepared import Prepared, Row
from services.chassis.persistence.schema import assert_schema_current
from services.chassis.persistence.statements import (
    add_exactly,
    change_row,
    find_row,
    insert_if_absent,
    put_row,
    row_at,
)
from services.chassis.persistence.types import ExactDecimal, UtcDateTime, table_metadata

__all__ = [
    "Connection",
    "Database",
    "ExactDecimal",
    "Notices",
    "Prepared",
    "Row",
    "StorageConflictError",
    "StorageInUseError",
    "StorageSchemaError",
    "StorageUnavailableError",
    "UtcDateTime",
    "add_exactly",
    "announce",
    "assert_schema_current",
    "change_row",
    "find_row",
    "insert_if_absent",
    "put_row",
    "row_at",
    "table_metadata",
]
