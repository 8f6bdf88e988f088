"""The feed of a real exchange, through ccxt.pro."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.kernel.clock import Clock
from services.kernel.names import InstrumentName
from services.market.domain.book import OrderBook
from services.market.domain.candles import Candle, History, Interval
from services.market.domain.feed_events import (
    BookChanged,
    FeedEvent,
    InstrumentsListed,
    Resynced,
    TradeHappened,
)
from services.market.domain.trades import Trade
from services.market.feeds import ccxt_convert as convert
from services.market.feeds.ccxt_exchange import BookTap, TradeTap, open_exchange
from services.market.feeds.merging import merged
from services.market.ports import FeedLostError

_LATEST_TRADES: Final = 1000
_KLINES: Final = 1000
_ASK_S: Final = 15.0
_OPEN_S: Final = 20.0
_SECONDS: Final = frozenset({"binance"})
"""Exchanges with candles of one second."""

_BINANCE: Final = frozenset({"binance", "binanceusdm"})
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "binance": {"fetchCurrencies": False, "fetchMargins": False, "fetchMarkets": {"types": ["spot"]}},
    "binanceusdm": {"fetchCurrencies": False, "fetchMargins": False, "fetchMarkets": {"types": ["linear"]}},
}


class CcxtFeedSettings(BaseModel):
    """A venue whose market data comes through ccxt.

    Attributes:
        name: its id in the mesh.
        exchange: ccxt's id of it.
        market: spot, or perpetuals.
        instruments: ids of what is followed.
        sandbox: the venue's sandbox.
        rest_url: origin in place of the venue's own for HTTP.
        ws_url: the same for WebSockets.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    exchange: Literal["binance", "binanceusdm", "bybit", "cryptocom"]
    market: Literal["spot", "swap"] = "spot"
    instruments: tuple[str, ...] = Field(min_length=1)
    sandbox: bool = False
    rest_url: str = ""
    ws_url: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Refuse what cannot be meant."""
        for instrument in self.instruments:
            convert.symbols_of(instrument)
            if instrument.endswith("-perp") != (self.market == "swap"):
                raise ValueError(f"{instrument} is no instrument of the market {self.market}")
        return self


@dataclass(slots=True)
class _Followed:
    """One instrument of one connection.

    Attributes:
        name: its name.
        symbol: ccxt's.
        book: where ccxt notes changes of the book; None before the subscription.
        trades: where ccxt puts trades.
        sequence: number of the last event told.
        news: set when there is something to take.
    """

    name: InstrumentName
    symbol: str
    trades: TradeTap = field(default_factory=lambda: TradeTap(lambda: None))
    sequence: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class _Told:
    """How far an instrument's trades were told, over all connections.

    Attributes:
        last_trade_id: of the last one; None before the first.
    """

    last_trade_id: str | None = None


class CcxtFeed:
    """Follows a real exchange.

    ccxt joins the venue's snapshot with its stream of updates and checks their sequence; where one is
    missing it says so, and the feed is opened anew. Our own sequence counts what is told here.

    Args:
        settings: which exchange.
        clock: our time.
        history_candles: how many past candles of each interval are read.
        silence: seconds without any change of an instrument after which the stream counts as dead.
    """

    def __init__(
        self,
        settings: CcxtFeedSettings,
        clock: Clock,
        *,
        history_candles: int = 1000,
        silence: float = 30.0,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._history_candles = history_candles
        self._silence = silence
        self._told: dict[str, _Told] = {}

    @property
    def venue(self) -> str:
        """Id of the venue."""
        return self._settings.name

    async def connect(self) -> AsyncGenerator[FeedEvent, None]:
        """Open the feed and tell what it brings; see :class:`services.market.ports.Feed`.

        Raises:
            FeedLostError: the connection broke, went silent, or brought nonsense.
        """
        settings = self._settings
        followed: list[_Followed] = []

        def wake() -> None:
            for each in followed:
                each.news.set()

        client = open_exchange(
            settings.exchange,
            settings.market,
            sandbox=settings.sandbox,
            rest_url=settings.rest_url,
            ws_url=settings.ws_url,
            options=_OPTIONS.get(settings.exchange, {}),
            wake=wake,
        )
        try:
            async with asyncio.timeout(_ASK_S):
                markets = await client.load_markets()
            followed += [self._followed(each, markets) for each in settings.instruments]
            yield InstrumentsListed(
                tuple(convert.instrument(each.name, markets[each.symbol]) for each in followed)
            )
            for each in followed:
                each.trades = client.trades[each.symbol] = TradeTap(wake)
            async with aclosing(merged([self._follow(client, each) for each in followed])) as events:
                async for event in events:
                    yield event
        except FeedLostError:
            raise
        except Exception as error:
            raise FeedLostError(_text(error)) from error
        finally:
            await client.close()

    def _followed(self, instrument: str, markets: Any) -> _Followed:
        symbol = next((each for each in convert.symbols_of(instrument) if each in markets), None)
        if symbol is None:
            raise FeedLostError(f"{self.venue} does not list {instrument}")
        return _Followed(InstrumentName(self.venue, instrument), symbol)

    async def _follow(self, client: Any, followed: _Followed) -> AsyncGenerator[FeedEvent, None]:
        watching = [
            asyncio.create_task(_for_ever(lambda: client.watch_order_book(followed.symbol))),
            asyncio.create_task(_for_ever(lambda: client.watch_trades(followed.symbol))),
        ]
        try:
            while True:
                await self._news(followed, watching)
                book = client.orderbooks.get(followed.symbol)
                if isinstance(book, BookTap) and book.noted:
                    event = await self._changed(client, followed, book)
                    if event is not None:
                        yield event
                if followed.sequence == 0:
                    continue  # trades wait for the first book, which comes with those before them
                for told in followed.trades.take():
                    trade = self._fresh(followed, told)
                    if trade is not None:
                        followed.sequence += 1
                        yield TradeHappened(followed.sequence, trade)
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    async def _news(self, followed: _Followed, watching: list["asyncio.Task[None]"]) -> None:
        waiting = asyncio.create_task(followed.news.wait())
        patience = self._silence if followed.sequence else _OPEN_S
        try:
            await asyncio.wait({waiting, *watching}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        for task in watching:
            if task.done():
                error = None if task.cancelled() else task.exception()
                raise FeedLostError("the stream ended" if error is None else _text(error))
        if not followed.news.is_set():
            raise FeedLostError(f"no change for {patience:g} s")
        followed.news.clear()

    async def _changed(self, client: Any, followed: _Followed, book: BookTap) -> FeedEvent | None:
        whole, bids, asks = book.take()
        if not whole and followed.sequence == 0:
            return None
        if whole:
            # With the changes that came while it was fetched; a level that is gone is not in a book.
            bids, asks = ([row for row in rows if row[1]] for rows in (bids, asks))
        followed.sequence += 1
        time_ms, now = book["timestamp"], self._clock.now()
        change = OrderBook(
            instrument=followed.name,
            bids=convert.levels(bids, descending=True),
            asks=convert.levels(asks, descending=False),
            sequence=followed.sequence,
            # A snapshot over HTTP may carry no time of the venue's.
            exchange_time=now if time_ms is None else convert.moment(time_ms),
            receive_time=now,
        )
        return await self._resynced(client, followed, change) if whole else BookChanged(change)

    async def _resynced(self, client: Any, followed: _Followed, book: OrderBook) -> Resynced:
        told = self._told.setdefault(followed.name.instrument, _Told())
        first = told.last_trade_id is None
        async with asyncio.timeout(_ASK_S):
            latest = await client.fetch_trades(followed.symbol, None, _LATEST_TRADES)
            received = self._clock.now()
            known = [convert.trade(followed.name, each, received) for each in latest]
            known.sort(key=_order)
            missed = known if first else [each for each in known if _later(each, told.last_trade_id)]
            history = None
            if first or missed:
                history = await self._history(client, followed, missed, book.exchange_time)
        if missed:
            told.last_trade_id = missed[-1].venue_trade_id
        return Resynced(book, tuple(missed), history, restarted=False)

    def _fresh(self, followed: _Followed, raw: Any) -> Trade | None:
        trade = convert.trade(followed.name, raw, self._clock.now())
        told = self._told[followed.name.instrument]
        if not trade.quantity or not _later(trade, told.last_trade_id):
            return None
        told.last_trade_id = trade.venue_trade_id
        return trade

    async def _history(self, client: Any, followed: _Followed, trades: list[Trade], now: datetime) -> History:
        """The venue's candles, up to the first span of which we know every trade ourselves."""
        smallest = Interval.SECOND if self._settings.exchange in _SECONDS else Interval.MINUTE
        oldest = trades[0].exchange_time if trades else now
        complete_from = smallest.floor(oldest) + smallest.length
        candles: dict[Interval, list[Candle]] = {}
        if self._settings.exchange in _BINANCE:
            for interval in Interval:
                if interval.length >= smallest.length:
                    candles[interval] = await self._klines(client, followed, interval, complete_from)
        return History(candles, complete_from)

    async def _klines(
        self, client: Any, followed: _Followed, interval: Interval, end: datetime
    ) -> list[Candle]:
        """Closed candles before a moment. Spans without a trade, which Binance shows, are left out."""
        spot = self._settings.market == "spot"
        ask: Callable[..., Any] = client.publicGetKlines if spot else client.fapiPublicGetKlines
        last_ms = int(interval.floor(end).timestamp() * 1000) - 1
        rows: list[Any] = []
        while len(rows) < self._history_candles:
            wanted = min(_KLINES, self._history_candles - len(rows))
            request = {
                "symbol": client.market(followed.symbol)["id"],
                "interval": interval.value,
                "endTime": last_ms,
                "limit": wanted,
            }
            page = await ask(request)
            rows = [*page, *rows]
            if len(page) < wanted:
                break
            last_ms = int(page[0][0]) - 1
        found = [convert.binance_candle(followed.name, interval, row) for row in rows]
        return [each for each in found if each.trade_count and each.close_time <= end + timedelta(0)]


async def _for_ever(watch: Callable[[], Any]) -> None:
    while True:
        await watch()


def _order(trade: Trade) -> tuple[datetime, int]:
    return trade.exchange_time, int(trade.venue_trade_id) if trade.venue_trade_id.isdigit() else 0


def _later(trade: Trade, trade_id: str | None) -> bool:
    """Whether a trade came after the one with an id, as far as ids tell."""
    if trade_id is None or not (trade.venue_trade_id.isdigit() and trade_id.isdigit()):
        return trade.venue_trade_id != trade_id
    return int(trade.venue_trade_id) > int(trade_id)


def _text(error: BaseException) -> str:
    if isinstance(error, ValueError | KeyError | FeedLostError):
        return f"{type(error).__name__}: {error}"
    cause = error.__cause__
    return type(error).__name__ if cause is None else f"{type(error).__name__}: {type(cause).__name__}"
