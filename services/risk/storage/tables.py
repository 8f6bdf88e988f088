"""The tables of risk."""

import sqlalchemy as sa

from services.chassis.events import inbox_table
from services.chassis.persistence import ExactDecimal, UtcDateTime, table_metadata
from services.chassis.persistence.requests import request_tables

METADATA = table_metadata()
INBOX = inbox_table(METADATA)
REQUESTS = request_tables(METADATA)

# One row for each account, and one for all together. The token changes in every transaction that changes
# anything the facts of an account are made of, and never comes back: who remembers facts under a token
# may use them as long as it stands.
HEADS = sa.Table(
    "heads",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("token", sa.Text, nullable=False),
)

# Every version stays, since decisions name theirs.
LIMITS = sa.Table(
    "limit_versions",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("update_time", UtcDateTime, nullable=False),
)

TRADING = sa.Table(
    "trading_states",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("update_time", UtcDateTime, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False, server_default=""),
)

TRADING_CHANGES = sa.Table(
    "trading_changes",
    METADATA,
    sa.Column("change_id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("from_mode", sa.Text, nullable=False),
    sa.Column("to_mode", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("change_time", UtcDateTime, nullable=False),
    sa.Column("correlation_id", sa.Text, nullable=False),
)

# What the kill switch still has to cancel, and what it has cancelled.
CANCELLATIONS = sa.Table(
    "cancellations",
    METADATA,
    sa.Column("cancellation_id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("create_time", UtcDateTime, nullable=False),
    sa.Column("update_time", UtcDateTime, nullable=False),
    sa.Column("confirmed", sa.Boolean, nullable=False),
    sa.Column("ended", sa.Boolean, nullable=False),
    sa.Column("open_orders", sa.JSON, nullable=False),
    sa.Column("unreachable_venues", sa.JSON, nullable=False),
)

HOLDINGS = sa.Table(
    "account_holdings",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("venue", sa.Text, primary_key=True),
    sa.Column("asset", sa.Text, primary_key=True),
    sa.Column("quantity", ExactDecimal, nullable=False),
)

POSITIONS = sa.Table(
    "account_positions",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("instrument", sa.Text, primary_key=True),
    sa.Column("base_asset", sa.Text, nullable=False),
    sa.Column("quote_asset", sa.Text, nullable=False),
    sa.Column("contract", sa.Text, nullable=False),
    sa.Column("quantity", ExactDecimal, nullable=False),
    sa.Column("cost", ExactDecimal, nullable=False),
)

RESERVATIONS = sa.Table(
    "order_reservations",
    METADATA,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("claim", sa.Text, nullable=False),
    sa.Column("instrument", sa.Text, nullable=False),
    sa.Column("base_asset", sa.Text, nullable=False),
    sa.Column("quote_asset", sa.Text, nullable=False),
    sa.Column("contract", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("quantity", ExactDecimal, nullable=False),
    sa.Column("asset", sa.Text, nullable=False),
    sa.Column("per_unit", ExactDecimal, nullable=False),
    sa.Column("joined_at", ExactDecimal, nullable=False),
    sa.Column("filled", ExactDecimal, nullable=False),
    sa.Column("ended", sa.Boolean, nullable=False),
    sa.Column("stop", sa.Boolean, nullable=False),
)

# How the newest day of an account goes.
DAYS = sa.Table(
    "equity_days",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("start", ExactDecimal, nullable=True),
    sa.Column("peak", ExactDecimal, nullable=True),
    sa.Column("flows", sa.JSON, nullable=False),
)

# Every decision with what it was about and the numbers it saw: the answer to a repeat, and the record.
DECISIONS = sa.Table(
    "decisions",
    METADATA,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
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
    sa.Column("trigger_price", ExactDecimal, nullable=True),
    sa.Column("reduce_only", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("order_group", sa.Text, nullable=False, server_default=""),
    sa.Column("strategy", sa.Text, nullable=False, server_default=""),
    sa.Column("contract", sa.Text, nullable=False, server_default=""),
    sa.Column("base_asset", sa.Text, nullable=False, server_default=""),
    sa.Column("quote_asset", sa.Text, nullable=False, server_default=""),
    sa.Column("inputs", sa.JSON(none_as_null=True), nullable=True),
    sa.Index("ix_decisions_account_decide_time", "account", "decide_time"),
)

# Orders that ended without a decision: a decision that comes too late must reserve nothing.
ENDED_ORDERS = sa.Table(
    "ended_orders",
    METADATA,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("end_time", UtcDateTime, nullable=False, index=True),
)

# Every version of the protections stays, as that of the limits.
PROTECTIONS = sa.Table(
    "protection_versions",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("update_time", UtcDateTime, nullable=False),
)

LOCKS = sa.Table(
    "locks",
    METADATA,
    sa.Column("lock_id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("instrument", sa.Text, nullable=False),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("create_time", UtcDateTime, nullable=False),
    sa.Column("expire_time", UtcDateTime, nullable=False),
)

OPEN_TRADES = sa.Table(
    "open_trades",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("instrument", sa.Text, primary_key=True),
    sa.Column("strategy", sa.Text, primary_key=True),
    sa.Column("open_time", UtcDateTime, nullable=False),
    sa.Column("quantity", ExactDecimal, nullable=False),
    sa.Column("greatest", ExactDecimal, nullable=False),
    sa.Column("cash", ExactDecimal, nullable=False),
    sa.Column("entry_cost", ExactDecimal, nullable=False),
)

CLOSED_TRADES = sa.Table(
    "closed_trades",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("instrument", sa.Text, primary_key=True),
    sa.Column("strategy", sa.Text, primary_key=True),
    sa.Column("close_time", UtcDateTime, primary_key=True),
    sa.Column("open_time", UtcDateTime, primary_key=True),
    sa.Column("profit", ExactDecimal, nullable=False),
    sa.Column("ratio", ExactDecimal, nullable=False),
    sa.Column("stopped", sa.Boolean, nullable=False),
    sa.Index("ix_closed_trades_account_close_time", "account", "close_time"),
)
