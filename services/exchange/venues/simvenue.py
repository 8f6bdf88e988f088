"""The simulated venue, reached over its own contract as any venue is over its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import grpc
import grpc.aio
from trademesh.simvenue.v1 import account_pb2, simvenue_service_pb2, simvenue_service_pb2_grpc
from trademesh.simvenue.v1 import order_pb2 as venue_order_pb2

from services.exchange.domain.assets import Assets, Contract
from services.exchange.domain.budgets import Budget, CallKind
from services.exchange.domain.evidence import VenueOrder
from services.exchange.domain.fills import Balance, Transfer
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import Order
from services.exchange.domain.positions import VenuePosition
from services.exchange.ports import (
    Accepted,
    CancelOutcome,
    FillPage,
    NotSent,
    NotThere,
    PlaceOutcome,
    TransferPage,
    Uncertain,
    VenueEvent,
    VenueHistoryLostError,
    VenueReports,
    VenueUnreachableError,
)
from services.exchange.venues import simvenue_convert as convert
from services.exchange.venues.simvenue_entry import OrderEntry
from services.exchange.venues.simvenue_errors import RATE_LIMITED, VenueError
from services.kernel.clock import Clock

_PAGE: Final = 500
_EVENTS: Final = 256
"""Most events in one frame of an account's stream."""
_ASK_S: Final = 3.0
_PAUSE_S: Final = 1.0
_BUDGETS: Final = (
    Budget(name="weight", window_seconds=60, limit=1_200_000, reserve=120_000),
    Budget(name="orders", window_seconds=60, limit=600_000, default_weight=0, weights={CallKind.PLACE: 1}),
)


class SimVenue:
    """``ports.Venue`` for the simulated venue.

    Args:
        venue_id: its id in the mesh.
        channel: to the mesh's ``simvenue`` service.
        clock: our clock.
        silence: seconds without any frame after which its stream counts as dead.
    """

    simulated = True
    capabilities = convert.CAPABILITIES

    def __init__(self, venue_id: str, channel: grpc.aio.Channel, clock: Clock, silence: float = 10.0) -> None:
        self.venue_id = venue_id
        self._clock = clock
        self._silence = silence
        self._assets: dict[str, Assets] = {}
        self._contracts: dict[str, Contract | None] = {}
        self._reports: VenueReports | None = None
        self._stub: Any = simvenue_service_pb2_grpc.SimvenueServiceStub(channel)
        self._entry = OrderEntry(self._stub.EnterOrders)

    async def close(self) -> None:
        """``ports.KeepsConnections``: close the stream that orders go over."""
        await self._entry.close()

    def rate_budgets(self) -> Sequence[Budget]:
        """``ports.DeclaresBudgets``: bounds that only a loop gone wild reaches; the venue keeps none."""
        return _BUDGETS

    def report_to(self, reports: VenueReports) -> None:
        """``ports.Reporting``: told when the venue asks for a pause."""
        self._reports = reports

    async def place(self, order: Order, within: float) -> PlaceOutcome:
        """Send an order under its client order id, and classify what comes of it."""
        try:
            self._assets.setdefault(order.instrument, order.assets)
            self._contracts.setdefault(order.instrument, order.contract)
            answer = await self._entry.enter(convert.place_request(order), within)
            if not isinstance(answer, simvenue_service_pb2.EntryAnswer):
                return answer
            if answer.HasField("order"):
                return Accepted(self._order(answer.order))
            return self._heeded(VenueError.told(answer.error)).outcome
        except Exception as error:  # noqa: BLE001 - an answer that cannot be read proves nothing
            return Uncertain(f"the venue's answer cannot be read: {error!r}")

    async def cancel(self, order: Order, within: float) -> CancelOutcome:
        """Take an order out of the book. An order that is closed already is ``Accepted``, too."""
        request = simvenue_service_pb2.CancelOrderRequest(
            account=order.account, client_order_id=order.client_order_id
        )
        try:
            self._assets.setdefault(order.instrument, order.assets)
            self._contracts.setdefault(order.instrument, order.contract)
            return Accepted(self._order(await self._stub.CancelOrder(request, timeout=within)))
        except grpc.aio.AioRpcError as error:
            return await self._cancel_refused(order, self._heeded(VenueError.of(error)))
        except Exception as error:  # noqa: BLE001 - an answer that cannot be read proves nothing
            return Uncertain(f"the venue's answer cannot be read: {error!r}")

    async def find(self, account: str, client_order_id: str) -> VenueOrder | None:
        """The order with all its fills; None is the venue's definite word that it has none so far."""
        request = simvenue_service_pb2.GetOrderRequest(account=account, client_order_id=client_order_id)
        await self._know_assets()
        try:
            answer = await self._stub.GetOrder(request, timeout=_ASK_S)
        except grpc.aio.AioRpcError as error:
            refusal = self._heeded(VenueError.of(error))
            if refusal.reason == "ORDER_NOT_FOUND":
                return None
            raise _unreachable(refusal) from error
        return self._order(answer)

    async def open_orders(self, account: str) -> Sequence[VenueOrder]:
        """All orders in the venue's book, without their fills."""
        request = simvenue_service_pb2.ListOpenOrdersRequest(account=account)
        await self._know_assets()
        answer = await self._asked(self._stub.ListOpenOrders, request)
        return [self._order(each) for each in answer.orders]

    async def fills_after(self, account: str, cursor: str) -> FillPage:
        """Fills of the account after a cursor; the empty cursor begins with the first."""
        request = simvenue_service_pb2.ListFillsRequest(
            account=account, after_trade_id=int(cursor or 0), page_size=_PAGE
        )
        answer = await self._asked(self._stub.ListFills, request)
        fills = [convert.fill_of(each) for each in answer.fills]
        last = fills[-1].venue_trade_id if fills else cursor
        return FillPage(fills, last, more=len(fills) == _PAGE)

    async def transfers_after(self, account: str, cursor: str) -> TransferPage:
        """Transfers of the account after a cursor; the empty cursor begins with the first."""
        request = simvenue_service_pb2.ListTransfersRequest(
            account=account, after_transfer_id=int(cursor or 0), page_size=_PAGE
        )
        answer = await self._asked(self._stub.ListTransfers, request)
        transfers = [self._transfer(each) for each in answer.transfers]
        last = transfers[-1].venue_transfer_id if transfers else cursor
        return TransferPage(transfers, last, more=len(transfers) == _PAGE)

    async def verify(self, account: str, cursor: str) -> None:
        """Make sure that this is the venue that gave a cursor of ``events``, or a later one.

        Raises:
            VenueHistoryLostError: it does not know the cursor.
        """
        request = simvenue_service_pb2.GetBalancesRequest(account=account)
        last = (await self._asked(self._stub.GetBalances, request)).sequence
        if last < int(cursor or 0):
            raise VenueHistoryLostError(f"the venue's last event is {last}, we have seen {cursor}")

    async def balances(self, account: str) -> Sequence[Balance]:
        """What the account holds now."""
        request = simvenue_service_pb2.GetBalancesRequest(account=account)
        answer = await self._asked(self._stub.GetBalances, request)
        now = self._clock.now()
        return [convert.balance_of(each, account, self.venue_id, now) for each in answer.balances]

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        """What the account has of perpetuals now."""
        request = simvenue_service_pb2.ListPositionsRequest(account=account)
        answer = await self._asked(self._stub.ListPositions, request)
        if answer.positions:
            await self._know_assets()
        now = self._clock.now()
        return [
            convert.position_of(each, account, self.venue_id, self._contracts.get(each.symbol), now)
            for each in answer.positions
        ]

    async def instruments(self) -> Sequence[InstrumentRules]:
        """What can be traded, and the rules."""
        request = simvenue_service_pb2.ListInstrumentsRequest()
        answer = await self._asked(self._stub.ListInstruments, request)
        rules = [convert.rules_of(each) for each in answer.instruments]
        self._assets |= {each.instrument: each.assets for each in rules}
        self._contracts |= {each.instrument: each.contract for each in rules}
        return rules

    async def events(self, account: str, cursor: str) -> AsyncIterator[VenueEvent]:
        """Everything that happens in an account after a cursor, in order.

        Raises:
            VenueUnreachableError: the stream broke, or was silent for too long.
            VenueHistoryLostError: the venue does not know that cursor.
        """
        request = simvenue_service_pb2.StreamAccountRequest(
            account=account, after_sequence=int(cursor or 0), page_size=_EVENTS
        )
        await self._know_assets()
        call = self._stub.StreamAccount(request)
        try:
            while True:
                frame = await self._frame(call)
                kind = frame.WhichOneof("event")
                if kind == "end":
                    raise VenueUnreachableError(f"the venue ended the stream: {frame.end.reason}")
                if kind == "heartbeat":
                    yield VenueEvent(cursor)
                for event in frame.page.events:
                    cursor = str(event.sequence)
                    yield self._event(event, cursor)
        finally:
            call.cancel()

    async def _frame(self, call: Any) -> account_pb2.AccountEvent:
        try:
            async with asyncio.timeout(self._silence):
                frame = await call.read()
        except TimeoutError as error:
            raise VenueUnreachableError(f"the venue's stream was silent for {self._silence:g} s") from error
        except grpc.aio.AioRpcError as error:
            refusal = VenueError.of(error)
            if refusal.reason == "CURSOR_OUT_OF_RANGE":
                raise VenueHistoryLostError(
                    refusal.message or "the venue does not know our cursor"
                ) from error
            raise _unreachable(refusal) from error
        if frame is grpc.aio.EOF:
            raise VenueUnreachableError("the venue's stream ended")
        return frame  # type: ignore[no-any-return]

    def _event(self, frame: account_pb2.AccountEvent, cursor: str) -> VenueEvent:
        kind = frame.WhichOneof("event")
        if kind == "transfer":
            return VenueEvent(cursor, transfer=self._transfer(frame.transfer))
        if kind == "execution_report":
            report = frame.execution_report
            order = venue_order_pb2.Order()
            order.CopyFrom(report.order)
            if report.HasField("fill"):
                order.fills.append(report.fill)
            return VenueEvent(cursor, order=self._order(order))
        return VenueEvent(cursor)

    async def _cancel_refused(self, order: Order, refusal: VenueError) -> CancelOutcome:
        if refusal.reason == "ORDER_NOT_FOUND":
            return NotThere()
        if refusal.reason == "ORDER_NOT_OPEN":
            with suppress(VenueUnreachableError):
                told = await self.find(order.account, order.client_order_id)
                return NotThere() if told is None else Accepted(told)
        outcome = refusal.outcome
        return outcome if isinstance(outcome, NotSent) else Uncertain(str(refusal))

    async def _asked(self, method: Callable[..., Awaitable[Any]], request: Any) -> Any:
        try:
            return await method(request, timeout=_ASK_S)
        except grpc.aio.AioRpcError as error:
            raise _unreachable(self._heeded(VenueError.of(error))) from error

    def _heeded(self, error: VenueError) -> VenueError:
        """The error, after its wish for a pause was passed on."""
        if self._reports is not None and error.reason == RATE_LIMITED:
            self._reports.asked_to_wait(error.retry_after or _PAUSE_S, banned=False)
        return error

    async def _know_assets(self) -> None:
        if not self._assets:
            await self.instruments()

    def _order(self, message: venue_order_pb2.Order) -> VenueOrder:
        assets = self._assets.get(message.symbol)
        if assets is None:
            raise VenueUnreachableError(f"the venue speaks of {message.symbol}, which it does not list")
        return convert.order_of(message, assets, self._contracts.get(message.symbol))

    def _transfer(self, message: account_pb2.Transfer) -> Transfer:
        return convert.transfer_of(message, self.venue_id, self._clock.now())


def _unreachable(error: VenueError) -> VenueUnreachableError:
    return VenueUnreachableError(str(error), error.retry_after)
