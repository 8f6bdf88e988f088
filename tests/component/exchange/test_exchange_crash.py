"""Killed at each named point, then started again: one venue order or none, never two."""

import asyncio
import random
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import grpc
import pytest
from trademesh.exchange.v1 import order_pb2

from services.exchange.ports import Step
from tests.support.exchange import (
    QUICK,
    CrashingJournal,
    RunningExchange,
    ShiftedClock,
    eventually,
    limit_order,
    market_order,
    running_exchange,
    stop_order,
)
from tests.support.exchange_prices import FakePrices
from tests.support.exchange_venue import FakeRisk, FakeVenue, Mishap

_S = order_pb2
_POINTS = [
    Step.INTENT_COMMITTED,
    Step.RESERVED,
    Step.SUBMITTED,
    Step.VENUE_ANSWERED,
    Step.ACKNOWLEDGED,
    Step.FILL_BOOKED,
]


async def check_books(exchange: RunningExchange) -> None:
    """I1 and I2: the venue's orders and fills are ours, each once; and the events tell the same."""
    orders = {order.client_order_id: order for order in await exchange.orders()}
    venue = exchange.venue
    assert set(venue.orders) <= set(orders)
    fills = await exchange.fills()
    told = {fill.venue_trade_id: fill for order in venue.orders.values() for fill in order.fills}
    assert {fill.venue_trade_id for fill in fills} == set(told)
    assert len(fills) == len(told)
    for client_id, order in orders.items():
        at_venue = venue.orders.get(client_id)
        filled = sum((fill.quantity for fill in at_venue.fills), Decimal(0)) if at_venue else Decimal(0)
        assert Decimal(order.filled_quantity) == filled
    versions: dict[str, int] = {}
    for event in await exchange.events():
        if event.DESCRIPTOR.name == "OrderChanged":
            assert event.order.version == versions.get(event.order.name, 0) + 1
            versions[event.order.name] = event.order.version
    assert versions == {order.name: order.version for order in orders.values()}


@pytest.mark.parametrize("point", _POINTS)
@pytest.mark.parametrize("kind", ["market", "limit"])
async def test_killed_at_a_point_and_started_again(new_database_url: object, point: Step, kind: str) -> None:
    url = new_database_url()  # type: ignore[operator]
    venue, risk = FakeVenue(), FakeRisk()
    request = market_order("2") if kind == "market" else limit_order("2")
    async with running_exchange(url, venue, risk, crash_at=point) as exchange:
        with suppress(grpc.aio.AioRpcError):
            await exchange.create(request, within=2)
    async with running_exchange(url, venue, risk) as exchange:
        answer = await exchange.create(request)
        assert answer == await exchange.create(request)
        order = await exchange.settled(answer.name, "FILLED" if kind == "market" else "OPEN")
        assert order.client_order_id in venue.orders
        await check_books(exchange)
        assert len(await exchange.orders()) == 1
    assert len(venue.orders) == 1
    # Sent again only where it cannot have arrived; the venue would have refused it otherwise.
    assert len(venue.sendings) == 1
    assert risk.reserved == {answer.name.rpartition("/")[2]}


@pytest.mark.parametrize(
    "point",
    [
        Step.INTENT_COMMITTED,
        Step.RESERVED,
        Step.HELD,
        Step.TRIGGER_MOVED,
        Step.TRIGGERED,
        Step.VENUE_ANSWERED,
        Step.ACKNOWLEDGED,
        Step.FILL_BOOKED,
    ],
)
async def test_a_held_order_is_killed_at_a_point_and_started_again(tmp_path: Path, point: Step) -> None:
    """The ratchet's best price is kept, the trigger goes off once, one order is sent."""
    url = f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"
    venue, risk, prices = FakeVenue(), FakeRisk(), FakePrices()
    request = stop_order("2")
    request.order.trailing_stop.absolute = "10"
    journal = CrashingJournal(point)
    with suppress(asyncio.CancelledError):
        async with running_exchange(url, venue, risk, prices=prices, journal=journal) as exchange:
            with suppress(grpc.aio.AioRpcError):
                await exchange.create(request, within=2)
            if point not in {Step.INTENT_COMMITTED, Step.RESERVED}:
                for price, wanted in (("120", Step.TRIGGER_MOVED), ("105", point)):
                    prices.set(price)
                    await eventually(partial(_reached, journal, wanted))
    prices.set("105")
    async with running_exchange(url, venue, risk, prices=prices) as exchange:
        held = await exchange.create(request)
        assert held.state == _S.ORDER_STATE_HELD
        prices.set("90")
        done = await exchange.settled(held.name, "FILLED")
        assert await exchange.create(request) == held
        await check_books(exchange)
        kept = point not in {Step.INTENT_COMMITTED, Step.RESERVED}
        assert done.trigger.best_price == ("120" if kept else "105")
    assert len(venue.orders) == len(venue.sendings) == 1
    assert risk.reserved == {held.name.rpartition("/")[2]}


async def _reached(journal: CrashingJournal, wanted: Step) -> bool:
    return any(step is wanted for step, _ in journal.steps)


async def test_a_triggered_order_is_sent_however_late_the_restart_is(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"
    venue, prices, clock = FakeVenue(), FakePrices(), ShiftedClock()
    journal = CrashingJournal(Step.TRIGGERED)
    async with running_exchange(url, venue, prices=prices, journal=journal) as exchange:
        held = await exchange.create(stop_order())
        prices.set("90")
        await eventually(partial(_reached, journal, Step.TRIGGERED))
    assert venue.sendings == []
    prices.set("100")
    clock.ahead = timedelta(hours=1)
    async with running_exchange(url, venue, prices=prices, clock=clock) as exchange:
        done = await exchange.settled(held.name, "FILLED")
        assert done.trigger.trigger_market_price == "90"
    assert len(venue.sendings) == 1


async def test_killed_with_the_request_on_its_way_and_no_answer(tmp_path: Path) -> None:
    """SUBMITTED, the venue has it not: sent again; then the first sending arrives late."""
    url = f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"
    venue = FakeVenue()
    venue.mishaps.append(Mishap.REQUEST_LATE)
    async with running_exchange(url, venue, crash_at=Step.VENUE_ANSWERED) as exchange:
        with suppress(grpc.aio.AioRpcError):
            await exchange.create(limit_order(), within=2)
    async with running_exchange(url, venue) as exchange:
        orders = await exchange.orders()
        await exchange.settled(orders[0].name, "OPEN")
        venue.deliver_late()
        await check_books(exchange)
    assert len(venue.sendings) == 2
    assert len(venue.orders) == 1


async def test_what_waited_too_long_is_not_sent_any_more(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"
    venue = FakeVenue()
    late = replace(QUICK, stale=0.05)
    request = market_order("1")
    async with running_exchange(url, venue, crash_at=Step.INTENT_COMMITTED) as exchange:
        with suppress(grpc.aio.AioRpcError):
            await exchange.create(request, within=1)
    await asyncio.sleep(late.stale)
    async with running_exchange(url, venue, timing=late) as exchange:
        answer = await exchange.create(request)
        assert (answer.state, answer.reason) == (_S.ORDER_STATE_DENIED, "ORDER_STALE")
    assert venue.sendings == []


async def test_a_submitted_order_that_waited_too_long_is_left_to_the_evidence(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"
    venue = FakeVenue()
    late = replace(QUICK, stale=0.05)
    async with running_exchange(url, venue, crash_at=Step.SUBMITTED) as exchange:
        with suppress(grpc.aio.AioRpcError):
            await exchange.create(market_order("1"), within=1)
    await asyncio.sleep(late.stale)
    async with running_exchange(url, venue, timing=late) as exchange:
        orders = await exchange.orders()
        done = await exchange.settled(orders[0].name, "REJECTED")
        assert done.reason == "VENUE_UNAVAILABLE"
    assert venue.sendings == []


async def test_recovery_books_what_happened_meanwhile(new_database_url: object) -> None:
    url = new_database_url()  # type: ignore[operator]
    venue = FakeVenue()
    async with running_exchange(url, venue) as exchange:
        resting = await exchange.create(limit_order("2"))
        gone = await exchange.create(limit_order("2"))
    venue.trade(resting.client_order_id, "0.5")
    venue.trade(gone.client_order_id, "2")
    venue.place_externally("by-hand")
    venue.trade("by-hand", "1")
    venue.deposit("500")
    async with running_exchange(url, venue) as exchange:
        # Serving, so recovered: nothing to wait for.
        assert (await exchange.order(resting.name)).state == _S.ORDER_STATE_PARTIALLY_FILLED
        assert (await exchange.order(gone.name)).state == _S.ORDER_STATE_FILLED
        adopted = [order for order in await exchange.orders() if order.client_order_id == "by-hand"]
        assert adopted[0].state == _S.ORDER_STATE_FILLED
        await check_books(exchange)
        transfers = [each for each in await exchange.events() if each.DESCRIPTOR.name == "TransferRecorded"]
        assert [each.transfer.amount for each in transfers] == ["500"]
        await exchange.cancel(resting.name)
    async with running_exchange(url, venue) as exchange:
        await check_books(exchange)
        transfers = [each for each in await exchange.events() if each.DESCRIPTOR.name == "TransferRecorded"]
        assert len(transfers) == 1


async def test_without_the_venue_it_serves_reads_and_goes_on_trying(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"
    venue = FakeVenue()
    async with running_exchange(url, venue) as exchange:
        order = await exchange.create(limit_order())
    venue.vanish()
    async with running_exchange(url, venue) as exchange:
        assert (await exchange.order(order.name)).state == _S.ORDER_STATE_OPEN
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create(limit_order())
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        pending = await exchange.cancel(order.name)
        assert pending.state == _S.ORDER_STATE_PENDING_CANCEL
        venue.go()
        await exchange.settled(order.name, "CANCELLED")

        async def takes_orders() -> bool:
            with suppress(grpc.aio.AioRpcError):
                return bool(await exchange.create(limit_order()))
            return False

        await eventually(takes_orders)


@pytest.mark.parametrize("seed", range(4))
async def test_a_venue_that_loses_repeats_and_reorders(tmp_path: Path, seed: int) -> None:
    """Mishaps by a seed, restarts in between; afterwards the books agree."""
    url = f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"
    dice = random.Random(seed)
    venue = FakeVenue()
    venue.shuffle = lambda events: dice.sample(events, len(events))
    usual = [Mishap.NONE, Mishap.ANSWER_LOST, Mishap.REQUEST_LATE, Mishap.REQUEST_LOST, Mishap.REFUSED]
    for _ in range(3):
        point = dice.choice([None, *_POINTS])
        venue.mishaps.extend(dice.choices(usual, k=6))
        # Where half-way orders are left from the round before, recovery itself is killed.
        with suppress(asyncio.CancelledError):
            async with running_exchange(url, venue, crash_at=point) as exchange:
                requests = [
                    (market_order("2") if dice.random() < 0.5 else limit_order("2")) for _ in range(6)
                ]
                await asyncio.gather(
                    *(exchange.create(each, within=2) for each in requests), return_exceptions=True
                )
                for client_id, order in list(venue.orders.items()):
                    if order.status == "OPEN" and dice.random() < 0.5:
                        venue.trade(client_id, "1")
                venue.repeat_everything()
        venue.deliver_late()
        venue.mishaps.clear()
    async with running_exchange(url, venue) as exchange:

        async def settled() -> bool:
            moving = {_S.ORDER_STATE_PENDING, _S.ORDER_STATE_SUBMITTED, _S.ORDER_STATE_UNKNOWN}
            return not any(order.state in moving for order in await exchange.orders())

        await eventually(settled)
        await check_books(exchange)
    assert len(venue.orders) == len({order.venue_order_id for order in venue.orders.values()})
