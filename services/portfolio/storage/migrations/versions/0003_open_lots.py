"""An index that leads to the few open lots of an account among the many closed ones."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index("ix_tax_lots_account_live_number", "tax_lots", ["account", "live", "number"])
