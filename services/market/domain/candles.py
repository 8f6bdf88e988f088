"""Trades summed up over fixed spans of exchange time."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import reduce

from services.kernel.decimals import EXACT
from services.kernel.names import InstrumentName
from services.market.domain.trades import Trade

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Interval(Enum):
    """Length of a candle."""

    SECOND = "1s"
    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HOUR = "1h"

    @property
    def length(self) -> timedelta:
        """How long a span is."""
        return _LENGTHS[self]

    def floor(self, moment: datetime) -> datetime:
        """Begin of the span that holds a moment."""
        return moment - (moment - _EPOCH) % self.length


_LENGTHS: Mapping[Interval, timedelta] = {
    Interval.SECOND: timedelta(seconds=1),
    Interval.MINUTE: timedelta(minutes=1),
    Interval.FIVE_MINUTES: timedelta(minutes=5),
    Interval.QUARTER: timedelta(minutes=15),
    Interval.HOUR: timedelta(hours=1),
}


@dataclass(frozen=True, slots=True)
class Candle:
    """The trades with ``open_time <= exchange time < close_time``; at least one.

    Attributes:
        instrument: what was traded.
        interval: length of the span.
        open_time: begin of the span, a whole multiple of the interval since 1970.
        open_price: price of the first trade, in quote asset.
        high_price: highest price, in quote asset.
        low_price: lowest price, in quote asset.
        close_price: price of the last trade, in quote asset.
        base_volume: sum of the quantities, in base asset.
        quote_volume: sum of price times quantity, in quote asset.
        trade_count: number of trades.
        closed: whether exchange time has passed the span, so that it never changes again.
    """

    instrument: InstrumentName
    interval: Interval
    open_time: datetime
    open_price: Decimal
    high_price: Decimal
    low_price: Decimal
    close_price: Decimal
    base_volume: Decimal
    quote_volume: Decimal
    trade_count: int
    closed: bool

    @property
    def close_time(self) -> datetime:
        """End of the span, not part of it."""
        return self.open_time + self.interval.length


def candle_of(trade: Trade, interval: Interval) -> Candle:
    """The candle of a single trade."""
    price = trade.price
    return Candle(
        instrument=trade.instrument,
        interval=interval,
        open_time=interval.floor(trade.exchange_time),
        open_price=price,
        high_price=price,
        low_price=price,
        close_price=price,
        base_volume=trade.quantity,
        quote_volume=EXACT.multiply(price, trade.quantity),
        trade_count=1,
        closed=False,
    )


def joined(earlier: Candle, later: Candle) -> Candle:
    """Both candles as one that has the span of the earlier."""
    return replace(
        earlier,
        high_price=max(earlier.high_price, later.high_price),
        low_price=min(earlier.low_price, later.low_price),
        close_price=later.close_price,
        base_volume=EXACT.add(earlier.base_volume, later.base_volume),
        quote_volume=EXACT.add(earlier.quote_volume, later.quote_volume),
        trade_count=earlier.trade_count + later.trade_count,
    )


@dataclass(frozen=True, slots=True)
class History:
    """What a venue knows of the past, up to a moment from which on we know every trade ourselves.

    Attributes:
        candles: the venue's closed candles, oldest first.
        complete_from: the moment, a whole second of exchange time.
    """

    candles: Mapping[Interval, Sequence[Candle]]
    complete_from: datetime

    def closed(self, interval: Interval) -> Sequence[Candle]:
        """The candles whose span ended by the moment."""
        return [
            replace(candle, closed=True)
            for candle in self.candles.get(interval, ())
            if candle.close_time <= self.complete_from
        ]

    def begun(self, interval: Interval) -> Candle | None:
        """The part before the moment of the candle that holds the moment.

        It is put together from closed candles of minutes and seconds, since the venue's own running
        candle holds an unknown part of the trades that we count ourselves.
        """
        start = interval.floor(self.complete_from)
        minute = max(start, Interval.MINUTE.floor(self.complete_from))
        minutes = self._between(Interval.MINUTE, start, minute)
        parts = [*minutes, *self._between(Interval.SECOND, minute, self.complete_from)]
        if not parts:
            return None
        first = replace(parts[0], interval=interval, open_time=start, closed=False)
        return reduce(joined, parts[1:], first)

    def _between(self, interval: Interval, start: datetime, end: datetime) -> list[Candle]:
        return [each for each in self.candles.get(interval, ()) if start <= each.open_time < end]


class CandleSeries:
    """The latest candles of one instrument and interval.

    Args:
        interval: length of its candles.
        capacity: how many closed candles are kept.
    """

    def __init__(self, interval: Interval, capacity: int) -> None:
        self.interval = interval
        self._capacity = capacity
        self._closed: list[Candle] = []
        self._running: Candle | None = None
        self._closed_until: datetime | None = None
        self._counted_from: datetime | None = None

    def resume(self, history: History) -> list[Candle]:
        """Take over what the venue knows; trades from ``complete_from`` on are added afterwards.

        Closed candles that stand already stay as they are.

        Returns:
            The candles that are new.
        """
        until = self._closed_until
        new = [each for each in history.closed(self.interval) if until is None or each.open_time >= until]
        for candle in new:
            self._keep(candle)
        self._running = history.begun(self.interval)
        self._counted_from = history.complete_from
        begin = self.interval.floor(history.complete_from)
        self._closed_until = max(begin, until or begin)
        return new

    def add(self, trade: Trade) -> list[Candle]:
        """Count a trade.

        Returns:
            The candle that its time closed, if any.
        """
        closed = self.advance(trade.exchange_time)
        for bound in (self._closed_until, self._counted_from):
            # Too late, since a closed candle never changes; or counted in the venue's history.
            if bound is not None and trade.exchange_time < bound:
                return closed
        single = candle_of(trade, self.interval)
        self._running = single if self._running is None else joined(self._running, single)
        return closed

    def advance(self, moment: datetime) -> list[Candle]:
        """Let exchange time pass.

        Returns:
            The candle that is closed by now, if it was not before.
        """
        begin = self.interval.floor(moment)
        if self._closed_until is not None and begin <= self._closed_until:
            return []
        self._closed_until = begin
        running, self._running = self._running, None
        if running is None:
            return []
        candle = replace(running, closed=True)
        self._keep(candle)
        return [candle]

    def all(self) -> Iterable[Candle]:
        """Every candle that is kept, oldest first, the running one last."""
        return [*self._closed, self._running] if self._running else self._closed

    def closed_after(self, moment: datetime) -> Sequence[Candle]:
        """The kept closed candles that open after a moment, oldest first."""
        return [each for each in self._closed[self._index(moment) :] if each.open_time > moment]

    def between(self, start: datetime | None, end: datetime | None) -> list[Candle]:
        """The candles with ``start <= open_time < end``, oldest first, the running one included."""
        first = 0 if start is None else self._index(start)
        found = self._closed[first:] if end is None else self._closed[first : self._index(end)]
        running = self._running
        if (
            running is not None
            and (start is None or running.open_time >= start)
            and (end is None or running.open_time < end)
        ):
            found.append(running)
        return found

    def _index(self, moment: datetime) -> int:
        return bisect_left(self._closed, moment, key=lambda candle: candle.open_time)

    def _keep(self, candle: Candle) -> None:
        self._closed.append(candle)
        # Cut in blocks: a list drops its head in linear time.
        if len(self._closed) >= self._capacity + self._capacity // 4 + 1:
            del self._closed[: -self._capacity]
