"""What the kill switch still has to cancel."""

import sqlalchemy as sa
from alembic import op

from services.chassis.persistence import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "cancellations",
        sa.Column("cancellation_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False, index=True),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.Column("update_time", UtcDateTime(), nullable=False),
        sa.Column("confirmed", sa.Boolean, nullable=False),
        sa.Column("ended", sa.Boolean, nullable=False),
        sa.Column("open_orders", sa.JSON, nullable=False),
        sa.Column("unreachable_venues", sa.JSON, nullable=False),
    )
