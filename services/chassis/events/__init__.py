"""Events from one service to another: nothing lost, nothing applied twice.

Producer: ``outbox.append`` in the transaction of the change, and an ``outbox_binding``.
Consumer: a ``Subscription`` with an ``apply`` function.
"""

from services.chassis.events import outbox
from services.chassis.events.envelope import Envelope
from services.chassis.events.retention import Retention
from services.chassis.events.servicer import OutboxServicer, outbox_binding
from services.chassis.events.subscription import (
    Apply,
    ApplyHere,
    InUnits,
    Subscription,
    SubscriptionState,
)
from services.chassis.events.tables import (
    create_inbox_tables,
    create_outbox_tables,
    drop_inbox_events,
    inbox_table,
    outbox_tables,
)

__all__ = [
    "Apply",
    "ApplyHere",
    "Envelope",
    "InUnits",
    "OutboxServicer",
    "Retention",
    "Subscription",
    "SubscriptionState",
    "create_inbox_tables",
    "create_outbox_tables",
    "drop_inbox_events",
    "inbox_table",
    "outbox",
    "outbox_binding",
    "outbox_tables",
]
