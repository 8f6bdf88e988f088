"""The shared count of the venues' rate limits, and the pauses that venues asked for."""

import sqlalchemy as sa
from alembic import op

from services.chassis.persistence import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "rate_lease",
        sa.Column("venue", sa.Text, primary_key=True),
        sa.Column("budget", sa.Text, primary_key=True),
        sa.Column("slice", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.CheckConstraint("units >= 0", name="units_not_negative"),
    )
    op.create_table(
        "rate_pause",
        sa.Column("venue", sa.Text, primary_key=True),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("banned", sa.Boolean(create_constraint=False), nullable=False),
    )
