"""Reduce-only orders, and the profit that each fill realised."""

import sqlalchemy as sa
from alembic import op

from services.chassis.persistence import ExactDecimal

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("orders", sa.Column("reduce_only", sa.Boolean(create_constraint=False)))
    op.add_column("fill", sa.Column("profit", ExactDecimal()))
