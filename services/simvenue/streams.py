"""The two streams: public market data, and the events of an account."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from services.kernel.errors import DomainError, ErrorKind
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.market import Market, PublicEvent
from services.simvenue.domain.terms import Side
from services.simvenue.floor import TradingFloor
from services.simvenue.ports import EncodedEvent, Ledger

_WHOLE_BOOK = 1_000_000
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Book:
    """A book at one moment: price in ticks and lots, best first."""

    instrument: Instrument
    sequence: int
    time_ns: int
    bids: Sequence[tuple[int, int]]
    asks: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Told:
    """A public event and its instrument."""

    instrument: Instrument
    event: PublicEvent


@dataclass(frozen=True, slots=True)
class Beat:
    """Nothing happened for a while."""

    time_ns: int


@dataclass(frozen=True, slots=True)
class End:
    """Nothing follows.

    Attributes:
        time_ns: exchange time.
        reason: name of an error reason.
        message: one sentence for a person.
    """

    time_ns: int
    reason: str
    message: str


@dataclass(slots=True)
class Connection:
    """What a call came in by; a fault may break it."""

    broken: bool = False


def book_of(market: Market, time_ns: int, depth: int = _WHOLE_BOOK) -> Book:
    """The book of a market now."""
    return Book(
        market.instrument,
        market.sequence,
        time_ns,
        market.book.depth(Side.BUY, depth),
        market.book.depth(Side.SELL, depth),
    )


class MarketStream:
    """Public market data as it happens.

    Args:
        floor: where it happens.
        heartbeat: seconds of silence after which a beat is sent.
    """

    def __init__(self, floor: TradingFloor, heartbeat: float) -> None:
        self._floor = floor
        self._heartbeat = heartbeat

    async def pages(
        self, symbols: Sequence[str], interval: float = 0.0
    ) -> AsyncIterator[Sequence[Book | Told] | Beat | End]:
        """A book of each symbol, then every event; a book again where a slow reader lost events.

        Args:
            symbols: of which instruments.
            interval: seconds after a page in which what happens is gathered for the next one.

        Raises:
            DomainError: UNKNOWN_SYMBOL.
        """
        floor = self._floor
        markets = [floor.venue.market(symbol) for symbol in symbols]
        cursors = {market.instrument.symbol: -1 for market in markets}
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            more = floor.public_signal.next
            news = [frame for market in markets for frame in self._news(market, cursors)]
            if news:
                due = loop.time() + self._heartbeat
                yield news
            if floor.public_signal.halted:
                yield _halted(floor.now_ns)
                return
            # The signal is of every market: one that is busy must not silence the beats of a stream
            # of others. A beat comes right after a look at the news, so it is ahead of none.
            if news:
                if interval:
                    await asyncio.sleep(interval)
            elif loop.time() >= due:
                due = loop.time() + self._heartbeat
                yield Beat(floor.now_ns)
            else:
                await _within(more, due - loop.time())

    def _news(self, market: Market, cursors: dict[str, int]) -> Sequence[Book | Told]:
        symbol = market.instrument.symbol
        cursor = cursors[symbol]
        events = self._floor.public[symbol].after(cursor) if cursor >= 0 else None
        cursors[symbol] = market.sequence
        if events is None:
            return [book_of(market, self._floor.now_ns)]
        return [Told(market.instrument, event) for event in events]


class AccountStream:
    """The events of an account, from any point of its past on.

    Args:
        floor: where they happen.
        ledger: where the past is.
        heartbeat: seconds of silence after which a beat is sent.
    """

    def __init__(self, floor: TradingFloor, ledger: Ledger, heartbeat: float) -> None:
        self._floor = floor
        self._ledger = ledger
        self._heartbeat = heartbeat

    def wake(self) -> None:
        """Let every stream look at its connection."""
        self._floor.account_signal.give()

    async def pages(
        self, account: str, after_sequence: int, connection: Connection
    ) -> AsyncIterator[Sequence[EncodedEvent] | Beat | End]:
        """Events after a sequence: the past from disk, then what happens, all that is there at a time.

        Ends where its connection breaks.

        Only what is on disk is told. A reader that followed and then fell out of memory is sent away
        with SLOW_CONSUMER; it opens the stream again with its last sequence.

        Raises:
            DomainError: UNKNOWN_ACCOUNT, or OUT_OF_RANGE, CURSOR_OUT_OF_RANGE.
        """
        floor = self._floor
        memory = floor.account_events(account)
        first = await self._ledger.first_event(account) if after_sequence else 0
        _check_cursor(after_sequence, first, memory.last)
        cursor, following = after_sequence, False
        while not connection.broken:
            more = floor.account_signal.next
            events = memory.after(cursor)
            if events is None and following:
                yield End(floor.now_ns, "SLOW_CONSUMER", f"resume after sequence {cursor}")
                return
            following = events is not None
            if events is None:
                events = await self._ledger.events(account, cursor, _PAGE)
            if events:
                yield events
                cursor = events[-1].sequence
                continue
            if floor.account_signal.halted:
                yield _halted(floor.now_ns)
                return
            if not await _within(more, self._heartbeat):
                yield Beat(floor.now_ns)


def _check_cursor(after_sequence: int, first: int, last: int) -> None:
    """Refuse a point of the past that is not known, or not known any more."""
    if after_sequence > last or after_sequence < first - 1:
        raise DomainError(
            "CURSOR_OUT_OF_RANGE",
            f"the account's events are {first} to {last}; {after_sequence} is no place to go on from",
            kind=ErrorKind.OUT_OF_RANGE,
            metadata={
                "afterSequence": str(after_sequence),
                "firstSequence": str(first),
                "lastSequence": str(last),
            },
        )


def _halted(time_ns: int) -> End:
    return End(time_ns, "VENUE_HALTED", "the venue's ledger failed")


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
