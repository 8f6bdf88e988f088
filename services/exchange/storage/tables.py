"""The tables. The migrations make them; a storage test holds the two together."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from services.chassis.events import outbox_tables
from services.chassis.persistence import ExactDecimal, UtcDateTime, table_metadata

METADATA: Final = table_metadata()
OUTBOX: Final = outbox_tables(METADATA)


def _contract_columns() -> "list[Column[object]]":
    """What one unit stands for; empty for spot."""
    return [
        Column("contract_size", ExactDecimal),
        Column("settle_asset", Text),
        Column("inverse", Boolean(create_constraint=False), nullable=False),
    ]


ORDERS: Final = Table(
    "trade_order",
    METADATA,
    Column("order_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("venue", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("base_asset", Text, nullable=False),
    Column("quote_asset", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("kind", Text, nullable=False),
    Column("limit_price", ExactDecimal),
    Column("time_in_force", Text),
    Column("post_only", Boolean(create_constraint=False), nullable=False),
    Column("strategy", Text, nullable=False),
    Column("state", Text, nullable=False),
    # Written with the state: the partial index over it keeps the few live orders at hand.
    Column("live", Boolean(create_constraint=False), nullable=False),
    Column("filled_quantity", ExactDecimal, nullable=False),
    Column("filled_notional", ExactDecimal, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reason_message", Text, nullable=False),
    Column("client_order_id", Text, nullable=False),
    Column("venue_order_id", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("update_time", UtcDateTime, nullable=False),
    Column("submit_time", UtcDateTime),
    Column("expire_time", UtcDateTime),
    Column("display_quantity", ExactDecimal),
    Column("trigger_price", ExactDecimal),
    Column("trigger_source", Text),
    Column("offset_kind", Text),
    Column("offset_amount", ExactDecimal),
    Column("activation_price", ExactDecimal),
    Column("quote_quantity", ExactDecimal),
    Column("reduce_only", Boolean(create_constraint=False), nullable=False),
    Column("handling", Text, nullable=False),
    # How the trigger stands, beside its terms above.
    Column("status_price", ExactDecimal),
    Column("best_price", ExactDecimal),
    Column("activate_time", UtcDateTime),
    Column("trigger_time", UtcDateTime),
    Column("trigger_market_price", ExactDecimal),
    Column("order_list", Text, index=True),
    Column("contingency", Text, nullable=False),
    Column("parent_order", Text, index=True),
    Column("linked_order", Text),
    Column("replaces", Text),
    Column("replaced_by", Text),
    Column("group_id", Text),
    Column("total_quantity", ExactDecimal),
    Column("base_fees", ExactDecimal, nullable=False),
    Column("unprotected", Boolean(create_constraint=False), nullable=False),
    *_contract_columns(),
    CheckConstraint("version > 0", name="version_positive"),
    UniqueConstraint("venue", "account", "client_order_id"),
    Index(None, "account", "create_time", "order_id"),
    Index(None, "live", "account"),
)

FILLS: Final = Table(
    "fill",
    METADATA,
    Column("fill_id", Text, primary_key=True),
    Column("order_id", Text, ForeignKey("trade_order.order_id"), nullable=False, index=True),
    Column("account", Text, nullable=False),
    Column("venue", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("base_asset", Text, nullable=False),
    Column("quote_asset", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("price", ExactDecimal, nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("fee", ExactDecimal, nullable=False),
    Column("fee_asset", Text, nullable=False),
    Column("liquidity", Text, nullable=False),
    Column("venue_trade_id", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("exchange_time", UtcDateTime, nullable=False),
    Column("receive_time", UtcDateTime, nullable=False),
    Column("correlation_id", Text, nullable=False),
    *_contract_columns(),
    UniqueConstraint("venue", "account", "venue_trade_id"),
    Index(None, "account", "exchange_time", "fill_id"),
)

TRANSFERS: Final = Table(
    "transfer",
    METADATA,
    Column("venue", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("venue_transfer_id", Text, primary_key=True),
    Column("asset", Text, nullable=False),
    Column("amount", ExactDecimal, nullable=False),
    Column("exchange_time", UtcDateTime, nullable=False),
    Column("receive_time", UtcDateTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("instrument", Text, nullable=False),
)

REQUESTS: Final = Table(
    "request",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("request_id", Text, primary_key=True),
    Column("method", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("order_id", Text, nullable=False, index=True),
    # The answer itself, not a reference: the order moves on, the first answer stays.
    Column("answer", LargeBinary),
    Column("create_time", UtcDateTime, nullable=False, index=True),
)

WRITERS: Final = Table(
    "writer",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("expire_time", UtcDateTime, nullable=False),
    CheckConstraint("epoch > 0", name="epoch_positive"),
)

CURSORS: Final = Table(
    "venue_cursor",
    METADATA,
    Column("venue", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("fills", Text, nullable=False),
    Column("transfers", Text, nullable=False),
)

# What all instances used of the venues' rate limits, by slice of time.
RATE_LEASES: Final = Table(
    "rate_lease",
    METADATA,
    Column("venue", Text, primary_key=True),
    Column("budget", Text, primary_key=True),
    Column("slice", BigInteger, primary_key=True, autoincrement=False),
    Column("units", BigInteger, nullable=False),
    CheckConstraint("units >= 0", name="units_not_negative"),
)

# Until when a venue asked us to wait.
RATE_PAUSES: Final = Table(
    "rate_pause",
    METADATA,
    Column("venue", Text, primary_key=True),
    Column("until", UtcDateTime, nullable=False),
    Column("banned", Boolean(create_constraint=False), nullable=False),
)
