"""Stops, icebergs, quote quantities, times that run out, self-trade prevention."""

import sqlalchemy as sa
from alembic import op

from services.chassis.persistence import ExactDecimal

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("trigger_price", "display_quantity", "quote_quantity"):
        op.add_column("orders", sa.Column(name, ExactDecimal()))
    for name in ("asked_expire_ns", "expire_ns", "trigger_ns"):
        op.add_column("orders", sa.Column(name, sa.BigInteger))
    op.add_column("orders", sa.Column("self_trade", sa.Text))
