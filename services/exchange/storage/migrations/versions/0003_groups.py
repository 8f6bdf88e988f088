"""What risk sets aside for together, and how much an order fills together with others."""

import sqlalchemy as sa
from alembic import op

from services.chassis.persistence import ExactDecimal

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("trade_order", sa.Column("group_id", sa.Text))
    op.add_column("trade_order", sa.Column("total_quantity", ExactDecimal()))
