"""A small schema with migrations, for the tests of the chassis' own storage and events."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from services.chassis.events import inbox_table, outbox_tables
from services.chassis.persistence import ExactDecimal, UtcDateTime, table_metadata

MIGRATIONS = "tests.support.storage_migrations"
METADATA = table_metadata()
ACCOUNT = sa.Table(
    "account",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("balance", ExactDecimal),
    sa.Column("moment", UtcDateTime),
    sa.CheckConstraint("count >= 0", name="count_not_negative"),
)
ENTRY = sa.Table(
    "entry",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("account", sa.Text, sa.ForeignKey("account.name"), nullable=False, index=True),
)
EFFECT = sa.Table(
    "effect",
    METADATA,
    sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)
outbox_tables(METADATA)
inbox_table(METADATA)


def amounts(balance: str, moment: str) -> dict[str, Decimal | datetime]:
    """Column values from their text forms."""
    return {"balance": Decimal(balance), "moment": datetime.fromisoformat(moment)}
