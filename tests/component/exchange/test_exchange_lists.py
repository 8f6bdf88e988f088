"""Lists of orders (OCO, OTO, bracket) through real gRPC, against a venue and a market that a test holds."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import order_pb2
from trademesh.type.v1 import side_pb2

from services.exchange.metrics import UNPROTECTED
from services.exchange.ports import Denied, Step
from tests.support.exchange import (
    CrashingJournal,
    RunningExchange,
    eventually,
    limit_order,
    market_order,
    reason_of,
    running_exchange,
    several,
    stop_order,
)
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

_OCO, _OTO, _BRACKET = _S.CONTINGENCY_OCO, _S.CONTINGENCY_OTO, _S.CONTINGENCY_BRACKET


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"


def take_profit(quantity: str = "10", price: str = "120") -> pb.CreateOrderRequest:
    """A limit order to sell, above where the fake market stands."""
    request = limit_order(quantity, price)
    request.order.side = side_pb2.SIDE_SELL
    return request


def bracket(quantity: str = "10", request_id: str = "") -> Any:
    """Buy at 100, take profit at 120, stop the loss at 90."""
    parts = (limit_order(quantity), take_profit(quantity), stop_order(quantity))
    return several(*parts, request_id=request_id, contingency=_BRACKET)


@dataclass
class Running:
    """A list in an exchange that runs.

    Attributes:
        exchange: takes calls.
        prices: of the market.
        names: of the orders of the list.
    """

    exchange: RunningExchange
    prices: FakePrices
    names: list[str]

    @property
    def venue(self) -> FakeVenue:
        return self.exchange.venue

    async def now(self) -> list[order_pb2.Order]:
        """The orders that have the places of the list's, as they stand."""
        found = []
        for name in self.names:
            order = await self.exchange.order(name)
            while order.replaced_by:
                order = await self.exchange.order(order.replaced_by)
            found.append(order)
        return found

    async def until(self, *wanted: str) -> list[order_pb2.Order]:
        """The orders, once they stand so: as in "OPEN 10", quantity and filled left out where empty."""

        async def look() -> list[order_pb2.Order] | None:
            orders = await self.now()
            return (
                orders
                if [_spelled(each, want) for each, want in zip(orders, wanted, strict=True)] == [*wanted]
                else None
            )

        try:
            found: list[order_pb2.Order] = await eventually(look)
        except TimeoutError:
            stand = [_spelled(each, "S Q F") for each in await self.now()]
            raise AssertionError(f"they stand at {stand}, not {wanted}") from None
        return found

    async def filled(self, index: int, quantity: str) -> None:
        """Fill part of an order at the venue."""
        self.venue.trade((await self.now())[index].client_order_id, quantity)


def _spelled(order: order_pb2.Order, like: str) -> str:
    state = order_pb2.OrderState.Name(order.state).removeprefix("ORDER_STATE_")
    return " ".join([state, order.quantity, order.filled_quantity][: len(like.split())])


@asynccontextmanager
async def running_list(url: str, request: Any, **parts: Any) -> AsyncIterator[Running]:
    """Run an exchange and create a list in it."""
    prices = parts.pop("prices", None) or FakePrices()
    async with running_exchange(url, prices=prices, **parts) as exchange:
        answer = await exchange.create_several(request)
        yield Running(exchange, prices, [each.order.name for each in answer.results])


async def test_a_bracket_waits_protects_each_fill_and_ends(database_url: str) -> None:
    async with running_list(database_url, bracket()) as running:
        entry, profit, stop = await running.until("OPEN 10", "HELD 10", "HELD 10")
        assert entry.contingency == profit.contingency == _BRACKET
        assert entry.order_list == profit.order_list == stop.order_list != ""
        assert (profit.parent_order, stop.parent_order) == (entry.name, entry.name)
        assert (profit.linked_order, stop.linked_order) == (stop.name, profit.name)
        assert running.exchange.risk.reserved == {entry.name.rpartition("/")[2]}
        # A part of the entry is protected at once, and no more of it.
        await running.filled(0, "3")
        await running.until("PARTIALLY_FILLED 10 3", "OPEN 3", "HELD 3")
        await running.filled(0, "4")
        entry, profit, stop = await running.until("PARTIALLY_FILLED 10 7", "OPEN 7", "HELD 7")
        assert stop.handling == _S.ORDER_HANDLING_EMULATED
        assert not entry.unprotected
        # What one leg fills, the other loses.
        await running.filled(1, "2")
        await running.until("PARTIALLY_FILLED 10 7", "PARTIALLY_FILLED 7 2", "HELD 5")
        await running.filled(0, "3")
        await running.until("FILLED 10 10", "OPEN 8", "HELD 8")
        await running.filled(1, "8")
        entry, profit, stop = await running.until("FILLED 10 10", "FILLED 8 8", "CANCELLED 8 0")
        assert stop.reason == "OTHER_LEG_DONE"
        assert not entry.unprotected
        # All legs were reserved for in one group, which the entry is not part of.
        groups = {*running.exchange.risk.groups.values()}
        assert groups == {entry.name.rpartition("/")[2], entry.order_list.rpartition("/")[2]}
        await _sold(running, "10")


async def test_a_stop_takes_over_only_when_the_other_leg_is_out(url: str) -> None:
    async with running_list(url, bracket()) as running:
        await running.filled(0, "10")
        await running.until("FILLED", "OPEN 10", "HELD 10")
        running.venue.cancels_work = False
        running.prices.set("89")
        _, profit, stop = await running.until("FILLED", "PENDING_CANCEL 10", "HELD 10")
        assert stop.trigger.HasField("trigger_time")
        # Filled while its cancel is on its way, and only told when we ask.
        running.venue.trade(profit.client_order_id, "4", told=False)
        assert stop.client_order_id not in running.venue.sendings
        running.venue.cancels_work = True
        _, profit, stop = await running.until("FILLED", "CANCELLED 10 4", "FILLED 6 6")
        assert profit.reason == "OTHER_LEG_DONE"
        await _sold(running, "10")


async def test_the_other_leg_filled_first_and_the_stop_never_leaves(url: str) -> None:
    async with running_list(url, bracket()) as running:
        await running.filled(0, "10")
        _, profit, stop = await running.until("FILLED", "OPEN 10", "HELD 10")
        running.venue.trade(profit.client_order_id, "10", told=False)
        running.prices.set("89")
        await running.until("FILLED", "FILLED 10 10", "CANCELLED")
        assert stop.client_order_id not in running.venue.sendings
        await _sold(running, "10")


async def test_what_the_fee_took_is_not_for_sale(url: str) -> None:
    async with running_list(url, bracket(), venue=FakeVenue(fee="0.0105", fee_asset="btc")) as running:
        await running.filled(0, "10")
        entry, _, _ = await running.until("FILLED 10 10", "OPEN 9.989", "HELD 9.989")
        assert not entry.unprotected


async def test_a_parent_that_ends_without_a_fill_takes_its_children_along(url: str) -> None:
    async with running_list(url, bracket()) as running:
        await running.exchange.cancel(running.names[0])
        orders = await running.until("CANCELLED", "CANCELLED", "CANCELLED")
        assert [each.reason for each in orders] == ["", "PARENT_DONE", "PARENT_DONE"]
        assert len(running.venue.sendings) == 1


async def test_a_cancelled_entry_keeps_what_protects_its_fills(url: str) -> None:
    async with running_list(url, bracket()) as running:
        # The venue fills part of it and does not tell before the cancel is through.
        running.venue.trade((await running.now())[0].client_order_id, "4", told=False)
        await running.exchange.cancel(running.names[0])
        entry, *_ = await running.until("CANCELLED 10 4", "OPEN 4", "HELD 4")
        assert not entry.unprotected
        running.prices.set("80")
        await running.until("CANCELLED 10 4", "CANCELLED 4 0", "FILLED 4 4")


async def test_a_denied_entry_takes_its_children_along(url: str) -> None:
    risk = FakeRisk(Denied("BALANCE", "not enough"))
    async with running_list(url, bracket(), risk=risk) as running:
        orders = await running.until("DENIED", "CANCELLED", "CANCELLED")
        assert [each.reason for each in orders] == ["BALANCE", "PARENT_DONE", "PARENT_DONE"]


async def test_an_oco_of_a_limit_and_a_stop(url: str) -> None:
    request = several(take_profit(), stop_order("10"), contingency=_OCO)
    async with running_list(url, request) as running:
        profit, stop = await running.until("OPEN 10", "HELD 10")
        assert profit.linked_order == stop.name
        assert len(set(running.exchange.risk.groups.values())) == 1
        await running.filled(0, "4")
        await running.until("PARTIALLY_FILLED 10 4", "HELD 6")
        running.prices.set("90")
        await running.until("CANCELLED 10 4", "FILLED 6 6")
        await _sold(running, "10")


async def test_a_cancelled_leg_ends_the_other(url: str) -> None:
    async with running_list(url, several(take_profit(), stop_order("10"), contingency=_OCO)) as running:
        await running.exchange.cancel(running.names[0])
        assert [each.reason for each in await running.until("CANCELLED", "CANCELLED")] == [
            "",
            "OTHER_LEG_DONE",
        ]


async def test_a_brackets_stop_outlives_its_profit_target(url: str) -> None:
    async with running_list(url, bracket()) as running:
        await running.filled(0, "10")
        _, profit, _ = await running.until("FILLED", "OPEN 10", "HELD 10")
        await running.exchange.cancel(profit.name)
        entry, *_ = await running.until("FILLED", "CANCELLED", "HELD 10")
        assert not entry.unprotected


async def test_an_alarm_while_an_entry_is_not_protected(url: str) -> None:
    risk = FakeRisk()
    async with running_list(url, bracket(), risk=risk) as running:
        risk.verdict = Denied("BALANCE", "not seen yet")
        await running.filled(0, "3")

        async def alarmed() -> bool:
            return (await running.now())[0].unprotected

        await eventually(alarmed)
        assert UNPROTECTED.labels("paper")._value.get() == 1
        risk.verdict = FakeRisk().verdict
        entry, *_ = await running.until("PARTIALLY_FILLED 10 3", "OPEN 3", "HELD 3")

        async def quiet() -> bool:
            return not (await running.now())[0].unprotected

        await eventually(quiet)
        assert UNPROTECTED.labels("paper")._value.get() == 0
        steps = [step for step in running.exchange.journal.of(entry.client_order_id) if "protected" in step]
        assert steps == [Step.UNPROTECTED, Step.PROTECTED]
        # No order was made for a question that risk said no to.
        assert len(await running.exchange.orders()) == 3


async def test_a_fill_that_is_told_after_a_restart_is_protected_still(url: str) -> None:
    """The venue says that the entry is cancelled, and only much later that part of it was filled."""
    venue, risk, prices = FakeVenue(), FakeRisk(), FakePrices()
    async with running_list(url, bracket(), venue=venue, risk=risk, prices=prices) as running:
        await running.exchange.cancel(running.names[0])
        entry, *_ = await running.until("CANCELLED", "CANCELLED", "CANCELLED")
        names = running.names
    venue.trade(entry.client_order_id, "4")
    async with running_exchange(url, venue, risk, prices=prices) as exchange:
        running = Running(exchange, prices, names)
        await running.until("CANCELLED 10 4", "OPEN 4", "HELD 4")


async def test_an_alarm_outlives_a_restart(url: str) -> None:
    venue, risk, prices = FakeVenue(), FakeRisk(), FakePrices()
    async with running_list(url, bracket(), venue=venue, risk=risk, prices=prices) as running:
        risk.verdict = Denied("BALANCE", "not seen yet")
        await running.filled(0, "10")

        async def alarmed() -> bool:
            return (await running.now())[0].unprotected

        await eventually(alarmed)
        names = running.names
    UNPROTECTED.labels("paper").set(0)
    async with running_exchange(url, venue, risk, prices=prices) as exchange:

        async def shown() -> bool:
            return bool(UNPROTECTED.labels("paper")._value.get() == 1)

        await eventually(shown)
        risk.verdict = FakeRisk().verdict
        running = Running(exchange, prices, names)
        await running.until("FILLED", "OPEN 10", "HELD 10")

        async def quiet() -> bool:
            return not (await running.now())[0].unprotected

        await eventually(quiet)


async def test_a_stop_cancelled_by_hand_raises_the_alarm(url: str) -> None:
    async with running_list(url, bracket()) as running:
        await running.filled(0, "10")
        _, _, stop = await running.until("FILLED", "OPEN 10", "HELD 10")
        await running.exchange.cancel(stop.name)
        entry, profit, _ = await running.until("FILLED", "CANCELLED", "CANCELLED")
        assert profit.reason == "OTHER_LEG_DONE"

        async def alarmed() -> bool:
            return (await running.exchange.order(entry.name)).unprotected

        await eventually(alarmed)


async def test_children_of_an_oto_follow_their_entry_each_by_itself(url: str) -> None:
    request = several(limit_order("10"), take_profit(), take_profit(price="130"), contingency=_OTO)
    async with running_list(url, request) as running:
        await running.until("OPEN 10", "HELD 10", "HELD 10")
        await running.filled(0, "10")
        await running.until("FILLED", "OPEN 10", "OPEN 10")
        await running.filled(1, "10")
        await running.until("FILLED", "FILLED 10", "OPEN 10")


async def test_a_leg_gets_another_price(url: str) -> None:
    async with running_list(url, bracket()) as running:
        await running.filled(0, "6")
        _, profit, stop = await running.until("PARTIALLY_FILLED", "OPEN 6", "HELD 6")
        moved = await running.exchange.replace(profit.name, price="125")
        assert (moved.state, moved.quantity) == (_S.ORDER_STATE_OPEN, "6")
        assert moved.parent_order == running.names[0]
        higher = await running.exchange.replace(stop.name, trigger_price="95")
        assert (higher.state, higher.stop_market.trigger.price) == (_S.ORDER_STATE_HELD, "95")
        assert (await running.exchange.order(stop.name)).reason == "REPLACED"
        cases: list[tuple[dict[str, Any], str]] = [
            ({"quantity": "3"}, "INVALID_REPLACEMENT"),
            ({"price": "95"}, "INVALID_REPLACEMENT"),
            ({"trigger_price": "101"}, "TRIGGER_AT_ONCE"),
        ]
        for change, reason in cases:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await running.exchange.replace(higher.name, **change)
            assert reason_of(caught.value) == reason
        running.prices.set("94")
        await running.until("PARTIALLY_FILLED", "CANCELLED", "FILLED 6 6")


async def test_a_waiting_child_gets_another_price_and_an_entry_another_quantity(url: str) -> None:
    async with running_list(url, bracket()) as running:
        other = await running.exchange.replace(running.names[2], trigger_price="95")
        assert other.state == _S.ORDER_STATE_HELD
        assert running.exchange.risk.reserved == {running.names[0].rpartition("/")[2]}
        await running.filled(0, "2")
        await running.until("PARTIALLY_FILLED 10 2", "OPEN 2", "HELD 2")
        entry = await running.exchange.replace(running.names[0], quantity="6", price="99")
        assert (entry.state, entry.quantity) == (_S.ORDER_STATE_OPEN, "4")
        await running.filled(0, "4")
        await running.until("FILLED 4 4", "OPEN 6", "HELD 6")


async def test_a_triggered_leg_that_cannot_reach_the_venue_goes_later(url: str) -> None:
    async with running_list(url, bracket()) as running:
        await running.filled(0, "10")
        await running.until("FILLED", "OPEN 10", "HELD 10")
        running.venue.mishaps.extend([Mishap.NOT_SENT] * 3)
        running.prices.set("80")
        await running.until("FILLED", "CANCELLED", "FILLED 10 10")


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
    assert not entry.unprotected, [_spelled(each, "S Q F") for each in await running.exchange.orders()]


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


@pytest.mark.parametrize(
    "request_",
    [
        several(take_profit(), contingency=_OCO),
        several(take_profit(), take_profit(), contingency=_OCO),
        several(take_profit(), stop_order("9"), contingency=_OCO),
        several(take_profit(price="85"), stop_order("10"), contingency=_OCO),
        several(limit_order("10"), stop_order("10"), contingency=_OCO),
        several(market_order("10"), contingency=_OTO),
        several(limit_order("10"), take_profit(), limit_order("10"), contingency=_BRACKET),
        several(limit_order("10"), stop_order("10"), take_profit(), contingency=_BRACKET),
        several(limit_order("10", "85"), take_profit(), stop_order("10"), contingency=_BRACKET),
    ],
)
async def test_what_makes_no_list(url: str, request_: Any) -> None:
    async with running_exchange(url) as exchange:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create_several(request_)
        assert reason_of(caught.value) == "INVALID_ORDER_LIST"
        assert await exchange.orders() == []


async def test_a_list_is_made_whole_or_not_at_all_and_once(url: str) -> None:
    bad = several(limit_order("10"), take_profit("10", "120.1"), stop_order("10"), contingency=_BRACKET)
    good = bracket(request_id=str(uuid4()))
    async with running_exchange(url) as exchange:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create_several(bad)
        assert reason_of(caught.value) == "PRICE_OFF_TICK"
        assert await exchange.orders() == []
        answers = await asyncio.gather(*(exchange.create_several(good) for _ in range(5)))
        assert all(answer == answers[0] for answer in answers)
        assert len(await exchange.orders()) == 3
        other = bracket("9", good.request_id)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create_several(other)
        assert reason_of(caught.value) == "REQUEST_ID_REUSED"


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
        await _sold(running, "10")
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
        return (_spelled(profit, "S"), _spelled(stop, "S")) if done else None

    found: tuple[str, str] = await eventually(look)
    return found


def _entry(answer: Any) -> str:
    return str(answer.results[0].order.client_order_id)


async def _sold(running: Running, quantity: str) -> None:
    """The venue has sold so much, and not a bit more."""

    async def look() -> bool:
        fills = [fill for fill in await running.exchange.fills() if fill.side == side_pb2.SIDE_SELL]
        return sum((Decimal(fill.quantity) for fill in fills), Decimal(0)) == Decimal(quantity)

    await eventually(look)
    at_venue = [each for each in running.venue.orders.values() if each.side == "SELL"]
    sold = sum((fill.quantity for each in at_venue for fill in each.fills), Decimal(0))
    assert sold == Decimal(quantity)
