"""A client order id names one order, whatever happens; the venue's word on it is definite."""

import asyncio
from decimal import Decimal
from uuid import uuid4

import pytest

from services.exchange.domain.assets import Side
from services.exchange.domain.evidence import VenueStatus
from services.exchange.domain.terms import LimitTerms, MarketTerms, TimeInForce
from services.exchange.ports import Accepted, AlreadyThere, PlaceOutcome, Uncertain
from tests.support.venue_lab import BTC, ETH, WITHIN, Feature, Trader, VenueLab

pytestmark = pytest.mark.asyncio(loop_scope="session")
_NOT_TWICE = (AlreadyThere, Accepted, Uncertain)


async def test_an_open_orders_id_is_there_already(trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "40000")
    await trader.accepted(order)
    assert isinstance(await trader.venue.place(order, WITHIN), AlreadyThere)
    assert len(await trader.venue.open_orders(trader.account)) == 1


async def test_a_filled_orders_id_is_not_used_again(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "10", "50000")
    order = trader.order(Side.BUY, "1", MarketTerms())
    await trader.accepted(order)
    await trader.until(order, VenueStatus.FILLED)
    again = await trader.venue.place(order, WITHIN)
    assert isinstance(again, _NOT_TWICE), again
    fills, _ = await trader.fills()
    assert sum(fill.quantity for fill in fills) == 1


async def test_a_cancelled_orders_id_is_not_used_again(trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "40000")
    await trader.accepted(order)
    assert isinstance(await trader.venue.cancel(order, WITHIN), Accepted)
    assert isinstance(await trader.venue.place(order, WITHIN), _NOT_TWICE)
    assert await trader.venue.open_orders(trader.account) == []


async def test_another_adapter_does_not_send_it_again(lab: VenueLab, trader: Trader) -> None:
    """As after a restart: the order is closed at the venue, and what sent it is gone."""
    await lab.rest(Side.SELL, "10", "50000")
    order = trader.order(Side.BUY, "1", MarketTerms())
    await trader.accepted(order)
    await trader.until(order, VenueStatus.FILLED)
    async with lab.apart() as later:
        outcome = await later.venue.place(order, WITHIN)
        assert isinstance(outcome, _NOT_TWICE), outcome
    fills, _ = await trader.fills()
    assert sum(fill.quantity for fill in fills) == 1


async def test_fifty_parallel_sendings_make_one_order(trader: Trader) -> None:
    order = trader.limit(Side.BUY, "0.1", "40000")
    sendings = [trader.venue.place(order, WITHIN) for _ in range(50)]
    outcomes: list[PlaceOutcome] = await asyncio.gather(*sendings)
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) >= 1
    assert all(isinstance(outcome, Accepted | AlreadyThere) for outcome in outcomes), outcomes
    listed = await trader.venue.open_orders(trader.account)
    assert [told.client_order_id for told in listed] == [order.client_order_id]


async def test_fifty_parallel_market_orders_of_one_id_trade_once(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "100", "50000")
    order = trader.order(Side.BUY, "0.1", MarketTerms())
    outcomes = await asyncio.gather(*(trader.venue.place(order, WITHIN) for _ in range(50)))
    assert all(isinstance(outcome, _NOT_TWICE) for outcome in outcomes), outcomes
    await trader.until(order, VenueStatus.FILLED)
    fills, _ = await trader.fills()
    assert [fill.quantity for fill in fills] == [Decimal("0.1")]


async def test_thirty_different_orders_at_once_are_thirty_orders(trader: Trader) -> None:
    orders = [trader.limit(Side.BUY, "0.01", str(40000 + number)) for number in range(30)]
    outcomes = await asyncio.gather(*(trader.venue.place(order, WITHIN) for order in orders))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes), outcomes
    listed = await trader.venue.open_orders(trader.account)
    assert {told.client_order_id for told in listed} == {order.client_order_id for order in orders}


async def test_find_tells_an_open_order(trader: Trader) -> None:
    order = trader.limit(Side.SELL, "0.5", "60000.1")
    placed = await trader.accepted(order)
    told = await trader.told(order)
    assert told.status is VenueStatus.OPEN
    assert told.venue_order_id == placed.venue_order_id
    assert (told.side, told.quantity, told.terms) == (
        Side.SELL,
        Decimal("0.5"),
        LimitTerms(Decimal("60000.1")),
    )


async def test_find_tells_a_filled_order_with_all_its_fills(lab: VenueLab, trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "50000")
    await trader.accepted(order)
    for quantity in ("0.1", "0.2", "0.7"):
        await lab.hit(Side.SELL, quantity, "50000")
    told = await trader.until(order, VenueStatus.FILLED)
    assert [fill.quantity for fill in told.fills] == [Decimal("0.1"), Decimal("0.2"), Decimal("0.7")]
    assert {fill.client_order_id for fill in told.fills} == {order.client_order_id}
    assert {fill.venue_order_id for fill in told.fills} == {told.venue_order_id}


async def test_find_tells_a_cancelled_order(trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "40000")
    await trader.accepted(order)
    await trader.venue.cancel(order, WITHIN)
    assert (await trader.told(order)).status is VenueStatus.CANCELLED


async def test_find_tells_an_expired_order_with_a_reason(trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "40000", TimeInForce.IOC)
    await trader.accepted(order)
    told = await trader.until(order, VenueStatus.EXPIRED)
    assert told.reason


async def test_no_such_order_is_a_definite_word(trader: Trader) -> None:
    assert await trader.venue.find(trader.account, f"tm-{uuid4().hex}") is None


async def test_find_knows_the_account(lab: VenueLab, trader: Trader) -> None:
    if Feature.SEVERAL_ACCOUNTS not in lab.features:
        pytest.skip("the adapter has one account")
    order = trader.limit(Side.BUY, "1", "40000")
    await trader.accepted(order)
    assert await trader.venue.find(await lab.account(), order.client_order_id) is None


async def test_a_new_adapter_finds_what_an_earlier_one_placed(lab: VenueLab, trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "2000", instrument=ETH)
    await trader.accepted(order)
    async with lab.apart() as fresh:
        told = await fresh.venue.find(trader.account, order.client_order_id)
    assert told is not None
    assert (told.instrument, told.status) == (lab.names[ETH], VenueStatus.OPEN)


async def test_open_orders_are_those_in_the_book(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "0.1", "50000")
    resting = trader.limit(Side.BUY, "1", "40000")
    partly = trader.limit(Side.BUY, "1", "50000")
    other = trader.limit(Side.BUY, "1", "2000", instrument=ETH)
    gone = trader.limit(Side.BUY, "1", "39000")
    for order in (resting, partly, other, gone):
        await trader.accepted(order)
    await trader.venue.cancel(gone, WITHIN)
    listed = {each.client_order_id: each for each in await trader.venue.open_orders(trader.account)}
    assert set(listed) == {order.client_order_id for order in (resting, partly, other)}
    assert {each.status for each in listed.values()} == {VenueStatus.OPEN}
    assert listed[resting.client_order_id].terms == LimitTerms(Decimal(40000))
    assert listed[partly.client_order_id].instrument == lab.names[BTC]
    assert listed[other.client_order_id].instrument == lab.names[ETH]
