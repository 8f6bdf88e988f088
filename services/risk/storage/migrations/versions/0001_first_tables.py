"""Limits, trading states, holdings, positions, reservations, decisions, requests, inbox."""

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
        "limits",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("max_order_notional", ExactDecimal(), nullable=False),
        sa.Column("max_position_notional", ExactDecimal(), nullable=False),
        sa.Column("max_gross_notional", ExactDecimal(), nullable=False),
        sa.Column("price_collar", ExactDecimal(), nullable=False),
        sa.Column("max_open_orders", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("update_time", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "trading_states",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("update_time", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "holdings",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("asset", sa.Text, primary_key=True),
        sa.Column("quantity", ExactDecimal(), nullable=False),
    )
    op.create_table(
        "positions",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("instrument", sa.Text, primary_key=True),
        sa.Column("quantity", ExactDecimal(), nullable=False),
    )
    op.create_table(
        "reservations",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False, index=True),
        sa.Column("instrument", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("remaining", ExactDecimal(), nullable=False),
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("per_unit", ExactDecimal(), nullable=False),
    )
    op.create_table(
        "decisions",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False, index=True),
        sa.Column("instrument", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("limit_price", ExactDecimal(), nullable=True),
        sa.Column("approved", sa.Boolean, nullable=False),
        sa.Column("checks", sa.JSON, nullable=False),
        sa.Column("reserved_asset", sa.Text, nullable=True),
        sa.Column("reserved_per_unit", ExactDecimal(), nullable=True),
        sa.Column("limits_version", sa.BigInteger, nullable=False),
        sa.Column("decide_time", UtcDateTime(), nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
    )
    op.create_table("ended_orders", sa.Column("order_id", sa.Text, primary_key=True))
