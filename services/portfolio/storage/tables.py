"""The tables of the books."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, UniqueConstraint

from services.chassis.events import inbox_table
from services.chassis.persistence import ExactDecimal, UtcDateTime, table_metadata
from services.chassis.persistence.requests import request_tables

METADATA = table_metadata()
INBOX = inbox_table(METADATA)
REQUESTS = request_tables(METADATA)

# SQLite numbers rows by itself only in a column of type INTEGER.
ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def _number() -> Column[Any]:
    return Column("number", ROW_NUMBER, primary_key=True, autoincrement=True)


def _flag(name: str) -> Column[Any]:
    return Column(name, Boolean(create_constraint=False), nullable=False)


# What happened, in the order it was booked: everything else can be made again from these rows.
JOURNAL = Table(
    "journal",
    METADATA,
    _number(),
    Column("transaction_id", Text, nullable=False, unique=True),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("venue", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("amount", ExactDecimal),
    Column("transfer_kind", Text, nullable=False),
    Column("base_asset", Text, nullable=False),
    Column("quote_asset", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("price", ExactDecimal),
    Column("quantity", ExactDecimal),
    Column("fee", ExactDecimal),
    Column("fee_asset", Text, nullable=False),
    Column("contract_size", ExactDecimal),
    Column("settle_asset", Text, nullable=False),
    _flag("inverse"),
    # The account's method when the fill was booked: a later change does not reach back.
    Column("lot_method", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reverses", Text, unique=True),
    Column("exchange_time", UtcDateTime, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Index(None, "account", "number"),
)

LEDGER_ENTRIES = Table(
    "ledger_entries",
    METADATA,
    _number(),
    Column("account", Text, nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("ledger_account", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("amount", ExactDecimal, nullable=False),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("exchange_time", UtcDateTime, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("correlation_id", Text, nullable=False),
    UniqueConstraint("transaction_id", "line"),
    Index(None, "account", "number"),
    Index(None, "account", "strategy", "number"),
    Index(None, "account", "exchange_time"),
)

# Sums of the entries, kept in the transaction that adds them: SQL cannot add exact decimals, and a
# sum over years of entries would be read at every question.
LEDGER_SUMS = Table(
    "ledger_sums",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("strategy", Text, primary_key=True),
    Column("ledger_account", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("amount", ExactDecimal, nullable=False),
)


def _position_columns() -> list[Column[Any]]:
    return [
        Column("venue", Text, primary_key=True),
        Column("instrument", Text, primary_key=True),
        Column("base_asset", Text, nullable=False),
        Column("quote_asset", Text, nullable=False),
        Column("quantity", ExactDecimal, nullable=False),
        Column("cost", ExactDecimal, nullable=False),
        Column("realized_pnl", ExactDecimal, nullable=False),
        Column("fill_count", BigInteger, nullable=False),
        Column("last_fill_time", UtcDateTime, nullable=False),
        Column("contract_size", ExactDecimal),
        Column("settle_asset", Text, nullable=False),
        _flag("inverse"),
    ]


POSITIONS = Table("positions", METADATA, Column("account", Text, primary_key=True), *_position_columns())

# The same by strategy; the empty strategy holds what no strategy ordered.
STRATEGY_POSITIONS = Table(
    "strategy_positions",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("strategy", Text, primary_key=True),
    *_position_columns(),
)

TAX_LOTS = Table(
    "tax_lots",
    METADATA,
    _number(),
    Column("account", Text, nullable=False),
    Column("venue", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("base_asset", Text, nullable=False),
    Column("quote_asset", Text, nullable=False),
    Column("fill", Text, nullable=False, unique=True),
    Column("strategy", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("remaining", ExactDecimal, nullable=False),
    Column("price", ExactDecimal, nullable=False),
    # The price in a form that SQL sorts as a number.
    Column("price_key", Text, nullable=False),
    Column("open_time", UtcDateTime, nullable=False),
    # Whether something remains; the indexes lead to the few lots of which this is so.
    _flag("live"),
    Index(None, "account", "number"),
    Index(None, "account", "live", "number"),
    Index(None, "account", "venue", "instrument", "live", "open_time"),
    Index(None, "account", "venue", "instrument", "live", "price_key"),
)

REALIZED_GAINS = Table(
    "realized_gains",
    METADATA,
    _number(),
    Column("account", Text, nullable=False),
    Column("lot", ROW_NUMBER, nullable=False),
    Column("fill", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("price", ExactDecimal, nullable=False),
    Column("close_time", UtcDateTime, nullable=False),
    Index(None, "account", "number"),
    Index(None, "account", "close_time"),
)

# What an account was set to; an account without a row has the service's settings.
ACCOUNT_SETTINGS = Table(
    "account_settings",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("lot_method", Text, nullable=False),
    Column("update_time", UtcDateTime, nullable=False),
)

EQUITY_POINTS = Table(
    "equity_points",
    METADATA,
    _number(),
    Column("account", Text, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("cause", Text, nullable=False),
    Column("valuation_asset", Text, nullable=False),
    # Empty where a price was missing.
    Column("equity", ExactDecimal),
    Column("net_flow", ExactDecimal),
    # What was paid in until then, by asset, as JSON: the next point tells by it what came since.
    Column("contributions", Text, nullable=False),
    Column("missing_prices", Text, nullable=False),
    Column("growth", ExactDecimal),
    Column("peak", ExactDecimal),
    Column("drawdown", ExactDecimal),
    Column("max_drawdown", ExactDecimal),
    _flag("complete"),
    Index(None, "account", "number"),
    Index(None, "account", "time"),
    Index(None, "account", "valuation_asset", "complete", "number"),
)
