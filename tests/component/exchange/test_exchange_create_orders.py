"""CreateOrders without a contingency, through real gRPC."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from trademesh.exchange.v1 import order_pb2

from services.exchange.domain.capabilities import Capabilities
from services.exchange.domain.terms import Kind
from services.exchange.ports import Denied, Step
from tests.support.exchange import (
    PATIENT,
    RunningExchange,
    eventually,
    limit_order,
    market_order,
    reason_of,
    running_exchange,
    several,
)
from tests.support.exchange_venue import SPOT, FakeRisk, FakeVenue, Mishap

_S = order_pb2
IN_ORDER = Capabilities([each for kind in Kind if (each := SPOT.native(kind))], in_order=True)
"""A venue whose orders arrive as they were sent."""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"


def _reason(result: object) -> str:
    info = ErrorInfo()
    assert result.error.details[0].Unpack(info)  # type: ignore[attr-defined]
    assert info.domain == "exchange.trademesh"
    return str(info.reason)


async def test_each_order_is_answered_in_the_order_of_the_request(database_url: str) -> None:
    request = several(limit_order("1"), limit_order("0.0001"), market_order("2"))
    async with running_exchange(database_url) as exchange:
        answers = await asyncio.gather(*(exchange.create_several(request) for _ in range(5)))
        assert all(answer == answers[0] for answer in answers)
        first, second, third = answers[0].results
        assert first.order.state == _S.ORDER_STATE_OPEN
        assert _reason(second) == "QUANTITY_OFF_LOT"
        assert second.error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
        assert third.order.state == _S.ORDER_STATE_FILLED
        # Placed in their order, each once.
        assert exchange.venue.sendings == [first.order.client_order_id, third.order.client_order_id]
        assert first.order.create_time.ToDatetime() <= third.order.create_time.ToDatetime()


async def test_where_the_venue_keeps_their_order_they_go_together(database_url: str) -> None:
    venue = FakeVenue(capabilities=IN_ORDER)
    request = several(*(limit_order("0.0001") if number == 7 else market_order("2") for number in range(20)))
    async with running_exchange(database_url, venue, timing=PATIENT) as exchange:
        venue.mishaps.extend([Mishap.HELD] * 19)
        call = asyncio.create_task(exchange.create_several(request))
        # No answer came yet, and all have been sent.
        await eventually(lambda: _all_sent(venue, 19))
        venue.release.set()
        answer = await call
        assert await exchange.create_several(request) == answer
        events = await exchange.events()
    placed = [each.order for each in answer.results if each.HasField("order")]
    assert _reason(answer.results[7]) == "QUANTITY_OFF_LOT"
    assert [order.state for order in placed] == [_S.ORDER_STATE_FILLED] * 19
    ids = [order.client_order_id for order in placed]
    assert venue.sendings == ids
    assert exchange.risk.asked == [order.name.rpartition("/")[2] for order in placed]
    changes = [each.order for each in events if each.DESCRIPTOR.name == "OrderChanged"]
    for version in (1, 2):
        assert [each.client_order_id for each in changes if each.version == version] == ids


async def _all_sent(venue: FakeVenue, count: int) -> bool:
    return len(venue.sendings) == count


async def test_a_denied_order_is_an_answer_and_does_not_stop_the_next(url: str) -> None:
    async with running_exchange(url) as exchange:
        exchange.risk.verdict = Denied("BALANCE", "not enough")
        answer = await exchange.create_several(several(limit_order(), limit_order()))
        assert [each.order.state for each in answer.results] == [_S.ORDER_STATE_DENIED] * 2
        assert len(exchange.risk.asked) == 2


async def test_a_repeat_gives_the_first_answer_after_a_restart_too(url: str) -> None:
    venue = FakeVenue()
    request = several(limit_order("1"), limit_order("0.0001"))
    async with running_exchange(url, venue) as exchange:
        first = await exchange.create_several(request)
        await exchange.cancel(first.results[0].order.name)
    async with running_exchange(url, venue) as exchange:
        assert await exchange.create_several(request) == first
    assert len(venue.sendings) == 1


async def test_the_id_of_another_request_is_refused(url: str) -> None:
    async with running_exchange(url) as exchange:
        request = several(limit_order("1"), limit_order("2"))
        await exchange.create_several(request)
        for other in (
            several(limit_order("2"), limit_order("1"), request_id=request.request_id),
            several(limit_order("1"), request_id=request.request_id),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await exchange.create_several(other)
            assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
            assert reason_of(caught.value) == "REQUEST_ID_REUSED"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create(limit_order(request_id=request.request_id))
        assert reason_of(caught.value) == "REQUEST_ID_REUSED"
        single = limit_order()
        await exchange.create(single)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create_several(several(limit_order(), request_id=single.request_id))
        assert reason_of(caught.value) == "REQUEST_ID_REUSED"


async def test_a_request_that_comes_too_late_places_nothing(url: str) -> None:
    async with running_exchange(url) as exchange:
        request = several(limit_order())
        request.expire_time.FromDatetime(datetime.now(UTC) - timedelta(seconds=1))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create_several(request)
        assert reason_of(caught.value) == "REQUEST_EXPIRED"
        assert await exchange.orders() == []


async def test_an_unknown_account_is_refused_as_a_whole(url: str) -> None:
    async with running_exchange(url) as exchange:
        request = several(limit_order())
        request.parent = "accounts/nobody"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create_several(request)
        assert reason_of(caught.value) == "ACCOUNT_NOT_FOUND"


class CrashingAtOrder:
    """Kills the task that reaches a step of the order that came as the given one."""

    def __init__(self, step: Step, turn: int) -> None:
        self._step, self._turn = step, turn
        self.steps: list[tuple[Step, str]] = []

    def reached(self, step: Step, order: object, **details: object) -> None:
        if step is self._step:
            self._turn -= 1
            if self._turn == 0:
                raise asyncio.CancelledError(f"killed at {step}")


@pytest.mark.parametrize("turn", [1, 2, 3])
@pytest.mark.parametrize("point", [Step.INTENT_COMMITTED, Step.SUBMITTED, Step.VENUE_ANSWERED])
@pytest.mark.parametrize("in_order", [False, True])
async def test_killed_in_the_middle_a_repeat_carries_on(
    url: str, point: Step, turn: int, in_order: bool
) -> None:
    venue, risk = FakeVenue(capabilities=IN_ORDER if in_order else SPOT), FakeRisk()
    request = several(*(limit_order("1") for _ in range(3)), request_id=str(uuid4()))
    journal = CrashingAtOrder(point, turn)
    async with running_exchange(url, venue, risk, journal=journal) as exchange:  # type: ignore[arg-type]
        with suppress(grpc.aio.AioRpcError):
            await exchange.create_several(request, within=2)
        # Together they do not wait for each other, so that one that dies keeps no other from leaving.
        assert len(venue.sendings) < 3 or turn == 3 or in_order
    async with running_exchange(url, venue, risk) as exchange:
        answer = await exchange.create_several(request)
        assert answer == await exchange.create_several(request)
        await _three_orders(exchange, [each.order.name for each in answer.results])
    assert len(venue.sendings) == len(set(venue.sendings)) == 3
    assert len(venue.orders) == 3
    assert len(risk.reserved) == 3


async def _three_orders(exchange: RunningExchange, names: list[str]) -> None:
    orders = sorted(await exchange.orders(), key=lambda order: order.create_time.ToDatetime())
    assert [order.name for order in orders] == names
    assert [order.state for order in orders] == [_S.ORDER_STATE_OPEN] * 3
