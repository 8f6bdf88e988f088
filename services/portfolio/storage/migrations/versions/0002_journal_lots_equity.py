"""The books anew: a journal, strategies, contracts, tax lots, equity points.

Books made before had no journal, no strategies and no lots. They are emptied, and the inbox with them, so
that the service reads the exchange's whole log again and books it in the new form.
"""

import sqlalchemy as sa
from alembic import op

from services.chassis.persistence import ExactDecimal, UtcDateTime
from services.chassis.persistence.requests import create_request_tables

revision = "0002"
down_revision = "0001"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    for name in ("ledger_entries", "ledger_sums", "positions"):
        op.drop_table(name)
    for name in ("inbox_event", "inbox_cursor"):
        op.execute(sa.delete(sa.table(name)))
    create_request_tables(op)
    _create_journal()
    _create_ledger_entries()
    _create_ledger_sums()
    _create_positions()
    _create_strategy_positions()
    _create_tax_lots()
    _create_realized_gains()
    _create_account_settings()
    _create_equity_points()


def _create_journal() -> None:
    op.create_table(
        "journal",
        sa.Column("number", _ROW_NUMBER, primary_key=True, autoincrement=True),
        sa.Column("transaction_id", sa.Text, nullable=False, unique=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("venue", sa.Text, nullable=False),
        sa.Column("instrument", sa.Text, nullable=False),
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("amount", ExactDecimal()),
        sa.Column("transfer_kind", sa.Text, nullable=False),
        sa.Column("base_asset", sa.Text, nullable=False),
        sa.Column("quote_asset", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("price", ExactDecimal()),
        sa.Column("quantity", ExactDecimal()),
        sa.Column("fee", ExactDecimal()),
        sa.Column("fee_asset", sa.Text, nullable=False),
        sa.Column("contract_size", ExactDecimal()),
        sa.Column("settle_asset", sa.Text, nullable=False),
        sa.Column("inverse", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("lot_method", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("reverses", sa.Text, unique=True),
        sa.Column("exchange_time", UtcDateTime(), nullable=False),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
    )
    op.create_index("ix_journal_account_number", "journal", ["account", "number"])


def _create_ledger_entries() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("number", _ROW_NUMBER, primary_key=True, autoincrement=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("transaction_id", sa.Text, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("ledger_account", sa.Text, nullable=False),
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("exchange_time", UtcDateTime(), nullable=False),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
        sa.UniqueConstraint("transaction_id", "line"),
    )
    op.create_index("ix_ledger_entries_account_exchange_time", "ledger_entries", ["account", "exchange_time"])
    op.create_index("ix_ledger_entries_account_number", "ledger_entries", ["account", "number"])
    op.create_index(
        "ix_ledger_entries_account_strategy_number", "ledger_entries", ["account", "strategy", "number"]
    )


def _create_ledger_sums() -> None:
    op.create_table(
        "ledger_sums",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("strategy", sa.Text, primary_key=True),
        sa.Column("ledger_account", sa.Text, primary_key=True),
        sa.Column("asset", sa.Text, primary_key=True),
        sa.Column("amount", ExactDecimal(), nullable=False),
    )


def _create_positions() -> None:
    op.create_table(
        "positions",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("venue", sa.Text, primary_key=True),
        sa.Column("instrument", sa.Text, primary_key=True),
        sa.Column("base_asset", sa.Text, nullable=False),
        sa.Column("quote_asset", sa.Text, nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("cost", ExactDecimal(), nullable=False),
        sa.Column("realized_pnl", ExactDecimal(), nullable=False),
        sa.Column("fill_count", sa.BigInteger, nullable=False),
        sa.Column("last_fill_time", UtcDateTime(), nullable=False),
        sa.Column("contract_size", ExactDecimal()),
        sa.Column("settle_asset", sa.Text, nullable=False),
        sa.Column("inverse", sa.Boolean(create_constraint=False), nullable=False),
    )


def _create_strategy_positions() -> None:
    op.create_table(
        "strategy_positions",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("strategy", sa.Text, primary_key=True),
        sa.Column("venue", sa.Text, primary_key=True),
        sa.Column("instrument", sa.Text, primary_key=True),
        sa.Column("base_asset", sa.Text, nullable=False),
        sa.Column("quote_asset", sa.Text, nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("cost", ExactDecimal(), nullable=False),
        sa.Column("realized_pnl", ExactDecimal(), nullable=False),
        sa.Column("fill_count", sa.BigInteger, nullable=False),
        sa.Column("last_fill_time", UtcDateTime(), nullable=False),
        sa.Column("contract_size", ExactDecimal()),
        sa.Column("settle_asset", sa.Text, nullable=False),
        sa.Column("inverse", sa.Boolean(create_constraint=False), nullable=False),
    )


def _create_tax_lots() -> None:
    op.create_table(
        "tax_lots",
        sa.Column("number", _ROW_NUMBER, primary_key=True, autoincrement=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("venue", sa.Text, nullable=False),
        sa.Column("instrument", sa.Text, nullable=False),
        sa.Column("base_asset", sa.Text, nullable=False),
        sa.Column("quote_asset", sa.Text, nullable=False),
        sa.Column("fill", sa.Text, nullable=False, unique=True),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("remaining", ExactDecimal(), nullable=False),
        sa.Column("price", ExactDecimal(), nullable=False),
        sa.Column("price_key", sa.Text, nullable=False),
        sa.Column("open_time", UtcDateTime(), nullable=False),
        sa.Column("live", sa.Boolean(create_constraint=False), nullable=False),
    )
    op.create_index("ix_tax_lots_account_number", "tax_lots", ["account", "number"])
    op.create_index(
        "ix_tax_lots_account_venue_instrument_live_open_time",
        "tax_lots",
        ["account", "venue", "instrument", "live", "open_time"],
    )
    op.create_index(
        "ix_tax_lots_account_venue_instrument_live_price_key",
        "tax_lots",
        ["account", "venue", "instrument", "live", "price_key"],
    )


def _create_realized_gains() -> None:
    op.create_table(
        "realized_gains",
        sa.Column("number", _ROW_NUMBER, primary_key=True, autoincrement=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("lot", _ROW_NUMBER, nullable=False),
        sa.Column("fill", sa.Text, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("price", ExactDecimal(), nullable=False),
        sa.Column("close_time", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_realized_gains_account_close_time", "realized_gains", ["account", "close_time"])
    op.create_index("ix_realized_gains_account_number", "realized_gains", ["account", "number"])


def _create_account_settings() -> None:
    op.create_table(
        "account_settings",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("lot_method", sa.Text, nullable=False),
        sa.Column("update_time", UtcDateTime(), nullable=False),
    )


def _create_equity_points() -> None:
    op.create_table(
        "equity_points",
        sa.Column("number", _ROW_NUMBER, primary_key=True, autoincrement=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("time", UtcDateTime(), nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("valuation_asset", sa.Text, nullable=False),
        sa.Column("equity", ExactDecimal()),
        sa.Column("net_flow", ExactDecimal()),
        sa.Column("contributions", sa.Text, nullable=False),
        sa.Column("missing_prices", sa.Text, nullable=False),
        sa.Column("growth", ExactDecimal()),
        sa.Column("peak", ExactDecimal()),
        sa.Column("drawdown", ExactDecimal()),
        sa.Column("max_drawdown", ExactDecimal()),
        sa.Column("complete", sa.Boolean(create_constraint=False), nullable=False),
    )
    op.create_index("ix_equity_points_account_number", "equity_points", ["account", "number"])
    op.create_index("ix_equity_points_account_time", "equity_points", ["account", "time"])
    op.create_index(
        "ix_equity_points_account_valuation_asset_complete_number",
        "equity_points",
        ["account", "valuation_asset", "complete", "number"],
    )
