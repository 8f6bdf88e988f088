"""Candles in Binance's intervals, made of the venue's own."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from services.simvenue.binance.wire import amount, milliseconds
from services.simvenue.domain.candles import Candle, Interval
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.market import Market, PublicTrade
from services.simvenue.domain.terms import Side

_S_NS: Final = 1_000_000_000
_M_NS: Final = 60 * _S_NS
_H_NS: Final = 60 * _M_NS
_D_NS: Final = 24 * _H_NS
_FIRST_MONDAY_NS: Final = 4 * _D_NS
_WHOLE_SERIES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class KlineInterval:
    """An interval of Binance.

    Attributes:
        name: as in ``5m``.
        source: the venue's candles that make it.
        length_ns: 0 for a month.
        offset_ns: where the first one begins: a week begins on Monday.
    """

    name: str
    source: Interval
    length_ns: int
    offset_ns: int = 0

    def open_ns(self, time_ns: int) -> int:
        """Begin of the interval that a time is in."""
        if self.length_ns:
            return time_ns - (time_ns - self.offset_ns) % self.length_ns
        day = datetime.fromtimestamp(time_ns // _S_NS, UTC)
        return _month_ns(day.year, day.month)

    def next_ns(self, open_ns: int) -> int:
        """Begin of the interval after one that begins here."""
        if self.length_ns:
            return open_ns + self.length_ns
        day = datetime.fromtimestamp(open_ns // _S_NS, UTC)
        return _month_ns(day.year + day.month // 12, day.month % 12 + 1)


INTERVALS: Final = {
    each.name: each
    for each in (
        KlineInterval("1s", Interval.S1, _S_NS),
        KlineInterval("1m", Interval.M1, _M_NS),
        KlineInterval("3m", Interval.M1, 3 * _M_NS),
        KlineInterval("5m", Interval.M5, 5 * _M_NS),
        KlineInterval("15m", Interval.M15, 15 * _M_NS),
        KlineInterval("30m", Interval.M15, 30 * _M_NS),
        KlineInterval("1h", Interval.H1, _H_NS),
        KlineInterval("2h", Interval.H1, 2 * _H_NS),
        KlineInterval("4h", Interval.H1, 4 * _H_NS),
        KlineInterval("6h", Interval.H1, 6 * _H_NS),
        KlineInterval("8h", Interval.H1, 8 * _H_NS),
        KlineInterval("12h", Interval.H1, 12 * _H_NS),
        KlineInterval("1d", Interval.H1, _D_NS),
        KlineInterval("3d", Interval.H1, 3 * _D_NS),
        KlineInterval("1w", Interval.H1, 7 * _D_NS, _FIRST_MONDAY_NS),
        KlineInterval("1M", Interval.H1, 0),
    )
}


@dataclass(slots=True)
class Kline:
    """One interval in ticks and lots; the fields are those of a candle."""

    open_ns: int
    close_ns: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    tick_lots: int
    trades: int


def klines(
    market: Market, interval: KlineInterval, start_ns: int | None, end_ns: int | None, now_ns: int
) -> list[Kline]:
    """Klines that open in a half-open range, oldest first.

    An interval without a trade is flat at the close before it and has no volume, as Binance's are;
    before the first trade there is none.
    """
    candles = market.candles.series(interval.source).between(None, None, _WHOLE_SERIES)
    made: list[Kline] = []
    for kline in _merged(candles, interval):
        made += _flat(made[-1], kline.open_ns, interval) if made else []
        made.append(kline)
    if made:
        made += _flat(made[-1], interval.open_ns(now_ns) + 1, interval)
    return [
        each
        for each in made
        if (start_ns is None or each.open_ns >= start_ns) and (end_ns is None or each.open_ns < end_ns)
    ]


class Takers(NamedTuple):
    """What the tape knows of an interval.

    Attributes:
        lots: what takers bought.
        tick_lots: price times quantity of that.
        first_id: of the first trade; -1 without one.
        last_id: of the last.
    """

    lots: int = 0
    tick_lots: int = 0
    first_id: int = -1
    last_id: int = -1


class TakerVolumes:
    """What takers bought in each interval, of which the venue keeps only as much as its tape goes back.

    Args:
        market: whose tape it is.
    """

    def __init__(self, market: Market) -> None:
        self._tape = list(market.tape)
        self._kept_ns = self._tape[0].time_ns if len(self._tape) == market.tape.maxlen else 0

    def of(self, kline: Kline) -> Takers:
        """What takers bought in an interval; zeros where the tape does not reach back to all of it."""
        first = bisect_left(self._tape, kline.open_ns, key=_time_ns)
        last = bisect_left(self._tape, kline.close_ns, key=_time_ns)
        if first == last or kline.open_ns <= self._kept_ns:
            return Takers()
        trades = self._tape[first:last]
        bought = [trade for trade in trades if trade.taker_side is Side.BUY]
        return Takers(
            sum(trade.lots for trade in bought),
            sum(trade.price * trade.lots for trade in bought),
            trades[0].trade_id,
            trades[-1].trade_id,
        )


def kline_json(instrument: Instrument, kline: Kline, takers: Takers) -> list[Any]:
    """A kline as REST tells it."""
    return [
        milliseconds(kline.open_ns),
        amount(instrument.price(kline.open)),
        amount(instrument.price(kline.high)),
        amount(instrument.price(kline.low)),
        amount(instrument.price(kline.close)),
        amount(instrument.quantity(kline.lots)),
        milliseconds(kline.close_ns) - 1,
        amount(instrument.notional(kline.tick_lots)),
        kline.trades,
        amount(instrument.quantity(takers.lots)),
        amount(instrument.notional(takers.tick_lots)),
        "0",
    ]


def kline_event(
    market: Market, interval: KlineInterval, kline: Kline, now_ms: int, *, closed: bool
) -> dict[str, Any]:
    """A kline as the stream tells it."""
    instrument, takers = market.instrument, TakerVolumes(market).of(kline)
    told = kline_json(instrument, kline, takers)
    names = {"t": 0, "o": 1, "h": 2, "l": 3, "c": 4, "v": 5, "T": 6, "q": 7, "n": 8, "V": 9, "Q": 10, "B": 11}
    return {
        "e": "kline",
        "E": now_ms,
        "s": instrument.venue_symbol,
        "k": {
            **{name: told[place] for name, place in names.items()},
            "s": instrument.venue_symbol,
            "i": interval.name,
            "f": takers.first_id,
            "L": takers.last_id,
            "x": closed,
        },
    }


def _merged(candles: Sequence[Candle], interval: KlineInterval) -> Iterator[Kline]:
    kline: Kline | None = None
    for candle in candles:
        open_ns = interval.open_ns(candle.open_ns)
        if kline is None or kline.open_ns != open_ns:
            if kline is not None:
                yield kline
            kline = _begun(candle, open_ns, interval)
        else:
            kline.high, kline.low = max(kline.high, candle.high), min(kline.low, candle.low)
            kline.close = candle.close
            kline.lots += candle.lots
            kline.tick_lots += candle.tick_lots
            kline.trades += candle.trades
    if kline is not None:
        yield kline


def _begun(candle: Candle, open_ns: int, interval: KlineInterval) -> Kline:
    return Kline(
        open_ns,
        interval.next_ns(open_ns),
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        candle.lots,
        candle.tick_lots,
        candle.trades,
    )


def _flat(last: Kline, until_ns: int, interval: KlineInterval) -> Iterator[Kline]:
    open_ns, price = last.close_ns, last.close
    while open_ns < until_ns:
        yield Kline(open_ns, interval.next_ns(open_ns), price, price, price, price, 0, 0, 0)
        open_ns = interval.next_ns(open_ns)


def _time_ns(trade: PublicTrade) -> int:
    return trade.time_ns


def _month_ns(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * _S_NS
