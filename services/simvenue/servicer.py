"""SimvenueService and SimvenueFaultService: convert, ask the handler, convert back."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from functools import partial
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from trademesh.simvenue.v1 import account_pb2, instrument_pb2, market_data_pb2, order_pb2
from trademesh.simvenue.v1 import fault_service_pb2 as fault_pb
from trademesh.simvenue.v1 import fault_service_pb2_grpc as fault_grpc
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb
from trademesh.simvenue.v1 import simvenue_service_pb2_grpc as pb_grpc

from services.chassis.rpc.paging import after_page_token, next_page_token
from services.chassis.rpc.timestamps import to_timestamp
from services.kernel.clock import Clock
from services.kernel.errors import DomainError, ErrorKind
from services.simvenue import convert
from services.simvenue.domain.faults import FaultScript
from services.simvenue.doors import ConnectionLostError, Doors, NoAnswerError
from services.simvenue.entry import OrderEntries
from services.simvenue.fault_script import FaultScriptError
from services.simvenue.handlers import MarketData
from services.simvenue.streams import Beat, Connection, End, MarketStream

T = TypeVar("T")
Context = grpc.aio.ServicerContext[Any, Any]

_DEPTH = 100
_TRADES = 100
_PAGE = 500
_NO_TIME = Timestamp()
_DRAINING = "SERVER_DRAINING", "this instance is going down; open the stream again"


class SimvenueServicer(pb_grpc.SimvenueServiceServicer):
    """Serves ``trademesh.simvenue.v1.SimvenueService``.

    Args:
        market: what everybody may know.
        doors: the way in for accounts.
        market_stream: public market data as it happens.
        clock: our time, for heartbeats.
    """

    def __init__(
        self,
        market: MarketData,
        doors: Doors,
        market_stream: MarketStream,
        clock: Clock,
    ) -> None:
        self._market = market
        self._doors = doors
        self._market_stream = market_stream
        self._clock = clock
        self._entering: set[OrderEntries] = set()
        self._draining = False

    def drain(self) -> None:
        """End the streams of orders: what they took is answered, and then they end."""
        self._draining = True
        for entries in self._entering:
            entries.end(*_DRAINING)

    async def GetVenueInfo(
        self, request: pb.GetVenueInfoRequest, context: Context
    ) -> instrument_pb2.VenueInfo:
        """The venue and its clock."""
        return convert.venue_to_proto(self._market.facts, self._market.now_ns)

    async def ListInstruments(
        self, request: pb.ListInstrumentsRequest, context: Context
    ) -> pb.ListInstrumentsResponse:
        """All instruments."""
        instruments = self._market.instruments()
        return pb.ListInstrumentsResponse(
            instruments=[convert.instrument_to_proto(each) for each in instruments]
        )

    async def GetTime(self, request: pb.GetTimeRequest, context: Context) -> pb.GetTimeResponse:
        """Exchange time."""
        return pb.GetTimeResponse(exchange_time=convert.time_to(self._market.now_ns))

    async def GetOrderBook(
        self, request: pb.GetOrderBookRequest, context: Context
    ) -> market_data_pb2.OrderBook:
        """One book."""
        return convert.book_to_proto(self._market.book(request.symbol, request.depth or _DEPTH))

    async def ListTrades(self, request: pb.ListTradesRequest, context: Context) -> pb.ListTradesResponse:
        """Public trades."""
        after = request.after_trade_id if request.HasField("after_trade_id") else None
        instrument, trades = self._market.trades(request.symbol, after, request.page_size or _TRADES)
        return pb.ListTradesResponse(trades=[convert.trade_to_proto(instrument, trade) for trade in trades])

    async def ListCandles(self, request: pb.ListCandlesRequest, context: Context) -> pb.ListCandlesResponse:
        """Candles, page by page."""
        interval = convert.interval_from_proto(request.interval)
        start_ns = convert.time_from(request.start_time) if request.HasField("start_time") else None
        end_ns = convert.time_from(request.end_time) if request.HasField("end_time") else None
        after = after_page_token(request)
        page = self._market.candles(
            request.symbol,
            interval,
            int(after[0]) if after else start_ns,
            end_ns,
            request.page_size or _PAGE,
        )
        token = next_page_token(request, [str(page.next_ns)]) if page.next_ns is not None else ""
        return pb.ListCandlesResponse(candles=convert.candles_to_proto(interval, page), next_page_token=token)

    async def StreamMarketData(
        self, request: pb.StreamMarketDataRequest, context: Context
    ) -> AsyncIterator[market_data_pb2.MarketDataEvent]:
        """Books and trades as they change."""
        connection = await _heard(context, self._doors.connected())
        paged, interval = request.HasField("page_interval"), request.page_interval.ToTimedelta()
        async for page in self._market_stream.pages(request.symbols, interval.total_seconds()):
            if connection.broken:
                await _hang_up(context)
            if isinstance(page, Beat | End):
                yield convert.market_frame_to_proto(page, to_timestamp(self._clock.now()))
            elif paged:
                yield convert.market_page_to_proto(page, self._market.now_ns)
            else:
                for frame in page:
                    yield convert.market_frame_to_proto(frame, _NO_TIME)

    async def PlaceOrder(self, request: pb.PlaceOrderRequest, context: Context) -> order_pb2.Order:
        """Accept an order and match it."""
        answer = await _heard(
            context, self._doors.place(request.account, convert.new_order_from_proto(request))
        )
        return convert.order_with_fills_to_proto(answer)

    async def EnterOrders(
        self, requests: AsyncIterator[pb.EnterOrdersRequest], context: Context
    ) -> AsyncIterator[pb.EnterOrdersResponse]:
        """Accept orders as they come, and match them."""
        connection = await _heard(context, self._doors.connected())
        entries = OrderEntries(partial(self._enter, connection))
        if self._draining:
            entries.end(*_DRAINING)
        self._entering.add(entries)
        try:
            async with aclosing(entries.answers(requests)) as answers:
                async for answer in answers:
                    yield answer
        except ConnectionLostError:
            await _hang_up(context)
        finally:
            self._entering.discard(entries)

    async def _enter(self, connection: Connection, request: pb.PlaceOrderRequest) -> order_pb2.Order:
        answer = await self._doors.place(request.account, convert.new_order_from_proto(request), connection)
        return convert.order_with_fills_to_proto(answer)

    async def CancelOrder(self, request: pb.CancelOrderRequest, context: Context) -> order_pb2.Order:
        """Take an order out of the book."""
        answer = await _heard(
            context, self._doors.cancel(request.account, convert.order_id_from_proto(request))
        )
        return convert.order_with_fills_to_proto(answer)

    async def GetOrder(self, request: pb.GetOrderRequest, context: Context) -> order_pb2.Order:
        """One order."""
        answer = await _heard(
            context, self._doors.order(request.account, convert.order_id_from_proto(request))
        )
        return convert.order_with_fills_to_proto(answer)

    async def ListOpenOrders(
        self, request: pb.ListOpenOrdersRequest, context: Context
    ) -> pb.ListOpenOrdersResponse:
        """All open orders."""
        orders = await _heard(context, self._doors.open_orders(request.account, request.symbol))
        return pb.ListOpenOrdersResponse(orders=[convert.order_to_proto(order) for order in orders])

    async def ListFills(self, request: pb.ListFillsRequest, context: Context) -> pb.ListFillsResponse:
        """Fills after a trade."""
        fills = await _heard(
            context, self._doors.fills(request.account, request.after_trade_id, request.page_size or _PAGE)
        )
        return pb.ListFillsResponse(fills=[convert.fill_to_proto(fill) for fill in fills])

    async def GetBalances(self, request: pb.GetBalancesRequest, context: Context) -> account_pb2.Balances:
        """What an account has."""
        holdings = await _heard(context, self._doors.balances(request.account))
        return convert.holdings_to_proto(request.account, holdings)

    async def ListPositions(
        self, request: pb.ListPositionsRequest, context: Context
    ) -> pb.ListPositionsResponse:
        """Open positions of perpetuals."""
        positions = await _heard(context, self._doors.positions(request.account))
        return pb.ListPositionsResponse(
            positions=[convert.valued_position_to_proto(each) for each in positions]
        )

    async def ListTransfers(
        self, request: pb.ListTransfersRequest, context: Context
    ) -> pb.ListTransfersResponse:
        """Transfers after a transfer."""
        transfers = await _heard(
            context,
            self._doors.transfers(request.account, request.after_transfer_id, request.page_size or _PAGE),
        )
        return pb.ListTransfersResponse(transfers=[convert.transfer_to_proto(each) for each in transfers])

    async def StreamAccount(
        self, request: pb.StreamAccountRequest, context: Context
    ) -> AsyncIterator[account_pb2.AccountEvent]:
        """Events of an account."""
        try:
            async for page in self._doors.pages(request.account, request.after_sequence):
                if isinstance(page, Beat | End):
                    yield convert.account_frame_to_proto(page, to_timestamp(self._clock.now()))
                    continue
                size = request.page_size
                for begin in range(0, len(page), size or 1):
                    if size:
                        yield convert.account_page_to_proto(page[begin : begin + size])
                    else:
                        yield convert.account_frame_to_proto(page[begin], _NO_TIME)
        except ConnectionLostError:
            await _hang_up(context)


class FaultServicer(fault_grpc.SimvenueFaultServiceServicer):
    """Serves ``trademesh.simvenue.v1.SimvenueFaultService``.

    Args:
        doors: where the faults are made.
    """

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    async def InstallFaultScript(
        self, request: fault_pb.InstallFaultScriptRequest, context: Context
    ) -> fault_pb.InstallFaultScriptResponse:
        """Begin with a script."""
        try:
            self._doors.install(convert.script_from_proto(request.script))
        except FaultScriptError as error:
            raise DomainError("INVALID_REQUEST", str(error), kind=ErrorKind.INVALID) from error
        return fault_pb.InstallFaultScriptResponse()

    async def ClearFaultScript(
        self, request: fault_pb.ClearFaultScriptRequest, context: Context
    ) -> fault_pb.ClearFaultScriptResponse:
        """End all faults."""
        struck = convert.struck_to_proto(self._doors.dice)
        self._doors.install(FaultScript())
        return fault_pb.ClearFaultScriptResponse(struck=struck)

    async def GetFaultScript(
        self, request: fault_pb.GetFaultScriptRequest, context: Context
    ) -> fault_pb.GetFaultScriptResponse:
        """The script at work, and what it did."""
        dice = self._doors.dice
        return fault_pb.GetFaultScriptResponse(
            script=convert.script_to_proto(dice.script), struck=convert.struck_to_proto(dice)
        )


async def _heard(context: Context, answer: Awaitable[T]) -> T:
    """The answer of a call, or the silence that a fault makes of it: a status without a reason."""
    try:
        return await answer
    except ConnectionLostError:
        await _hang_up(context)
    except NoAnswerError:
        await context.abort(grpc.StatusCode.INTERNAL, "internal error")


async def _hang_up(context: Context) -> NoReturn:
    await context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset by peer")
