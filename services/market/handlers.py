"""The use cases of the market service."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import datetime

from services.kernel.errors import DomainError, ErrorKind, Violation
from services.kernel.names import InstrumentName, VenueName
from services.market.board import Board, VenueBoard, stale
from services.market.domain.book import OrderBook
from services.market.domain.candles import Candle, Interval
from services.market.domain.instrument import Instrument
from services.market.domain.live import LiveInstrument
from services.market.domain.ticker import Ticker
from services.market.domain.trades import Trade
from services.market.metrics import MarketMetrics
from services.market.subscription import EndReason, Frame, Kind, Subscription, Wish


@dataclass(frozen=True, slots=True)
class CandleQuery:
    """What a caller asks of the candles.

    Attributes:
        instrument: whose candles.
        interval: their length.
        start: only candles that open then or later; None for the latest.
        end: only candles that open before; None for up to now.
        limit: most candles.
        after: only candles that open after this one of the page before; None for the first page.
    """

    instrument: InstrumentName
    interval: Interval
    start: datetime | None
    end: datetime | None
    limit: int
    after: datetime | None = None


class MarketReads:
    """The unary rpcs.

    Args:
        board: what is known.
    """

    def __init__(self, board: Board) -> None:
        self._board = board

    def instruments(
        self, venue: VenueName, limit: int, after: str | None = None
    ) -> tuple[Sequence[Instrument], bool]:
        """A page of the venue's instruments by id, after an id, and whether there are more."""
        found = [
            each
            for each in self._board.venue(venue.venue, str(venue)).instruments()
            if after is None or each.name.instrument > after
        ]
        return found[:limit], len(found) > limit

    def instrument(self, name: InstrumentName) -> Instrument:
        """One instrument."""
        return self._board.venue(name.venue, str(name)).instrument(name)

    def ticker(self, name: InstrumentName) -> Ticker:
        """The top of the market, no older than promised."""
        self._board.venue(name.venue, str(name)).check_fresh()
        found = self._live(name).ticker()
        if found is None:
            raise stale(name.venue, f"{name} has no ticker yet")
        return found

    def order_book(self, name: InstrumentName, depth: int) -> OrderBook:
        """The book, no older than promised."""
        self._board.venue(name.venue, str(name)).check_fresh()
        found = self._live(name).book(depth)
        if found is None:
            raise stale(name.venue, f"{name} has no order book yet")
        return found

    def trades(
        self, name: InstrumentName, limit: int, before: str | None = None
    ) -> tuple[Sequence[Trade], bool]:
        """A page of trades, newest first, before a trade's id, and whether there are more."""
        found = self._live(name).trades.page(limit + 1, before)
        return found[:limit], len(found) > limit

    def candles(self, query: CandleQuery) -> tuple[Sequence[Candle], bool]:
        """A page of candles, oldest first, and whether there are more."""
        if query.start and query.end and query.start >= query.end:
            raise DomainError(
                "INVALID_REQUEST",
                "start_time must be before end_time",
                kind=ErrorKind.INVALID,
                violations=[Violation("end_time", "must be after start_time")],
            )
        series = self._live(query.instrument).candles(query.interval)
        if query.start is None:
            return series.between(None, query.end)[-query.limit :], False
        found = series.between(query.start, query.end)
        if query.after is not None:
            found = [each for each in found if each.open_time > query.after]
        return found[: query.limit], len(found) > query.limit

    def _live(self, name: InstrumentName) -> LiveInstrument:
        return self._board.venue(name.venue, str(name)).live(name)


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What one stream may cost.

    Attributes:
        queue: most trades and candles that wait for a slow caller.
        heartbeat: longest silence in seconds.
    """

    queue: int = 10_000
    heartbeat: float = 5.0


class MarketStreams:
    """WatchMarket.

    Args:
        board: what is known, and who tells of changes.
        metrics: where to count.
        limits: what one stream may cost.
    """

    def __init__(self, board: Board, metrics: MarketMetrics, limits: StreamLimits | None = None) -> None:
        self._board = board
        self._metrics = metrics
        self._limits = limits or StreamLimits()
        self._open: set[Subscription] = set()
        self._draining = False

    async def watch(
        self, name: InstrumentName, wish: Wish, candles_after: datetime | None
    ) -> AsyncGenerator[Frame, None]:
        """The present state, then each change, until the caller goes or the server ends it.

        Raises:
            DomainError: INSTRUMENT_NOT_FOUND; MARKET_DATA_STALE where prices are asked for and old.
        """
        venue = self._board.venue(name.venue, str(name))
        live = venue.live(name)
        if wish.kinds & {Kind.TICKER, Kind.BOOK}:
            venue.check_fresh()
        missed: Sequence[Candle] = ()
        if Kind.CANDLE in wish.kinds and candles_after is not None:
            missed = live.candles(wish.interval).closed_after(candles_after)
        subscription = Subscription(
            live,
            wish,
            first=tuple(missed),
            queue=self._limits.queue,
            heartbeat=self._limits.heartbeat,
        )
        if self._draining:
            subscription.end(EndReason.SERVER_DRAINING)
        with self._subscribed(venue, name, subscription):
            async with aclosing(subscription.frames()) as frames:
                async for frame in frames:
                    yield frame

    def drain(self) -> None:
        """End every stream with SERVER_DRAINING, and those that are still opened."""
        self._draining = True
        for subscription in self._open:
            subscription.end(EndReason.SERVER_DRAINING)

    @contextmanager
    def _subscribed(
        self, venue: VenueBoard, name: InstrumentName, subscription: Subscription
    ) -> Iterator[None]:
        venue.subscribe(name, subscription)
        self._open.add(subscription)
        try:
            yield
        finally:
            self._open.discard(subscription)
            venue.unsubscribe(name, subscription)
            if subscription.ended is EndReason.SLOW_CONSUMER:
                self._metrics.slow_consumers.inc()
