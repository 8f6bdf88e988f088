"""A cancel ends an order once, and says truly where it stood."""

import asyncio
from decimal import Decimal

import pytest

from services.exchange.domain.assets import Side
from services.exchange.domain.evidence import VenueStatus
from services.exchange.domain.terms import MarketTerms
from services.exchange.ports import Accepted, NotThere
from tests.support.venue_lab import WITHIN, ZERO, Feature, Trader, VenueLab

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_open_order_is_taken_out_of_the_book(lab: VenueLab, trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "50000")
    await trader.accepted(order)
    outcome = await trader.venue.cancel(order, WITHIN)
    assert isinstance(outcome, Accepted), outcome
    assert outcome.order.status is VenueStatus.CANCELLED
    assert outcome.order.client_order_id == order.client_order_id
    await lab.hit(Side.SELL, "1", "50000")
    assert (await trader.told(order)).fills == ()


async def test_a_cancel_keeps_what_was_traded(lab: VenueLab, trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "50000")
    await trader.accepted(order)
    await lab.hit(Side.SELL, "0.3", "50000")
    assert isinstance(await trader.venue.cancel(order, WITHIN), Accepted)
    told = await trader.told(order)
    assert told.status is VenueStatus.CANCELLED
    assert [fill.quantity for fill in told.fills] == [Decimal("0.3")]


async def test_a_cancel_of_a_filled_order_tells_that_it_was_filled(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "1", "50000")
    order = trader.order(Side.BUY, "1", MarketTerms())
    await trader.accepted(order)
    outcome = await trader.venue.cancel(order, WITHIN)
    assert isinstance(outcome, Accepted), outcome
    assert outcome.order.status is VenueStatus.FILLED
    assert sum(fill.quantity for fill in outcome.order.fills) == 1


async def test_a_second_cancel_is_accepted_and_changes_nothing(trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "50000")
    await trader.accepted(order)
    for _ in range(2):
        outcome = await trader.venue.cancel(order, WITHIN)
        assert isinstance(outcome, Accepted), outcome
        assert outcome.order.status is VenueStatus.CANCELLED


async def test_a_cancel_of_an_order_that_never_came(trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "50000")
    assert isinstance(await trader.venue.cancel(order, WITHIN), NotThere)


async def test_a_cancel_gives_the_money_back(trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "50000")
    await trader.accepted(order)
    await trader.venue.cancel(order, WITHIN)
    assert await trader.held("usdt") == (trader.lab.funds["usdt"], ZERO)


async def test_another_accounts_order_cannot_be_cancelled(lab: VenueLab, trader: Trader) -> None:
    if Feature.SEVERAL_ACCOUNTS not in lab.features:
        pytest.skip("the adapter has one account")
    order = trader.limit(Side.BUY, "1", "50000")
    await trader.accepted(order)
    stranger = Trader(lab, await lab.account())
    foreign = stranger.limit(Side.BUY, "1", "50000")
    assert isinstance(await lab.venue.cancel(foreign, WITHIN), NotThere)
    assert (await trader.told(order)).status is VenueStatus.OPEN


async def test_ten_cancels_at_once_end_one_order(trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "50000")
    await trader.accepted(order)
    outcomes = await asyncio.gather(*(trader.venue.cancel(order, WITHIN) for _ in range(10)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes), outcomes
    assert (await trader.told(order)).status is VenueStatus.CANCELLED


async def test_a_cancel_beside_a_fill_loses_neither(lab: VenueLab, trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "50000")
    await trader.accepted(order)
    _, outcome = await asyncio.gather(lab.hit(Side.SELL, "0.4", "50000"), trader.venue.cancel(order, WITHIN))
    assert isinstance(outcome, Accepted), outcome
    told = await trader.until(order, VenueStatus.CANCELLED)
    assert await trader.gained() == sum(fill.quantity for fill in told.fills)
