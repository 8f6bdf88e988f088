"""The feed of the simulated venue."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

import grpc.aio
from trademesh.simvenue.v1 import market_data_pb2, simvenue_service_pb2, simvenue_service_pb2_grpc

from services.chassis.rpc.timestamps import to_datetime, to_timestamp
from services.kernel.clock import Clock
from services.kernel.names import InstrumentName
from services.market.domain.candles import Candle, History, Interval
from services.market.domain.feed_events import (
    BookChanged,
    ClockMoved,
    FeedEvent,
    InstrumentsListed,
    Resynced,
    TradeHappened,
)
from services.market.domain.trades import Trade
from services.market.feeds import simvenue_messages as read
from services.market.ports import FeedLostError

_CALL_DEADLINE_S = 5.0
_PAGE = 1000
_PAGE_MS = 50
"""Least time between two pages of the venue's stream: a frame costs more than the events in it."""
_MAX_PAGES = 20
_CLOCK_WAIT_S = 5.0
_CLOCK_POLL_S = 0.05


@dataclass(slots=True)
class _Told:
    """How far an instrument's events were told, over all connections."""

    last_trade_id: int | None = None
    exchange_time: datetime | None = None


class SimvenueFeed:
    """Follows the simulated venue.

    Its events come in pages; each is applied for itself.

    Each whole book in the stream means that events may be missing before it (the first of a
    connection, or one the venue sends to a slow reader). What was missed is then read from the
    venue's lists, while the stream waits in gRPC's buffers.

    Args:
        channel: to the venue.
        clock: our time.
        venue: the venue's id in the mesh.
        history_candles: how many past candles of each interval are read.
        silence: seconds without any frame after which the stream counts as dead.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        clock: Clock,
        *,
        venue: str = "sim",
        history_candles: int = 1000,
        silence: float = 30.0,
    ) -> None:
        self._stub: simvenue_service_pb2_grpc.SimvenueServiceAsyncStub = (
            simvenue_service_pb2_grpc.SimvenueServiceStub(channel)
        )
        self._clock = clock
        self._venue = venue
        self._history_candles = history_candles
        self._silence = silence
        self._told: dict[str, _Told] = {}

    @property
    def venue(self) -> str:
        """Id of the venue."""
        return self._venue

    async def connect(self) -> AsyncGenerator[FeedEvent, None]:
        """Open the stream and tell what it brings; see :class:`services.market.ports.Feed`.

        Raises:
            FeedLostError: the connection broke, went silent, or brought nonsense.
        """
        try:
            listed = await self._stub.ListInstruments(
                simvenue_service_pb2.ListInstrumentsRequest(), timeout=_CALL_DEADLINE_S
            )
            yield InstrumentsListed(tuple(read.instrument(self._venue, each) for each in listed.instruments))
            async with aclosing(self._stream([each.symbol for each in listed.instruments])) as events:
                async for event in events:
                    yield event
        except grpc.aio.AioRpcError as error:
            raise FeedLostError(f"{error.code().name}: {error.details()}") from error
        except ValueError as error:
            raise FeedLostError(f"the venue sent nonsense: {error}") from error

    async def _stream(self, symbols: Sequence[str]) -> AsyncGenerator[FeedEvent, None]:
        """All instruments' events, in pages.

        The venue orders events within an instrument only, so the time of one says nothing about another.
        The time of a page holds for all of them.
        """
        names = [InstrumentName(self._venue, symbol) for symbol in symbols]
        request = simvenue_service_pb2.StreamMarketDataRequest(symbols=symbols)
        request.page_interval.FromMilliseconds(_PAGE_MS)
        # A stream has no deadline; silence ends it instead.
        call = self._stub.StreamMarketData(request)
        frames = aiter(call)
        try:
            while True:
                try:
                    async with asyncio.timeout(self._silence):
                        frame = await anext(frames)
                except TimeoutError as error:
                    raise FeedLostError(f"no frame for {self._silence:g} s") from error
                except StopAsyncIteration as error:
                    raise FeedLostError("the venue ended the stream") from error
                if frame.HasField("end"):
                    raise FeedLostError(f"the venue ended the stream: {frame.end.reason}")
                for each in frame.page.events:
                    event = await self._event(InstrumentName(self._venue, each.symbol), each)
                    if event is not None:
                        yield event
                if frame.HasField("exchange_time"):
                    moment = to_datetime(frame.exchange_time)
                    for name in names:
                        yield ClockMoved(name, moment)
        finally:
            call.cancel()

    async def _event(self, name: InstrumentName, frame: market_data_pb2.MarketDataEvent) -> FeedEvent | None:
        kind = frame.WhichOneof("event")
        told = self._told.setdefault(name.instrument, _Told())
        if kind == "snapshot":
            return await self._resync(name, frame, told)
        told.exchange_time = to_datetime(frame.exchange_time)
        if kind == "delta":
            return BookChanged(read.change(name, frame, self._clock.now()))
        if kind == "trade":
            told.last_trade_id = max(frame.trade.trade_id, told.last_trade_id or 0)
            return TradeHappened(frame.sequence, read.trade(name, frame.trade, self._clock.now()))
        return None

    async def _resync(
        self, name: InstrumentName, frame: market_data_pb2.MarketDataEvent, told: _Told
    ) -> Resynced:
        book = read.book(name, frame.snapshot, self._clock.now())
        restarted = told.exchange_time is not None and book.exchange_time < told.exchange_time
        first = restarted or told.last_trade_id is None
        if restarted:
            told.last_trade_id = None
        told.exchange_time = book.exchange_time
        trades = await self._missed_trades(name, told)
        history = None
        if first or trades:
            history = await self._history(name, _complete_from(trades, book.exchange_time))
        return Resynced(book, tuple(trades), history, restarted)

    async def _missed_trades(self, name: InstrumentName, told: _Told) -> list[Trade]:
        trades: list[Trade] = []
        for _ in range(_MAX_PAGES):
            request = simvenue_service_pb2.ListTradesRequest(
                symbol=name.instrument, page_size=_PAGE, after_trade_id=told.last_trade_id
            )
            answer = await self._stub.ListTrades(request, timeout=_CALL_DEADLINE_S)
            received = self._clock.now()
            trades += [read.trade(name, each, received) for each in answer.trades]
            latest = told.last_trade_id is None
            if answer.trades:
                told.last_trade_id = answer.trades[-1].trade_id
            if latest or len(answer.trades) < _PAGE:
                break
        return trades

    async def _history(self, name: InstrumentName, complete_from: datetime) -> History:
        await self._clock_reaches(complete_from)
        candles = {interval: await self._candles(name, interval, complete_from) for interval in Interval}
        return History(candles, complete_from)

    async def _clock_reaches(self, moment: datetime) -> None:
        """Wait until the venue's clock has passed a moment, so that all before it is closed."""
        try:
            async with asyncio.timeout(_CLOCK_WAIT_S):
                while True:
                    request = simvenue_service_pb2.GetTimeRequest()
                    answer = await self._stub.GetTime(request, timeout=_CALL_DEADLINE_S)
                    if to_datetime(answer.exchange_time) >= moment:
                        return
                    await asyncio.sleep(_CLOCK_POLL_S)
        except TimeoutError as error:
            raise FeedLostError("the venue's clock stands still") from error

    async def _candles(self, name: InstrumentName, interval: Interval, end: datetime) -> list[Candle]:
        start = interval.floor(end) - interval.length * self._history_candles
        request = simvenue_service_pb2.ListCandlesRequest(
            symbol=name.instrument,
            interval=read.INTERVALS[interval],
            start_time=to_timestamp(start),
            end_time=to_timestamp(end),
            page_size=_PAGE,
        )
        candles: list[Candle] = []
        while True:
            answer = await self._stub.ListCandles(request, timeout=_CALL_DEADLINE_S)
            candles += [read.candle(name, interval, each) for each in answer.candles]
            if not answer.next_page_token:
                return candles
            request.page_token = answer.next_page_token


def _complete_from(trades: list[Trade], now: datetime) -> datetime:
    """The first whole second in which every trade is among ``trades`` or still to come."""
    if not trades:
        return Interval.SECOND.floor(now)
    # The venue may have dropped older trades of the oldest one's own second.
    return Interval.SECOND.floor(trades[0].exchange_time) + Interval.SECOND.length
