"""A venue, and what it says."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from services.exchange.domain.capabilities import Capabilities
from services.exchange.domain.evidence import VenueFill, VenueOrder
from services.exchange.domain.fills import Balance, Transfer
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import Order
from services.exchange.domain.positions import VenuePosition


class VenueUnreachableError(Exception):
    """The venue gave no definite answer to a question. Nothing can be concluded from it.

    Args:
        message: what was seen, for our log.
        retry_after: seconds after which asking again may help; 0: nobody said.
    """

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class VenueThrottledError(VenueUnreachableError):
    """The question was not asked, since the venue's rate limit or its wish for a pause forbids it."""


class VenueHistoryLostError(Exception):
    """The venue does not know the point up to which we have followed it: another, or a reset, venue."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The venue has the order; its word on how it stands now."""

    order: VenueOrder


@dataclass(frozen=True, slots=True)
class Refused:
    """The venue's definite no: there is no such order, or, for a cancel, nothing was changed.

    Attributes:
        reason: the venue's own reason, in upper-case words.
        message: for a person.
    """

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """The venue has an order with this client order id: an earlier sending arrived."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely nothing reached the venue's engine.

    Attributes:
        message: what was seen, for our log.
        reason: the reason that the order is denied with.
        told: whether the venue itself said so, and so answers.
    """

    message: str
    reason: str = "VENUE_UNAVAILABLE"
    told: bool = False


@dataclass(frozen=True, slots=True)
class Uncertain:
    """It was sent, and nobody knows what became of it."""

    message: str


@dataclass(frozen=True, slots=True)
class NotThere:
    """For a cancel: the venue has accepted no such order so far."""


PlaceOutcome = Accepted | Refused | AlreadyThere | NotSent | Uncertain
CancelOutcome = Accepted | NotThere | NotSent | Uncertain


@dataclass(frozen=True, slots=True)
class FillPage:
    """Fills after a cursor, oldest first.

    Attributes:
        fills: of orders named by their ids at the venue.
        cursor: where the next page begins.
        more: whether there may be more.
    """

    fills: Sequence[VenueFill]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class TransferPage:
    """Transfers after a cursor, oldest first, as for :class:`FillPage`."""

    transfers: Sequence[Transfer]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class VenueEvent:
    """One event of an account's stream.

    Attributes:
        cursor: give it back to go on after this event.
        order: evidence on an order, with the fill that caused it, if it is that kind of event.
        transfer: money that moved, if it is that kind of event.
    """

    cursor: str
    order: VenueOrder | None = None
    transfer: Transfer | None = None


class Venue(Protocol):
    """The one interface of every venue adapter.

    ``place`` and ``cancel`` never raise for what happens on the way: they classify it. All questions
    raise ``VenueUnreachableError`` where there is no definite answer.
    """

    @property
    def venue_id(self) -> str:
        """Id of the venue."""
        ...

    @property
    def simulated(self) -> bool:
        """Whether no real money moves there."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the venue does with each order kind. ``place`` gets what it has natively, only."""
        ...

    async def place(self, order: Order, within: float) -> PlaceOutcome:
        """Send an order under its client order id, waiting at most ``within`` seconds."""
        ...

    async def cancel(self, order: Order, within: float) -> CancelOutcome:
        """Take an order out of the book. An order that is closed already is ``Accepted``, too."""
        ...

    async def find(self, account: str, client_order_id: str) -> VenueOrder | None:
        """The order with all its fills; None is the venue's definite word that it has none so far."""
        ...

    async def open_orders(self, account: str) -> Sequence[VenueOrder]:
        """All orders in the venue's book, perhaps without their fills."""
        ...

    async def fills_after(self, account: str, cursor: str) -> FillPage:
        """Fills of the account after a cursor; the empty cursor begins with the first."""
        ...

    async def transfers_after(self, account: str, cursor: str) -> TransferPage:
        """Transfers of the account after a cursor; the empty cursor begins with the first."""
        ...

    async def verify(self, account: str, cursor: str) -> None:
        """Make sure that this is the venue that gave a cursor of ``events``, or a later one.

        Raises:
            VenueHistoryLostError: it does not know the cursor.
        """
        ...

    async def balances(self, account: str) -> Sequence[Balance]:
        """What the account holds now."""
        ...

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        """The contracts that the account holds now; none where the venue has only balances."""
        ...

    async def instruments(self) -> Sequence[InstrumentRules]:
        """What can be traded, and the rules."""
        ...

    def events(self, account: str, cursor: str) -> AsyncIterator[VenueEvent]:
        """Everything that happens in an account after a cursor, in order; the empty one: all.

        Raises:
            VenueUnreachableError: the stream broke; open it again with the last cursor.
            VenueHistoryLostError: the venue does not know that cursor.
        """
        ...


@runtime_checkable
class KeepsConnections(Protocol):
    """An adapter with connections of its own."""

    async def close(self) -> None:
        """Close them; called once, at the end of the service."""
        ...
