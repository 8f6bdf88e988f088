"""Statistics of the last 24 hours, and the best prices."""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any, Final

from services.kernel.decimals import EXACT
from services.simvenue.binance.wire import ZERO, amount, milliseconds
from services.simvenue.domain.candles import Candle, Interval
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.market import Market
from services.simvenue.domain.terms import Side

_DAY_NS: Final = 86_400_000_000_000
_AVERAGE_NS: Final = 300_000_000_000
_MINUTES: Final = 1_500
_PERCENT: Final = Decimal("0.001")
_AVERAGE: Final = Decimal("0.00000001")
_MINI_KEYS: Final = {
    "s": "symbol",
    "c": "lastPrice",
    "o": "openPrice",
    "h": "highPrice",
    "l": "lowPrice",
    "v": "volume",
    "q": "quoteVolume",
}
_TICKER_KEYS: Final = {
    **_MINI_KEYS,
    "p": "priceChange",
    "P": "priceChangePercent",
    "w": "weightedAvgPrice",
    "x": "prevClosePrice",
    "Q": "lastQty",
    "b": "bidPrice",
    "B": "bidQty",
    "a": "askPrice",
    "A": "askQty",
    "O": "openTime",
    "C": "closeTime",
    "F": "firstId",
    "L": "lastId",
    "n": "count",
}


@dataclass(frozen=True, slots=True)
class Day:
    """The candles of the last 24 hours, by whole minutes, as one.

    Attributes:
        open_ns: begin, exchange time.
        open: first price in ticks; all are 0 where nothing was traded.
        high: highest.
        low: lowest.
        close: last.
        lots: sum of the quantities.
        tick_lots: sum of price times quantity.
        trades: number of trades.
        before: the price before it, in ticks.
        first_id: of the first trade that the venue still keeps and that is in it; -1 without one.
        last_id: of the last.
    """

    open_ns: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    tick_lots: int
    trades: int
    before: int
    first_id: int
    last_id: int


def day_of(market: Market, now_ns: int) -> Day:
    """Statistics of a market's last 24 hours."""
    begin_ns = now_ns - _DAY_NS
    series = market.candles.series(Interval.M1)
    candles = series.between(begin_ns, None, _MINUTES)
    earlier = series.between(None, begin_ns, 10**9)
    before = earlier[-1].close if earlier else 0
    ids = [trade.trade_id for trade in market.tape if trade.time_ns >= begin_ns]
    first_id, last_id = (ids[0], ids[-1]) if ids else (-1, -1)
    if not candles:
        return Day(begin_ns, before, before, before, before, 0, 0, 0, before, first_id, last_id)
    return Day(
        begin_ns,
        candles[0].open,
        max(candle.high for candle in candles),
        min(candle.low for candle in candles),
        candles[-1].close,
        sum(candle.lots for candle in candles),
        sum(candle.tick_lots for candle in candles),
        sum(candle.trades for candle in candles),
        before or candles[0].open,
        first_id,
        last_id,
    )


def average_of(instrument: Instrument, tick_lots: int, lots: int) -> Decimal:
    """The average price, to eight decimals; 0 where nothing was traded."""
    if not lots:
        return Decimal(0)
    with localcontext(prec=60):
        return (instrument.notional(tick_lots) / instrument.quantity(lots)).quantize(_AVERAGE)


def average_price(market: Market, now_ns: int) -> tuple[Decimal, int]:
    """The average price of the last five minutes, or the last price; and the time of the last trade."""
    last = market.tape[-1] if market.tape else None
    if last is None:
        return Decimal(0), now_ns
    candles: list[Candle] = market.candles.series(Interval.M1).between(now_ns - _AVERAGE_NS, None, _MINUTES)
    lots = sum(candle.lots for candle in candles)
    if not lots:
        return market.instrument.price(last.price), last.time_ns
    tick_lots = sum(candle.tick_lots for candle in candles)
    return average_of(market.instrument, tick_lots, lots), last.time_ns


def percent(change: Decimal, before: Decimal) -> str:
    """A change in per cent of what was before, to three decimals."""
    if not before:
        return "0.000"
    with localcontext(prec=60):
        return format((change * 100 / before).quantize(_PERCENT), "f")


def best_of(market: Market) -> tuple[str, str, str, str]:
    """Best bid price and quantity, best ask price and quantity; zeros where a side is empty."""
    found: list[str] = []
    for side in (Side.BUY, Side.SELL):
        best = market.book.depth(side, 1)
        found += [_price(market, best[0][0]), _quantity(market, best[0][1])] if best else [ZERO, ZERO]
    bid, bid_quantity, ask, ask_quantity = found
    return bid, bid_quantity, ask, ask_quantity


def book_json(market: Market) -> dict[str, Any]:
    """The best bid and ask as ``ticker/bookTicker`` tells them."""
    bid, bid_quantity, ask, ask_quantity = best_of(market)
    return {
        "symbol": market.instrument.venue_symbol,
        "bidPrice": bid,
        "bidQty": bid_quantity,
        "askPrice": ask,
        "askQty": ask_quantity,
    }


def mini_json(market: Market, now_ns: int) -> dict[str, Any]:
    """The short form of ``ticker/24hr``."""
    return _mini(market, day_of(market, now_ns), now_ns)


def ticker_json(market: Market, now_ns: int) -> dict[str, Any]:
    """The full form of ``ticker/24hr``."""
    day, instrument = day_of(market, now_ns), market.instrument
    opened, closed = instrument.price(day.open), instrument.price(day.close)
    change = EXACT.subtract(closed, opened)
    bid, bid_quantity, ask, ask_quantity = best_of(market)
    return {
        **_mini(market, day, now_ns),
        "priceChange": amount(change),
        "priceChangePercent": percent(change, opened),
        "weightedAvgPrice": amount(average_of(instrument, day.tick_lots, day.lots)),
        "prevClosePrice": _price(market, day.before),
        "lastQty": last_quantity(market),
        "bidPrice": bid,
        "bidQty": bid_quantity,
        "askPrice": ask,
        "askQty": ask_quantity,
    }


def mini_event(market: Market, now_ns: int) -> dict[str, Any]:
    """The short statistics as a stream tells them."""
    told = mini_json(market, now_ns)
    return {
        "e": "24hrMiniTicker",
        "E": milliseconds(now_ns),
        **{key: told[name] for key, name in _MINI_KEYS.items()},
    }


def ticker_event(market: Market, now_ns: int) -> dict[str, Any]:
    """The full statistics as a stream tells them."""
    told = ticker_json(market, now_ns)
    return {
        "e": "24hrTicker",
        "E": milliseconds(now_ns),
        **{key: told[name] for key, name in _TICKER_KEYS.items()},
    }


def last_quantity(market: Market) -> str:
    """Quantity of the last trade."""
    return _quantity(market, market.tape[-1].lots) if market.tape else ZERO


def _mini(market: Market, day: Day, now_ns: int) -> dict[str, Any]:
    return {
        "symbol": market.instrument.venue_symbol,
        "openPrice": _price(market, day.open),
        "highPrice": _price(market, day.high),
        "lowPrice": _price(market, day.low),
        "lastPrice": _price(market, day.close),
        "volume": _quantity(market, day.lots),
        "quoteVolume": amount(market.instrument.notional(day.tick_lots)),
        "openTime": milliseconds(day.open_ns),
        "closeTime": milliseconds(now_ns),
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.trades,
    }


def _price(market: Market, ticks: int) -> str:
    return amount(market.instrument.price(ticks))


def _quantity(market: Market, lots: int) -> str:
    return amount(market.instrument.quantity(lots))
