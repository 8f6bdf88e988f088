"""What the use cases need from outside: venues, risk, the store, and a journal of their steps."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from services.exchange.domain.evidence import VenueFill, VenueOrder
from services.exchange.domain.fills import Balance, Fill, Transfer
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import Order
from services.exchange.domain.states import OrderState

# --- venues -----------------------------------------------------------------------------------------


class VenueUnreachableError(Exception):
    """The venue gave no definite answer to a question. Nothing can be concluded from it."""


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
    """Surely nothing reached the venue's engine."""

    message: str


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


# --- risk -------------------------------------------------------------------------------------------


class RiskUnavailableError(Exception):
    """Risk gave no decision. The order must not leave."""


@dataclass(frozen=True, slots=True)
class Approved:
    """Risk has reserved for the order."""


@dataclass(frozen=True, slots=True)
class Denied:
    """Risk said no.

    Attributes:
        reason: the check that failed.
        message: for a person, with its numbers.
    """

    reason: str
    message: str


class RiskGate(Protocol):
    """Decides whether an order may leave, and reserves for it under its id."""

    async def reserve(self, order: Order, within: float) -> Approved | Denied:
        """Ask; asking again for the same order changes nothing.

        Raises:
            RiskUnavailableError: there is no decision.
        """
        ...


# --- store ------------------------------------------------------------------------------------------


class Method(StrEnum):
    """The mutations that carry a request_id."""

    CREATE = "create"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class RequestClaim:
    """What a request_id is used for.

    Attributes:
        method: which mutation.
        fingerprint: of the body it stands for.
        order_id: the order it makes or touches.
    """

    method: Method
    fingerprint: str
    order_id: UUID


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request_id that was used.

    Attributes:
        fingerprint: of the body it stands for.
        order_id: the order it made or touched.
        answer: the first answer; None while it is not given.
    """

    fingerprint: str
    order_id: UUID
    answer: Order | None


@dataclass(frozen=True, slots=True)
class Cursors:
    """How far we have followed an account at a venue.

    Attributes:
        stream: cursor of ``Venue.events``.
        fills: cursor of ``Venue.fills_after``.
        transfers: cursor of ``Venue.transfers_after``.
    """

    stream: str = ""
    fills: str = ""
    transfers: str = ""


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders of an account. ``before`` is the (create_time, id) of the last one seen."""

    account: str
    states: frozenset[OrderState] = frozenset()
    venue: str = ""
    instrument: str = ""
    before: tuple[datetime, UUID] | None = None


@dataclass(frozen=True, slots=True)
class FillFilter:
    """Which fills of an account. ``before`` is the (exchange_time, id) of the last one seen."""

    account: str
    order_id: UUID | None = None
    start: datetime | None = None
    end: datetime | None = None
    before: tuple[datetime, UUID] | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One change, as the outbox keeps it: an order after it, or a fill. Others are neither."""

    sequence: int
    order: Order | None = None
    fill: Fill | None = None


class Queries(Protocol):
    """Reads. Inside a transaction they see what it has written."""

    async def order(self, order_id: UUID) -> Order | None:
        """An order by its id."""
        ...

    async def order_at(self, venue: str, account: str, client_order_id: str) -> Order | None:
        """An order by our id of it at the venue."""
        ...

    async def orders(self, wanted: OrderFilter, limit: int) -> Sequence[Order]:
        """Orders, newest first."""
        ...

    async def fills(self, wanted: FillFilter, limit: int) -> Sequence[Fill]:
        """Fills, newest first."""
        ...

    async def live_orders(
        self, account: str, venue: str = "", states: frozenset[OrderState] | None = None
    ) -> Sequence[Order]:
        """Orders that are not final, oldest first; only those in ``states`` where it is given."""
        ...

    async def request(self, account: str, request_id: str) -> StoredRequest | None:
        """What a request_id stands for."""
        ...

    async def cursors(self, account: str, venue: str) -> Cursors:
        """How far we have followed."""
        ...

    async def log_head(self) -> tuple[str, int]:
        """Identity and newest sequence of the outbox."""
        ...

    async def log_after(self, account: str, sequence: int, limit: int) -> tuple[Sequence[LogEntry], int]:
        """Changes of an account after a sequence, and the sequence up to which was looked."""
        ...


class Transaction(Queries, Protocol):
    """One write transaction. Each write of a fact also appends its event to the outbox."""

    async def record_order(self, order: Order) -> None:
        """Insert version 1, or replace the version before this one; appends OrderChanged."""
        ...

    async def record_fill(self, fill: Fill) -> bool:
        """Book a fill once; appends FillRecorded. Answers whether it is new."""
        ...

    async def record_transfer(self, transfer: Transfer) -> bool:
        """Book a transfer once; appends TransferRecorded. Answers whether it is new."""
        ...

    async def claim_request(self, account: str, request_id: str, claim: RequestClaim) -> bool:
        """Bind a request_id to a body and an order. Answers whether it was free."""
        ...

    async def answer_request(self, account: str, request_id: str, answer: Order) -> None:
        """Keep the first answer of a request; a later one changes nothing."""
        ...

    async def answer_creation(self, order: Order) -> None:
        """Keep the first answer of the request that created an order, if it has none yet."""
        ...

    async def save_cursors(self, account: str, venue: str, cursors: Cursors) -> None:
        """Remember how far we have followed."""
        ...


class Store(Protocol):
    """The service's state, behind one writer per account."""

    def writing(self, account: str) -> AbstractAsyncContextManager[Transaction]:
        """One transaction on an account.

        Raises:
            DomainError: WRITER_FENCED where this instance is not the account's writer now.
        """
        ...

    def reading(self) -> AbstractAsyncContextManager[Queries]:
        """One snapshot."""
        ...

    def is_writer(self, account: str) -> bool:
        """Whether this instance holds the account, as far as it knows; a transaction proves it."""
        ...

    async def take_writer(self, account: str, ttl: float) -> bool:
        """Become the writer of an account under a new epoch, unless another one's lease runs."""
        ...

    async def renew_writer(self, account: str, ttl: float) -> bool:
        """Prolong the lease. False: this instance is not the writer any more."""
        ...

    async def lease_end(self, account: str) -> datetime | None:
        """When the lease of an account's writer, whoever that is, runs out; None: there was none."""
        ...

    async def release_writer(self, account: str) -> None:
        """Let the lease end at once, so that another instance need not wait for it."""
        ...

    async def forget_requests(self, before: datetime) -> int:
        """Remove answered requests that are older. Answers how many."""
        ...

    async def wait_for_change(self, seen: int, within: float) -> None:
        """Wait until something was committed after :meth:`change_count` gave ``seen``."""
        ...

    def change_count(self) -> int:
        """A number that grows with each commit of events."""
        ...


# --- journal ----------------------------------------------------------------------------------------


class Step(StrEnum):
    """The named points on an order's way, as they stand in the log."""

    INTENT_COMMITTED = "order_intent_committed"
    RESERVED = "order_reserved"
    DENIED = "order_denied"
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
    ADOPTED = "external_order_adopted"
    RESURFACED = "order_resurfaced"


class Journal(Protocol):
    """Hears of each step after it is done. Production writes a log line; tests crash here."""

    def reached(self, step: Step, order: Order, **details: object) -> None:
        """A step of an order is done."""
        ...
