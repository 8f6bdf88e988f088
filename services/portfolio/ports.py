"""What the use cases need from outside."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from services.kernel.names import AccountName, InstrumentName
from services.portfolio.domain.equity import EquityPoint
from services.portfolio.domain.events import Event, Fill, Transfer
from services.portfolio.domain.ledger import Transaction
from services.portfolio.domain.lots import Gain, Lot, LotMethod, Matched
from services.portfolio.domain.position import Position
from services.portfolio.domain.prices import Pair
from services.portfolio.domain.reconciliation import VenueSays


@dataclass(frozen=True, slots=True)
class Record:
    """An event on its way into the books, with what it books.

    Attributes:
        transaction_id: shared by all entries.
        event: what happened.
        transactions: the entries; one transaction, but for a funding payment that strategies share.
        lot_method: the account's method then, of a spot fill; None otherwise.
    """

    transaction_id: str
    event: Event
    transactions: Sequence[Transaction]
    lot_method: LotMethod | None = None


@dataclass(frozen=True, slots=True)
class JournalLine:
    """A row of the journal.

    Attributes:
        transaction_id: of the transaction.
        event: what was booked.
        lot_method: by which lots were chosen then; None where none were.
    """

    transaction_id: str
    event: Event
    lot_method: LotMethod | None


@dataclass(frozen=True, slots=True)
class BookedEntry:
    """A ledger entry as it stands in the books.

    Attributes:
        number: grows with every entry of the books; the sort key.
        transaction_id: shared by the lines of a transaction.
        kind: value of the transaction kind.
        strategy: id of the strategy; empty where it belongs to none.
        ledger_account: as in ``assets:sim:btc``.
        asset: the asset.
        amount: debit above zero, credit below zero.
        source: the fill, transfer or correction.
        reason: of a correction by hand; empty otherwise.
        exchange_time: the venue's clock at the event.
        create_time: our clock when it was booked.
        correlation_id: of the call that led to it.
    """

    number: int
    transaction_id: str
    kind: str
    strategy: str
    ledger_account: str
    asset: str
    amount: Decimal
    source: str
    reason: str
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
class Place:
    """Where a row stands in a list: its time counts where a time range is asked for, else its number."""

    time: datetime
    number: int


@dataclass(frozen=True, slots=True)
class EntryQuery:
    """Which entries to read.

    They come in the order of booking; where a time is given, in the order of the venue's clock, so that an
    index leads to them.

    Attributes:
        account: id of the account.
        beyond: only entries after this place in the order asked for; None for all.
        start_time: only entries at this exchange time or later.
        end_time: only entries before this exchange time.
        limit: most entries.
        strategy: only entries of this strategy, the empty one for those of none; None for all.
        oldest_first: the order; newest first without it.
    """

    account: str
    beyond: Place | None
    start_time: datetime | None
    end_time: datetime | None
    limit: int
    strategy: str | None = None
    oldest_first: bool = False

    @property
    def timed(self) -> bool:
        """Whether a time is given."""
        return self.start_time is not None or self.end_time is not None


@dataclass(frozen=True, slots=True)
class LotQuery:
    """Which lots to read, in the order of booking.

    Attributes:
        account: id of the account.
        instrument: only lots of this one; None for all.
        live_only: only lots of which something remains.
        after: only lots of a greater number.
        limit: most lots.
    """

    account: str
    instrument: InstrumentName | None
    live_only: bool
    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class GainQuery:
    """Which gains to read, in the order of booking; where a time is given, in the order of closing.

    Attributes:
        account: id of the account.
        instrument: only gains on this one; None for all.
        start_time: only closings at this time or later, by the venue's clock.
        end_time: only closings before this time, by the venue's clock.
        after: only gains after this place; None for all.
        limit: most gains.
    """

    account: str
    instrument: InstrumentName | None
    start_time: datetime | None
    end_time: datetime | None
    after: Place | None
    limit: int

    @property
    def timed(self) -> bool:
        """Whether a time is given."""
        return self.start_time is not None or self.end_time is not None


@dataclass(frozen=True, slots=True)
class BookedGain:
    """A gain as it stands in the books, with its number."""

    number: int
    gain: Gain


@dataclass(frozen=True, slots=True)
class PointQuery:
    """Which points of the equity curve to read, oldest first.

    Attributes:
        account: id of the account.
        start_time: only points at this time or later, by our clock.
        end_time: only points before this time, by our clock.
        after: only points after this place; None for all.
        limit: most points.
    """

    account: str
    start_time: datetime | None
    end_time: datetime | None
    after: Place | None
    limit: int

    @property
    def timed(self) -> bool:
        """Whether a time is given."""
        return self.start_time is not None or self.end_time is not None


class BooksWriter(Protocol):
    """The books inside one write transaction.

    It may hold back what it writes until :meth:`flush`; its own answers know of it.
    """

    async def flush(self) -> None:
        """Write what is held back. Whoever opened the transaction calls it last."""
        ...

    async def record(self, record: Record) -> None:
        """Add an event to the journal and its transactions to the ledger, with their sums."""
        ...

    async def contracts(self, payment: Transfer) -> Mapping[str, Decimal]:
        """What each strategy held of a perpetual when it was paid for, by the fills that are booked."""
        ...

    async def entries(self, account: str, transaction_id: str) -> Sequence[BookedEntry]:
        """The lines of a transaction of an account, in order; empty where it has none of this id."""
        ...

    async def knows(self, account: str) -> bool:
        """Whether anything was ever booked for an account."""
        ...

    async def reversed_by(self, transaction_id: str) -> str | None:
        """Name of the correction that reversed a transaction; None where none did."""
        ...

    async def position(self, fill: Fill, *, strategy: str | None = None) -> Position | None:
        """The position that a fill changes, or None before its first fill.

        Args:
            fill: says account and instrument.
            strategy: that strategy's own position; the account's without it.
        """
        ...

    async def put_position(self, position: Position, *, strategy: str | None = None) -> None:
        """Store a position, of a strategy or of the account."""
        ...

    async def lot_method(self, account: str) -> LotMethod:
        """Which lots a closing of the account takes from first, now."""
        ...

    async def set_lot_method(self, account: str, method: LotMethod) -> None:
        """Set the method of later closings."""
        ...

    async def open_lots(self, fill: Fill, method: LotMethod) -> Sequence[Lot]:
        """The lots that a fill may close, in the order of the method; enough for its quantity."""
        ...

    async def put_lots(self, matched: Matched) -> None:
        """Store what a fill did to the lots."""
        ...


class BooksReader(Protocol):
    """One snapshot of the books."""

    async def sums(self, account: str, strategy: str | None = None) -> Sequence[LedgerSum]:
        """The sum of every ledger account, by name; empty for an unknown account.

        Args:
            account: id of the account.
            strategy: only what belongs to this one, the empty one for what belongs to none.
        """
        ...

    async def positions(self, account: str, strategy: str | None = None) -> Sequence[Position]:
        """All positions of an account or of one of its strategies, by venue and instrument, flat ones too."""
        ...

    async def entries(self, query: EntryQuery) -> Sequence[BookedEntry]:
        """Ledger entries."""
        ...

    async def lots(self, query: LotQuery) -> Sequence[Lot]:
        """Tax lots."""
        ...

    async def gains(self, query: GainQuery) -> Sequence[BookedGain]:
        """Realised gains by lot."""
        ...

    async def lot_method(self, account: str) -> LotMethod:
        """Which lots a closing of the account takes from first, now."""
        ...

    async def accounts(self) -> Sequence[str]:
        """Ids of all accounts that something was ever booked for."""
        ...

    async def last_point(self, account: str, *, complete_in: str | None = None) -> EquityPoint | None:
        """The newest point of the equity curve, or None where there is none.

        Args:
            account: id of the account.
            complete_in: only complete points in this asset.
        """
        ...

    async def points(self, query: PointQuery) -> Sequence[EquityPoint]:
        """Points of the equity curve."""
        ...


class Books(Protocol):
    """The books of all accounts."""

    def read(self) -> AbstractAsyncContextManager[BooksReader]:
        """Open a snapshot."""
        ...


class EquityStore(Protocol):
    """Keeps the equity curve."""

    async def add(self, account: str, point: EquityPoint, *, after: int) -> bool:
        """Add a point, unless another instance has added one meanwhile.

        Args:
            account: id of the account.
            point: the point.
            after: number of the point that was the newest when this one was made; 0 for none.

        Returns:
            Whether it was added.
        """
        ...


class Flows(Protocol):
    """Tells when money came to, or left, some account."""

    def seen(self) -> int:
        """How often that was until now. Read it before looking at the books, then wait on it."""
        ...

    async def wait(self, seen: int, within: float) -> None:
        """Wait until it was more often than ``seen``, for so many seconds at most."""
        ...


class Market(Protocol):
    """Where prices come from."""

    async def marks(self, instruments: Sequence[InstrumentName]) -> Mapping[InstrumentName, Decimal]:
        """The middle of best bid and best ask of each instrument that has both now."""
        ...

    async def pairs(self, venues: Collection[str]) -> Sequence[Pair]:
        """The spot instruments of venues, as far as the market service tells them now."""
        ...


class Venues(Protocol):
    """Where it is known what the venues say."""

    async def said(self, account: AccountName) -> VenueSays:
        """What the venues of an account say it has.

        Raises:
            grpc.aio.AioRpcError: it cannot be known now.
        """
        ...


class EventPosition(Protocol):
    """How far the exchange's events have been booked."""

    def position(self) -> int:
        """Sequence of the last event in the books."""
        ...
