"""CreateOrder and the reads, through real gRPC."""

import asyncio
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import grpc
import pytest
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import order_pb2

from services.exchange.ports import Denied, Step
from tests.support.exchange import (
    PAPER,
    PATIENT,
    eventually,
    limit_order,
    market_order,
    reason_of,
    running_exchange,
)
from tests.support.exchange_venue import FakeRisk, FakeVenue, Mishap

_S = order_pb2


async def test_market_order_fills_and_tells_every_step(database_url: str) -> None:
    async with running_exchange(database_url) as exchange:
        order = await exchange.create(market_order("2", strategy="strategies/sma-cross"))
        assert order.state == _S.ORDER_STATE_FILLED
        assert (order.filled_quantity, order.average_price, order.filled_notional) == ("2", "100", "200")
        assert (order.base_asset, order.quote_asset) == ("btc", "usdt")
        assert exchange.journal.of(order.client_order_id)[:5] == [
            Step.INTENT_COMMITTED,
            Step.RESERVED,
            Step.SUBMITTED,
            Step.VENUE_ANSWERED,
            Step.ACKNOWLEDGED,
        ] or Step.FILL_BOOKED in exchange.journal.of(order.client_order_id)
        fills = await exchange.fills()
        assert sum(Decimal(fill.quantity) for fill in fills) == 2
        assert {fill.order for fill in fills} == {order.name}
        assert {fill.strategy for fill in fills} == {"strategies/sma-cross"}


async def test_events_have_every_version_once_and_fills_before_the_change(database_url: str) -> None:
    async with running_exchange(database_url) as exchange:
        order = await exchange.create(market_order("2"))
        events = await exchange.events()
        versions = [each.order.version for each in events if isinstance(each, type(events[0]))]
        assert versions == list(range(1, order.version + 1))
        states = [each.order.state for each in events if each.DESCRIPTOR.name == "OrderChanged"]
        assert states[:2] == [_S.ORDER_STATE_PENDING, _S.ORDER_STATE_SUBMITTED]
        assert events[-1].order == order
        booked = Decimal(0)
        for event in events:
            if event.DESCRIPTOR.name == "FillRecorded":
                booked += Decimal(event.fill.quantity)
            elif event.DESCRIPTOR.name == "OrderChanged":
                assert Decimal(event.order.filled_quantity) == booked


async def test_fifty_repeats_are_one_order_and_one_answer_even_across_a_restart(database_url: str) -> None:
    venue = FakeVenue()
    request = limit_order()
    async with running_exchange(database_url, venue) as exchange:
        answers = await asyncio.gather(*(exchange.create(request) for _ in range(50)))
        assert all(answer == answers[0] for answer in answers)
        venue.trade(answers[0].client_order_id, "1")
        await exchange.settled(answers[0].name, "FILLED")
        assert await exchange.create(request) == answers[0]
    async with running_exchange(database_url, venue) as exchange:
        again = await asyncio.gather(*(exchange.create(request) for _ in range(50)))
        assert all(answer == answers[0] for answer in again)
        assert len(await exchange.orders()) == 1
    assert len(venue.sendings) == len(venue.orders) == 1


async def test_the_same_body_in_other_spelling_is_the_same_request(tmp_path: object) -> None:
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as exchange:
        request = limit_order("0.010", "1000")
        first = await exchange.create(request)
        request.order.quantity, request.order.limit.price = "0.01", "1000.0"
        request.order.reason = "output only fields are not looked at"
        assert await exchange.create(request) == first


async def test_request_id_with_another_body_is_refused(database_url: str) -> None:
    async with running_exchange(database_url) as exchange:
        request = limit_order()
        await exchange.create(request)
        request.order.quantity = "2"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create(request)
        assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
        assert reason_of(caught.value) == "REQUEST_ID_REUSED"


async def test_an_expired_request_makes_no_order_but_a_repeat_gets_its_answer(database_url: str) -> None:
    venue = FakeVenue()
    async with running_exchange(database_url, venue) as exchange:
        in_time = limit_order()
        in_time.expire_time.FromDatetime(datetime.now(UTC) + timedelta(seconds=2))
        first = await exchange.create(in_time)
        late = limit_order()
        late.expire_time.CopyFrom(in_time.expire_time)
        async with asyncio.timeout(5):
            while datetime.now(UTC) < in_time.expire_time.ToDatetime(tzinfo=UTC):
                await asyncio.sleep(0.05)
        assert await exchange.create(in_time) == first
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create(late)
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert reason_of(caught.value) == "REQUEST_EXPIRED"
        assert len(await exchange.orders()) == len(venue.orders) == 1


async def test_a_repeat_waits_within_its_own_deadline(tmp_path: object) -> None:
    venue = FakeVenue()
    venue.mishaps.append(Mishap.HELD)
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3", venue) as exchange:
        request = limit_order()
        first = asyncio.create_task(exchange.create(request))
        await eventually(lambda: asyncio.sleep(0, bool(venue.orders)))
        request_changed = pb.CreateOrderRequest()
        request_changed.CopyFrom(request)
        request_changed.order.quantity = "3"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create(request_changed)
        assert reason_of(caught.value) == "REQUEST_ID_REUSED"
        second = asyncio.create_task(exchange.create(request))
        venue.release.set()
        assert await first == await second
    assert len(venue.sendings) == 1


@pytest.mark.parametrize(
    ("quantity", "price", "reason"),
    [
        ("1", "100.1", "PRICE_OFF_TICK"),
        ("1.0001", "100", "QUANTITY_OFF_LOT"),
        ("1001", "100", "QUANTITY_OUT_OF_RANGE"),
        ("0.002", "100", "NOTIONAL_TOO_SMALL"),
    ],
)
async def test_what_breaks_a_rule_is_no_order(
    tmp_path: object, quantity: str, price: str, reason: str
) -> None:
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as exchange:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create(limit_order(quantity, price))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert reason_of(caught.value) == reason
        assert await exchange.orders() == []
        assert exchange.risk.asked == []


async def test_unknown_names_are_not_found(tmp_path: object) -> None:
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as exchange:
        for change, reason in (
            ({"parent": "accounts/nobody"}, "ACCOUNT_NOT_FOUND"),
            ({"instrument": "venues/none/instruments/btc-usdt"}, "VENUE_NOT_FOUND"),
            ({"instrument": "venues/sim/instruments/none"}, "INSTRUMENT_NOT_FOUND"),
        ):
            request = limit_order()
            request.parent = change.get("parent", request.parent)
            request.order.instrument = change.get("instrument", request.order.instrument)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await exchange.create(request)
            assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.NOT_FOUND, reason)
        for name in ("nonsense", str(uuid4())):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await exchange.order(f"{PAPER}/orders/{name}")
            assert reason_of(caught.value) == "ORDER_NOT_FOUND"


async def test_denied_by_risk_never_leaves(database_url: str) -> None:
    risk = FakeRisk(Denied("BALANCE", "100 wanted, 5 free"))
    async with running_exchange(database_url, risk=risk) as exchange:
        order = await exchange.create(limit_order())
        assert order.state == _S.ORDER_STATE_DENIED
        assert (order.reason, order.reason_message) == ("BALANCE", "100 wanted, 5 free")
        assert exchange.venue.sendings == []


async def test_without_risk_no_order_leaves_and_cancels_do(tmp_path: object) -> None:
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as exchange:
        resting = await exchange.create(limit_order())
        exchange.risk.reachable = False
        order = await exchange.create(limit_order())
        assert (order.state, order.reason) == (_S.ORDER_STATE_DENIED, "RISK_UNAVAILABLE")
        assert exchange.venue.sendings == [resting.client_order_id]
        assert (await exchange.cancel(resting.name)).state == _S.ORDER_STATE_CANCELLED


async def test_refused_by_the_venue_in_so_many_words(tmp_path: object) -> None:
    venue = FakeVenue(mishaps=deque([Mishap.REFUSED, Mishap.NOT_SENT]))
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3", venue) as exchange:
        refused = await exchange.create(limit_order())
        assert (refused.state, refused.reason) == (_S.ORDER_STATE_REJECTED, "INSUFFICIENT_BALANCE")
        unsent = await exchange.create(limit_order())
        assert (unsent.state, unsent.reason) == (_S.ORDER_STATE_DENIED, "VENUE_UNAVAILABLE")


async def test_a_lost_answer_is_unknown_until_the_venue_has_spoken(database_url: str) -> None:
    venue = FakeVenue()
    venue.mishaps.append(Mishap.REQUEST_LATE)
    async with running_exchange(database_url, venue, timing=PATIENT) as exchange:
        order = await exchange.create(limit_order())
        assert order.state == _S.ORDER_STATE_UNKNOWN
        venue.deliver_late()
        assert (await exchange.settled(order.name, "OPEN")).venue_order_id
        assert await exchange.create(limit_order()) != order
    assert venue.sendings.count(order.client_order_id) == 1


async def test_an_order_that_never_arrived_is_settled_by_two_definite_words(tmp_path: object) -> None:
    venue = FakeVenue()
    venue.mishaps.append(Mishap.REQUEST_LOST)
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3", venue) as exchange:
        order = await exchange.create(limit_order())
        assert order.state == _S.ORDER_STATE_UNKNOWN
        done = await exchange.settled(order.name, "REJECTED")
        assert done.reason == "VENUE_UNAVAILABLE"
        waited = done.update_time.ToDatetime() - order.update_time.ToDatetime()
        assert waited.total_seconds() >= 0.3


async def test_an_order_that_comes_up_after_all_is_cancelled_and_its_fills_are_booked(
    tmp_path: object,
) -> None:
    venue = FakeVenue()
    venue.mishaps.append(Mishap.REQUEST_LATE)
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3", venue) as exchange:
        order = await exchange.create(limit_order("1"))
        await exchange.settled(order.name, "REJECTED")
        venue.deliver_late()
        venue.trade(order.client_order_id, "0.4")

        async def cancelled() -> bool:
            return venue.orders[order.client_order_id].status == "CANCELLED"

        await eventually(cancelled)
        await eventually(exchange.fills)
        assert (await exchange.order(order.name)).filled_quantity == "0.4"


async def test_the_outcome_is_committed_though_the_caller_has_left(tmp_path: object) -> None:
    venue = FakeVenue()
    venue.mishaps.append(Mishap.HELD)
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3", venue) as exchange:
        call = exchange.stub.CreateOrder(limit_order(), timeout=5)
        await eventually(lambda: asyncio.sleep(0, bool(venue.orders)))
        call.cancel()
        venue.release.set()

        async def opened() -> bool:
            orders = await exchange.orders()
            return bool(orders) and orders[0].state == _S.ORDER_STATE_OPEN

        await eventually(opened)


async def test_a_short_deadline_gets_an_answer_before_it_ends(tmp_path: object) -> None:
    venue = FakeVenue()
    venue.mishaps.append(Mishap.HELD)
    url = f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"
    async with running_exchange(url, venue, timing=replace(PATIENT, send=30, margin=3.0)) as exchange:
        order = await exchange.create(limit_order(), within=6)
        # Unknown, or open already where the venue's stream was faster than its answer.
        assert order.state in {_S.ORDER_STATE_UNKNOWN, _S.ORDER_STATE_OPEN}
        assert (await exchange.settled(order.name, "OPEN")).venue_order_id


async def test_orders_and_fills_are_listed_page_by_page(database_url: str) -> None:
    async with running_exchange(database_url) as exchange:
        made = [(await exchange.create(market_order("0.002"))).name for _ in range(5)]
        names, token = [], ""
        while True:
            page = await exchange.stub.ListOrders(
                pb.ListOrdersRequest(parent=PAPER, page_size=2, page_token=token)
            )
            names += [order.name for order in page.orders]
            token = page.next_page_token
            if not token:
                break
        assert names == made[::-1]
        fills, token = [], ""
        while True:
            page = await exchange.stub.ListFills(
                pb.ListFillsRequest(parent=PAPER, page_size=3, page_token=token)
            )
            fills += [fill.name for fill in page.fills]
            token = page.next_page_token
            if not token:
                break
        assert len(fills) == len(set(fills)) == 10
        one = await exchange.stub.ListFills(pb.ListFillsRequest(parent=PAPER, order=made[0]))
        assert len(one.fills) == 2
        none = await exchange.stub.ListOrders(
            pb.ListOrdersRequest(parent=PAPER, states=[_S.ORDER_STATE_OPEN])
        )
        assert not none.orders


async def test_venues_and_balances_are_what_the_venue_says(tmp_path: object) -> None:
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as exchange:
        venues = (await exchange.stub.ListVenues(pb.ListVenuesRequest())).venues
        assert [(venue.name, venue.simulated, venue.state) for venue in venues] == [("venues/sim", True, 1)]
        balances = (await exchange.stub.ListBalances(pb.ListBalancesRequest(parent=PAPER))).balances
        assert [(each.asset, each.free) for each in balances] == [("usdt", "1000")]
        exchange.venue.vanish()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.stub.ListBalances(pb.ListBalancesRequest(parent=PAPER))
        assert reason_of(caught.value) == "VENUE_UNAVAILABLE"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create(limit_order())
        assert reason_of(caught.value) == "VENUE_UNAVAILABLE"
        assert await exchange.orders() == []
        exchange.venue.go()

        async def connected() -> bool:
            venue = await exchange.stub.GetVenue(pb.GetVenueRequest(name="venues/sim"))
            return bool(venue.state == 1)

        await eventually(connected)
        assert (await exchange.create(limit_order())).state == _S.ORDER_STATE_OPEN
