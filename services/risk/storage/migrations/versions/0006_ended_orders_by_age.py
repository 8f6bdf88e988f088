"""When an order ended without a decision, so that it can be forgotten by its age."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from services.chassis.persistence import UtcDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # Nobody knows when those that are there ended: they are kept as if it were now.
    with op.batch_alter_table("ended_orders") as table:
        table.add_column(sa.Column("end_time", UtcDateTime(), nullable=True))
    ended = sa.table("ended_orders", sa.column("end_time", UtcDateTime()))
    op.execute(ended.update().values(end_time=datetime.now(UTC)))
    with op.batch_alter_table("ended_orders") as table:
        table.alter_column("end_time", existing_type=UtcDateTime(), nullable=False)
    op.create_index("ix_ended_orders_end_time", "ended_orders", ["end_time"])
