"""ReplaceOrder through real gRPC."""

import asyncio
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from trademesh.exchange.v1 import order_pb2

from services.exchange.ports import Denied, Step
from tests.support.exchange import (
    PATIENT,
    RunningExchange,
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


def _id(order: order_pb2.Order) -> str:
    return order.name.rpartition("/")[2]


async def test_a_new_order_goes_for_what_the_old_one_left(database_url: str) -> None:
    async with running_exchange(database_url) as exchange:
        old = await exchange.create(limit_order("10"))
        exchange.venue.trade(old.client_order_id, "4")
        await exchange.settled(old.name, "PARTIALLY_FILLED")
        request_id = str(uuid4())
        answers = await asyncio.gather(
            *(exchange.replace(old.name, request_id, price="101", quantity="12.0") for _ in range(5))
        )
        assert all(answer == answers[0] for answer in answers)
        new = answers[0]
        assert (new.state, new.quantity, new.limit.price) == (_S.ORDER_STATE_OPEN, "8", "101")
        assert new.replaces == old.name
        after = await exchange.order(old.name)
        assert (after.state, after.reason) == (_S.ORDER_STATE_CANCELLED, "REPLACED")
        assert (after.replaced_by, after.filled_quantity) == (new.name, "4")
        # The new one's reservation is for what it can fill, in one group with the old one's.
        assert exchange.risk.quantities[_id(new)] == 8
        assert exchange.risk.groups[_id(new)] == exchange.risk.groups[_id(old)] == _id(old)
        again = await exchange.replace(new.name, price="102")
        assert exchange.risk.groups[_id(again)] == _id(old)
        assert again.quantity == "8"


async def test_fills_that_were_faster_are_taken_off(url: str) -> None:
    async with running_exchange(url) as exchange:
        old = await exchange.create(limit_order("10"))
        # The venue has filled part of it, and has not told us when we ask for the replacement.
        exchange.venue.trade(old.client_order_id, "3", told=False)
        new = await exchange.replace(old.name, price="101")
        assert (new.state, new.quantity) == (_S.ORDER_STATE_OPEN, "7")
        assert exchange.venue.orders[new.client_order_id].quantity == 7


async def test_filled_first_leaves_nothing(url: str) -> None:
    async with running_exchange(url) as exchange:
        old = await exchange.create(limit_order("10"))
        exchange.venue.trade(old.client_order_id, "10", told=False)
        new = await exchange.replace(old.name, price="101")
        assert (new.state, new.reason) == (_S.ORDER_STATE_CANCELLED, "NOTHING_LEFT")
        after = await exchange.order(old.name)
        assert (after.state, after.reason) == (_S.ORDER_STATE_FILLED, "")
        assert new.client_order_id not in exchange.venue.sendings


async def test_more_than_was_filled_first_goes_on(url: str) -> None:
    async with running_exchange(url) as exchange:
        old = await exchange.create(limit_order("10"))
        exchange.venue.trade(old.client_order_id, "10", told=False)
        new = await exchange.replace(old.name, quantity="15")
        assert (new.state, new.quantity) == (_S.ORDER_STATE_OPEN, "5")


async def test_risk_says_no_and_the_old_order_stays(url: str) -> None:
    async with running_exchange(url) as exchange:
        old = await exchange.create(limit_order("10"))
        exchange.risk.verdict = Denied("BALANCE", "not enough")
        new = await exchange.replace(old.name, quantity="20")
        assert (new.state, new.reason) == (_S.ORDER_STATE_DENIED, "BALANCE")
        after = await exchange.order(old.name)
        assert (after.state, after.replaced_by) == (_S.ORDER_STATE_OPEN, "")
        exchange.risk.verdict = FakeRisk().verdict
        assert (await exchange.replace(old.name, quantity="5")).state == _S.ORDER_STATE_OPEN


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"price": "100"}, "quantity"),
        ({"trigger_price": "90"}, "trigger_price"),
        ({"quantity": "4"}, "quantity"),
    ],
)
async def test_a_change_that_is_none(url: str, change: dict[str, Any], field: str) -> None:
    async with running_exchange(url) as exchange:
        old = await exchange.create(limit_order("10"))
        exchange.venue.trade(old.client_order_id, "4")
        await exchange.settled(old.name, "PARTIALLY_FILLED")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.replace(old.name, **change)
        assert reason_of(caught.value) == "INVALID_REPLACEMENT"
        assert field in (caught.value.details() or "")
        assert len(await exchange.orders()) == 1


async def test_what_cannot_be_replaced(url: str) -> None:
    async with running_exchange(url) as exchange:
        done = await exchange.create(market_order("2"))
        resting = await exchange.create(limit_order("2"))
        request_id = str(uuid4())
        new = await exchange.replace(resting.name, request_id, price="101")
        cases: list[tuple[str, dict[str, Any], str]] = [
            (done.name, {"quantity": "3"}, "ORDER_NOT_REPLACEABLE"),
            (resting.name, {"price": "99"}, "ORDER_NOT_REPLACEABLE"),
            (f"accounts/paper/orders/{uuid4()}", {"price": "99"}, "ORDER_NOT_FOUND"),
            (new.name, {"price": "99.1"}, "PRICE_OFF_TICK"),
        ]
        for name, change, reason in cases:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await exchange.replace(name, **change)
            assert reason_of(caught.value) == reason
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.replace(resting.name, request_id, price="98")
        assert reason_of(caught.value) == "REQUEST_ID_REUSED"


async def test_an_unknown_outcome_of_the_cancel_keeps_the_new_order_here(url: str) -> None:
    async with running_exchange(url) as exchange:
        old = await exchange.create(limit_order("10"))
        exchange.venue.cancels_work = False
        new = await exchange.replace(old.name, price="101", within=2)
        assert new.state == _S.ORDER_STATE_HELD
        assert (await exchange.order(old.name)).state == _S.ORDER_STATE_PENDING_CANCEL
        exchange.venue.trade(old.client_order_id, "2")
        assert new.client_order_id not in exchange.venue.sendings
        exchange.venue.cancels_work = True
        after = await exchange.settled(new.name, "OPEN")
        assert after.quantity == "8"


async def test_a_cancel_of_the_new_order_while_it_waits_ends_both(url: str) -> None:
    async with running_exchange(url) as exchange:
        old = await exchange.create(limit_order("10"))
        exchange.venue.cancels_work = False
        new = await exchange.replace(old.name, price="101", within=2)
        assert (await exchange.cancel(new.name)).state == _S.ORDER_STATE_CANCELLED
        exchange.venue.cancels_work = True
        await exchange.settled(old.name, "CANCELLED")
        assert len(exchange.venue.sendings) == 1


async def test_an_order_whose_outcome_is_unknown_is_replaced_once_it_is_known(url: str) -> None:
    venue = FakeVenue()
    venue.mishaps.append(Mishap.REQUEST_LATE)
    async with running_exchange(url, venue, timing=PATIENT) as exchange:
        old = await exchange.create(limit_order("10"))
        assert old.state == _S.ORDER_STATE_UNKNOWN
        new = await exchange.replace(old.name, price="101", within=3)
        assert new.state == _S.ORDER_STATE_HELD
        venue.deliver_late()
        venue.trade(old.client_order_id, "1")
        after = await exchange.settled(new.name, "OPEN")
        assert after.quantity == "9"


_POINTS = [
    Step.REPLACEMENT_COMMITTED,
    Step.RESERVED,
    Step.CANCEL_COMMITTED,
    Step.CANCEL_ANSWERED,
    Step.CANCELLED,
    Step.TURN_COMMITTED,
    Step.VENUE_ANSWERED,
    Step.ACKNOWLEDGED,
]


@pytest.mark.parametrize("point", _POINTS)
async def test_killed_at_a_point_and_started_again(url: str, point: Step) -> None:
    venue, risk = FakeVenue(), FakeRisk()
    request_id = str(uuid4())
    async with running_exchange(url, venue, risk) as exchange:
        old = await exchange.create(limit_order("10"))
        exchange.venue.trade(old.client_order_id, "4")
        await exchange.settled(old.name, "PARTIALLY_FILLED")
        exchange.journal.crash_at = point
        with suppress(grpc.aio.AioRpcError):
            await exchange.replace(old.name, request_id, price="101", within=2)
    async with running_exchange(url, venue, risk) as exchange:
        new = await exchange.replace(old.name, request_id, price="101")
        assert new == await exchange.replace(old.name, request_id, price="101")
        after = await exchange.settled(new.name, "OPEN")
        assert after.quantity == "6"
        gone = await exchange.order(old.name)
        assert (gone.state, gone.reason) == (_S.ORDER_STATE_CANCELLED, "REPLACED")
        assert len(await exchange.orders()) == 2
        await _nothing_is_left_reserved(exchange, after)
    # A slow machine may send one twice, under one client order id: the venue takes it once.
    assert len(venue.orders) == len(set(venue.sendings)) == 2


async def _nothing_is_left_reserved(exchange: RunningExchange, last: order_pb2.Order) -> None:
    """Risk lets a reservation go when it hears of the order's end: each has one, or is open still."""
    await exchange.cancel(last.name)

    async def ended() -> bool:
        final = {
            event.order.name.rpartition("/")[2]
            for event in await exchange.events()
            if event.DESCRIPTOR.name == "OrderChanged"
            and order_pb2.OrderState.Name(event.order.state).rpartition("ORDER_STATE_")[2] in _FINAL
        }
        return exchange.risk.reserved <= final

    await eventually(ended)
    # And while both stood, they shared one claim, of which neither needed more than was left.
    claims = set(exchange.risk.groups.values())
    assert len(claims) == 1
    assert max(exchange.risk.quantities.values()) == Decimal(10)


_FINAL = {"FILLED", "CANCELLED", "DENIED", "REJECTED", "EXPIRED"}
