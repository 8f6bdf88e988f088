"""Orders, fills, transfers, requests, writers, cursors, and the outbox."""

import sqlalchemy as sa
from alembic import op

from services.chassis.events import create_outbox_tables
from services.chassis.persistence import ExactDecimal, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_outbox_tables(op)
    _create_orders()
    _create_fills()
    op.create_table(
        "transfer",
        sa.Column("venue", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("venue_transfer_id", sa.Text, primary_key=True),
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.Column("exchange_time", UtcDateTime(), nullable=False),
        sa.Column("receive_time", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "request",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False, index=True),
        sa.Column("answer", sa.LargeBinary),
        sa.Column("create_time", UtcDateTime(), nullable=False, index=True),
    )
    op.create_table(
        "writer",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("expire_time", UtcDateTime(), nullable=False),
        sa.CheckConstraint("epoch > 0", name="epoch_positive"),
    )
    op.create_table(
        "venue_cursor",
        sa.Column("venue", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("fills", sa.Text, nullable=False),
        sa.Column("transfers", sa.Text, nullable=False),
    )


def _create_orders() -> None:
    op.create_table(
        "trade_order",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("venue", sa.Text, nullable=False),
        sa.Column("instrument", sa.Text, nullable=False),
        sa.Column("base_asset", sa.Text, nullable=False),
        sa.Column("quote_asset", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("limit_price", ExactDecimal()),
        sa.Column("time_in_force", sa.Text),
        sa.Column("post_only", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("live", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("filled_quantity", ExactDecimal(), nullable=False),
        sa.Column("filled_notional", ExactDecimal(), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("reason_message", sa.Text, nullable=False),
        sa.Column("client_order_id", sa.Text, nullable=False),
        sa.Column("venue_order_id", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.Column("update_time", UtcDateTime(), nullable=False),
        sa.Column("submit_time", UtcDateTime()),
        sa.CheckConstraint("version > 0", name="version_positive"),
        sa.UniqueConstraint("venue", "account", "client_order_id"),
    )
    op.create_index(
        "ix_trade_order_account_create_time_order_id", "trade_order", ["account", "create_time", "order_id"]
    )
    op.create_index("ix_trade_order_live_account", "trade_order", ["live", "account"])


def _create_fills() -> None:
    op.create_table(
        "fill",
        sa.Column("fill_id", sa.Text, primary_key=True),
        sa.Column("order_id", sa.Text, sa.ForeignKey("trade_order.order_id"), nullable=False, index=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("venue", sa.Text, nullable=False),
        sa.Column("instrument", sa.Text, nullable=False),
        sa.Column("base_asset", sa.Text, nullable=False),
        sa.Column("quote_asset", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("price", ExactDecimal(), nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("fee", ExactDecimal(), nullable=False),
        sa.Column("fee_asset", sa.Text, nullable=False),
        sa.Column("liquidity", sa.Text, nullable=False),
        sa.Column("venue_trade_id", sa.Text, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("exchange_time", UtcDateTime(), nullable=False),
        sa.Column("receive_time", UtcDateTime(), nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
        sa.UniqueConstraint("venue", "account", "venue_trade_id"),
    )
    op.create_index("ix_fill_account_exchange_time_fill_id", "fill", ["account", "exchange_time", "fill_id"])
