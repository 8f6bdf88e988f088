"""Lists of orders (OCO, OTO, bracket) through real gRPC, against a venue and a market that a test holds."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from trademesh.exchange.v1 import order_pb2

from services.exchange.metrics import UNPROTECTED
from services.exchange.ports import Denied, Step
from tests.support.exchange import (
    eventually,
    limit_order,
    market_order,
    reason_of,
    running_exchange,
    several,
    stop_order,
)
from tests.support.exchange_lists import Running, bracket, running_list, sold, take_profit
from tests.support.exchange_prices import FakePrices
from tests.support.exchange_venue import FakeRisk, FakeVenue, Mishap

_S = order_pb2

_OCO, _OTO, _BRACKET = _S.CONTINGENCY_OCO, _S.CONTINGENCY_OTO, _S.CONTINGENCY_BRACKET


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"


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
        await sold(running, "10")


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
        await sold(running, "10")


async def test_the_other_leg_filled_first_and_the_stop_never_leaves(url: str) -> None:
    async with running_list(url, bracket()) as running:
        await running.filled(0, "10")
        _, profit, stop = await running.until("FILLED", "OPEN 10", "HELD 10")
        running.venue.trade(profit.client_order_id, "10", told=False)
        running.prices.set("89")
        await running.until("FILLED", "FILLED 10 10", "CANCELLED")
        assert stop.client_order_id not in running.venue.sendings
        await sold(running, "10")


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
        await sold(running, "10")


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
