"""The named points on an order's way."""

from enum import StrEnum
from typing import Protocol

from services.exchange.domain.order import Order


class Step(StrEnum):
    """The named points on an order's way, as they stand in the log."""

    INTENT_COMMITTED = "order_intent_committed"
    RESERVED = "order_reserved"
    DENIED = "order_denied"
    HELD = "order_held"
    TRIGGER_MOVED = "order_trigger_moved"
    TRIGGERED = "order_triggered"
    LEFT_LATE = "order_left_late"
    SUBMITTED = "order_submitted"
    VENUE_ANSWERED = "order_venue_answered"
    ACKNOWLEDGED = "order_acknowledged"
    REJECTED = "order_rejected"
    OUTCOME_UNKNOWN = "order_outcome_unknown"
    OUTCOME_RESOLVED = "order_outcome_resolved"
    FILL_BOOKED = "fill_booked"
    CANCEL_COMMITTED = "order_cancel_committed"
    CANCEL_ANSWERED = "order_cancel_answered"
    CANCELLED = "order_cancelled"
    EXPIRED = "order_expired"
    ADOPTED = "external_order_adopted"
    RESURFACED = "order_resurfaced"
    CHILD_RELEASED = "order_child_released"
    REPLACEMENT_COMMITTED = "order_replacement_committed"
    TURN_COMMITTED = "order_turn_committed"
    QUANTITY_SHRUNK = "order_quantity_shrunk"
    UNPROTECTED = "entry_unprotected"
    PROTECTED = "entry_protected"


class Journal(Protocol):
    """Hears of each step after it is done. Production writes a log line; tests crash here."""

    def reached(self, step: Step, order: Order, **details: object) -> None:
        """A step of an order is done."""
        ...
