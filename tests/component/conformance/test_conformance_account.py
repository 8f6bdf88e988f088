"""What an account holds and what came in, and the venue's rules, exactly."""

from decimal import Decimal

import pytest

from services.exchange.domain.assets import Side
from services.exchange.domain.evidence import VenueStatus
from services.exchange.ports import TransferPage
from services.kernel.decimals import is_multiple
from tests.support.venue_lab import ASSETS, ZERO, Feature, Trader, VenueLab, needs

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_balances_are_what_was_paid_in(trader: Trader) -> None:
    balances = {each.asset: each for each in await trader.venue.balances(trader.account)}
    assert {asset: each.free for asset, each in balances.items()} == trader.lab.funds
    assert {each.locked for each in balances.values()} == {Decimal(0)}
    assert {(each.account, each.venue) for each in balances.values()} == {
        (trader.account, trader.venue.venue_id)
    }


async def test_an_open_sale_locks_what_it_sells(trader: Trader) -> None:
    needs(trader.lab, Feature.COINS)
    await trader.accepted(trader.limit(Side.SELL, "1.5", "60000"))
    assert await trader.held("btc") == (trader.lab.funds["btc"] - Decimal("1.5"), Decimal("1.5"))


async def test_an_open_buy_locks_its_notional_at_least(trader: Trader) -> None:
    needs(trader.lab, Feature.COINS)
    await trader.accepted(trader.limit(Side.BUY, "1.5", "40000"))
    free, locked = await trader.held("usdt")
    assert free + locked == trader.lab.funds["usdt"]
    assert locked >= 60000


async def test_a_part_fill_unlocks_its_part(lab: VenueLab, trader: Trader) -> None:
    needs(lab, Feature.COINS)
    await trader.accepted(trader.limit(Side.SELL, "1", "60000"))
    await lab.hit(Side.BUY, "0.25", "60000")
    assert await trader.held("btc") == (trader.lab.funds["btc"] - 1, Decimal("0.75"))


async def test_transfers_are_told_each_once(trader: Trader) -> None:
    told, _ = await trader.transfers()
    assert {each.asset: each.amount for each in told} == trader.lab.funds
    assert len(told) == len(trader.lab.funds) == len({each.venue_transfer_id for each in told})
    assert {(each.account, each.venue) for each in told} == {(trader.account, trader.venue.venue_id)}


async def test_the_cursor_of_transfers_goes_on(trader: Trader) -> None:
    _, cursor = await trader.transfers()
    rest: TransferPage = await trader.venue.transfers_after(trader.account, cursor)
    assert list(rest.transfers) == []
    assert (await trader.venue.transfers_after(trader.account, rest.cursor)).transfers == rest.transfers


async def test_every_instrument_has_rules_that_make_sense(lab: VenueLab) -> None:
    listed = {each.instrument: each for each in await lab.venue.instruments()}
    assert set(lab.names.values()) <= set(listed)
    for name, rules in listed.items():
        assert rules.assets == ASSETS.get(name, rules.assets)
        assert rules.tick_size > 0
        assert rules.lot_size > 0
        assert 0 < rules.min_quantity <= rules.max_quantity
        assert is_multiple(rules.min_quantity, rules.lot_size)
        assert rules.min_notional >= 0


async def test_the_rules_are_those_that_are_kept(trader: Trader) -> None:
    rules = await trader.rules()
    price = rules.min_notional / rules.lot_size
    assert is_multiple(price, rules.tick_size)
    told = await trader.accepted(trader.limit(Side.BUY, rules.lot_size, price))
    assert told.quantity == rules.lot_size


async def test_the_smallest_amounts_stay_exact(lab: VenueLab, trader: Trader) -> None:
    quantity, price = ("0.00013", "49999.99") if Feature.COINS in lab.features else ("0.001", "50000.1")
    await lab.rest(Side.SELL, quantity, price)
    order = trader.limit(Side.BUY, quantity, price)
    await trader.accepted(order)
    told = await trader.until(order, VenueStatus.FILLED)
    (fill,) = told.fills
    assert (fill.price, fill.quantity) == (Decimal(price), Decimal(quantity))
    assert fill.fee == fill.price * fill.quantity * lab.taker_rate


async def test_the_largest_amounts_stay_exact(trader: Trader) -> None:
    quantity, price = Decimal("8999.99999"), Decimal("99999.99")
    if Feature.CONTRACTS in trader.lab.features:
        quantity, price = Decimal("999.999"), Decimal("99999.9")
    order = trader.limit(Side.BUY, quantity, price)
    told = await trader.accepted(order)
    assert told.quantity == quantity
    found = await trader.told(order)
    assert found.quantity == quantity
    free, locked = await trader.held("usdt")
    assert free + locked == trader.lab.funds["usdt"]


async def test_many_small_fills_add_up_exactly(lab: VenueLab, trader: Trader) -> None:
    order = trader.limit(Side.BUY, "0.01", "63333.3")
    await trader.accepted(order)
    for _ in range(10):
        await lab.hit(Side.SELL, "0.001", "63333.3")
    told = await trader.until(order, VenueStatus.FILLED)
    assert sum(fill.quantity for fill in told.fills) == Decimal("0.01")
    fees = sum((fill.fee for fill in told.fills), ZERO)
    paid = sum((fill.price * fill.quantity for fill in told.fills), ZERO)
    if Feature.CONTRACTS in lab.features:
        assert sum(await trader.held("usdt")) == trader.lab.funds["usdt"] - fees
        return
    assert await trader.held("usdt") == (trader.lab.funds["usdt"] - paid - fees, ZERO)


async def test_the_adapter_says_that_no_real_money_moves(lab: VenueLab) -> None:
    assert lab.venue.simulated
    assert lab.venue.venue_id
