"""One caller's view of an instrument's changes, at the caller's own pace."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import TypeAlias

from services.market.domain.book import OrderBook
from services.market.domain.candles import Candle, Interval
from services.market.domain.live import Changes, LiveInstrument
from services.market.domain.ticker import Ticker
from services.market.domain.trades import Trade


class Kind(Enum):
    """What a caller wants to hear of."""

    TICKER = auto()
    BOOK = auto()
    TRADE = auto()
    CANDLE = auto()


class EndReason(Enum):
    """Why the server ends a stream."""

    SERVER_DRAINING = "this instance is going down; open the stream again"
    SLOW_CONSUMER = "the caller reads too slowly; open the stream again"
    MARKET_DATA_STALE = "the venue began anew with an earlier clock; open the stream again"


@dataclass(frozen=True, slots=True)
class Beat:
    """Nothing happened for a while."""


@dataclass(frozen=True, slots=True)
class End:
    """The server ends the stream.

    Attributes:
        reason: why.
    """

    reason: EndReason


Frame: TypeAlias = Ticker | OrderBook | Trade | Candle | Beat | End


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller asked for.

    Attributes:
        kinds: kinds of frames.
        interval: length of candles.
        depth: price levels of each side of a book.
        pause: least time between two tickers and between two books.
    """

    kinds: frozenset[Kind]
    interval: Interval
    depth: int
    pause: timedelta


class Subscription:
    """Queues what must not be lost, and remembers that the rest changed.

    A ticker or a book is read when it is sent, so a slow caller gets the newest and never an old
    one. Trades and candles wait in a queue with a bound.

    Args:
        live: the instrument.
        wish: what the caller asked for.
        first: frames that come before all others.
        queue: most trades and candles that wait; one more ends the stream.
        heartbeat: longest silence in seconds.
    """

    def __init__(
        self,
        live: LiveInstrument,
        wish: Wish,
        *,
        first: tuple[Trade | Candle, ...] = (),
        queue: int = 10_000,
        heartbeat: float = 5.0,
    ) -> None:
        self._live = live
        self._wish = wish
        self._heartbeat = heartbeat
        self._facts: deque[Trade | Candle] = deque(first)
        # What was asked for at the beginning may be longer than the queue.
        self._bound = len(first) + queue
        self._due = {kind: 0.0 for kind in (Kind.TICKER, Kind.BOOK) if kind in wish.kinds}
        self._changed = set(self._due)
        self._end: EndReason | None = None
        self._wake = asyncio.Event()

    def offer(self, changes: Changes) -> None:
        """Take in what changed."""
        if self._end is not None:
            return
        if changes.restarted:
            self.end(EndReason.MARKET_DATA_STALE)
            return
        kinds = self._wish.kinds
        if changes.ticker and Kind.TICKER in kinds:
            self._changed.add(Kind.TICKER)
        if changes.book and Kind.BOOK in kinds:
            self._changed.add(Kind.BOOK)
        if Kind.CANDLE in kinds:
            self._facts.extend(each for each in changes.candles if each.interval is self._wish.interval)
        if Kind.TRADE in kinds:
            self._facts.extend(changes.trades)
        if len(self._facts) > self._bound:
            self.end(EndReason.SLOW_CONSUMER)
        if self._changed or self._facts:
            self._wake.set()

    def end(self, reason: EndReason) -> None:
        """End the stream; the first reason stands.

        What waits is sent before the end when the server drains. To a caller who reads too slowly,
        or whose past is void, it is not.
        """
        if self._end is not None:
            return
        self._end = reason
        if reason is not EndReason.SERVER_DRAINING:
            self._facts.clear()
        self._changed.clear()
        self._wake.set()

    @property
    def ended(self) -> EndReason | None:
        """Why the server ended it, if it did."""
        return self._end

    async def frames(self) -> AsyncGenerator[Frame, None]:
        """The frames, for as long as the caller reads; the last is an End."""
        while True:
            self._wake.clear()
            for frame in self._updates():
                yield frame
            while self._facts:
                yield self._facts.popleft()
            if self._end is not None:
                yield End(self._end)
                return
            if not await self._woken():
                yield Beat()

    def _updates(self) -> list[Ticker | OrderBook]:
        """The newest ticker and book, where they changed and their time has come."""
        now = asyncio.get_running_loop().time()
        frames: list[Ticker | OrderBook] = []
        for kind in [kind for kind in self._changed if self._due[kind] <= now]:
            self._changed.discard(kind)
            self._due[kind] = now + self._wish.pause.total_seconds()
            state = self._live.ticker() if kind is Kind.TICKER else self._live.book(self._wish.depth)
            if state is not None:
                frames.append(state)
        return frames

    async def _woken(self) -> bool:
        """Wait for something to send; False where there was nothing for a while."""
        if self._facts or self._end is not None:
            return True
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._heartbeat
        while True:
            # An update that changed already needs no new event, only its time to come.
            due = min((self._due[kind] for kind in self._changed), default=give_up)
            if self._changed and due <= loop.time():
                return True
            try:
                async with asyncio.timeout_at(min(due, give_up)):
                    await self._wake.wait()
            except TimeoutError:
                return due < give_up
            if self._facts or self._end is not None:
                return True
            self._wake.clear()
