"""Lists of orders killed at each named point, and under a venue that fails by a seed."""

import asyncio
import random
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from trademesh.exchange.v1 import order_pb2

from services.exchange.ports import Step
from tests.support.exchange import (
    CrashingJournal,
    RunningExchange,
    eventually,
    running_exchange,
)
from tests.support.exchange_lists import Running, bracket, sold, spelled
from tests.support.exchange_prices import FakePrices
from tests.support.exchange_venue import FakeRisk, FakeVenue, Mishap

_S = order_pb2
_POINTS = [
    Step.INTENT_COMMITTED,
    Step.CHILD_RELEASED,
    Step.REPLACEMENT_COMMITTED,
    Step.RESERVED,
    Step.QUANTITY_SHRUNK,
    Step.TRIGGERED,
    Step.CANCEL_COMMITTED,
    Step.CANCEL_ANSWERED,
    Step.TURN_COMMITTED,
    Step.VENUE_ANSWERED,
]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_the_venue_does_no_more_is_sold_than_was_bought(url: str, seed: int) -> None:
    """Mishaps by a seed, partial fills, prices up and down, restarts; afterwards the books agree."""
    dice = random.Random(seed)
    venue, risk, prices = FakeVenue(), FakeRisk(), FakePrices()
    venue.shuffle = lambda events: dice.sample(events, len(events))
    usual = [Mishap.NONE, Mishap.NONE, Mishap.ANSWER_LOST, Mishap.REQUEST_LATE, Mishap.NOT_SENT]
    requests = [bracket(request_id=str(uuid4())) for _ in range(3)]
    for _ in range(3):
        venue.mishaps.extend(dice.choices(usual, k=8))
        journal = CrashingJournal(dice.choice([None, *_POINTS]))
        prices.set("100")
        with suppress(asyncio.CancelledError):
            async with running_exchange(url, venue, risk, prices=prices, journal=journal) as exchange:
                calls = (exchange.create_several(each, within=2) for each in requests)
                await asyncio.gather(*calls, return_exceptions=True)
                for _ in range(6):
                    _trade_at_random(venue, dice)
                    prices.set(dice.choice(["100", "100", "88", "119"]))
                    venue.cancels_work = dice.random() < 0.8
                    # Whoever watched may have been killed.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(0.3):
                            await prices.taken()
                venue.cancels_work = True
                venue.repeat_everything()
        venue.deliver_late()
        venue.mishaps.clear()
    async with running_exchange(url, venue, risk, prices=prices) as exchange:
        for request in requests:
            with suppress(grpc.aio.AioRpcError):
                answer = await exchange.create_several(request)
                running = Running(exchange, prices, [each.order.name for each in answer.results])
                await _closed(running)
    sold = _traded(venue, "SELL")
    assert sold == _traded(venue, "BUY")
    assert len(venue.orders) == len({order.venue_order_id for order in venue.orders.values()})


def _trade_at_random(venue: FakeVenue, dice: random.Random) -> None:
    for client_id, order in list(venue.orders.items()):
        left = order.quantity - sum((fill.quantity for fill in order.fills), Decimal(0))
        if order.status == "OPEN" and left > 0 and dice.random() < 0.4:
            venue.trade(client_id, str(min(left, Decimal(dice.choice([1, 2, 5])))), told=dice.random() < 0.7)


async def _closed(running: Running) -> None:
    """End the entry, let the stop go off, and wait until all that was bought is sold."""
    with suppress(grpc.aio.AioRpcError):
        await running.exchange.cancel((await running.now())[0].name)

    async def done() -> bool:
        running.prices.set("80")
        await asyncio.sleep(0.05)
        entry, *legs = await running.now()
        bare = entry.state in _ENDED and entry.unprotected
        return bare or all(each.state in _ENDED for each in (entry, *legs))

    await eventually(done, within=20)
    entry = (await running.now())[0]
    assert not entry.unprotected, [spelled(each, "S Q F") for each in await running.exchange.orders()]


def _traded(venue: FakeVenue, side: str) -> Decimal:
    fills = [fill for order in venue.orders.values() if order.side == side for fill in order.fills]
    return sum((fill.quantity for fill in fills), Decimal(0))


_ENDED = {
    _S.ORDER_STATE_FILLED,
    _S.ORDER_STATE_CANCELLED,
    _S.ORDER_STATE_DENIED,
    _S.ORDER_STATE_REJECTED,
    _S.ORDER_STATE_EXPIRED,
}


@pytest.mark.parametrize("point", _POINTS)
async def test_killed_at_a_point_and_started_again(url: str, point: Step) -> None:
    venue, risk, prices = FakeVenue(), FakeRisk(), FakePrices()
    request = bracket(request_id=str(uuid4()))
    journal = CrashingJournal(point if point is Step.INTENT_COMMITTED else None)
    with suppress(asyncio.CancelledError):
        async with running_exchange(url, venue, risk, prices=prices, journal=journal) as exchange:
            with suppress(grpc.aio.AioRpcError):
                await _lived(exchange, prices, request, journal, point)
    async with running_exchange(url, venue, risk, prices=prices) as exchange:
        answer = await exchange.create_several(request)
        running = Running(exchange, prices, [each.order.name for each in answer.results])
        prices.set("100")
        told = sum((fill.quantity for fill in venue.orders[_entry(answer)].fills), Decimal(0))
        if told < 10:
            venue.trade(_entry(answer), str(10 - told))
        prices.set("80")
        await running.until("FILLED 10 10", *(await _ended(running)))
        await sold(running, "10")
        # A slow machine may send one twice, under one client order id: the venue takes it once.
        assert len(venue.orders) == len(set(venue.sendings))


async def _lived(
    exchange: RunningExchange, prices: FakePrices, request: Any, journal: CrashingJournal, point: Step
) -> None:
    """A bracket's life up to the point, at which it is killed: whatever waits for it waits in vain."""
    answer = await exchange.create_several(request, within=2)
    running = Running(exchange, prices, [each.order.name for each in answer.results])
    journal.crash_at = point
    struck = len(journal.steps)

    async def killed() -> bool:
        return any(step is point for step, _ in journal.steps[struck:])

    for quantity, together in (("3", "3"), ("2", "5")):
        await running.filled(0, quantity)
        with suppress(TimeoutError):
            await _soon(running, together, killed)
    _, profit, _ = await running.now()
    if profit.client_order_id in exchange.venue.orders:
        exchange.venue.trade(profit.client_order_id, "1")

    async def shrunk() -> bool:
        return (await running.now())[2].quantity == "4" or await killed()

    with suppress(TimeoutError):
        await eventually(shrunk, within=1)
    prices.set("85")
    await eventually(killed, within=3)


async def _soon(running: Running, quantity: str, killed: Any) -> None:
    async def calm() -> bool:
        _, profit, stop = await running.now()
        held = stop.state == _S.ORDER_STATE_HELD and stop.quantity == quantity
        rests = profit.state == _S.ORDER_STATE_OPEN and profit.quantity == quantity
        return (held and rests) or await killed()

    await eventually(calm, within=1)


async def _ended(running: Running) -> tuple[str, str]:
    async def look() -> tuple[str, str] | None:
        _, profit, stop = await running.now()
        final = {_S.ORDER_STATE_FILLED, _S.ORDER_STATE_CANCELLED}
        done = profit.state in final and stop.state in final
        return (spelled(profit, "S"), spelled(stop, "S")) if done else None

    found: tuple[str, str] = await eventually(look)
    return found


def _entry(answer: Any) -> str:
    return str(answer.results[0].order.client_order_id)
