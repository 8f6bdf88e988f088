"""The order book of an instrument, kept up from a snapshot and the changes after it."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.kernel.names import InstrumentName


class SequenceGapError(Exception):
    """A change is missing: what we hold is no longer the venue's book."""

    def __init__(self, expected: int, received: int) -> None:
        super().__init__(f"expected sequence {expected}, received {received}")
        self.expected = expected
        self.received = received


@dataclass(frozen=True, slots=True)
class Level:
    """Total resting quantity at one price.

    Attributes:
        price: in quote asset.
        quantity: in base asset; 0 in a change says that the level is gone.
    """

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class OrderBook:
    """An order book at one moment.

    Attributes:
        instrument: whose book it is.
        bids: best (highest) price first.
        asks: best (lowest) price first.
        sequence: the venue's number of the last change in it.
        exchange_time: the venue's clock at that change.
        receive_time: our clock when that change arrived.
    """

    instrument: InstrumentName
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    sequence: int
    exchange_time: datetime
    receive_time: datetime


class _Ladder:
    """One side of a book: quantities by price, with the prices kept in ascending order."""

    def __init__(self, levels: Iterable[Level]) -> None:
        quantities = {level.price: level.quantity for level in levels}
        self._quantities = {price: quantity for price, quantity in quantities.items() if quantity > 0}
        self._prices = sorted(self._quantities)

    def set(self, level: Level) -> None:
        known = level.price in self._quantities
        if level.quantity > 0:
            if not known:
                insort(self._prices, level.price)
            self._quantities[level.price] = level.quantity
        elif known:
            del self._quantities[level.price]
            del self._prices[bisect_left(self._prices, level.price)]

    def lowest(self, depth: int) -> tuple[Level, ...]:
        return self._levels(self._prices[:depth])

    def highest(self, depth: int) -> tuple[Level, ...]:
        return self._levels(reversed(self._prices[-depth:]))

    def _levels(self, prices: Iterable[Decimal]) -> tuple[Level, ...]:
        return tuple(Level(price, self._quantities[price]) for price in prices)


class BookKeeper:
    """Builds a book from a snapshot and sequence-checked changes.

    Args:
        instrument: whose book it is.
    """

    def __init__(self, instrument: InstrumentName) -> None:
        self._instrument = instrument
        self._bids = _Ladder(())
        self._asks = _Ladder(())
        self._sequence: int | None = None
        self._exchange_time: datetime | None = None
        self._receive_time: datetime | None = None

    @property
    def known(self) -> bool:
        """Whether a snapshot has come."""
        return self._sequence is not None

    def replace(self, book: OrderBook) -> None:
        """Begin anew from a snapshot."""
        self._bids, self._asks = _Ladder(book.bids), _Ladder(book.asks)
        self._sequence = book.sequence
        self._exchange_time, self._receive_time = book.exchange_time, book.receive_time

    def step(self, sequence: int) -> None:
        """Count an event that stands in the book's sequence.

        Raises:
            SequenceGapError: an event before it is missing, or it came before.
        """
        expected = 1 + (self._sequence or 0)
        if self._sequence is None or sequence != expected:
            raise SequenceGapError(expected, sequence)
        self._sequence = sequence

    def change(self, change: OrderBook) -> None:
        """Set the levels that changed to their new absolute quantities.

        Args:
            change: only the levels that changed.

        Raises:
            SequenceGapError: a change before it is missing; nothing was applied.
        """
        self.step(change.sequence)
        for level in change.bids:
            self._bids.set(level)
        for level in change.asks:
            self._asks.set(level)
        self._exchange_time, self._receive_time = change.exchange_time, change.receive_time

    def top(self) -> tuple[Level | None, Level | None]:
        """Best bid and best ask."""
        return _first(self._bids.highest(1)), _first(self._asks.lowest(1))

    def view(self, depth: int) -> OrderBook | None:
        """The best ``depth`` (above zero) levels of each side; None before the first snapshot."""
        if self._sequence is None or self._exchange_time is None or self._receive_time is None:
            return None
        return OrderBook(
            self._instrument,
            self._bids.highest(depth),
            self._asks.lowest(depth),
            self._sequence,
            self._exchange_time,
            self._receive_time,
        )


def _first(levels: Sequence[Level]) -> Level | None:
    return levels[0] if levels else None
