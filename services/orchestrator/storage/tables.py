"""The tables of the orchestrator."""

import sqlalchemy as sa

from services.chassis.events import inbox_table
from services.chassis.persistence import ExactDecimal, UtcDateTime, table_metadata
from services.chassis.persistence.requests import request_tables

METADATA = table_metadata()
INBOX = inbox_table(METADATA)
REQUESTS = request_tables(METADATA)

# One row: the mode. Its key is there so that it can only be one.
TRADING = sa.Table(
    "trading",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("update_time", UtcDateTime, nullable=False),
)

CYCLES = sa.Table(
    "cycles",
    METADATA,
    # SQLite numbers rows by itself only in a column of type INTEGER.
    sa.Column(
        "number",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("cycle_id", sa.Text, nullable=False, unique=True),
    sa.Column("signal", sa.Text, nullable=False),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("instrument", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("signal_quantity", ExactDecimal, nullable=False),
    sa.Column("signal_time", UtcDateTime, nullable=False),
    sa.Column("correlation_id", sa.Text, nullable=False),
    sa.Column("quantity", ExactDecimal, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("order_name", sa.Text, nullable=False, index=True),
    sa.Column("filled_quantity", ExactDecimal, nullable=False),
    sa.Column("steps", sa.JSON, nullable=False),
    sa.Column("create_time", UtcDateTime, nullable=False),
    sa.Column("update_time", UtcDateTime, nullable=False),
)

# What the exchange's events said of orders, for events that come before the answer of CreateOrder.
ORDERS_SEEN = sa.Table(
    "orders_seen",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("filled_quantity", ExactDecimal, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
)

PENDING_CANCELS = sa.Table(
    "pending_cancels",
    METADATA,
    sa.Column("order_name", sa.Text, primary_key=True),
)
