"""The inbox keeps its cursors only."""

from alembic import op

from services.chassis.events import drop_inbox_events

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    drop_inbox_events(op)
