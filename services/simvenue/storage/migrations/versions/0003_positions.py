"""Positions of perpetuals, and their funding among the transfers."""

import sqlalchemy as sa
from alembic import op

from services.chassis.persistence import ExactDecimal

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("transfer", sa.Column("symbol", sa.Text))
    op.create_table(
        "position",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("symbol", sa.Text, primary_key=True),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("cost", ExactDecimal(), nullable=False),
        sa.Column("realised", ExactDecimal(), nullable=False),
        sa.Column("funding", ExactDecimal(), nullable=False),
    )
