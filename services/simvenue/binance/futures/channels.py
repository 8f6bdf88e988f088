"""What a WebSocket may listen to of perpetuals; what spot tells in the same words is taken from there."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

from services.kernel.decimals import render
from services.simvenue.binance import channels as spot
from services.simvenue.binance.channels import Channel, MarketChannel
from services.simvenue.binance.futures.market import next_funding_ns, premium_json, without_spot
from services.simvenue.binance.futures.rules import terms_of
from services.simvenue.binance.rules import Symbols
from services.simvenue.binance.wire import milliseconds
from services.simvenue.domain.market import Market
from services.simvenue.domain.solvency import mark_of
from services.simvenue.floor import TradingFloor

_NAME: Final = re.compile(
    r"(?P<symbol>[a-z0-9]+)@(?P<kind>[A-Za-z]+?)(?P<levels>5|10|20)?(?:_(?P<more>[0-9A-Za-z]+))?"
    r"(?:@(?P<pause>100ms|250ms|500ms|1s))?"
)
_PAUSES: Final = {None: 0.25, "100ms": 0.1, "250ms": 0.25, "500ms": 0.5}
_MARK_PAUSES: Final = {None: 3.0, "1s": 1.0}
_SPOT_ONLY: Final = frozenset({"M", "x", "b", "B", "a", "A"})
_SAME: Final = frozenset({"kline", "miniTicker", "trade"})


class DepthChannel(spot.DepthChannel):
    """The changes of a book; ``pu`` is the last number of the event before."""

    def news(self) -> Sequence[Any]:
        """One event, or none."""
        before = self.cursor
        return [{**each, "T": each["E"], "pu": before} for each in super().news()]


class PartialDepthChannel(spot.PartialDepthChannel):
    """The best levels of a book, whenever it changed."""

    def __init__(self, floor: TradingFloor, market: Market, pause: float, levels: int) -> None:
        super().__init__(floor, market, pause, levels)
        self._before = market.sequence

    def news(self) -> Sequence[Any]:
        """The best levels, or nothing."""
        before, found = self._before, super().news()
        self._before = self.market.sequence
        head = {"e": "depthUpdate", "E": self.now_ms, "T": self.now_ms, "s": self.symbol}
        return [
            {
                **head,
                "U": before + 1,
                "u": each["lastUpdateId"],
                "pu": before,
                "b": each["bids"],
                "a": each["asks"],
            }
            for each in found
        ]


class Reworded(Channel):
    """Another channel in the futures' words.

    Args:
        inner: the channel.
        reword: makes of one of its events what is told here.
    """

    def __init__(self, inner: Channel, reword: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._inner = inner
        self._reword = reword
        self.pause = inner.pause

    @property
    def signal(self) -> Any:
        """That of the other one."""
        return self._inner.signal

    def news(self) -> Sequence[Any]:
        """What the other one tells, reworded."""
        return [self._reword(each) for each in self._inner.news()]


class MarkPriceChannel(MarketChannel):
    """The mark price and the funding that comes next, at a steady pace."""

    def news(self) -> Sequence[Any]:
        """The state now; nothing before the first trade, which makes the first mark."""
        return [] if mark_of(self.market) is None else [mark_event(self.market, self.floor.now_ns)]

    async def events(self) -> AsyncIterator[Any]:
        """What is the case, for ever."""
        while not self.signal.halted:
            for news in self.news():
                yield news
            await asyncio.sleep(self.pause or 1.0)
        raise spot.HaltedError


def mark_event(market: Market, now_ns: int) -> dict[str, Any]:
    """The mark price as the stream tells it."""
    told = premium_json(market, now_ns)
    return {
        "e": "markPriceUpdate",
        "E": milliseconds(now_ns),
        "s": market.instrument.venue_symbol,
        "p": told["markPrice"],
        "i": told["indexPrice"],
        "P": told["estimatedSettlePrice"],
        "r": render(terms_of(market.instrument).funding_rate),
        "T": milliseconds(next_funding_ns(now_ns)),
    }


def channel_of(name: str, floor: TradingFloor, symbols: Symbols) -> Channel | None:
    """The public stream of a name, as in ``btcusdt@depth@100ms``; None where there is none."""
    parts = _NAME.fullmatch(name)
    if parts is None or not symbols.has(parts["symbol"].upper()):
        return None
    market = floor.venue.market(symbols.find(parts["symbol"].upper()).symbol)
    kind, pause = parts["kind"], parts["pause"]
    if kind == "markPrice" and pause in _MARK_PAUSES and not parts["levels"] and not parts["more"]:
        return MarkPriceChannel(floor, market, _MARK_PAUSES[pause])
    if kind == "depth" and pause in _PAUSES and not parts["more"]:
        if parts["levels"]:
            return PartialDepthChannel(floor, market, _PAUSES[pause], int(parts["levels"]))
        return DepthChannel(floor, market, _PAUSES[pause])
    if pause is not None or parts["levels"]:
        return None
    return _reworded(name, kind, floor, symbols)


def _reworded(name: str, kind: str, floor: TradingFloor, symbols: Symbols) -> Channel | None:
    inner = spot.channel_of(name, floor, symbols)
    if inner is None or kind in _SAME:
        return None if inner is None else Reworded(inner, _with_time) if kind == "trade" else inner
    rewords: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "aggTrade": without_spot,
        "ticker": lambda told: {key: value for key, value in told.items() if key not in _SPOT_ONLY},
        "bookTicker": lambda told: {"e": "bookTicker", **told, **_times(milliseconds(floor.now_ns))},
    }
    return Reworded(inner, rewords[kind]) if kind in rewords else None


def _with_time(told: dict[str, Any]) -> dict[str, Any]:
    return {**without_spot(told), "X": "MARKET"}


def _times(time_ms: int) -> dict[str, int]:
    return {"E": time_ms, "T": time_ms}
