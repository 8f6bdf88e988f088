"""The tables of the books."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text, UniqueConstraint

from services.chassis.events import inbox_tables
from services.chassis.persistence import ExactDecimal, UtcDateTime, table_metadata

METADATA = table_metadata()
INBOX = inbox_tables(METADATA)

# SQLite numbers rows by itself only in a column of type INTEGER.
ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")

LEDGER_ENTRIES = Table(
    "ledger_entries",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("account", Text, nullable=False, index=True),
    Column("transaction_id", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ledger_account", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("amount", ExactDecimal, nullable=False),
    Column("source", Text, nullable=False),
    Column("exchange_time", UtcDateTime, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("correlation_id", Text, nullable=False),
    UniqueConstraint("transaction_id", "line"),
)

# Sums of the entries, kept in the transaction that adds them: SQL cannot add exact decimals, and a
# sum over years of entries would be read at every question.
LEDGER_SUMS = Table(
    "ledger_sums",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("ledger_account", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("amount", ExactDecimal, nullable=False),
)

POSITIONS = Table(
    "positions",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("venue", Text, primary_key=True),
    Column("instrument", Text, primary_key=True),
    Column("base_asset", Text, nullable=False),
    Column("quote_asset", Text, nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("cost", ExactDecimal, nullable=False),
    Column("realized_pnl", ExactDecimal, nullable=False),
    Column("fill_count", BigInteger, nullable=False),
    Column("last_fill_time", UtcDateTime, nullable=False),
)
