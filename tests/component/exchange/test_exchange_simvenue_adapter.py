"""The adapter of the simulated venue: what each way of failing says about the order."""
# ruff: noqa: N802 - rpc names are the contract's

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import grpc
import grpc.aio
import pytest
from trademesh.simvenue.v1 import account_pb2, instrument_pb2, order_pb2, simvenue_service_pb2_grpc
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from services.chassis.clock import SystemClock
from services.chassis.rpc.server import Binding
from services.chassis.rpc.status import message_of
from services.exchange.domain.assets import Assets, Side
from services.exchange.domain.evidence import VenueStatus
from services.exchange.domain.order import Order, OrderIntent
from services.exchange.domain.terms import MarketTerms
from services.exchange.ports import (
    Accepted,
    AlreadyThere,
    NotSent,
    NotThere,
    Refused,
    Uncertain,
    VenueHistoryLostError,
    VenueUnreachableError,
)
from services.exchange.venues.simvenue import SimVenue
from services.kernel.errors import DomainError, ErrorKind
from tests.support.rpc import serving

Act = Callable[[grpc.aio.ServicerContext[Any, Any]], Awaitable[None]]
ORDER = Order.intended(
    OrderIntent(
        account="paper",
        venue="sim",
        instrument="btc-usdt",
        side=Side.BUY,
        quantity=Decimal(1),
        terms=MarketTerms(),
    ),
    Assets("btc", "usdt"),
    uuid4(),
    "cause",
    datetime(2026, 1, 1, tzinfo=UTC),
)


class ScriptedVenue(simvenue_service_pb2_grpc.SimvenueServiceServicer):
    """Speaks the venue's contract and fails as it is told.

    Args:
        act: what is done about each order.
        breaks: whether an error ends the stream instead of being the answer to an entry.
    """

    def __init__(self, act: Act, *, breaks: bool = False) -> None:
        self._act = act
        self._breaks = breaks

    async def ListInstruments(self, request: Any, context: Any) -> pb.ListInstrumentsResponse:
        one = "1"
        listed = instrument_pb2.Instrument(
            symbol="btc-usdt",
            base_currency="btc",
            quote_currency="usdt",
            tick_size=one,
            lot_size=one,
            min_quantity=one,
            max_quantity=one,
            min_notional="0",
        )
        return pb.ListInstrumentsResponse(instruments=[listed])

    async def EnterOrders(
        self, requests: AsyncIterator[pb.EnterOrdersRequest], context: Any
    ) -> AsyncIterator[pb.EnterOrdersResponse]:
        async for request in requests:
            for entry in request.entries:
                yield pb.EnterOrdersResponse(answers=[await self._answer(entry, context)])

    async def _answer(self, entry: pb.OrderEntry, context: Any) -> pb.EntryAnswer:
        try:
            await self._act(context)
        except DomainError as error:
            if self._breaks:
                raise
            return pb.EntryAnswer(entry_id=entry.entry_id, error=message_of(error, "simvenue"))
        return pb.EntryAnswer(entry_id=entry.entry_id, order=self._order(entry.order.client_order_id))

    async def CancelOrder(self, request: pb.CancelOrderRequest, context: Any) -> order_pb2.Order:
        await self._act(context)
        return self._order(request.client_order_id)

    async def GetOrder(self, request: pb.GetOrderRequest, context: Any) -> order_pb2.Order:
        return self._order(request.client_order_id)

    async def StreamAccount(
        self, request: pb.StreamAccountRequest, context: Any
    ) -> AsyncIterator[account_pb2.AccountEvent]:
        event = account_pb2.AccountEvent(sequence=request.after_sequence + 1)
        event.balance_update.SetInParent()
        page = account_pb2.AccountEventPage(events=[event])
        yield account_pb2.AccountEvent(sequence=event.sequence, page=page)
        await self._act(context)

    @staticmethod
    def _order(client_order_id: str) -> order_pb2.Order:
        order = order_pb2.Order(
            venue_order_id=5,
            client_order_id=client_order_id,
            symbol="btc-usdt",
            side=side_pb2.SIDE_BUY,
            quantity="1",
            status=order_pb2.ORDER_STATUS_OPEN,
        )
        order.market.SetInParent()
        return order


@asynccontextmanager
async def venue_that(act: Act, *, breaks: bool = False) -> AsyncIterator[SimVenue]:
    async with venue_at(ScriptedVenue(act, breaks=breaks)) as venue:
        yield venue


@asynccontextmanager
async def venue_at(servicer: ScriptedVenue) -> AsyncIterator[SimVenue]:
    binding = Binding(servicer, simvenue_service_pb2_grpc.add_SimvenueServiceServicer_to_server)
    async with serving([binding]) as channel:
        venue = SimVenue("sim", channel, SystemClock(), silence=0.3)
        try:
            yield venue
        finally:
            await venue.close()


def says(reason: str, kind: ErrorKind) -> Act:
    async def act(context: Any) -> None:
        raise DomainError(reason, "words", kind=kind)

    return act


def aborts(code: grpc.StatusCode) -> Act:
    async def act(context: Any) -> None:
        await context.abort(code, "a proxy's words")

    return act


async def nothing(context: Any) -> None:
    return


async def hangs(context: Any) -> None:
    await asyncio.sleep(60)


async def crashes(context: Any) -> None:
    raise RuntimeError("a fault after the order was taken")


async def limits(context: Any) -> None:
    wait = timedelta(seconds=2.5)
    raise DomainError("RATE_LIMITED", "words", kind=ErrorKind.EXHAUSTED, retry_after=wait)


class Reports:
    """Hears what the adapter tells of limits."""

    def __init__(self) -> None:
        self.pauses: list[tuple[float, bool]] = []

    def used(self, budget: str, amount: int) -> None:
        raise AssertionError("the venue keeps no count")

    def asked_to_wait(self, seconds: float, *, banned: bool) -> None:
        self.pauses.append((seconds, banned))


async def test_a_rate_limit_proves_that_nothing_was_sent_and_its_pause_is_passed_on() -> None:
    async with venue_that(limits) as venue:
        reports = Reports()
        venue.report_to(reports)
        for outcome in (await venue.place(ORDER, 5), await venue.cancel(ORDER, 5)):
            assert isinstance(outcome, NotSent)
            assert outcome.told
        assert reports.pauses == [(2.5, False)] * 2


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (nothing, Accepted),
        (hangs, Uncertain),
        (crashes, Uncertain),
        (aborts(grpc.StatusCode.UNAVAILABLE), Uncertain),
        (aborts(grpc.StatusCode.INVALID_ARGUMENT), Uncertain),
        (aborts(grpc.StatusCode.NOT_FOUND), Uncertain),
        (says("STORAGE_UNAVAILABLE", ErrorKind.UNAVAILABLE), Uncertain),
        (says("INTERNAL", ErrorKind.INTERNAL), Uncertain),
        (says("SOMETHING_NEW", ErrorKind.INVALID), Uncertain),
        (says("SERVER_DRAINING", ErrorKind.UNAVAILABLE), Uncertain),
        (says("SERVER_OVERLOADED", ErrorKind.UNAVAILABLE), Uncertain),
        (says("UPSTREAM_UNAVAILABLE", ErrorKind.UNAVAILABLE), Uncertain),
        (says("UPSTREAM_UNAVAILABLE", ErrorKind.DEADLINE), Uncertain),
        (says("CALLER_NOT_ALLOWED", ErrorKind.DENIED), Uncertain),
        (says("VENUE_HALTED", ErrorKind.UNAVAILABLE), NotSent),
        (says("INSUFFICIENT_BALANCE", ErrorKind.PRECONDITION), Refused),
        (says("POST_ONLY_WOULD_TRADE", ErrorKind.PRECONDITION), Refused),
        (says("DUPLICATE_CLIENT_ORDER_ID", ErrorKind.ALREADY_EXISTS), AlreadyThere),
    ],
)
async def test_outcome_of_a_sending(act: Act, outcome: type) -> None:
    async with venue_that(act) as venue:
        assert isinstance(await venue.place(ORDER, 0.5), outcome)


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (nothing, Accepted),
        (hangs, Uncertain),
        (crashes, Uncertain),
        (says("ORDER_NOT_FOUND", ErrorKind.NOT_FOUND), NotThere),
        (aborts(grpc.StatusCode.NOT_FOUND), Uncertain),
        (says("ORDER_NOT_OPEN", ErrorKind.PRECONDITION), Accepted),
    ],
)
async def test_outcome_of_a_cancel(act: Act, outcome: type) -> None:
    async with venue_that(act) as venue:
        assert isinstance(await venue.cancel(ORDER, 0.5), outcome)


async def test_nobody_listening_means_that_nothing_was_sent(unused_tcp_port: int) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{unused_tcp_port}") as channel:
        venue = SimVenue("sim", channel, SystemClock())
        assert isinstance(await venue.place(ORDER, 2), NotSent)
        with pytest.raises(VenueUnreachableError):
            await venue.find("paper", ORDER.client_order_id)


async def test_an_answer_nobody_can_read_is_unknown() -> None:
    class Gibberish(ScriptedVenue):
        @staticmethod
        def _order(client_order_id: str) -> order_pb2.Order:
            return order_pb2.Order(client_order_id=client_order_id, symbol="btc-usdt", quantity="1e9")

    async with venue_at(Gibberish(nothing)) as venue:
        assert isinstance(await venue.place(ORDER, 1), Uncertain)


async def test_a_stream_that_falls_silent_is_dead() -> None:
    async with venue_that(hangs) as venue:
        events = venue.events("paper", "4")
        assert (await anext(events)).cursor == "5"
        with pytest.raises(VenueUnreachableError, match="silent"):
            await anext(events)


async def test_a_venue_that_does_not_know_our_cursor_is_another_one() -> None:
    async with venue_that(says("CURSOR_OUT_OF_RANGE", ErrorKind.OUT_OF_RANGE)) as venue:
        events = venue.events("paper", "4")
        await anext(events)
        with pytest.raises(VenueHistoryLostError):
            await anext(events)


async def test_evidence_carries_what_the_venue_says() -> None:
    async with venue_that(nothing) as venue:
        told = await venue.find("paper", "tm-1")
        assert told is not None
        assert (told.status, told.venue_order_id, told.assets) == (
            VenueStatus.OPEN,
            "5",
            Assets("btc", "usdt"),
        )
