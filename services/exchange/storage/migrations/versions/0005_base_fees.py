"""What venues took as a fee out of what was bought."""

import sqlalchemy as sa
from alembic import op

from services.chassis.persistence import ExactDecimal

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("trade_order", sa.Column("base_fees", ExactDecimal(), nullable=False, server_default="0"))
