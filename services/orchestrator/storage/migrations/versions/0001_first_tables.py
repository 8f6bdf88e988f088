"""Mode, cycles, orders seen, pending cancels, requests, inbox."""

import sqlalchemy as sa
from alembic import op

from services.chassis.events import create_inbox_tables
from services.chassis.persistence import ExactDecimal, UtcDateTime
from services.chassis.persistence.requests import create_request_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_inbox_tables(op)
    create_request_tables(op)
    op.create_table(
        "trading",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("update_time", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "cycles",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("cycle_id", sa.Text, nullable=False, unique=True),
        sa.Column("signal", sa.Text, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("instrument", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("signal_quantity", ExactDecimal(), nullable=False),
        sa.Column("signal_time", UtcDateTime(), nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("state", sa.Text, nullable=False, index=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("order_name", sa.Text, nullable=False, index=True),
        sa.Column("filled_quantity", ExactDecimal(), nullable=False),
        sa.Column("steps", sa.JSON, nullable=False),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.Column("update_time", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "orders_seen",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("filled_quantity", ExactDecimal(), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_table("pending_cancels", sa.Column("order_name", sa.Text, primary_key=True))
