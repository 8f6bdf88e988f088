"""Candles from trades. An interval without a trade has no candle: nothing is made up."""

from bisect import bisect_left
from dataclasses import dataclass
from enum import Enum

_SECOND_NS = 1_000_000_000
_KEPT = 5_000


class Interval(Enum):
    """Length of a candle; the value is in nanoseconds."""

    S1 = _SECOND_NS
    M1 = 60 * _SECOND_NS
    M5 = 300 * _SECOND_NS
    M15 = 900 * _SECOND_NS
    H1 = 3600 * _SECOND_NS


@dataclass(slots=True)
class Candle:
    """One interval in ticks and lots. Grows until its interval ends.

    Attributes:
        open_ns: begin of the interval, exchange time.
        open: first price.
        high: highest price.
        low: lowest price.
        close: last price.
        lots: sum of the quantities.
        tick_lots: sum of price times quantity.
        trades: number of trades.
    """

    open_ns: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    tick_lots: int
    trades: int


class Series:
    """The last candles of one interval, oldest first.

    Args:
        interval: length of each candle.
        kept: most candles kept.
    """

    def __init__(self, interval: Interval, kept: int = _KEPT) -> None:
        self._length = interval.value
        self._kept = kept
        self._candles: list[Candle] = []

    def add(self, time_ns: int, price: int, lots: int) -> None:
        """Count a trade. Trades come in the order of time."""
        open_ns = time_ns - time_ns % self._length
        candles = self._candles
        if candles and candles[-1].open_ns == open_ns:
            candle = candles[-1]
            if price > candle.high:
                candle.high = price
            elif price < candle.low:
                candle.low = price
            candle.close = price
            candle.lots += lots
            candle.tick_lots += price * lots
            candle.trades += 1
            return
        candles.append(Candle(open_ns, price, price, price, price, lots, price * lots, 1))
        if len(candles) >= 2 * self._kept:
            del candles[: -self._kept]

    def between(self, start_ns: int | None, end_ns: int | None, most: int) -> list[Candle]:
        """Candles that open in the half-open range, the first ``most`` of them."""
        first = 0 if start_ns is None else bisect_left(self._candles, start_ns, key=_open_ns)
        last = len(self._candles) if end_ns is None else bisect_left(self._candles, end_ns, key=_open_ns)
        return self._candles[first : min(last, first + most)]


def _open_ns(candle: Candle) -> int:
    return candle.open_ns


class Candles:
    """The candles of one instrument, in every interval."""

    def __init__(self) -> None:
        self._series = {interval: Series(interval) for interval in Interval}
        self._all = tuple(self._series.values())

    def add(self, time_ns: int, price: int, lots: int) -> None:
        """Count a trade in every interval."""
        for series in self._all:
            series.add(time_ns, price, lots)

    def series(self, interval: Interval) -> Series:
        """The candles of one interval."""
        return self._series[interval]
