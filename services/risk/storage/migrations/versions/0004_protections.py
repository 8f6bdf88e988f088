"""Protections, locks and trades."""

import sqlalchemy as sa
from alembic import op

from services.chassis.persistence import ExactDecimal, UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "protection_versions",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("update_time", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "locks",
        sa.Column("lock_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False, index=True),
        sa.Column("instrument", sa.Text, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.Column("expire_time", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "open_trades",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("instrument", sa.Text, primary_key=True),
        sa.Column("strategy", sa.Text, primary_key=True),
        sa.Column("open_time", UtcDateTime(), nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("greatest", ExactDecimal(), nullable=False),
        sa.Column("cash", ExactDecimal(), nullable=False),
        sa.Column("entry_cost", ExactDecimal(), nullable=False),
    )
    op.create_table(
        "closed_trades",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("instrument", sa.Text, primary_key=True),
        sa.Column("strategy", sa.Text, primary_key=True),
        sa.Column("close_time", UtcDateTime(), primary_key=True),
        sa.Column("open_time", UtcDateTime(), primary_key=True),
        sa.Column("profit", ExactDecimal(), nullable=False),
        sa.Column("ratio", ExactDecimal(), nullable=False),
        sa.Column("stopped", sa.Boolean, nullable=False),
    )
    op.create_index("ix_closed_trades_account_close_time", "closed_trades", ["account", "close_time"])
