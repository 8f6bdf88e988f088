"""Tables of the strategy service."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text, UniqueConstraint

from services.chassis.events import outbox_tables
from services.chassis.persistence import ExactDecimal, UtcDateTime, table_metadata
from services.chassis.persistence.requests import request_tables

METADATA = table_metadata()
outbox_tables(METADATA)
REQUESTS = request_tables(METADATA)

STRATEGY = Table(
    "strategy",
    METADATA,
    Column("strategy_id", Text, primary_key=True),
    Column("instrument", Text, nullable=False),
    Column("candle_interval", Text, nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("fast_period", Integer, nullable=False),
    Column("slow_period", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("etag", Text, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("update_time", UtcDateTime, nullable=False),
    CheckConstraint("fast_period > 0 AND fast_period < slow_period", name="periods"),
    CheckConstraint("state IN ('enabled', 'disabled')", name="state"),
)

# Outlives its strategy: the fence and the run must never go back.
RUNNER = Table(
    "runner",
    METADATA,
    Column("strategy_id", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("lease_until", UtcDateTime, nullable=True),
    Column("run", BigInteger, nullable=False),
    Column("last_open_time", UtcDateTime, nullable=True),
    Column("trend", Integer, nullable=False),
    Column("update_time", UtcDateTime, nullable=False),
    CheckConstraint("trend IN (-1, 0, 1)", name="trend"),
)

SIGNAL = Table(
    "signal",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("signal_id", Text, nullable=False),
    Column("strategy_id", Text, nullable=False),
    Column("run", BigInteger, nullable=False),
    Column("candle_open_time", UtcDateTime, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("reference_price", ExactDecimal, nullable=False),
    Column("fast_average", ExactDecimal, nullable=False),
    Column("slow_average", ExactDecimal, nullable=False),
    Column("exchange_time", UtcDateTime, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("correlation_id", Text, nullable=False),
    UniqueConstraint("signal_id"),
    UniqueConstraint("strategy_id", "run", "candle_open_time"),
    CheckConstraint("side IN ('buy', 'sell')", name="side"),
)
Index(None, SIGNAL.c.strategy_id, SIGNAL.c.sequence)
