"""Every adapter places every kind of order it says it has, and tells truly what became of it."""

from decimal import Decimal

import pytest

from services.exchange.domain.assets import Side
from services.exchange.domain.evidence import VenueOrder, VenueStatus
from services.exchange.domain.terms import LimitTerms, MarketTerms, TimeInForce
from services.exchange.ports import Accepted, Refused
from tests.support.venue_lab import ASSETS, BTC, ETH, WITHIN, Trader, VenueLab

pytestmark = pytest.mark.asyncio(loop_scope="session")


def traded(order: VenueOrder) -> list[tuple[Decimal, Decimal]]:
    """Price and quantity of each fill."""
    return [(fill.price, fill.quantity) for fill in order.fills]


async def test_a_limit_order_rests(trader: Trader) -> None:
    order = trader.limit(Side.BUY, "0.5", "40000")
    told = await trader.accepted(order)
    assert told.status is VenueStatus.OPEN
    assert told.venue_order_id
    assert (told.instrument, told.assets, told.side, told.quantity) == (
        trader.lab.names[BTC],
        ASSETS[BTC],
        Side.BUY,
        Decimal("0.5"),
    )
    assert told.terms == LimitTerms(Decimal(40000))
    assert told.fills == ()


@pytest.mark.parametrize("side", list(Side))
async def test_the_side_arrives(trader: Trader, side: Side) -> None:
    price = {Side.BUY: "40000", Side.SELL: "60000"}[side]
    told = await trader.accepted(trader.limit(side, "0.5", price))
    assert told.side is side


async def test_another_instrument_has_a_book_of_its_own(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "1", "2000", ETH)
    bought = trader.limit(Side.BUY, "1", "2000", instrument=ETH)
    resting = trader.limit(Side.BUY, "1", "2000")
    await trader.accepted(bought)
    await trader.accepted(resting)
    assert (await trader.until(bought, VenueStatus.FILLED)).instrument == lab.names[ETH]
    assert (await trader.told(resting)).status is VenueStatus.OPEN


async def test_a_limit_order_that_crosses_trades_at_once(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "1", "50000")
    order = trader.limit(Side.BUY, "1", "50000")
    await trader.accepted(order)
    told = await trader.until(order, VenueStatus.FILLED)
    assert traded(told) == [(Decimal(50000), Decimal(1))]


async def test_what_does_not_trade_at_once_rests(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "0.4", "50000")
    order = trader.limit(Side.BUY, "1", "50000")
    await trader.accepted(order)
    told = await trader.told(order)
    assert told.status is VenueStatus.OPEN
    assert traded(told) == [(Decimal(50000), Decimal("0.4"))]


async def test_the_book_gives_its_better_price(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "1", "49000")
    order = trader.limit(Side.BUY, "1", "50000")
    await trader.accepted(order)
    assert traded(await trader.until(order, VenueStatus.FILLED)) == [(Decimal(49000), Decimal(1))]


async def test_an_order_walks_the_levels_best_first(lab: VenueLab, trader: Trader) -> None:
    for price in ("50200", "50000", "50100"):
        await lab.rest(Side.SELL, "0.1", price)
    order = trader.limit(Side.BUY, "0.3", "51000")
    await trader.accepted(order)
    told = await trader.until(order, VenueStatus.FILLED)
    assert traded(told) == [(Decimal(price), Decimal("0.1")) for price in (50000, 50100, 50200)]


@pytest.mark.parametrize("side", list(Side))
async def test_a_market_order_takes_what_is_there(lab: VenueLab, trader: Trader, side: Side) -> None:
    other = Side.SELL if side is Side.BUY else Side.BUY
    await lab.rest(other, "1", "50000")
    order = trader.order(side, "0.25", MarketTerms())
    await trader.accepted(order)
    told = await trader.until(order, VenueStatus.FILLED)
    assert told.terms == MarketTerms()
    assert traded(told) == [(Decimal(50000), Decimal("0.25"))]


async def test_the_rest_of_a_market_order_expires(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "0.25", "50000")
    order = trader.order(Side.BUY, "1", MarketTerms())
    await trader.accepted(order)
    told = await trader.until(order, VenueStatus.EXPIRED)
    assert traded(told) == [(Decimal(50000), Decimal("0.25"))]
    assert told.reason


async def test_a_market_order_in_an_empty_book_trades_nothing(trader: Trader) -> None:
    order = trader.order(Side.BUY, "1", MarketTerms())
    outcome = await trader.venue.place(order, WITHIN)
    if not isinstance(outcome, Refused):
        assert isinstance(outcome, Accepted)
        told = await trader.until(order, VenueStatus.EXPIRED)
        assert told.fills == ()
    assert await trader.venue.open_orders(trader.account) == []


async def test_an_ioc_order_leaves_nothing_in_the_book(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "0.25", "50000")
    order = trader.limit(Side.BUY, "1", "50000", TimeInForce.IOC)
    await trader.accepted(order)
    told = await trader.until(order, VenueStatus.EXPIRED)
    assert traded(told) == [(Decimal(50000), Decimal("0.25"))]
    assert told.terms == LimitTerms(Decimal(50000), TimeInForce.IOC)
    assert await trader.venue.open_orders(trader.account) == []


async def test_an_ioc_order_that_meets_nothing_expires(trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "50000", TimeInForce.IOC)
    await trader.accepted(order)
    assert (await trader.until(order, VenueStatus.EXPIRED)).fills == ()


async def test_a_fok_order_trades_whole(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "0.5", "50000")
    await lab.rest(Side.SELL, "0.5", "50001")
    order = trader.limit(Side.BUY, "1", "50001", TimeInForce.FOK)
    await trader.accepted(order)
    told = await trader.until(order, VenueStatus.FILLED)
    assert told.terms == LimitTerms(Decimal(50001), TimeInForce.FOK)
    assert sum(fill.quantity for fill in told.fills) == 1


async def test_a_fok_order_trades_nothing_where_it_cannot_trade_whole(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "0.5", "50000")
    order = trader.limit(Side.BUY, "1", "50000", TimeInForce.FOK)
    await trader.accepted(order)
    assert (await trader.until(order, VenueStatus.EXPIRED)).fills == ()
    probe = trader.limit(Side.BUY, "0.5", "50000", TimeInForce.FOK)
    await trader.accepted(probe)
    await trader.until(probe, VenueStatus.FILLED)


async def test_a_post_only_order_rests(trader: Trader) -> None:
    order = trader.limit(Side.BUY, "1", "50000", post_only=True)
    told = await trader.accepted(order)
    assert told.status is VenueStatus.OPEN
    assert (await trader.told(order)).terms == LimitTerms(Decimal(50000), post_only=True)


async def test_a_post_only_order_that_would_trade_is_refused(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "1", "50000")
    order = trader.limit(Side.BUY, "1", "50000", post_only=True)
    outcome = await trader.venue.place(order, WITHIN)
    assert isinstance(outcome, Refused), outcome
    assert outcome.reason == "POST_ONLY_WOULD_TRADE"
    assert (await trader.fills())[0] == []


async def test_time_priority_among_equal_prices(lab: VenueLab, trader: Trader) -> None:
    first, second = (trader.limit(Side.BUY, "0.5", "50000") for _ in range(2))
    await trader.accepted(first)
    await trader.accepted(second)
    await lab.hit(Side.SELL, "0.5", "50000")
    await trader.until(first, VenueStatus.FILLED)
    assert (await trader.told(second)).fills == ()


async def test_venue_order_ids_are_unique(trader: Trader) -> None:
    told = [await trader.accepted(trader.limit(Side.BUY, "0.01", "40000")) for _ in range(5)]
    assert len({each.venue_order_id for each in told}) == 5
