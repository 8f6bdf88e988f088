"""Endpoints of what everybody may know of perpetuals."""

from decimal import Decimal
from typing import Any, Final

from services.kernel.decimals import EXACT, render
from services.simvenue.binance.futures.rules import symbol_json, terms_of
from services.simvenue.binance.gate import Call, Endpoint, Endpoints, Security, by_symbols
from services.simvenue.binance.history import page_of, within
from services.simvenue.binance.market import MarketEndpoints, aggregate_json, aggregated, depth_json
from services.simvenue.binance.params import Params
from services.simvenue.binance.tickers import book_json, ticker_json
from services.simvenue.binance.wire import asset, milliseconds
from services.simvenue.domain.candles import Interval
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.market import Market, PublicTrade
from services.simvenue.domain.positions import FUNDING_NS
from services.simvenue.domain.solvency import mark_of
from services.simvenue.domain.terms import Side

_DEFAULT: Final = 500
_MOST: Final = 1_000
_RATES_DEFAULT: Final = 100
_SPOT_ONLY: Final = ("prevClosePrice", "bidPrice", "bidQty", "askPrice", "askQty")


class FuturesMarket(MarketEndpoints):
    """Answers what is asked about the market; what spot says in the same words is inherited."""

    def endpoints(self) -> Endpoints:
        """All of them."""
        api, none = "/fapi/v1", Security.NONE
        price = by_symbols(1, 2)
        return [
            Endpoint("GET", f"{api}/ping", self.ping, 1, none),
            Endpoint("GET", f"{api}/time", self.time, 1, none),
            Endpoint("GET", f"{api}/exchangeInfo", self.info, 1, none),
            Endpoint("GET", f"{api}/depth", self.depth, _depth_weight, none),
            Endpoint("GET", f"{api}/trades", self.trades, 5, none),
            Endpoint("GET", f"{api}/historicalTrades", self.history, 20, Security.KEY),
            Endpoint("GET", f"{api}/aggTrades", self.aggregates, 20, none),
            Endpoint("GET", f"{api}/klines", self.klines, 5, none),
            Endpoint("GET", f"{api}/premiumIndex", self.premium, by_symbols(1, 10), none),
            Endpoint("GET", f"{api}/fundingRate", self.rates, 1, none),
            Endpoint("GET", f"{api}/fundingInfo", self.no_adjustments, 0, none),
            Endpoint("GET", f"{api}/ticker/24hr", self.day, by_symbols(1, 40), none),
            *(Endpoint("GET", f"/fapi/v{each}/ticker/price", self.price, price, none) for each in (1, 2)),
            Endpoint("GET", f"{api}/ticker/bookTicker", self.best, by_symbols(2, 5), none),
        ]

    async def info(self, call: Call) -> Any:
        """Symbols and their rules."""
        call.params.finish()
        instruments = self._symbols.all()
        settled = sorted({each.quote for each in instruments})
        return {
            "timezone": "UTC",
            "serverTime": self._now_ms(),
            "futuresType": "U_MARGINED",
            "rateLimits": [self._limits.weight_limit(), *self._limits.order_limits()],
            "exchangeFilters": [],
            "assets": [
                {"asset": asset(each), "marginAvailable": True, "autoAssetExchange": "0"} for each in settled
            ],
            "symbols": [symbol_json(each) for each in instruments],
        }

    async def depth(self, call: Call) -> Any:
        """A book; ``lastUpdateId`` joins it to the updates of the depth stream."""
        market = self._market(call.params)
        limit = call.params.limit(_DEFAULT, _MOST)
        call.params.finish()
        now_ms = milliseconds(self._floor.now_ns)
        return {**depth_json(market, limit), "E": now_ms, "T": now_ms}

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
        shown = page_of(found, limit, newest=first is None)
        return [_trade_json(market.instrument, trade) for trade in shown]

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
        shown = page_of(found, limit, newest=first is None and start_ms is None)
        return [without_spot(aggregate_json(market.instrument, group)) for group in shown]

    async def premium(self, call: Call) -> Any:
        """Mark price, and the funding that comes next."""
        return self._each(call.params, lambda market: premium_json(market, self._floor.now_ns))

    async def rates(self, call: Call) -> Any:
        """Funding of the past, as far back as the venue keeps candles."""
        params = call.params
        named = params.has("symbol")
        listed = [self._symbols.find(params.symbol())] if named else self._symbols.all()
        start_ms, end_ms = params.whole("startTime"), params.whole("endTime")
        limit = params.limit(_RATES_DEFAULT, _MOST)
        params.finish()
        found = [
            entry
            for instrument in listed
            for time_ns, entry in _funded(self._floor.venue.market(instrument.symbol), self._floor.now_ns)
            if within(time_ns, start_ms, end_ms)
        ]
        found.sort(key=lambda entry: entry["fundingTime"])
        return page_of(found, limit, newest=start_ms is None)

    async def no_adjustments(self, call: Call) -> Any:
        """Symbols whose funding is not each eight hours: none."""
        call.params.finish()
        return []

    async def day(self, call: Call) -> Any:
        """Statistics of the last 24 hours."""
        return self._each(call.params, lambda market: _ticker_json(market, self._floor.now_ns))

    async def price(self, call: Call) -> Any:
        """The last price."""
        return self._each(call.params, lambda market: _price_json(market, self._floor.now_ns))

    async def best(self, call: Call) -> Any:
        """The best bid and ask."""

        def told(market: Market) -> dict[str, Any]:
            now_ms = milliseconds(self._floor.now_ns)
            return {**book_json(market), "time": now_ms, "lastUpdateId": market.sequence}

        return self._each(call.params, told)


def without_spot(aggregate: dict[str, Any]) -> dict[str, Any]:
    """An aggregate without what only spot tells."""
    return {name: value for name, value in aggregate.items() if name != "M"}


def next_funding_ns(now_ns: int) -> int:
    """Exchange time of the next payment of funding."""
    return (now_ns // FUNDING_NS + 1) * FUNDING_NS


def premium_json(market: Market, now_ns: int) -> dict[str, Any]:
    """Mark price and funding of a market. There is no index: the last price stands for it."""
    mark = mark_of(market) or Decimal(0)
    rate = render(terms_of(market.instrument).funding_rate)
    return {
        "symbol": market.instrument.venue_symbol,
        "markPrice": render(mark),
        "indexPrice": render(mark),
        "estimatedSettlePrice": render(mark),
        "lastFundingRate": rate,
        "interestRate": rate,
        "nextFundingTime": milliseconds(next_funding_ns(now_ns)),
        "time": milliseconds(now_ns),
    }


def _funded(market: Market, now_ns: int) -> list[tuple[int, dict[str, Any]]]:
    series = market.candles.series(Interval.M1)
    first = series.between(None, None, 1)
    if not first:
        return []
    rate = render(terms_of(market.instrument).funding_rate)
    found = []
    for time_ns in range(next_funding_ns(first[0].open_ns), now_ns + 1, FUNDING_NS):
        before = series.between(None, time_ns, 10**9)
        mark = market.instrument.price(before[-1].close)
        entry = {
            "symbol": market.instrument.venue_symbol,
            "fundingRate": rate,
            "fundingTime": milliseconds(time_ns),
            "markPrice": render(mark),
        }
        found.append((time_ns, entry))
    return found


def _trade_json(instrument: Instrument, trade: PublicTrade) -> dict[str, Any]:
    price, quantity = instrument.price(trade.price), instrument.quantity(trade.lots)
    return {
        "id": trade.trade_id,
        "price": render(price),
        "qty": render(quantity),
        "quoteQty": render(EXACT.multiply(price, quantity)),
        "time": milliseconds(trade.time_ns),
        "isBuyerMaker": trade.taker_side is Side.SELL,
    }


def _ticker_json(market: Market, now_ns: int) -> dict[str, Any]:
    told = ticker_json(market, now_ns)
    return {name: value for name, value in told.items() if name not in _SPOT_ONLY}


def _price_json(market: Market, now_ns: int) -> dict[str, Any]:
    price = render(mark_of(market) or Decimal(0))
    return {"symbol": market.instrument.venue_symbol, "price": price, "time": milliseconds(now_ns)}


def _depth_weight(params: Params) -> int:
    text = params.text("limit") or "" if params.has("limit") else ""
    limit = int(text) if text.isdecimal() else _DEFAULT
    for most, weight in ((50, 2), (100, 5), (500, 10)):
        if limit <= most:
            return weight
    return 20
