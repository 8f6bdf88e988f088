"""Endpoints of what everybody may know."""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from services.kernel.decimals import EXACT
from services.simvenue.binance.errors import BinanceError, bad_symbol, mandatory, not_valid
from services.simvenue.binance.gate import Call, Endpoint, Endpoints, Security, by_symbols
from services.simvenue.binance.history import page_of, within
from services.simvenue.binance.klines import INTERVALS, TakerVolumes, kline_json, klines
from services.simvenue.binance.limits import Limits
from services.simvenue.binance.params import Params
from services.simvenue.binance.rules import Symbols, symbol_json
from services.simvenue.binance.tickers import average_price, book_json, mini_json, ticker_json
from services.simvenue.binance.wire import amount, milliseconds, nanoseconds
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.market import Market, PublicTrade
from services.simvenue.domain.terms import Side
from services.simvenue.floor import TradingFloor

_DEFAULT: Final = 500
_MOST: Final = 1_000
_DEPTH: Final = 100
_DEPTH_MOST: Final = 5_000
_NS_MS: Final = 1_000_000


class MarketEndpoints:
    """Answers what is asked about the market.

    Args:
        floor: where it is.
        symbols: all symbols.
        limits: what may be asked.
        now_ms: our own time, which requests are held against.
    """

    def __init__(
        self, floor: TradingFloor, symbols: Symbols, limits: Limits, now_ms: Callable[[], int]
    ) -> None:
        self._floor = floor
        self._symbols = symbols
        self._limits = limits
        self._now_ms = now_ms

    def endpoints(self) -> Endpoints:
        """All of them."""
        api, key, none = "/api/v3", Security.KEY, Security.NONE
        return [
            Endpoint("GET", f"{api}/ping", self.ping, 1, none, 0, "ping"),
            Endpoint("GET", f"{api}/time", self.time, 1, none, 0, "time"),
            Endpoint("GET", f"{api}/exchangeInfo", self.info, 20, none, 0, "exchangeInfo"),
            Endpoint("GET", f"{api}/depth", self.depth, _depth_weight, none, 0, "depth"),
            Endpoint("GET", f"{api}/trades", self.trades, 25, none, 0, "trades.recent"),
            Endpoint("GET", f"{api}/historicalTrades", self.history, 25, key, 0, "trades.historical"),
            Endpoint("GET", f"{api}/aggTrades", self.aggregates, 4, none, 0, "trades.aggregate"),
            Endpoint("GET", f"{api}/klines", self.klines, 2, none, 0, "klines"),
            Endpoint("GET", f"{api}/uiKlines", self.klines, 2, none, 0, "uiKlines"),
            Endpoint("GET", f"{api}/avgPrice", self.average, 2, none, 0, "avgPrice"),
            Endpoint("GET", f"{api}/ticker/24hr", self.day, _day_weight, none, 0, "ticker.24hr"),
            Endpoint("GET", f"{api}/ticker/price", self.price, by_symbols(2, 4), none, 0, "ticker.price"),
            Endpoint("GET", f"{api}/ticker/bookTicker", self.best, by_symbols(2, 4), none, 0, "ticker.book"),
        ]

    async def ping(self, call: Call) -> Any:
        """Nothing."""
        call.params.finish()
        return {}

    async def time(self, call: Call) -> Any:
        """The time that the timestamps of requests are held against: our own, not exchange time."""
        call.params.finish()
        return {"serverTime": self._now_ms()}

    async def info(self, call: Call) -> Any:
        """Symbols and their rules."""
        call.params.ignore("permissions", "showPermissionSets", "symbolStatus")
        instruments, _ = self._asked(call.params)
        call.params.finish()
        return {
            "timezone": "UTC",
            "serverTime": self._now_ms(),
            "rateLimits": [self._limits.weight_limit(), *self._limits.order_limits()],
            "exchangeFilters": [],
            "symbols": [symbol_json(instrument) for instrument in instruments],
        }

    async def depth(self, call: Call) -> Any:
        """A book; ``lastUpdateId`` joins it to the updates of the depth stream."""
        market = self._market(call.params)
        limit = call.params.limit(_DEPTH, _DEPTH_MOST)
        call.params.finish()
        return depth_json(market, limit)

    async def trades(self, call: Call) -> Any:
        """The newest trades."""
        market = self._market(call.params)
        limit = call.params.limit(_DEFAULT, _MOST)
        call.params.finish()
        return [_trade_json(market.instrument, trade) for trade in list(market.tape)[-limit:]]

    async def history(self, call: Call) -> Any:
        """Trades from a number on, as far back as the venue keeps them."""
        market = self._market(call.params)
        first, limit = call.params.whole("fromId"), call.params.limit(_DEFAULT, _MOST)
        call.params.finish()
        found = [trade for trade in market.tape if first is None or trade.trade_id >= first]
        return [
            _trade_json(market.instrument, trade) for trade in page_of(found, limit, newest=first is None)
        ]

    async def aggregates(self, call: Call) -> Any:
        """Trades of one taker at one price as one."""
        market, params = self._market(call.params), call.params
        first, limit = params.whole("fromId"), params.limit(_DEFAULT, _MOST)
        start_ms, end_ms = params.whole("startTime"), params.whole("endTime")
        params.finish()
        found = [
            group
            for group in aggregated(market.tape)
            if (first is None or group[0].trade_id >= first) and within(group[0].time_ns, start_ms, end_ms)
        ]
        newest = first is None and start_ms is None
        return [aggregate_json(market.instrument, group) for group in page_of(found, limit, newest=newest)]

    async def klines(self, call: Call) -> Any:
        """Candles."""
        market, params = self._market(call.params), call.params
        interval = INTERVALS.get(params.require("interval"))
        if interval is None:
            raise BinanceError(-1120, "Invalid interval.")
        start_ms, end_ms = params.whole("startTime"), params.whole("endTime")
        limit = params.limit(_DEFAULT, _MOST)
        params.choice("timeZone", ("0", "0:00", "00:00"), not_valid("timeZone"))
        params.finish()
        found = klines(
            market,
            interval,
            None if start_ms is None else nanoseconds(start_ms),
            None if end_ms is None else nanoseconds(end_ms) + _NS_MS,
            self._floor.now_ns,
        )
        shown = page_of(found, limit, newest=start_ms is None)
        takers = TakerVolumes(market)
        return [kline_json(market.instrument, kline, takers.of(kline)) for kline in shown]

    async def average(self, call: Call) -> Any:
        """The average price of the last five minutes."""
        market = self._market(call.params)
        call.params.finish()
        price, time_ns = average_price(market, self._floor.now_ns)
        return {"mins": 5, "price": amount(price), "closeTime": milliseconds(time_ns)}

    async def day(self, call: Call) -> Any:
        """Statistics of the last 24 hours."""
        kind = call.params.choice("type", ("FULL", "MINI"), not_valid("type"))
        make = mini_json if kind == "MINI" else ticker_json
        return self._each(call.params, lambda market: make(market, self._floor.now_ns))

    async def price(self, call: Call) -> Any:
        """The last price."""
        return self._each(call.params, _price_json)

    async def best(self, call: Call) -> Any:
        """The best bid and ask."""
        return self._each(call.params, book_json)

    def _market(self, params: Params) -> Market:
        return self._of(self._symbols.find(params.symbol()))

    def _of(self, instrument: Instrument) -> Market:
        return self._floor.venue.market(instrument.symbol)

    def _each(self, params: Params, make: Callable[[Market], Any]) -> Any:
        instruments, alone = self._asked(params)
        params.finish()
        made = [make(self._of(instrument)) for instrument in instruments]
        return made[0] if alone else made

    def _asked(self, params: Params) -> tuple[Sequence[Instrument], bool]:
        """The symbols that are meant, and whether a single one was named."""
        if params.has("symbol") and params.has("symbols"):
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        if params.has("symbol"):
            return [self._symbols.find(params.symbol())], True
        names = params.text("symbols")
        params.ignore("symbol")
        if names is None:
            return self._symbols.all(), False
        return [self._symbols.find(name) for name in _names(names)], False


def depth_json(market: Market, limit: int) -> dict[str, Any]:
    """A book."""
    instrument, book = market.instrument, market.book
    return {
        "lastUpdateId": market.sequence,
        "bids": levels_json(instrument, book.depth(Side.BUY, limit)),
        "asks": levels_json(instrument, book.depth(Side.SELL, limit)),
    }


def levels_json(instrument: Instrument, levels: Sequence[tuple[int, int]]) -> list[list[str]]:
    """Levels of a book: price and quantity."""
    return [[amount(instrument.price(ticks)), amount(instrument.quantity(lots))] for ticks, lots in levels]


def aggregated(trades: Sequence[PublicTrade] | Any) -> list[list[PublicTrade]]:
    """Trades in groups of one step, one side and one price.

    The venue does not say which order took a trade; orders of one step share its time. Two takers of
    one step at one price, which only the crowd can be, are one group.
    """
    groups: list[list[PublicTrade]] = []
    for trade in trades:
        last = groups[-1][-1] if groups else None
        if last is not None and _key(last) == _key(trade):
            groups[-1].append(trade)
        else:
            groups.append([trade])
    return groups


def aggregate_json(instrument: Instrument, group: Sequence[PublicTrade]) -> dict[str, Any]:
    """Some trades as one. Its number is that of the first of them."""
    first = group[0]
    return {
        "a": first.trade_id,
        "p": amount(instrument.price(first.price)),
        "q": amount(instrument.quantity(sum(trade.lots for trade in group))),
        "f": first.trade_id,
        "l": group[-1].trade_id,
        "T": milliseconds(first.time_ns),
        "m": first.taker_side is Side.SELL,
        "M": True,
    }


def _key(trade: PublicTrade) -> tuple[int, Side, int]:
    return trade.time_ns, trade.taker_side, trade.price


def _trade_json(instrument: Instrument, trade: PublicTrade) -> dict[str, Any]:
    price, quantity = instrument.price(trade.price), instrument.quantity(trade.lots)
    return {
        "id": trade.trade_id,
        "price": amount(price),
        "qty": amount(quantity),
        "quoteQty": amount(EXACT.multiply(price, quantity)),
        "time": milliseconds(trade.time_ns),
        "isBuyerMaker": trade.taker_side is Side.SELL,
        "isBestMatch": True,
    }


def _price_json(market: Market) -> dict[str, Any]:
    last = market.instrument.price(market.tape[-1].price) if market.tape else Decimal(0)
    return {"symbol": market.instrument.venue_symbol, "price": amount(last)}


def _names(text: str) -> list[str]:
    try:
        names = json.loads(text)
    except ValueError as error:
        raise mandatory("symbols") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise mandatory("symbols")
    if len(set(names)) != len(names):
        raise BinanceError(-1151, "Symbol is present multiple times in the list.")
    if not names:
        raise bad_symbol()
    return names


def _day_weight(params: Params) -> int:
    return 2 if params.has("symbol") or params.has("symbols") else 80


def _depth_weight(params: Params) -> int:
    text = params.text("limit") or "" if params.has("limit") else ""
    limit = int(text) if text.isdecimal() else _DEPTH
    for most, weight in ((100, 5), (500, 25), (1_000, 50)):
        if limit <= most:
            return weight
    return 250
