"""The states of an order, and every step between two of them that may happen."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from services.kernel.errors import DomainError, ErrorKind


class OrderState(StrEnum):
    """Where an order stands. The contract's comments say what each means."""

    PENDING = "PENDING"
    SUBMITTED = "SUBMITTED"
    UNKNOWN = "UNKNOWN"
    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    PENDING_CANCEL = "PENDING_CANCEL"
    CANCELLED = "CANCELLED"
    DENIED = "DENIED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    HELD = "HELD"


_S = OrderState

FINAL: Final = frozenset({_S.FILLED, _S.CANCELLED, _S.DENIED, _S.REJECTED, _S.EXPIRED})
"""States in which nothing more is expected. Only a late fill still changes such an order."""

_AT_VENUE = frozenset({_S.OPEN, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED})

TRANSITIONS: Final[Mapping[OrderState, frozenset[OrderState]]] = MappingProxyType(
    {
        # The venue can know an order that we hold for unsent only where our database was restored
        # from an older copy. Its evidence counts then, too.
        # HELD: risk has reserved for it, and it waits here for its trigger or its turn.
        _S.PENDING: frozenset({_S.SUBMITTED, _S.HELD, _S.DENIED, _S.PENDING_CANCEL}) | _AT_VENUE,
        # To itself: its trigger follows the market, or its quantity the other leg. SUBMITTED: its
        # trigger went off, or its turn has come. PENDING: the child of an entry is released, and risk
        # is asked only now. DENIED: its turn has come, and it cannot be sent. PENDING_CANCEL: it may be
        # on its way out. The venue's evidence counts as for PENDING.
        _S.HELD: frozenset({_S.HELD, _S.SUBMITTED, _S.PENDING, _S.DENIED, _S.PENDING_CANCEL}) | _AT_VENUE,
        # DENIED: it could not be sent at all. HELD: that was a triggered order, which is sent once the
        # venue can be reached.
        _S.SUBMITTED: frozenset({_S.UNKNOWN, _S.DENIED, _S.HELD, _S.PENDING_CANCEL}) | _AT_VENUE,
        # HELD: the venue has said twice that a triggered order never arrived.
        _S.UNKNOWN: frozenset({_S.HELD, _S.PENDING_CANCEL}) | _AT_VENUE,
        # To itself: the venue's id of it, which an adapter may learn later than its state.
        _S.OPEN: frozenset(
            {_S.OPEN, _S.PARTIALLY_FILLED, _S.FILLED, _S.PENDING_CANCEL, _S.CANCELLED, _S.EXPIRED}
        ),
        # To itself: one more fill.
        _S.PARTIALLY_FILLED: frozenset(
            {_S.PARTIALLY_FILLED, _S.FILLED, _S.PENDING_CANCEL, _S.CANCELLED, _S.EXPIRED}
        ),
        # To itself: a fill, or the venue's id, while the cancel is on its way. REJECTED: the venue
        # refused the order whose cancel was waiting.
        _S.PENDING_CANCEL: frozenset({_S.PENDING_CANCEL, _S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED}),
        # Final states: a late fill is still booked, and one that completes the order shows it.
        # A fill proves more than our belief that an order never arrived. FILLED to itself: the
        # venue filled more than was asked for, which is booked and reported.
        _S.FILLED: frozenset({_S.FILLED}),
        _S.CANCELLED: frozenset({_S.CANCELLED, _S.FILLED}),
        _S.EXPIRED: frozenset({_S.EXPIRED, _S.FILLED}),
        _S.REJECTED: frozenset({_S.REJECTED, _S.FILLED}),
        _S.DENIED: frozenset({_S.DENIED, _S.FILLED}),
    }
)
"""Every legal step. What is not here is an error."""


class IllegalTransitionError(DomainError):
    """An order was to take a step that the table does not have: a fault in this program."""

    def __init__(self, before: OrderState, after: OrderState) -> None:
        super().__init__(
            "INTERNAL",
            f"an order cannot go from {before} to {after}",
            kind=ErrorKind.INTERNAL,
            metadata={"from": before, "to": after},
        )


def require_legal(before: OrderState, after: OrderState) -> None:
    """Hold a step to the table.

    Raises:
        IllegalTransitionError: it is not in the table.
    """
    if after not in TRANSITIONS[before]:
        raise IllegalTransitionError(before, after)
