"""The books: ledger entries, their sums, positions, and the inbox of exchange events."""

import sqlalchemy as sa
from alembic import op

from services.chassis.events import create_inbox_tables
from services.chassis.persistence import ExactDecimal, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_inbox_tables(op)
    op.create_table(
        "ledger_entries",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("account", sa.Text, nullable=False, index=True),
        sa.Column("transaction_id", sa.Text, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("ledger_account", sa.Text, nullable=False),
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("exchange_time", UtcDateTime(), nullable=False),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
        sa.UniqueConstraint("transaction_id", "line"),
    )
    op.create_table(
        "ledger_sums",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("ledger_account", sa.Text, primary_key=True),
        sa.Column("asset", sa.Text, primary_key=True),
        sa.Column("amount", ExactDecimal(), nullable=False),
    )
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
    )
