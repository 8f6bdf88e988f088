"""CancelAllOrders, and CancelOrder by client order id, through real gRPC."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import order_pb2

from services.exchange.ports import Step
from tests.support.exchange import (
    BTC,
    PAPER,
    PATIENT,
    RunningExchange,
    limit_order,
    reason_of,
    running_exchange,
    stop_order,
)
from tests.support.exchange_prices import FakePrices
from tests.support.exchange_venue import FakeRisk, FakeVenue, Mishap

_S = order_pb2


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"


async def cancel_all(
    exchange: RunningExchange, within: float = 5.0, **more: Any
) -> pb.CancelAllOrdersResponse:
    request = pb.CancelAllOrdersRequest(**{"parent": PAPER, "request_id": str(uuid4()), **more})
    answer: pb.CancelAllOrdersResponse = await exchange.stub.CancelAllOrders(request, timeout=within)
    return answer


async def by_client_id(
    exchange: RunningExchange, client_order_id: str, request_id: str = "", venue: str = "venues/sim"
) -> order_pb2.Order:
    request = pb.CancelOrderRequest(
        parent=PAPER,
        venue=venue,
        client_order_id=client_order_id,
        request_id=request_id or str(uuid4()),
    )
    answer: order_pb2.Order = await exchange.stub.CancelOrder(request, timeout=5)
    return answer


async def test_every_open_order_is_cancelled_and_repeats_say_the_same(database_url: str) -> None:
    async with running_exchange(database_url) as exchange:
        orders = [await exchange.create(limit_order("2")) for _ in range(5)]
        exchange.venue.trade(orders[0].client_order_id, "0.5")
        done = await exchange.create(limit_order("1"))
        exchange.venue.trade(done.client_order_id, "1")
        await exchange.settled(done.name, "FILLED")
        request_id = str(uuid4())
        answers = await asyncio.gather(*(cancel_all(exchange, request_id=request_id) for _ in range(3)))
        assert all(each == answers[0] for each in answers)
        assert answers[0].complete
        assert not answers[0].unreachable_venues
        assert [each.name for each in answers[0].orders] == [each.name for each in orders]
        assert {each.state for each in answers[0].orders} == {_S.ORDER_STATE_CANCELLED}
        assert answers[0].orders[0].filled_quantity == "0.5"
        assert await cancel_all(exchange) == pb.CancelAllOrdersResponse(complete=True)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await cancel_all(exchange, request_id=request_id, strategy="strategies/other")
        assert reason_of(caught.value) == "REQUEST_ID_REUSED"


async def test_a_repeat_after_a_restart_gets_the_first_answer(database_url: str) -> None:
    venue, request_id = FakeVenue(), str(uuid4())
    async with running_exchange(database_url, venue) as exchange:
        await exchange.create(limit_order("2"))
        first = await cancel_all(exchange, request_id=request_id)
        assert len(first.orders) == 1
    async with running_exchange(database_url, venue) as exchange:
        await exchange.create(limit_order("2"))
        assert await cancel_all(exchange, request_id=request_id) == first
        assert len(await exchange.orders()) == 2


async def test_the_filter_spares_the_others(url: str) -> None:
    async with running_exchange(url) as exchange:
        ours = await exchange.create(limit_order(strategy="strategies/one"))
        other = await exchange.create(limit_order(strategy="strategies/two"))
        exchange.venue.place_externally("by-hand")
        answer = await cancel_all(exchange, strategy="strategies/one", instrument=BTC, venue="venues/sim")
        assert [each.name for each in answer.orders] == [ours.name]
        assert (await exchange.order(other.name)).state == _S.ORDER_STATE_OPEN
        assert exchange.venue.orders["by-hand"].status == "OPEN"
        nothing = await cancel_all(exchange, instrument="venues/sim/instruments/eth-usdt")
        assert (list(nothing.orders), nothing.complete) == ([], True)
        contradiction = await cancel_all(exchange, instrument=BTC, venue="venues/none")
        assert (list(contradiction.orders), contradiction.complete) == ([], True)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await cancel_all(exchange, venue="venues/none")
        assert reason_of(caught.value) == "VENUE_NOT_FOUND"


async def test_orders_that_did_not_come_from_us_go_with_them(url: str) -> None:
    async with running_exchange(url) as exchange:
        ours = await exchange.create(limit_order())
        exchange.venue.place_externally("by-hand", "3")
        answer = await cancel_all(exchange)
        assert {each.client_order_id for each in answer.orders} == {ours.client_order_id, "by-hand"}
        assert answer.complete
        assert exchange.venue.orders["by-hand"].status == "CANCELLED"


async def test_held_orders_end_here_while_nothing_else_answers(url: str) -> None:
    risk, prices = FakeRisk(), FakePrices()
    async with running_exchange(url, risk=risk, prices=prices, timing=PATIENT) as exchange:
        held = await exchange.create(stop_order(trigger="90"))
        assert held.state == _S.ORDER_STATE_HELD
        prices.reachable = risk.reachable = False
        exchange.venue.vanish()
        answer = await cancel_all(exchange, within=1.0)
        assert [(each.name, each.state) for each in answer.orders] == [(held.name, _S.ORDER_STATE_CANCELLED)]
        # The venue may have orders that we do not know of.
        assert (answer.complete, list(answer.unreachable_venues)) == (False, ["venues/sim"])
        exchange.venue.go()
        assert (await cancel_all(exchange)).complete
        prices.set("89")
        assert exchange.venue.sendings == []


async def test_it_needs_no_risk(url: str) -> None:
    risk = FakeRisk()
    async with running_exchange(url, risk=risk) as exchange:
        await exchange.create(limit_order())
        risk.reachable = False
        asked = len(risk.asked)
        assert (await cancel_all(exchange)).complete
        assert len(risk.asked) == asked


async def test_it_is_complete_only_by_the_venues_word(url: str) -> None:
    async with running_exchange(url, timing=PATIENT) as exchange:
        order = await exchange.create(limit_order())
        exchange.venue.cancels_work = False
        answer = await cancel_all(exchange, within=1.0)
        assert not answer.complete
        assert answer.orders[0].state == _S.ORDER_STATE_PENDING_CANCEL
        assert not answer.unreachable_venues
        exchange.venue.cancels_work = True
        await exchange.settled(order.name, "CANCELLED")
        assert (await cancel_all(exchange)).complete


async def test_a_venue_that_does_not_answer_is_named_and_asked_again_until_it_does(url: str) -> None:
    async with running_exchange(url, timing=PATIENT) as exchange:
        order = await exchange.create(limit_order())
        exchange.venue.vanish()
        answer = await cancel_all(exchange, within=1.0)
        assert (answer.complete, list(answer.unreachable_venues)) == (False, ["venues/sim"])
        assert answer.orders[0].name == order.name
        asking = asyncio.create_task(cancel_all(exchange, within=10.0))
        await asyncio.sleep(0)
        exchange.venue.go()
        assert (await asking).complete


async def test_an_order_whose_fate_is_unknown_keeps_it_from_being_complete(url: str) -> None:
    venue = FakeVenue()
    venue.mishaps.append(Mishap.REQUEST_LATE)
    async with running_exchange(url, venue, timing=PATIENT) as exchange:
        order = await exchange.create(limit_order())
        assert order.state == _S.ORDER_STATE_UNKNOWN
        answer = await cancel_all(exchange, within=1.0)
        assert (answer.complete, answer.orders[0].state) == (False, _S.ORDER_STATE_PENDING_CANCEL)
        asking = asyncio.create_task(cancel_all(exchange, within=10.0))
        venue.deliver_late()
        done = await asking
        assert (done.complete, done.orders[0].state) == (True, _S.ORDER_STATE_CANCELLED)
        assert venue.orders[order.client_order_id].status == "CANCELLED"


async def test_a_sweep_that_was_committed_goes_on_after_a_restart(url: str) -> None:
    venue, request_id = FakeVenue(), str(uuid4())
    async with running_exchange(url, venue, crash_at=Step.CANCEL_COMMITTED) as exchange:
        orders = [await exchange.create(limit_order()) for _ in range(3)]
        with suppress(grpc.aio.AioRpcError):
            await cancel_all(exchange, within=1.0, request_id=request_id)
    async with running_exchange(url, venue) as exchange:
        for order in orders:
            await exchange.settled(order.name, "CANCELLED")
        assert (await cancel_all(exchange, request_id=request_id)).complete


async def test_an_order_is_cancelled_by_its_client_order_id(database_url: str) -> None:
    async with running_exchange(database_url) as exchange:
        order = await exchange.create(limit_order())
        request_id = str(uuid4())
        answer = await by_client_id(exchange, order.client_order_id, request_id)
        assert (answer.name, answer.state) == (order.name, _S.ORDER_STATE_CANCELLED)
        assert await by_client_id(exchange, order.client_order_id, request_id) == answer


async def test_an_external_order_is_adopted_and_cancelled_by_its_client_order_id(url: str) -> None:
    async with running_exchange(url) as exchange:
        exchange.venue.place_externally("by-hand", "3")
        answer = await by_client_id(exchange, "by-hand")
        assert (answer.client_order_id, answer.state) == ("by-hand", _S.ORDER_STATE_CANCELLED)
        assert exchange.venue.orders["by-hand"].status == "CANCELLED"


async def test_a_client_order_id_that_nobody_knows_is_told_from_a_venue_that_is_away(url: str) -> None:
    async with running_exchange(url) as exchange:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await by_client_id(exchange, "nobody")
        assert (caught.value.code(), reason_of(caught.value)) == (
            grpc.StatusCode.NOT_FOUND,
            "ORDER_NOT_FOUND",
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await by_client_id(exchange, "nobody", venue="venues/none")
        assert reason_of(caught.value) == "VENUE_NOT_FOUND"
        exchange.venue.vanish()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await by_client_id(exchange, "nobody")
        assert reason_of(caught.value) == "VENUE_UNAVAILABLE"
