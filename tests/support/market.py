"""A market service on a scripted feed: everything real but the venue."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from prometheus_client import CollectorRegistry
from trademesh.market.v1 import market_service_pb2_grpc

from services.chassis.rpc.server import Binding
from services.kernel.names import InstrumentName
from services.market.board import Board, VenueBoard
from services.market.domain.book import Level, OrderBook
from services.market.domain.candles import Candle, History, Interval
from services.market.domain.feed_events import (
    BookChanged,
    ClockMoved,
    FeedEvent,
    InstrumentsListed,
    Resynced,
    TradeHappened,
)
from services.market.domain.instrument import Instrument, InstrumentState
from services.market.domain.trades import Side, Trade
from services.market.handlers import MarketReads, MarketStreams, StreamLimits
from services.market.ingest import Ingest
from services.market.metrics import MarketMetrics
from services.market.ports import FeedLostError
from services.market.servicer import MarketServicer

BTC = InstrumentName("sim", "btc-usdt")
START = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
"""Exchange time at which the scripted venue begins."""


class SteppedClock:
    """A clock that the test moves."""

    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class ScriptedFeed:
    """A feed that tells what the test says; an exception breaks the connection."""

    venue = "sim"

    def __init__(self) -> None:
        self.script: asyncio.Queue[FeedEvent | FeedLostError] = asyncio.Queue()
        self.connections = 0

    async def connect(self) -> AsyncGenerator[FeedEvent, None]:
        self.connections += 1
        while True:
            event = await self.script.get()
            if isinstance(event, Exception):
                raise event
            yield event


def instrument(name: InstrumentName = BTC) -> Instrument:
    base, quote = name.instrument.split("-")
    return Instrument(
        name=name,
        venue_symbol=(base + quote).upper(),
        base_asset=base,
        quote_asset=quote,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.0001"),
        min_quantity=Decimal("0.0001"),
        max_quantity=Decimal(100),
        min_notional=Decimal(5),
        state=InstrumentState.TRADING,
    )


def levels(*pairs: tuple[str, str]) -> tuple[Level, ...]:
    return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in pairs)


def book(
    sequence: int,
    seconds: float = 0,
    bids: tuple[Level, ...] = levels(("99", "1"), ("98", "2")),
    asks: tuple[Level, ...] = levels(("101", "1"), ("102", "2")),
    name: InstrumentName = BTC,
) -> OrderBook:
    moment = START + timedelta(seconds=seconds)
    return OrderBook(name, bids, asks, sequence, moment, moment)


def trade(number: int, seconds: float, price: str = "100", quantity: str = "1") -> Trade:
    moment = START + timedelta(seconds=seconds)
    return Trade(BTC, str(number), Decimal(price), Decimal(quantity), Side.BUY, moment, moment)


def candle(seconds: float, price: str, interval: Interval = Interval.SECOND) -> Candle:
    """A closed candle of one trade."""
    amount = Decimal(price)
    return Candle(
        BTC,
        interval,
        START + timedelta(seconds=seconds),
        amount,
        amount,
        amount,
        amount,
        Decimal(1),
        amount,
        1,
        closed=True,
    )


def snapshot(
    sequence: int = 10,
    seconds: float = 0,
    trades: Sequence[Trade] = (),
    past: Sequence[Candle] = (),
    *,
    restarted: bool = False,
) -> Resynced:
    """A whole book with seconds candles as history."""
    history = History({Interval.SECOND: past}, Interval.SECOND.floor(START + timedelta(seconds=seconds)))
    return Resynced(book(sequence, seconds), tuple(trades), history, restarted)


@dataclass(frozen=True, slots=True)
class ScriptedMarket:
    """A running market service without a server.

    Attributes:
        feed: the venue.
        clock: our time.
        board: what the service knows.
        streams: its open streams.
        servicer: what to serve.
        registry: its metrics.
    """

    feed: ScriptedFeed
    clock: SteppedClock
    board: VenueBoard
    streams: MarketStreams
    servicer: MarketServicer
    registry: CollectorRegistry

    @property
    def binding(self) -> Binding:
        add = market_service_pb2_grpc.add_MarketServiceServicer_to_server
        return Binding(self.servicer, add)

    def apply(self, *events: FeedEvent) -> None:
        """Take events in at once, as if the feed had told them."""
        for event in events:
            self.board.apply(event)

    def trade(self, sequence: int, seconds: float, price: str = "100") -> None:
        """A trade, whose id is its sequence."""
        self.apply(TradeHappened(sequence, trade(sequence, seconds, price)))

    def pass_time(self, seconds: float) -> None:
        """Let exchange time pass without an event of any instrument."""
        self.apply(ClockMoved(BTC, START + timedelta(seconds=seconds)))

    def change(self, sequence: int, seconds: float, *bids: tuple[str, str]) -> None:
        """Change bids."""
        self.apply(BookChanged(book(sequence, seconds, levels(*bids), ())))


def market(limits: StreamLimits | None = None) -> ScriptedMarket:
    """The parts of a market service, wired, knowing nothing."""
    feed, clock, registry = ScriptedFeed(), SteppedClock(START), CollectorRegistry()
    metrics = MarketMetrics(registry)
    board = VenueBoard("sim", clock, metrics)
    all_venues = Board([board])
    streams = MarketStreams(all_venues, metrics, limits)
    servicer = MarketServicer(MarketReads(all_venues), streams, clock)
    return ScriptedMarket(feed, clock, board, streams, servicer, registry)


def open_market(limits: StreamLimits | None = None, past: Sequence[Candle] = ()) -> ScriptedMarket:
    """A market service that knows one instrument with its book."""
    made = market(limits)
    made.apply(InstrumentsListed((instrument(),)), snapshot(past=past))
    return made


@asynccontextmanager
async def ingesting(made: ScriptedMarket) -> AsyncIterator[Ingest]:
    """Let the service read its feed."""
    ingest = Ingest(made.feed, made.board, MarketMetrics(CollectorRegistry()), pause=0.001, max_pause=0.01)
    task = asyncio.create_task(ingest.run())
    try:
        yield ingest
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
