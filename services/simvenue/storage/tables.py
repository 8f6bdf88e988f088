"""The venue's own ledger: what real accounts have, asked for and got. The crowd is not stored."""

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, Table, Text, UniqueConstraint

from services.chassis.persistence import ExactDecimal, table_metadata

METADATA = table_metadata()

VENUE = Table(
    "venue",
    METADATA,
    Column("venue", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("time_ns", BigInteger, nullable=False),
    Column("trade_id", BigInteger, nullable=False),
    Column("order_id", BigInteger, nullable=False),
    Column("transfer_id", BigInteger, nullable=False),
)
"""One row: who may write, and marks below which times and ids may have been used."""

BALANCE = Table(
    "balance",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("free", ExactDecimal, nullable=False),
    Column("locked", ExactDecimal, nullable=False),
)

ORDERS = Table(
    "orders",
    METADATA,
    Column("venue_order_id", BigInteger, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("client_order_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("price", ExactDecimal),
    Column("time_in_force", Text),
    Column("post_only", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("close_reason", Text),
    Column("filled", ExactDecimal, nullable=False),
    Column("notional", ExactDecimal, nullable=False),
    Column("fees", ExactDecimal, nullable=False),
    Column("create_ns", BigInteger, nullable=False),
    Column("update_ns", BigInteger, nullable=False),
    Column("trigger_price", ExactDecimal),
    Column("asked_expire_ns", BigInteger),
    Column("expire_ns", BigInteger),
    Column("trigger_ns", BigInteger),
    Column("display_quantity", ExactDecimal),
    Column("quote_quantity", ExactDecimal),
    Column("self_trade", Text),
    Column("reduce_only", Boolean),
    UniqueConstraint("account", "client_order_id"),
)
"""A market order is one without a price, a stop one with a trigger."""

FILL = Table(
    "fill",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("trade_id", BigInteger, primary_key=True, autoincrement=False),
    Column("venue_order_id", BigInteger, nullable=False),
    Column("client_order_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("price", ExactDecimal, nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("fee", ExactDecimal, nullable=False),
    Column("fee_currency", Text, nullable=False),
    Column("liquidity", Text, nullable=False),
    Column("time_ns", BigInteger, nullable=False),
    Column("profit", ExactDecimal),
)

TRANSFER = Table(
    "transfer",
    METADATA,
    Column("transfer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount", ExactDecimal, nullable=False),
    Column("time_ns", BigInteger, nullable=False),
    Column("symbol", Text),
    Index(None, "account", "transfer_id"),
)

POSITION = Table(
    "position",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("quantity", ExactDecimal, nullable=False),
    Column("cost", ExactDecimal, nullable=False),
    Column("realised", ExactDecimal, nullable=False),
    Column("funding", ExactDecimal, nullable=False),
)
"""Of perpetuals; a closed one stays, with what it earned."""

ACCOUNT_EVENT = Table(
    "account_event",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False),
)
"""Events as they are sent, so that a stream can be resumed from any point of the past."""
