"""What an adapter says where the venue does not answer: never more than it knows."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.exchange.domain.assets import Side
from services.exchange.domain.evidence import VenueStatus
from services.exchange.domain.terms import MarketTerms
from services.exchange.ports import (
    Accepted,
    AlreadyThere,
    NotSent,
    NotThere,
    Uncertain,
    Venue,
    VenueUnreachableError,
)
from tests.support.venue_lab import WITHIN, Feature, Reached, Trader, VenueLab

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTIONS: dict[str, Callable[[Venue, str], Awaitable[Any]]] = {
    "find": lambda venue, account: venue.find(account, "tm-1"),
    "open_orders": lambda venue, account: venue.open_orders(account),
    "fills_after": lambda venue, account: venue.fills_after(account, ""),
    "transfers_after": lambda venue, account: venue.transfers_after(account, ""),
    "balances": lambda venue, account: venue.balances(account),
    "instruments": lambda venue, _: venue.instruments(),
    "events": lambda venue, account: anext(venue.events(account, "")),
}


async def warmed(reached: Reached, trader: Trader) -> Venue:
    """The adapter, after it has spoken with the venue once."""
    await reached.venue.instruments()
    await reached.venue.balances(trader.account)
    return reached.venue


@pytest.mark.parametrize("question", sorted(QUESTIONS))
async def test_a_question_that_nobody_answers_is_no_answer(
    lab: VenueLab, trader: Trader, question: str
) -> None:
    async with lab.apart() as reached:
        await reached.gate.shut()
        with pytest.raises(VenueUnreachableError):
            await QUESTIONS[question](reached.venue, trader.account)


async def test_a_question_that_breaks_midway_is_no_answer(lab: VenueLab, trader: Trader) -> None:
    async with lab.apart() as reached:
        venue = await warmed(reached, trader)
        order = trader.limit(Side.BUY, "1", "40000")
        await reached.gate.shut()
        with pytest.raises(VenueUnreachableError):
            await venue.find(trader.account, order.client_order_id)


async def test_a_closed_door_means_that_nothing_was_sent(lab: VenueLab, trader: Trader) -> None:
    async with lab.apart() as reached:
        await reached.gate.shut()
        order = trader.limit(Side.BUY, "1", "40000")
        assert isinstance(await reached.venue.place(order, WITHIN), NotSent)
        assert isinstance(await reached.venue.cancel(order, WITHIN), NotSent)
    assert await trader.venue.find(trader.account, order.client_order_id) is None


async def test_what_was_not_sent_can_be_sent_later(lab: VenueLab, trader: Trader) -> None:
    async with lab.apart() as reached:
        await reached.gate.shut()
        order = trader.limit(Side.BUY, "1", "40000")
        assert isinstance(await reached.venue.place(order, WITHIN), NotSent)
        await reached.gate.open()
        async with asyncio.timeout(WITHIN):
            while isinstance(outcome := await reached.venue.place(order, WITHIN), NotSent):
                await asyncio.sleep(0.05)
    assert isinstance(outcome, Accepted), outcome


async def test_a_lost_answer_is_unknown_and_the_order_is_found(lab: VenueLab, trader: Trader) -> None:
    async with lab.apart() as reached:
        venue = await warmed(reached, trader)
        order = trader.limit(Side.BUY, "1", "40000")
        reached.gate.deaf = True
        assert isinstance(await venue.place(order, 0.5), Uncertain)
    assert (await trader.until(order, VenueStatus.OPEN)).client_order_id == order.client_order_id
    assert len(await trader.venue.open_orders(trader.account)) == 1


async def test_a_lost_answer_of_a_market_order_never_trades_twice(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "10", "50000")
    async with lab.apart() as reached:
        venue = await warmed(reached, trader)
        order = trader.order(Side.BUY, "1", MarketTerms())
        reached.gate.deaf = True
        assert isinstance(await venue.place(order, 0.5), Uncertain)
        await reached.gate.cut()
        reached.gate.deaf = False
        again = await venue.place(order, WITHIN)
        assert isinstance(again, AlreadyThere | Uncertain | NotSent), again
    await trader.until(order, VenueStatus.FILLED)
    fills, _ = await trader.fills()
    assert sum(fill.quantity for fill in fills) == 1


async def test_a_lost_answer_of_a_cancel_is_unknown(lab: VenueLab, trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "40000")
    await trader.accepted(order)
    async with lab.apart() as reached:
        venue = await warmed(reached, trader)
        reached.gate.deaf = True
        assert isinstance(await venue.cancel(order, 0.5), Uncertain)
    await trader.until(order, VenueStatus.CANCELLED)
    outcome = await trader.venue.cancel(order, WITHIN)
    assert isinstance(outcome, Accepted), outcome


async def test_a_connection_cut_while_the_answer_is_awaited_is_unknown(lab: VenueLab, trader: Trader) -> None:
    async with lab.apart() as reached:
        venue = await warmed(reached, trader)
        order = trader.limit(Side.BUY, "1", "40000")
        reached.gate.deaf = True
        passed = reached.gate.passed
        placing = asyncio.create_task(venue.place(order, WITHIN))
        while reached.gate.passed == passed:
            await asyncio.sleep(0.005)
        await trader.until_there(order)
        await reached.gate.cut()
        assert isinstance(await placing, Uncertain)


async def test_a_cancel_of_nothing_is_no_answer_from_nobody(lab: VenueLab, trader: Trader) -> None:
    """``NotThere`` is the venue's word; an adapter that cannot ask must not say it."""
    async with lab.apart() as reached:
        venue = await warmed(reached, trader)
        order = trader.limit(Side.BUY, "1", "40000")
        reached.gate.deaf = True
        outcome = await venue.cancel(order, 0.5)
        assert not isinstance(outcome, NotThere | Accepted), outcome


async def test_an_adapter_comes_back_by_itself(lab: VenueLab, trader: Trader) -> None:
    async with lab.apart() as reached:
        venue = await warmed(reached, trader)
        await reached.gate.shut()
        with pytest.raises(VenueUnreachableError):
            await venue.balances(trader.account)
        await reached.gate.open()
        async with asyncio.timeout(WITHIN):
            while True:
                try:
                    assert await venue.balances(trader.account)
                    break
                except VenueUnreachableError:
                    await asyncio.sleep(0.05)


async def test_too_many_calls_change_nothing(lab: VenueLab, trader: Trader) -> None:
    if Feature.RATE_LIMIT not in lab.features:
        pytest.skip("the venue has no rate limit")
    order = trader.limit(Side.BUY, "1", "40000")
    outcome = await lab.rate_limited(lambda venue: venue.place(order, WITHIN))
    assert isinstance(outcome, NotSent), outcome
    assert await trader.venue.find(trader.account, order.client_order_id) is None


async def test_too_many_questions_are_no_answer(lab: VenueLab, trader: Trader) -> None:
    if Feature.RATE_LIMIT not in lab.features:
        pytest.skip("the venue has no rate limit")
    with pytest.raises(VenueUnreachableError):
        await lab.rate_limited(lambda venue: venue.find(trader.account, "tm-1"))
