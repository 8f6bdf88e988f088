"""MarketService on the wire: convert, handle, convert."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Any, TypeAlias

import grpc.aio
from trademesh.market.v1 import (
    instrument_pb2,
    market_service_pb2,
    market_service_pb2_grpc,
    order_book_pb2,
    ticker_pb2,
)

from services.chassis.rpc.paging import after_page_token, next_page_token, page_size
from services.chassis.rpc.timestamps import optional_datetime
from services.kernel.clock import Clock
from services.kernel.names import InstrumentName, VenueName
from services.market import convert
from services.market.domain.candles import Interval
from services.market.handlers import CandleQuery, MarketReads, MarketStreams

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class MarketServicer(market_service_pb2_grpc.MarketServiceServicer):
    """Serves ``trademesh.market.v1.MarketService``.

    Args:
        reads: the unary rpcs.
        streams: WatchMarket.
        clock: our time, for heartbeats.
    """

    def __init__(self, reads: MarketReads, streams: MarketStreams, clock: Clock) -> None:
        self._reads = reads
        self._streams = streams
        self._clock = clock

    async def ListInstruments(
        self, request: market_service_pb2.ListInstrumentsRequest, context: Context
    ) -> market_service_pb2.ListInstrumentsResponse:
        """A page of a venue's instruments."""
        venue = VenueName.parse(request.parent, field="parent")
        after = after_page_token(request)
        page, more = self._reads.instruments(venue, page_size(request), after[0] if after else None)
        return market_service_pb2.ListInstrumentsResponse(
            instruments=[convert.instrument_to_proto(each) for each in page],
            next_page_token=next_page_token(request, [page[-1].name.instrument]) if more else "",
        )

    async def GetInstrument(
        self, request: market_service_pb2.GetInstrumentRequest, context: Context
    ) -> instrument_pb2.Instrument:
        """One instrument."""
        return convert.instrument_to_proto(self._reads.instrument(InstrumentName.parse(request.name)))

    async def GetTicker(
        self, request: market_service_pb2.GetTickerRequest, context: Context
    ) -> ticker_pb2.Ticker:
        """The top of an instrument's market."""
        name = convert.instrument_of(request.name, convert.TICKER)
        return convert.ticker_to_proto(self._reads.ticker(name))

    async def GetOrderBook(
        self, request: market_service_pb2.GetOrderBookRequest, context: Context
    ) -> order_book_pb2.OrderBook:
        """The order book of an instrument."""
        name = convert.instrument_of(request.name, convert.ORDER_BOOK)
        book = self._reads.order_book(name, request.depth or convert.DEFAULT_DEPTH)
        return convert.order_book_to_proto(book)

    async def ListTrades(
        self, request: market_service_pb2.ListTradesRequest, context: Context
    ) -> market_service_pb2.ListTradesResponse:
        """A page of an instrument's trades, newest first."""
        name = InstrumentName.parse(request.parent, field="parent")
        after = after_page_token(request)
        page, more = self._reads.trades(name, page_size(request), after[0] if after else None)
        return market_service_pb2.ListTradesResponse(
            trades=[convert.trade_to_proto(each) for each in page],
            next_page_token=next_page_token(request, [page[-1].venue_trade_id]) if more else "",
        )

    async def ListCandles(
        self, request: market_service_pb2.ListCandlesRequest, context: Context
    ) -> market_service_pb2.ListCandlesResponse:
        """A page of an instrument's candles, oldest first."""
        after = after_page_token(request)
        query = CandleQuery(
            instrument=InstrumentName.parse(request.parent, field="parent"),
            interval=Interval(request.interval),
            start=optional_datetime(request, "start_time"),
            end=optional_datetime(request, "end_time"),
            limit=page_size(request),
            after=datetime.fromisoformat(after[0]) if after else None,
        )
        page, more = self._reads.candles(query)
        return market_service_pb2.ListCandlesResponse(
            candles=[convert.candle_to_proto(each) for each in page],
            next_page_token=next_page_token(request, [page[-1].open_time.isoformat()]) if more else "",
        )

    async def WatchMarket(
        self, request: market_service_pb2.WatchMarketRequest, context: Context
    ) -> AsyncIterator[market_service_pb2.WatchMarketResponse]:
        """The present state of an instrument, then each change."""
        name = InstrumentName.parse(request.instrument, field="instrument")
        after = optional_datetime(request, "candles_after")
        wish = convert.wish_from_proto(request)
        async with aclosing(self._streams.watch(name, wish, after)) as frames:
            async for frame in frames:
                yield convert.frame_to_proto(frame, self._clock.now())

    def drain(self) -> None:
        """End the open streams with SERVER_DRAINING; called when the service stops taking traffic."""
        self._streams.drain()
