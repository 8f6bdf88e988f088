"""Everything that is known of one instrument now."""

from dataclasses import dataclass
from datetime import UTC, datetime

from services.market.domain.book import BookKeeper, Level, OrderBook
from services.market.domain.candles import Candle, CandleSeries, Interval
from services.market.domain.feed_events import BookChanged, Resynced, TradeHappened
from services.market.domain.instrument import Instrument
from services.market.domain.ticker import Ticker
from services.market.domain.trades import Trade, TradeRing


@dataclass(frozen=True, slots=True)
class Changes:
    """What one event changed.

    Attributes:
        ticker: whether the top of the market is another.
        book: whether the book is another.
        trades: the trades that are new, oldest first.
        candles: the candles that closed, of every interval, oldest first.
        restarted: whether all that was told before is void.
    """

    ticker: bool = False
    book: bool = False
    trades: tuple[Trade, ...] = ()
    candles: tuple[Candle, ...] = ()
    restarted: bool = False


NOTHING = Changes()
_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How much of the past is kept of each instrument.

    Attributes:
        trades: latest trades.
        candles: latest closed candles of each interval.
    """

    trades: int = 5000
    candles: int = 3600


class LiveInstrument:
    """Book, trades and candles of one instrument, moved on by the events of its feed.

    Args:
        instrument: the instrument.
        keeping: how much of the past is kept.
    """

    def __init__(self, instrument: Instrument, keeping: Keeping) -> None:
        self.instrument = instrument
        self._keeping = keeping
        self._top: tuple[Level | None, Level | None] = (None, None)
        self._times: tuple[datetime, datetime] | None = None
        self._forget()

    @property
    def known(self) -> bool:
        """Whether a snapshot has come."""
        return self._book.known

    def ticker(self) -> Ticker | None:
        """The top of the market; None before the first snapshot."""
        if self._times is None:
            return None
        last = self.trades.last()
        return Ticker(
            instrument=self.instrument.name,
            bid=self._top[0],
            ask=self._top[1],
            last_price=last.price if last else None,
            last_quantity=last.quantity if last else None,
            exchange_time=self._times[0],
            receive_time=self._times[1],
        )

    def book(self, depth: int) -> OrderBook | None:
        """The best ``depth`` levels of each side; None before the first snapshot."""
        return self._book.view(depth)

    def candles(self, interval: Interval) -> CandleSeries:
        """The candles of one interval."""
        return self._series[interval]

    def resync(self, event: Resynced) -> Changes:
        """Take over a whole book, the trades and the candles that were missed."""
        if event.restarted:
            self._forget()
        self._book.replace(event.book)
        self._take_top(event.book.exchange_time, event.book.receive_time)
        candles: list[Candle] = []
        if event.history is not None:
            for series in self._series.values():
                candles += series.resume(event.history)
        trades = [trade for trade in event.trades if self.trades.add(trade)]
        for trade in trades:
            candles += self._count(trade)
        candles += self._close(event.book.exchange_time)
        return Changes(True, True, tuple(trades), tuple(candles), event.restarted)

    def change_book(self, event: BookChanged) -> Changes:
        """Apply changed levels.

        Raises:
            SequenceGapError: an event before it is missing.
        """
        change = event.change
        self._book.change(change)
        before = self._top
        if moved := self._book.top() != before:
            self._take_top(change.exchange_time, change.receive_time)
        return Changes(ticker=moved, book=True, candles=self.advance(change.exchange_time).candles)

    def add_trade(self, event: TradeHappened) -> Changes:
        """Count a trade; one that is known already changes nothing.

        Raises:
            SequenceGapError: an event before it is missing.
        """
        self._book.step(event.sequence)
        trade = event.trade
        if not self.trades.add(trade):
            return NOTHING
        self._times = (trade.exchange_time, trade.receive_time)
        return Changes(ticker=True, trades=(trade,), candles=tuple(self._count(trade)))

    def advance(self, moment: datetime) -> Changes:
        """Let exchange time pass."""
        if moment < self._next_close:
            return NOTHING
        return Changes(candles=tuple(self._close(moment)))

    def _forget(self) -> None:
        self._book = BookKeeper(self.instrument.name)
        self.trades = TradeRing(self._keeping.trades)
        self._series = {interval: CandleSeries(interval, self._keeping.candles) for interval in Interval}
        self._next_close = _BEGINNING

    def _take_top(self, exchange_time: datetime, receive_time: datetime) -> None:
        self._top = self._book.top()
        self._times = (exchange_time, receive_time)

    def _count(self, trade: Trade) -> list[Candle]:
        return [candle for series in self._series.values() for candle in series.add(trade)]

    def _close(self, moment: datetime) -> list[Candle]:
        # Every interval is a whole number of seconds, so nothing closes inside a second.
        self._next_close = Interval.SECOND.floor(moment) + Interval.SECOND.length
        return [candle for series in self._series.values() for candle in series.advance(moment)]
