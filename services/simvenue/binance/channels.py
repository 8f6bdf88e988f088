"""What a WebSocket may listen to: the public streams."""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

from services.simvenue.binance.klines import INTERVALS, KlineInterval, kline_event, klines
from services.simvenue.binance.market import aggregate_json, aggregated, depth_json, levels_json
from services.simvenue.binance.rules import Symbols
from services.simvenue.binance.tickers import average_price, best_of, mini_event, ticker_event
from services.simvenue.binance.wire import amount, milliseconds
from services.simvenue.domain.market import BookChange, Market, PublicEvent, PublicTrade
from services.simvenue.domain.terms import Side
from services.simvenue.feeds import Signal
from services.simvenue.floor import TradingFloor

_NAME: Final = re.compile(
    r"(?P<symbol>[a-z0-9]+)@(?P<kind>[A-Za-z0-9]+)(?:_(?P<more>[0-9A-Za-z]+))?(?P<fast>@100ms)?"
)
_EVERY: Final = re.compile(r"!(?P<kind>ticker|miniTicker)@arr")
_PARTIAL: Final = {"depth5": 5, "depth10": 10, "depth20": 20}
_FAST_S: Final = 0.1
_SLOW_S: Final = 1.0
_KLINE_S: Final = 2.0


class OverrunError(Exception):
    """A reader was so slow that events it did not get are forgotten."""


class HaltedError(Exception):
    """The venue's ledger failed, and nothing follows."""


class Channel(ABC):
    """One public thing that is listened to.

    Attributes:
        pause: seconds between two looks; None looks whenever something happens.
    """

    pause: float | None = None

    @property
    @abstractmethod
    def signal(self) -> Signal:
        """Given when there may be news."""

    @abstractmethod
    def news(self) -> Sequence[Any]:
        """What happened since the last call, each as it is sent.

        Raises:
            OverrunError: some of it is forgotten.
        """

    async def events(self) -> AsyncIterator[Any]:
        """What happens, for ever.

        Raises:
            OverrunError: some of it is forgotten.
            HaltedError: nothing follows.
        """
        while True:
            more = self.signal.next
            for news in self.news():
                yield news
            if self.signal.halted:
                raise HaltedError
            if self.pause is None:
                await more.wait()
            else:
                await asyncio.sleep(self.pause)


class MarketChannel(Channel):
    """Something of one market, from now on.

    Args:
        floor: where the market is.
        market: the market.
        pause: seconds between two looks.
    """

    def __init__(self, floor: TradingFloor, market: Market, pause: float | None = None) -> None:
        self.pause = pause
        self.floor = floor
        self.market = market
        self.symbol = market.instrument.venue_symbol
        self.cursor = market.sequence

    @property
    def signal(self) -> Signal:
        """Given after every step of any market."""
        return self.floor.public_signal

    @property
    def now_ms(self) -> int:
        """Exchange time."""
        return milliseconds(self.floor.now_ns)

    def passed(self) -> Sequence[PublicEvent]:
        """Public events after the cursor, which stays where it is."""
        events = self.floor.public[self.market.instrument.symbol].after(self.cursor)
        if events is None:
            raise OverrunError(self.symbol)
        return events


class DepthChannel(MarketChannel):
    """The changes of a book.

    Every event says from which number (``U``) to which (``u``) of the venue's public events it goes, and
    begins right after the one before. Trades have numbers, too: a range may hold more than its levels.
    """

    def news(self) -> Sequence[Any]:
        """One event with the last state of every level that changed, or none."""
        bids: dict[int, int] = {}
        asks: dict[int, int] = {}
        last = self.cursor
        for event in self.passed():
            last = event.sequence
            if isinstance(event, BookChange):
                bids.update(event.bids)
                asks.update(event.asks)
        if not bids and not asks:
            return ()
        first, self.cursor = self.cursor + 1, last
        instrument = self.market.instrument
        return [
            {
                "e": "depthUpdate",
                "E": self.now_ms,
                "s": self.symbol,
                "U": first,
                "u": last,
                "b": levels_json(instrument, sorted(bids.items(), reverse=True)),
                "a": levels_json(instrument, sorted(asks.items())),
            }
        ]


class PartialDepthChannel(MarketChannel):
    """The best levels of a book, whenever it changed."""

    def __init__(self, floor: TradingFloor, market: Market, pause: float, levels: int) -> None:
        super().__init__(floor, market, pause)
        self._levels = levels
        self.cursor = -1

    def news(self) -> Sequence[Any]:
        """The best levels, or nothing."""
        if self.cursor == self.market.sequence:
            return ()
        self.cursor = self.market.sequence
        return [depth_json(self.market, self._levels)]


class TradeChannel(MarketChannel):
    """Every trade."""

    def news(self) -> Sequence[Any]:
        """The trades since the last call."""
        return [self._trade(trade) for trade in self.trades()]

    def trades(self) -> list[PublicTrade]:
        """The trades since the last call, as the venue has them."""
        events = self.passed()
        self.cursor = events[-1].sequence if events else self.cursor
        return [event for event in events if isinstance(event, PublicTrade)]

    def _trade(self, trade: PublicTrade) -> dict[str, Any]:
        instrument = self.market.instrument
        return {
            "e": "trade",
            "E": self.now_ms,
            "s": self.symbol,
            "t": trade.trade_id,
            "p": amount(instrument.price(trade.price)),
            "q": amount(instrument.quantity(trade.lots)),
            "T": milliseconds(trade.time_ns),
            "m": trade.taker_side is Side.SELL,
            "M": True,
        }


class AggregateChannel(TradeChannel):
    """Trades of one taker at one price as one."""

    def news(self) -> Sequence[Any]:
        """The trades since the last call. A step is told whole, so that no group comes in two."""
        head = {"e": "aggTrade", "E": self.now_ms, "s": self.symbol}
        return [
            {**head, **aggregate_json(self.market.instrument, group)} for group in aggregated(self.trades())
        ]


class BookTickerChannel(MarketChannel):
    """The best bid and ask, whenever one of them changed."""

    def __init__(self, floor: TradingFloor, market: Market) -> None:
        super().__init__(floor, market)
        self._told = best_of(market)

    def news(self) -> Sequence[Any]:
        """The best bid and ask, or nothing."""
        best = best_of(self.market)
        if best == self._told:
            return ()
        self._told = best
        bid, bid_quantity, ask, ask_quantity = best
        return [
            {
                "u": self.market.sequence,
                "s": self.symbol,
                "b": bid,
                "B": bid_quantity,
                "a": ask,
                "A": ask_quantity,
            }
        ]


class KlineChannel(MarketChannel):
    """The candle that is open, and each once more when it is closed."""

    def __init__(self, floor: TradingFloor, market: Market, pause: float, interval: KlineInterval) -> None:
        super().__init__(floor, market, pause)
        self._interval = interval
        self._from_ns = interval.open_ns(floor.now_ns)
        self._told: tuple[int, int] | None = None

    def news(self) -> Sequence[Any]:
        """The candles that changed or were closed since the last call."""
        now_ns = self.floor.now_ns
        found: list[Any] = []
        for kline in klines(self.market, self._interval, self._from_ns, None, now_ns):
            closed = now_ns >= kline.close_ns
            if closed:
                self._from_ns = kline.close_ns
            elif self._told == (kline.open_ns, kline.trades):
                continue
            self._told = kline.open_ns, kline.trades
            found.append(kline_event(self.market, self._interval, kline, self.now_ms, closed=closed))
        return found


class TickerChannel(MarketChannel):
    """Statistics of 24 hours, whenever something was traded or the best prices changed."""

    def __init__(
        self, floor: TradingFloor, market: Market, make: Callable[[Market, int], dict[str, Any]]
    ) -> None:
        super().__init__(floor, market, _SLOW_S)
        self._make = make
        self.cursor = -1

    def news(self) -> Sequence[Any]:
        """The statistics, or nothing."""
        if self.cursor == self.market.sequence:
            return ()
        self.cursor = self.market.sequence
        return [self._make(self.market, self.floor.now_ns)]


class ArrayChannel(Channel):
    """Several channels, whose news come as one list."""

    def __init__(self, floor: TradingFloor, channels: Sequence[Channel]) -> None:
        self.pause = _SLOW_S
        self._floor = floor
        self._channels = channels

    @property
    def signal(self) -> Signal:
        """Given after every step of any market."""
        return self._floor.public_signal

    def news(self) -> Sequence[Any]:
        """One list, or nothing."""
        found = [news for channel in self._channels for news in channel.news()]
        return [found] if found else ()


def channel_of(name: str, floor: TradingFloor, symbols: Symbols) -> Channel | None:
    """The public stream of a name, as in ``btcusdt@depth@100ms``; None where there is none."""
    every = _EVERY.fullmatch(name)
    if every is not None:
        make = ticker_event if every["kind"] == "ticker" else mini_event
        markets = [floor.venue.market(instrument.symbol) for instrument in symbols.all()]
        return ArrayChannel(floor, [TickerChannel(floor, market, make) for market in markets])
    parts = _NAME.fullmatch(name)
    if parts is None or not symbols.has(parts["symbol"].upper()):
        return None
    market = floor.venue.market(symbols.find(parts["symbol"].upper()).symbol)
    return _channel(floor, market, parts["kind"], parts["more"], fast=parts["fast"] is not None)


def _channel(
    floor: TradingFloor, market: Market, kind: str, more: str | None, *, fast: bool
) -> Channel | None:
    pause = _FAST_S if fast else _SLOW_S
    if kind == "kline" and more in INTERVALS and not fast:
        return KlineChannel(floor, market, _SLOW_S if more == "1s" else _KLINE_S, INTERVALS[more])
    if more is not None:
        return None
    if kind == "depth":
        return DepthChannel(floor, market, pause)
    if kind in _PARTIAL:
        return PartialDepthChannel(floor, market, pause, _PARTIAL[kind])
    return None if fast else _plain(floor, market, kind)


def _plain(floor: TradingFloor, market: Market, kind: str) -> Channel | None:
    makers: dict[str, Callable[[], Channel]] = {
        "trade": lambda: TradeChannel(floor, market),
        "aggTrade": lambda: AggregateChannel(floor, market),
        "bookTicker": lambda: BookTickerChannel(floor, market),
        "ticker": lambda: TickerChannel(floor, market, ticker_event),
        "miniTicker": lambda: TickerChannel(floor, market, mini_event),
        "avgPrice": lambda: TickerChannel(floor, market, _average_event),
    }
    make = makers.get(kind)
    return None if make is None else make()


def _average_event(market: Market, now_ns: int) -> dict[str, Any]:
    price, time_ns = average_price(market, now_ns)
    return {
        "e": "avgPrice",
        "E": milliseconds(now_ns),
        "s": market.instrument.venue_symbol,
        "i": "5m",
        "w": amount(price),
        "T": milliseconds(time_ns),
    }
