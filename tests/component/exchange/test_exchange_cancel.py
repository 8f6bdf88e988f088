"""CancelOrder through real gRPC."""

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
from trademesh.exchange.v1 import order_pb2

from services.exchange.ports import Step
from tests.support.exchange import (
    PATIENT,
    QUICK,
    eventually,
    limit_order,
    market_order,
    reason_of,
    running_exchange,
)
from tests.support.exchange_venue import FakeRisk, FakeVenue, Mishap

_S = order_pb2


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"


async def test_a_resting_order_is_cancelled_once_and_repeats_say_so(database_url: str) -> None:
    async with running_exchange(database_url) as exchange:
        order = await exchange.create(limit_order("2"))
        exchange.venue.trade(order.client_order_id, "0.5")
        request_id = str(uuid4())
        answers = await asyncio.gather(*(exchange.cancel(order.name, request_id) for _ in range(5)))
        assert all(answer == answers[0] for answer in answers)
        assert answers[0].state == _S.ORDER_STATE_CANCELLED
        assert answers[0].filled_quantity == "0.5"
        again = await exchange.cancel(order.name)
        assert again.state == _S.ORDER_STATE_CANCELLED
        assert again.version == answers[0].version


async def test_a_late_fill_of_a_cancelled_order_is_booked(url: str) -> None:
    async with running_exchange(url) as exchange:
        order = await exchange.create(limit_order("2"))
        await exchange.cancel(order.name)
        exchange.venue.trade(order.client_order_id, "0.5")
        await eventually(exchange.fills)
        after = await exchange.order(order.name)
        assert (after.state, after.filled_quantity) == (_S.ORDER_STATE_CANCELLED, "0.5")
        exchange.venue.trade(order.client_order_id, "1.5")
        assert (await exchange.settled(order.name, "FILLED")).filled_quantity == "2"


async def test_a_filled_order_cannot_be_cancelled(url: str) -> None:
    async with running_exchange(url) as exchange:
        order = await exchange.create(market_order("2"))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.cancel(order.name)
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert reason_of(caught.value) == "ORDER_NOT_CANCELLABLE"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.cancel(f"accounts/paper/orders/{uuid4()}")
        assert reason_of(caught.value) == "ORDER_NOT_FOUND"


async def test_a_fill_that_was_faster_is_the_answer(url: str) -> None:
    # Without a comparison in between, which would find the fill before the cancel does.
    async with running_exchange(url, timing=replace(QUICK, reconcile=60)) as exchange:
        order = await exchange.create(limit_order("2"))
        exchange.venue.trade(order.client_order_id, "2", told=False)
        assert (await exchange.cancel(order.name)).state == _S.ORDER_STATE_FILLED


async def test_an_unanswered_cancel_is_repeated_until_the_venue_confirms(url: str) -> None:
    async with running_exchange(url) as exchange:
        order = await exchange.create(limit_order("2"))
        exchange.venue.cancels_work = False
        assert (await exchange.cancel(order.name)).state == _S.ORDER_STATE_PENDING_CANCEL
        exchange.venue.cancels_work = True
        await exchange.settled(order.name, "CANCELLED")


async def test_a_cancel_that_was_committed_is_carried_out_after_a_restart(url: str) -> None:
    venue = FakeVenue()
    async with running_exchange(url, venue, crash_at=Step.CANCEL_COMMITTED) as exchange:
        order = await exchange.create(limit_order("2"))
        cancelling = asyncio.create_task(exchange.cancel(order.name))

        async def committed() -> bool:
            return Step.CANCEL_COMMITTED in exchange.journal.of(order.client_order_id)

        await eventually(committed)
        cancelling.cancel()
        assert venue.orders[order.client_order_id].status == "OPEN"
    async with running_exchange(url, venue) as exchange:
        await exchange.settled(order.name, "CANCELLED")


async def test_a_cancel_while_risk_is_asked_keeps_the_order_here(url: str) -> None:
    risk = FakeRisk(hold=asyncio.Event())
    async with running_exchange(url, risk=risk) as exchange:
        creating = asyncio.create_task(exchange.create(limit_order()))
        await eventually(exchange.orders)
        cancelling = asyncio.create_task(exchange.cancel((await exchange.orders())[0].name))
        await exchange.settled((await exchange.orders())[0].name, "PENDING_CANCEL")
        assert risk.hold is not None
        risk.hold.set()
        assert (await creating).state == _S.ORDER_STATE_CANCELLED
        assert (await cancelling).state == _S.ORDER_STATE_CANCELLED
        assert exchange.venue.sendings == []


async def test_a_cancel_while_the_order_is_on_its_way_catches_it(url: str) -> None:
    venue = FakeVenue()
    venue.mishaps.append(Mishap.REQUEST_LATE)
    async with running_exchange(url, venue, timing=PATIENT) as exchange:
        order = await exchange.create(limit_order())
        assert order.state == _S.ORDER_STATE_UNKNOWN
        assert (await exchange.cancel(order.name)).state == _S.ORDER_STATE_PENDING_CANCEL
        venue.deliver_late()
        await exchange.settled(order.name, "CANCELLED")
        assert venue.orders[order.client_order_id].status == "CANCELLED"


async def test_a_cancel_of_an_order_that_never_arrived_ends(url: str) -> None:
    venue = FakeVenue()
    venue.mishaps.append(Mishap.REQUEST_LOST)
    async with running_exchange(url, venue) as exchange:
        order = await exchange.create(limit_order())
        await exchange.cancel(order.name)
        assert (await exchange.settled(order.name, "CANCELLED")).reason == "VENUE_UNAVAILABLE"
