"""What the orchestrator knows of an order."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum


class OrderPhase(Enum):
    """How far an order is."""

    WORKING = "working"  # not final
    ENDED = "ended"  # filled, cancelled or expired
    REFUSED = "refused"  # denied by us or rejected by the venue


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order at one version.

    Attributes:
        name: resource name.
        version: number of its changes.
        phase: how far it is.
        state: the exchange's own word, as in ``FILLED``.
        filled_quantity: in base asset.
        reason: why it was refused; empty otherwise.
        message: the reason for a person.
    """

    name: str
    version: int
    phase: OrderPhase
    state: str
    filled_quantity: Decimal
    reason: str
    message: str
