"""Where orders, fills and requests are kept."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from services.exchange.domain.fills import Fill, Transfer
from services.exchange.domain.order import Order
from services.exchange.domain.states import OrderState
from services.exchange.domain.sweeps import Swept
from services.kernel.errors import DomainError, ErrorKind


class StaleOrderError(DomainError):
    """An order is not at the version that its change was made for: somebody was faster."""

    def __init__(self, order: Order) -> None:
        super().__init__(
            "INTERNAL", f"{order.name} is not at version {order.version - 1}", kind=ErrorKind.INTERNAL
        )


class Method(StrEnum):
    """The mutations that carry a request_id."""

    CREATE = "create"
    CREATE_ORDERS = "create_orders"
    CANCEL = "cancel"
    CANCEL_ALL = "cancel_all"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class RequestClaim:
    """What a request_id is used for.

    Attributes:
        method: which mutation.
        fingerprint: of the body it stands for.
        order_id: the order it makes or touches; for several orders the id of the whole.
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


OrderResult = Order | DomainError
"""What became of one order of several: the order, or why none was made."""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A request_id that was used for several orders.

    Attributes:
        fingerprint: of the body it stands for.
        batch_id: the id of the whole.
        answer: the first answer, in the order of the request; None while it is not given.
    """

    fingerprint: str
    batch_id: UUID
    answer: Sequence[OrderResult] | None


@dataclass(frozen=True, slots=True)
class StoredSweep:
    """A request_id that was used to cancel all orders.

    Attributes:
        fingerprint: of the body it stands for.
        answer: the first answer; None while it is not given.
    """

    fingerprint: str
    answer: Swept | None


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

    async def list_orders(self, order_list: UUID) -> Sequence[Order]:
        """The orders of a list and those that took their places, oldest first."""
        ...

    async def linked_orders(self, account: str) -> Sequence[Order]:
        """Orders that have to do with others and are not final, oldest first."""
        ...

    async def unprotected_orders(self, account: str) -> Sequence[Order]:
        """Entries with an alarm, final ones too. It reads the whole table: for the start only."""
        ...

    async def ending_orders(self, account: str, venue: str, states: frozenset[OrderState]) -> Sequence[Order]:
        """Orders in these states that have an end (GTD and DAY), oldest first."""
        ...

    async def request(self, account: str, request_id: str) -> StoredRequest | None:
        """What a request_id stands for."""
        ...

    async def batch(self, account: str, request_id: str) -> StoredBatch | None:
        """What a request_id stands for that was used for several orders; None for any other."""
        ...

    async def sweep(self, account: str, request_id: str) -> StoredSweep | None:
        """What a request_id stands for that was used to cancel all orders; None for any other."""
        ...

    async def cursors(self, account: str, venue: str) -> Cursors:
        """How far we have followed."""
        ...

    async def log_head(self) -> tuple[str, int]:
        """Identity and newest sequence of the outbox."""
        ...

    async def log_start(self) -> int:
        """Oldest sequence of the outbox that is kept; the next one where none is."""
        ...

    async def log_after(self, account: str, sequence: int, limit: int) -> tuple[Sequence[LogEntry], int]:
        """Changes of an account after a sequence, and the sequence up to which was looked."""
        ...


class Transaction(Queries, Protocol):
    """One write transaction. Each write of a fact also appends its event to the outbox."""

    async def record_order(self, order: Order) -> None:
        """Insert version 1, or replace the version before this one; appends OrderChanged.

        Raises:
            StaleOrderError: the version before is not the one that is kept.
        """
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

    async def answer_sweep(self, account: str, request_id: str, answer: Swept) -> None:
        """Keep the first answer of a request to cancel all orders; a later one changes nothing."""
        ...

    async def answer_creation(self, order: Order) -> bool:
        """Keep the first answer of the request that made an order. Answers whether it had none yet."""
        ...

    async def answer_batch(self, account: str, request_id: str, answer: Sequence[OrderResult]) -> bool:
        """Keep the first answer of a request for several orders. Answers whether it had none yet."""
        ...

    async def save_cursors(self, account: str, venue: str, cursors: Cursors) -> None:
        """Remember how far we have followed."""
        ...

    async def save_stream(self, account: str, venue: str, cursor: str) -> None:
        """Remember how far we have followed the stream."""
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

    def listen(self, hear: Callable[[Order], None]) -> None:
        """Have each change of an order told, once it has committed in this process."""
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
