"""What callers see of a venue's protection: GetVenue, refusals with RetryInfo, cancels within the reserve."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import order_pb2, venue_pb2

from services.chassis.rpc.status import details_of
from services.exchange.domain.budgets import Budget, CallKind
from services.exchange.ports import VenueReports
from tests.support.exchange import (
    PATIENT,
    RunningExchange,
    eventually,
    limit_order,
    reason_of,
    running_exchange,
)
from tests.support.exchange_venue import FakeVenue

ORDERS = Budget(
    name="orders", window_seconds=60, limit=6, reserve=3, default_weight=0, weights={CallKind.PLACE: 1}
)
WEIGHT = Budget(name="weight", window_seconds=60, limit=10_000, reserve=1000)
STEADY = replace(PATIENT, health=0.05)


@dataclass
class Limited(FakeVenue):
    """A venue with limits of its own, which its adapter knows."""

    budgets: list[Budget] = field(default_factory=lambda: [WEIGHT, ORDERS])
    reports: VenueReports | None = None

    def rate_budgets(self) -> Sequence[Budget]:
        return self.budgets

    def report_to(self, reports: VenueReports) -> None:
        self.reports = reports


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"


async def venue_of(exchange: RunningExchange) -> venue_pb2.Venue:
    answer: venue_pb2.Venue = await exchange.stub.GetVenue(pb.GetVenueRequest(name="venues/sim"))
    return answer


def retry_delay(error: grpc.aio.AioRpcError) -> float:
    status, retry = details_of(error), RetryInfo()
    assert status is not None
    assert any(detail.Unpack(retry) for detail in status.details)
    seconds: float = retry.retry_delay.ToTimedelta().total_seconds()
    return seconds


async def refused(exchange: RunningExchange) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await exchange.create(limit_order())
    return caught.value


async def test_an_order_beyond_the_limit_is_refused_and_cancels_go_on(url: str) -> None:
    async with running_exchange(url, Limited(), timing=STEADY) as exchange:
        orders = [await exchange.create(limit_order()) for _ in range(ORDERS.limit - ORDERS.reserve)]
        error = await refused(exchange)
        assert (error.code(), reason_of(error)) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "VENUE_RATE_LIMITED",
        )
        assert 0 < retry_delay(error) <= ORDERS.span * ORDERS.slice_ms / 1000
        # No order was made of it.
        assert len(await exchange.orders()) == len(orders) == len(exchange.venue.sendings)
        venue = await venue_of(exchange)
        assert venue.state == venue_pb2.VENUE_STATE_THROTTLED
        assert venue.HasField("retry_time")
        assert "orders" in venue.state_message
        weight, counted = venue.rate_budgets
        assert (counted.name, counted.window_seconds, counted.limit, counted.reserve, counted.used) == (
            "orders",
            60,
            6,
            3,
            3,
        )
        assert 0 < weight.used < weight.limit
        for order in orders:
            assert (await exchange.cancel(order.name)).state == order_pb2.ORDER_STATE_CANCELLED


async def test_a_pause_refuses_orders_until_it_is_over(url: str) -> None:
    venue = Limited()
    async with running_exchange(url, venue, timing=STEADY) as exchange:
        order = await exchange.create(limit_order())
        assert venue.reports is not None
        venue.reports.asked_to_wait(0.4, banned=False)
        error = await refused(exchange)
        assert reason_of(error) == "VENUE_RATE_LIMITED"
        assert 0 < retry_delay(error) <= 0.4
        assert (await venue_of(exchange)).state_message == "the venue asked for a pause"
        assert (await exchange.cancel(order.name)).state == order_pb2.ORDER_STATE_CANCELLED

        async def again() -> Any:
            try:
                return await exchange.create(limit_order())
            except grpc.aio.AioRpcError:
                return None

        assert (await eventually(again)).state == order_pb2.ORDER_STATE_OPEN


async def test_a_venue_that_is_away_trips_and_comes_back_by_itself(url: str) -> None:
    async with running_exchange(url, Limited(), timing=STEADY) as exchange:
        assert (await venue_of(exchange)).state == venue_pb2.VENUE_STATE_CONNECTED
        order = await exchange.create(limit_order())
        exchange.venue.vanish()

        async def tripped() -> bool:
            return (await venue_of(exchange)).state == venue_pb2.VENUE_STATE_TRIPPED

        await eventually(tripped)
        assert (await venue_of(exchange)).HasField("retry_time")
        error = await refused(exchange)
        assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAVAILABLE, "VENUE_UNAVAILABLE")
        assert retry_delay(error) > 0
        assert (await exchange.cancel(order.name)).state == order_pb2.ORDER_STATE_PENDING_CANCEL
        exchange.venue.go()
        await exchange.settled(order.name, "CANCELLED")

        async def connected() -> bool:
            return (await venue_of(exchange)).state == venue_pb2.VENUE_STATE_CONNECTED

        await eventually(connected)
        assert (await exchange.create(limit_order())).state == order_pb2.ORDER_STATE_OPEN


async def test_no_order_leaves_for_a_live_venue_that_is_not_switched_on(url: str) -> None:
    async with running_exchange(url, Limited(simulated=False), timing=STEADY) as exchange:
        error = await refused(exchange)
        assert (error.code(), reason_of(error)) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "LIVE_TRADING_OFF",
        )
        assert exchange.venue.sendings == []
        venue = await venue_of(exchange)
        assert (venue.simulated, venue.live, venue.state) == (False, False, venue_pb2.VENUE_STATE_CONNECTED)
