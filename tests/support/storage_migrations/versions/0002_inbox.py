"""Events of others, and the moment of an account."""

import sqlalchemy as sa
from alembic import op

from services.chassis.events import create_inbox_tables
from services.chassis.persistence import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    create_inbox_tables(op)
    op.create_table(
        "effect",
        sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    with op.batch_alter_table("account") as table:
        table.add_column(sa.Column("moment", UtcDateTime()))
