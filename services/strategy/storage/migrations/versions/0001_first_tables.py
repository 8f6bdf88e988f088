"""First tables."""

import sqlalchemy as sa
from alembic import op

from services.chassis.events import create_outbox_tables
from services.chassis.persistence import ExactDecimal, UtcDateTime
from services.chassis.persistence.requests import create_request_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_outbox_tables(op)
    create_request_tables(op)
    op.create_table(
        "strategy",
        sa.Column("strategy_id", sa.Text, primary_key=True),
        sa.Column("instrument", sa.Text, nullable=False),
        sa.Column("candle_interval", sa.Text, nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("fast_period", sa.Integer, nullable=False),
        sa.Column("slow_period", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.Column("update_time", UtcDateTime(), nullable=False),
        sa.CheckConstraint("fast_period > 0 AND fast_period < slow_period", name="periods"),
        sa.CheckConstraint("state IN ('enabled', 'disabled')", name="state"),
    )
    op.create_table(
        "runner",
        sa.Column("strategy_id", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("run", sa.BigInteger, nullable=False),
        sa.Column("last_open_time", UtcDateTime(), nullable=True),
        sa.Column("trend", sa.Integer, nullable=False),
        sa.Column("update_time", UtcDateTime(), nullable=False),
        sa.CheckConstraint("trend IN (-1, 0, 1)", name="trend"),
    )
    op.create_table(
        "signal",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("signal_id", sa.Text, nullable=False),
        sa.Column("strategy_id", sa.Text, nullable=False),
        sa.Column("run", sa.BigInteger, nullable=False),
        sa.Column("candle_open_time", UtcDateTime(), nullable=False),
        sa.Column("instrument", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("reference_price", ExactDecimal(), nullable=False),
        sa.Column("fast_average", ExactDecimal(), nullable=False),
        sa.Column("slow_average", ExactDecimal(), nullable=False),
        sa.Column("exchange_time", UtcDateTime(), nullable=False),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
        sa.UniqueConstraint("signal_id"),
        sa.UniqueConstraint("strategy_id", "run", "candle_open_time"),
        sa.CheckConstraint("side IN ('buy', 'sell')", name="side"),
    )
    op.create_index("ix_signal_strategy_id_sequence", "signal", ["strategy_id", "sequence"])
