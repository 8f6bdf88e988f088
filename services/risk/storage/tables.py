"""The tables of risk."""

import sqlalchemy as sa

from services.chassis.events import inbox_tables
from services.chassis.persistence import ExactDecimal, UtcDateTime, table_metadata
from services.chassis.persistence.requests import request_tables

METADATA = table_metadata()
INBOX = inbox_tables(METADATA)
REQUESTS = request_tables(METADATA)

LIMITS = sa.Table(
    "limits",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("max_order_notional", ExactDecimal, nullable=False),
    sa.Column("max_position_notional", ExactDecimal, nullable=False),
    sa.Column("max_gross_notional", ExactDecimal, nullable=False),
    sa.Column("price_collar", ExactDecimal, nullable=False),
    sa.Column("max_open_orders", sa.Integer, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("update_time", UtcDateTime, nullable=False),
)

TRADING = sa.Table(
    "trading_states",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("update_time", UtcDateTime, nullable=False),
)

HOLDINGS = sa.Table(
    "holdings",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("asset", sa.Text, primary_key=True),
    sa.Column("quantity", ExactDecimal, nullable=False),
)

POSITIONS = sa.Table(
    "positions",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("instrument", sa.Text, primary_key=True),
    sa.Column("quantity", ExactDecimal, nullable=False),
)

RESERVATIONS = sa.Table(
    "reservations",
    METADATA,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("instrument", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("remaining", ExactDecimal, nullable=False),
    sa.Column("asset", sa.Text, nullable=False),
    sa.Column("per_unit", ExactDecimal, nullable=False),
)

# Every decision with what it was about and the numbers it saw: the answer to a repeat, and the record.
DECISIONS = sa.Table(
    "decisions",
    METADATA,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("instrument", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("quantity", ExactDecimal, nullable=False),
    sa.Column("limit_price", ExactDecimal, nullable=True),
    sa.Column("approved", sa.Boolean, nullable=False),
    sa.Column("checks", sa.JSON, nullable=False),
    sa.Column("reserved_asset", sa.Text, nullable=True),
    sa.Column("reserved_per_unit", ExactDecimal, nullable=True),
    sa.Column("limits_version", sa.BigInteger, nullable=False),
    sa.Column("decide_time", UtcDateTime, nullable=False),
    sa.Column("correlation_id", sa.Text, nullable=False),
)

# Orders that ended without a decision: a decision that comes too late must reserve nothing.
ENDED_ORDERS = sa.Table(
    "ended_orders",
    METADATA,
    sa.Column("order_id", sa.Text, primary_key=True),
)
