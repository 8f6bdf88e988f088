"""What a venue's feed tells, in the terms of the domain."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from services.kernel.names import InstrumentName
from services.market.domain.book import OrderBook
from services.market.domain.candles import History
from services.market.domain.instrument import Instrument
from services.market.domain.trades import Trade


@dataclass(frozen=True, slots=True)
class InstrumentsListed:
    """All instruments of the venue; first event of each connection.

    Attributes:
        instruments: every one of them.
    """

    instruments: tuple[Instrument, ...]


@dataclass(frozen=True, slots=True)
class Resynced:
    """A whole book, and all that a hole in the stream may have swallowed.

    Attributes:
        book: the book now.
        trades: trades since the last one told, oldest first; at the first time, the latest ones.
        history: the past up to the first second in which ``trades`` is complete; None where no trade
            was missed.
        restarted: the venue's clock went back: what was known of the instrument is void.
    """

    book: OrderBook
    trades: tuple[Trade, ...]
    history: History | None
    restarted: bool


@dataclass(frozen=True, slots=True)
class BookChanged:
    """Levels that changed.

    Attributes:
        change: only these levels, with their new absolute quantities.
    """

    change: OrderBook


@dataclass(frozen=True, slots=True)
class TradeHappened:
    """A trade.

    Attributes:
        sequence: its place among the instrument's changes and trades.
        trade: the trade.
    """

    sequence: int
    trade: Trade


@dataclass(frozen=True, slots=True)
class ClockMoved:
    """Nothing happened to an instrument, and the venue's clock moved on.

    Attributes:
        instrument: the instrument; of another one nothing is said.
        exchange_time: the venue's clock: nothing that happened before it is still to come.
    """

    instrument: InstrumentName
    exchange_time: datetime


FeedEvent: TypeAlias = InstrumentsListed | Resynced | BookChanged | TradeHappened | ClockMoved


def subject_of(event: Resynced | BookChanged | TradeHappened | ClockMoved) -> InstrumentName:
    """The instrument that an event speaks of."""
    match event:
        case Resynced(book=book):
            return book.instrument
        case BookChanged(change=change):
            return change.instrument
        case TradeHappened(trade=trade):
            return trade.instrument
        case ClockMoved(instrument=instrument):
            return instrument
