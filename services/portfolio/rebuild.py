"""The read models made again from the journal alone, to prove that the live ones are what the events make.

It books each event of the journal by the same use case as the service does, into memory. Lots and gains are
told apart by fills, not by row numbers: a database may leave gaps in those.
"""

from collections import defaultdict
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from services.kernel.decimals import EXACT
from services.portfolio.bookings import book
from services.portfolio.domain.events import Fill, Transfer
from services.portfolio.domain.ledger import MEMO_POSITION, position_account
from services.portfolio.domain.lots import Gain, Lot, LotMethod, Matched, in_order
from services.portfolio.domain.position import Position
from services.portfolio.ports import BookedEntry, JournalLine, Record

_NOT_KEPT = datetime(1970, 1, 1, tzinfo=UTC)
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadModels:
    """Everything that the journal makes, of all accounts.

    Attributes:
        entries: by transaction and line: ledger account, asset, amount.
        sums: by account, strategy, ledger account and asset; those of zero are left out.
        positions: by account, strategy ("*" for the account's own), venue and instrument.
        lots: by opening fill; numbers are zero.
        gains: by opening fill and closing fill; numbers of lots are zero.
    """

    entries: Mapping[Key, tuple[str, str, Decimal]]
    sums: Mapping[Key, Decimal]
    positions: Mapping[Key, Position]
    lots: Mapping[Key, Lot]
    gains: Mapping[Key, tuple[LotMethod, str, Decimal, Decimal, datetime]]


def differences(live: ReadModels, rebuilt: ReadModels) -> Sequence[str]:
    """One line for each row that differs; empty where the live models are what the journal makes."""
    found: list[str] = []
    for name in ReadModels.__dataclass_fields__:
        ours: Mapping[Key, Any] = getattr(live, name)
        theirs: Mapping[Key, Any] = getattr(rebuilt, name)
        found += [
            f"{name} {key}: live {ours.get(key)}, rebuilt {theirs.get(key)}"
            for key in sorted(ours.keys() | theirs.keys())
            if ours.get(key) != theirs.get(key)
        ]
    return found


async def rebuild(journal: AsyncIterable[JournalLine]) -> ReadModels:
    """Book every event of a journal anew.

    Args:
        journal: its rows, in the order of booking.
    """
    books = _MemoryBooks()
    async for line in journal:
        books.method = line.lot_method
        await book(line.event, transaction_id=line.transaction_id, books=books)
    return books.models()


@dataclass
class _MemoryBooks:
    """The books in memory."""

    method: LotMethod | None = None
    _booked: dict[str, list[BookedEntry]] = field(default_factory=dict)
    _reversed: dict[str, str] = field(default_factory=dict)
    _sums: defaultdict[Key, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _held: defaultdict[Key, list[tuple[datetime, Decimal]]] = field(default_factory=lambda: defaultdict(list))
    _positions: dict[Key, Position] = field(default_factory=dict)
    _lots: dict[int, Lot] = field(default_factory=dict)
    _gains: list[Gain] = field(default_factory=list)

    async def flush(self) -> None:
        """Nothing is held back."""

    async def record(self, record: Record) -> None:
        for transaction in record.transactions:
            for entry in transaction.entries:
                key = (transaction.account, transaction.strategy, entry.ledger_account, entry.asset)
                self._sums[key] = EXACT.add(self._sums[key], entry.amount)
                if entry.ledger_account.startswith(MEMO_POSITION):
                    self._held[key].append((transaction.exchange_time, entry.amount))
        self._booked[record.transaction_id] = [
            BookedEntry(
                number=0,
                transaction_id=record.transaction_id,
                kind=transaction.kind.value,
                strategy=transaction.strategy,
                ledger_account=entry.ledger_account,
                asset=entry.asset,
                amount=entry.amount,
                source=transaction.source,
                reason=transaction.reason,
                exchange_time=transaction.exchange_time,
                create_time=_NOT_KEPT,
                correlation_id="",
            )
            for transaction in record.transactions
            for entry in transaction.entries
        ]

    async def contracts(self, payment: Transfer) -> Mapping[str, Decimal]:
        held: defaultdict[str, Decimal] = defaultdict(Decimal)
        place = position_account(payment.venue, payment.instrument)
        for (account, strategy, ledger_account, _), changes in self._held.items():
            if (account, ledger_account) == (payment.account, place):
                for time, change in changes:
                    if time <= payment.exchange_time:
                        held[strategy] = EXACT.add(held[strategy], change)
        return held

    async def entries(self, account: str, transaction_id: str) -> Sequence[BookedEntry]:  # noqa: ARG002
        return self._booked.get(transaction_id, [])

    async def knows(self, account: str) -> bool:
        return any(key[0] == account for key in self._sums)

    async def reversed_by(self, transaction_id: str) -> str | None:
        return self._reversed.get(transaction_id)

    async def position(self, fill: Fill, *, strategy: str | None = None) -> Position | None:
        return self._positions.get(_key(fill.account, strategy, fill.venue, fill.instrument))

    async def put_position(self, position: Position, *, strategy: str | None = None) -> None:
        key = _key(position.account, strategy, position.venue, position.instrument)
        self._positions[key] = position

    async def lot_method(self, account: str) -> LotMethod:  # noqa: ARG002
        if self.method is None:
            msg = "the journal has a spot fill without a lot method"
            raise LookupError(msg)
        return self.method

    async def set_lot_method(self, account: str, method: LotMethod) -> None:  # noqa: ARG002
        self.method = method

    async def open_lots(self, fill: Fill, method: LotMethod) -> Sequence[Lot]:
        place = (fill.account, fill.venue, fill.instrument)
        live = [
            lot
            for lot in self._lots.values()
            if lot.remaining > 0 and (lot.account, lot.venue, lot.instrument) == place
        ]
        return in_order(live, method)

    async def put_lots(self, matched: Matched) -> None:
        self._gains += matched.gains
        for lot in matched.changed:
            self._lots[lot.number] = lot
        if matched.opened is not None:
            number = len(self._lots) + 1
            self._lots[number] = replace(matched.opened, number=number)

    def models(self) -> ReadModels:
        """What has been booked."""
        return ReadModels(
            entries={
                (entry.transaction_id, str(line)): (entry.ledger_account, entry.asset, entry.amount)
                for entries in self._booked.values()
                for line, entry in enumerate(entries, start=1)
            },
            sums={key: amount for key, amount in self._sums.items() if amount != 0},
            positions=dict(self._positions),
            lots={(lot.fill,): replace(lot, number=0) for lot in self._lots.values()},
            gains=gains_by_fills(self._gains),
        )


def gains_by_fills(
    gains: Sequence[Gain],
) -> Mapping[Key, tuple[LotMethod, str, Decimal, Decimal, datetime]]:
    """Gains by the fills that opened and closed."""
    return {
        (gain.lot.fill, gain.fill): (
            gain.method,
            gain.strategy,
            gain.quantity,
            gain.price,
            gain.close_time,
        )
        for gain in gains
    }


def position_key(position: Position, strategy: str | None) -> Key:
    """By what a position stands in the read models."""
    return _key(position.account, strategy, position.venue, position.instrument)


def _key(account: str, strategy: str | None, venue: str, instrument: str) -> Key:
    return (account, "*" if strategy is None else strategy, venue, instrument)
