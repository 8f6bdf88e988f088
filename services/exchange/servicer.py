"""ExchangeService: convert, ask the handler, convert back."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import grpc
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import exchange_service_pb2_grpc as pb_grpc
from trademesh.exchange.v1 import order_pb2, venue_pb2

from services.chassis.rpc.paging import after_page_token, next_page_token, page_size
from services.chassis.rpc.timestamps import optional_datetime
from services.exchange import convert, convert_results
from services.exchange.handlers.cancel_all import CancelAllOrders
from services.exchange.handlers.cancel_order import CancelOrder
from services.exchange.handlers.place_order import PlaceOrder
from services.exchange.handlers.place_orders import Asked, PlaceOrders
from services.exchange.handlers.preview_order import PreviewOrder
from services.exchange.handlers.queries import Reads
from services.exchange.handlers.replace_order import ReplaceOrder
from services.exchange.handlers.watch import WatchOrders
from services.exchange.ports import FillFilter, OrderFilter
from services.exchange.relay import WriterRelay, remaining
from services.kernel.names import AccountName, InstrumentName, OrderName, VenueName

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the servicer hands calls to."""

    placing: PlaceOrder
    placing_several: PlaceOrders
    previewing: PreviewOrder
    replacing: ReplaceOrder
    cancelling: CancelOrder
    sweeping: CancelAllOrders
    reads: Reads
    watching: WatchOrders


class ExchangeServicer(pb_grpc.ExchangeServiceServicer):
    """Serves ``trademesh.exchange.v1.ExchangeService``.

    Args:
        use_cases: what it hands calls to.
        relay: the way to the writer of an account, for the calls that write.
    """

    def __init__(self, use_cases: UseCases, relay: WriterRelay) -> None:
        self._use = use_cases
        self._relay = relay

    async def ListVenues(self, request: pb.ListVenuesRequest, context: Context) -> pb.ListVenuesResponse:
        """All venues."""
        return pb.ListVenuesResponse(
            venues=[convert.venue_to_proto(each) for each in self._use.reads.venues()]
        )

    async def GetVenue(self, request: pb.GetVenueRequest, context: Context) -> venue_pb2.Venue:
        """One venue."""
        return convert.venue_to_proto(self._use.reads.venue(VenueName.parse(request.name).venue))

    async def CreateOrder(self, request: pb.CreateOrderRequest, context: Context) -> order_pb2.Order:
        """Place an order."""
        intent = convert.intent_of(request)
        request_id = convert.request_id_of(request.request_id)

        async def here() -> order_pb2.Order:
            return convert.order_to_proto(
                await self._use.placing.handle(intent, request_id, remaining(context))
            )

        return await self._relay.run("CreateOrder", request, context, here)

    async def CreateOrders(
        self, request: pb.CreateOrdersRequest, context: Context
    ) -> pb.CreateOrdersResponse:
        """Place several orders."""
        account = AccountName.parse(request.parent, field="parent").account
        asked = Asked(
            account,
            convert_results.intents_of(request),
            convert.contingency_of(request.contingency),
            convert.request_id_of(request.request_id),
        )

        async def here() -> pb.CreateOrdersResponse:
            return convert_results.results_to_proto(
                await self._use.placing_several.handle(asked, remaining(context))
            )

        return await self._relay.run("CreateOrders", request, context, here)

    async def PreviewOrder(
        self, request: pb.PreviewOrderRequest, context: Context
    ) -> pb.PreviewOrderResponse:
        """Say what an order would do."""
        account = AccountName.parse(request.parent, field="parent").account
        intent = convert.asked_for(request.order, account, "order")
        return convert.preview_to_proto(await self._use.previewing.handle(intent, remaining(context)))

    async def GetOrder(self, request: pb.GetOrderRequest, context: Context) -> order_pb2.Order:
        """One order."""
        name = OrderName.parse(request.name)
        return convert.order_to_proto(await self._use.reads.order(name, convert.order_id_of(name)))

    async def ListOrders(self, request: pb.ListOrdersRequest, context: Context) -> pb.ListOrdersResponse:
        """A page of orders."""
        account = AccountName.parse(request.parent, field="parent").account
        instrument = (
            InstrumentName.parse(request.instrument, field="instrument") if request.instrument else None
        )
        wanted = OrderFilter(
            account,
            convert.states_of(list(request.states)),
            instrument.venue if instrument else "",
            instrument.instrument if instrument else "",
            _before(after_page_token(request)),
        )
        orders, more = await self._use.reads.orders(wanted, page_size(request))
        token = ""
        if more:
            token = next_page_token(request, [orders[-1].create_time.isoformat(), str(orders[-1].order_id)])
        messages = [convert.order_to_proto(order) for order in orders]
        return pb.ListOrdersResponse(orders=messages, next_page_token=token)

    async def ReplaceOrder(self, request: pb.ReplaceOrderRequest, context: Context) -> order_pb2.Order:
        """Replace an order."""
        name = OrderName.parse(request.name)
        order_id = convert.order_id_of(name)
        if order_id is None:
            raise name.not_found()
        change = convert.change_of(request)
        request_id = convert.request_id_of(request.request_id)

        async def here() -> order_pb2.Order:
            return convert.order_to_proto(
                await self._use.replacing.handle(
                    name.account, order_id, change, request_id, remaining(context)
                )
            )

        return await self._relay.run("ReplaceOrder", request, context, here)

    async def CancelOrder(self, request: pb.CancelOrderRequest, context: Context) -> order_pb2.Order:
        """Cancel an order."""
        find = self._named(request)
        request_id = convert.request_id_of(request.request_id)

        async def here() -> order_pb2.Order:
            account, order_id = await find()
            return convert.order_to_proto(
                await self._use.cancelling.handle(account, order_id, request_id, remaining(context))
            )

        return await self._relay.run("CancelOrder", request, context, here)

    async def CancelAllOrders(
        self, request: pb.CancelAllOrdersRequest, context: Context
    ) -> pb.CancelAllOrdersResponse:
        """Cancel all open orders that the filter takes in."""
        wanted = convert.cancel_filter_of(request)
        request_id = convert.request_id_of(request.request_id)
        if wanted is None:
            return pb.CancelAllOrdersResponse(complete=True)

        async def here() -> pb.CancelAllOrdersResponse:
            return convert.swept_to_proto(
                await self._use.sweeping.handle(wanted, request_id, remaining(context))
            )

        return await self._relay.run("CancelAllOrders", request, context, here)

    async def ListFills(self, request: pb.ListFillsRequest, context: Context) -> pb.ListFillsResponse:
        """A page of fills."""
        account = AccountName.parse(request.parent, field="parent").account
        name = OrderName.parse(request.order, field="order") if request.order else None
        order_id = convert.order_id_of(name) if name else None
        if name is not None and (order_id is None or name.account != account):
            return pb.ListFillsResponse()
        wanted = FillFilter(
            account,
            order_id,
            optional_datetime(request, "start_time"),
            optional_datetime(request, "end_time"),
            _before(after_page_token(request)),
        )
        fills, more = await self._use.reads.fills(wanted, page_size(request))
        token = ""
        if more:
            token = next_page_token(request, [fills[-1].exchange_time.isoformat(), str(fills[-1].fill_id)])
        return pb.ListFillsResponse(
            fills=[convert.fill_to_proto(fill) for fill in fills], next_page_token=token
        )

    async def ListBalances(
        self, request: pb.ListBalancesRequest, context: Context
    ) -> pb.ListBalancesResponse:
        """What an account holds."""
        account = AccountName.parse(request.parent, field="parent").account
        balances = await self._use.reads.balances(account)
        return pb.ListBalancesResponse(balances=[convert.balance_to_proto(each) for each in balances])

    async def ListPositions(
        self, request: pb.ListPositionsRequest, context: Context
    ) -> pb.ListPositionsResponse:
        """What an account holds of contracts."""
        account = AccountName.parse(request.parent, field="parent").account
        positions = await self._use.reads.positions(account)
        return pb.ListPositionsResponse(positions=[convert.position_to_proto(each) for each in positions])

    async def WatchOrders(
        self, request: pb.WatchOrdersRequest, context: Context
    ) -> AsyncIterator[pb.WatchOrdersResponse]:
        """An account's orders as they change."""
        account = AccountName.parse(request.parent, field="parent").account
        async with aclosing(self._use.watching.watch(account, request.cursor)) as frames:  # type: ignore[type-var]
            async for frame in frames:
                yield convert.frame_to_proto(frame)

    def _named(self, request: pb.CancelOrderRequest) -> Callable[[], Awaitable[tuple[str, UUID]]]:
        """How to come to account and id of the order that a cancel names."""
        if not request.name:
            account = AccountName.parse(request.parent, field="parent").account
            venue = VenueName.parse(request.venue, field="venue").venue

            async def by_client_id() -> tuple[str, UUID]:
                found = await self._use.cancelling.order_id_at(account, venue, request.client_order_id)
                return account, found

            return by_client_id
        name = OrderName.parse(request.name)
        order_id = convert.order_id_of(name)
        if order_id is None:
            raise name.not_found()

        async def by_name() -> tuple[str, UUID]:
            return name.account, order_id

        return by_name

    def drain(self) -> None:
        """End the open streams with SERVER_DRAINING; called when the service stops taking traffic."""
        self._use.watching.drain()


def _before(after: tuple[str, ...] | None) -> tuple[datetime, UUID] | None:
    """The sort key in a page token; the token's digest has proven that we wrote it."""
    return None if after is None else (datetime.fromisoformat(after[0]), UUID(after[1]))
