"""Fills: each once, in order, with its fee, from any cursor on."""

from decimal import Decimal

import pytest

from services.exchange.domain.assets import Side
from services.exchange.domain.evidence import VenueStatus
from services.exchange.domain.fills import Liquidity
from services.exchange.domain.terms import MarketTerms
from tests.support.venue_lab import ETH, ZERO, Feature, Trader, VenueLab, needs

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_fresh_account_has_no_fills(trader: Trader) -> None:
    fills, cursor = await trader.fills()
    assert fills == []
    assert (await trader.fills(cursor))[0] == []


async def test_a_taker_pays_the_takers_fee(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "1", "50000")
    await trader.accepted(trader.order(Side.BUY, "0.5", MarketTerms()))
    (fill,), _ = await trader.fills()
    assert fill.liquidity is Liquidity.TAKER
    assert (fill.fee, fill.fee_asset) == (Decimal(25000) * lab.taker_rate, "usdt")


async def test_a_maker_pays_the_makers_fee(lab: VenueLab, trader: Trader) -> None:
    await trader.accepted(trader.limit(Side.BUY, "0.5", "50000"))
    await lab.hit(Side.SELL, "0.5", "50000")
    (fill,), _ = await trader.fills()
    assert fill.liquidity is Liquidity.MAKER
    assert (fill.fee, fill.fee_asset) == (Decimal(25000) * lab.maker_rate, "usdt")


async def test_a_fill_names_its_order(lab: VenueLab, trader: Trader) -> None:
    order = trader.limit(Side.BUY, "0.5", "50000")
    placed = await trader.accepted(order)
    await lab.hit(Side.SELL, "0.5", "50000")
    (fill,), _ = await trader.fills()
    assert (fill.client_order_id, fill.venue_order_id) == (order.client_order_id, placed.venue_order_id)
    assert fill.exchange_time.utcoffset() is not None


async def test_fills_of_one_instrument_come_oldest_first(lab: VenueLab, trader: Trader) -> None:
    await trader.accepted(trader.limit(Side.BUY, "1", "50000"))
    quantities = ["0.1", "0.2", "0.3"]
    for quantity in quantities:
        await lab.hit(Side.SELL, quantity, "50000")
    fills, _ = await trader.fills()
    assert [fill.quantity for fill in fills] == [Decimal(each) for each in quantities]
    assert len({fill.venue_trade_id for fill in fills}) == 3


async def test_a_cursor_goes_on_where_it_was(lab: VenueLab, trader: Trader) -> None:
    await trader.accepted(trader.limit(Side.BUY, "1", "50000"))
    await lab.hit(Side.SELL, "0.1", "50000")
    first, cursor = await trader.fills()
    await lab.hit(Side.SELL, "0.2", "50000")
    second, cursor = await trader.fills(cursor)
    assert [fill.quantity for fill in (*first, *second)] == [Decimal("0.1"), Decimal("0.2")]
    assert (await trader.fills(cursor))[0] == []


async def test_an_old_cursor_still_works(lab: VenueLab, trader: Trader) -> None:
    await trader.accepted(trader.limit(Side.BUY, "1", "50000"))
    await lab.hit(Side.SELL, "0.1", "50000")
    _, cursor = await trader.fills()
    for quantity in ("0.2", "0.3"):
        await lab.hit(Side.SELL, quantity, "50000")
    once, _ = await trader.fills(cursor)
    twice, _ = await trader.fills(cursor)
    assert once == twice
    assert [fill.quantity for fill in once] == [Decimal("0.2"), Decimal("0.3")]


async def test_a_cursor_covers_every_instrument(lab: VenueLab, trader: Trader) -> None:
    await trader.accepted(trader.limit(Side.BUY, "1", "50000"))
    await trader.accepted(trader.limit(Side.BUY, "1", "2000", instrument=ETH))
    await lab.hit(Side.SELL, "0.1", "50000")
    await lab.hit(Side.SELL, "0.2", "2000", ETH)
    first, cursor = await trader.fills()
    await lab.hit(Side.SELL, "0.3", "2000", ETH)
    await lab.hit(Side.SELL, "0.4", "50000")
    second, _ = await trader.fills(cursor)
    assert {fill.quantity for fill in first} == {Decimal("0.1"), Decimal("0.2")}
    assert {fill.quantity for fill in second} == {Decimal("0.3"), Decimal("0.4")}


async def test_find_and_the_list_tell_the_same_fills(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "0.1", "49000")
    order = trader.limit(Side.BUY, "1", "50000")
    await trader.accepted(order)
    await lab.hit(Side.SELL, "0.9", "50000")
    told = await trader.until(order, VenueStatus.FILLED)
    listed, _ = await trader.fills()
    assert list(told.fills) == listed
    assert [fill.liquidity for fill in listed] == [Liquidity.TAKER, Liquidity.MAKER]


async def test_a_fill_costs_what_it_says(lab: VenueLab, trader: Trader) -> None:
    needs(lab, Feature.COINS)
    before = [await trader.held(asset) for asset in ("usdt", "btc")]
    await trader.accepted(trader.limit(Side.BUY, "0.5", "49999.99"))
    await trader.accepted(trader.limit(Side.SELL, "0.3", "51000.01"))
    await lab.hit(Side.SELL, "0.5", "49999.99")
    await lab.hit(Side.BUY, "0.3", "51000.01")
    fills, _ = await trader.fills()
    bought, sold = fills
    usdt = -bought.price * bought.quantity - bought.fee + sold.price * sold.quantity - sold.fee
    after = [await trader.held(asset) for asset in ("usdt", "btc")]
    assert after[0] == (before[0][0] + usdt, ZERO)
    assert after[1] == (before[1][0] + Decimal("0.2"), ZERO)
