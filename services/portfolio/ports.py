"""What the use cases need from outside."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from services.kernel.names import InstrumentName
from services.portfolio.domain.ledger import Transaction
from services.portfolio.domain.position import Position


@dataclass(frozen=True, slots=True)
class BookedEntry:
    """A ledger entry as it stands in the books.

    Attributes:
        number: grows with every entry of the books; the sort key.
        transaction_id: shared by the lines of a transaction.
        kind: value of the transaction kind.
        ledger_account: as in ``assets:sim:btc``.
        asset: the asset.
        amount: debit above zero, credit below zero.
        source: the fill or transfer.
        exchange_time: the venue's clock at the event.
        create_time: our clock when it was booked.
        correlation_id: of the call that led to it.
    """

    number: int
    transaction_id: str
    kind: str
    ledger_account: str
    asset: str
    amount: Decimal
    source: str
    exchange_time: datetime
    create_time: datetime
    correlation_id: str


@dataclass(frozen=True, slots=True)
class LedgerSum:
    """The sum of one ledger account."""

    ledger_account: str
    asset: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class EntryQuery:
    """Which entries to read, newest first.

    Attributes:
        account: id of the account.
        before: only entries with a smaller number.
        start_time: only entries at this exchange time or later.
        end_time: only entries before this exchange time.
        limit: most entries.
    """

    account: str
    before: int | None
    start_time: datetime | None
    end_time: datetime | None
    limit: int


class BooksWriter(Protocol):
    """The books inside one write transaction."""

    async def post(self, transaction_id: str, transaction: Transaction) -> None:
        """Add a transaction and its sums."""
        ...

    async def position(self, account: str, venue: str, instrument: str) -> Position | None:
        """The position, or None before its first fill."""
        ...

    async def put_position(self, position: Position) -> None:
        """Store a position."""
        ...


class BooksReader(Protocol):
    """One snapshot of the books."""

    async def sums(self, account: str) -> Sequence[LedgerSum]:
        """The sum of every ledger account, by name; empty for an unknown account."""
        ...

    async def positions(self, account: str) -> Sequence[Position]:
        """All positions, by venue and instrument, flat ones included."""
        ...

    async def entries(self, query: EntryQuery) -> Sequence[BookedEntry]:
        """Entries, newest first."""
        ...


class Books(Protocol):
    """The books of all accounts."""

    def read(self) -> AbstractAsyncContextManager[BooksReader]:
        """Open a snapshot."""
        ...


class MarkPrices(Protocol):
    """Where mark prices come from."""

    async def of(self, instruments: Sequence[InstrumentName]) -> Mapping[InstrumentName, Decimal]:
        """The middle of best bid and best ask of each instrument that has both now."""
        ...


class EventPosition(Protocol):
    """How far the exchange's events have been booked."""

    def position(self) -> int:
        """Sequence of the last event in the books."""
        ...
