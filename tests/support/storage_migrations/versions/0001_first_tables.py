"""First tables."""

import sqlalchemy as sa
from alembic import op

from services.chassis.events import create_outbox_tables
from services.chassis.persistence import ExactDecimal

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("balance", ExactDecimal()),
        sa.CheckConstraint("count >= 0", name="count_not_negative"),
    )
    op.create_table(
        "entry",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("account", sa.Text, sa.ForeignKey("account.name"), nullable=False, index=True),
    )
    create_outbox_tables(op)
