"""What only a market of perpetuals has: positions, margin, reduce-only, funding."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.exchange.domain.assets import Side
from services.exchange.domain.evidence import VenueStatus
from services.exchange.domain.fills import TransferKind
from services.exchange.domain.order import Order
from services.exchange.domain.positions import VenuePosition
from services.exchange.domain.terms import Kind, LimitTerms, MarketTerms, TimeInForce
from services.exchange.ports import Accepted, Refused
from tests.support.venue_lab import BTC, CONTRACT, ETH, WITHIN, ZERO, Trader, VenueLab

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("venue_lab", ["ccxt-binanceusdm", "simvenue-perpetual"], indirect=True),
]

D = Decimal


async def bought(lab: VenueLab, trader: Trader, quantity: str, price: str, instrument: str = BTC) -> None:
    await lab.rest(Side.SELL, quantity, price, instrument)
    order = trader.limit(Side.BUY, quantity, price, instrument=instrument)
    await trader.accepted(order)
    await trader.until(order, VenueStatus.FILLED)


async def sold(lab: VenueLab, trader: Trader, quantity: str, price: str) -> None:
    await lab.rest(Side.BUY, quantity, price)
    order = trader.limit(Side.SELL, quantity, price)
    await trader.accepted(order)
    await trader.until(order, VenueStatus.FILLED)


async def position(trader: Trader, instrument: str = BTC) -> VenuePosition | None:
    listed = await trader.venue.positions(trader.account)
    assert len({each.instrument for each in listed}) == len(listed)
    found = (each for each in listed if each.instrument == trader.lab.names[instrument])
    return next(found, None)


def reducing(order: Order) -> Order:
    return replace(order, reduce_only=True)


async def test_it_declares_reduce_only(lab: VenueLab, trader: Trader) -> None:
    for kind in (Kind.MARKET, Kind.LIMIT):
        support = lab.venue.capabilities.native(kind)
        assert support is not None
        assert support.reduce_only
    rules = await trader.rules()
    assert rules.contract == CONTRACT
    assert not rules.fee_in_received


async def test_a_fresh_account_holds_nothing(trader: Trader) -> None:
    assert list(await trader.venue.positions(trader.account)) == []


async def test_a_long_is_told_with_its_entry_and_margin(lab: VenueLab, trader: Trader) -> None:
    await bought(lab, trader, "0.4", "50000")
    await bought(lab, trader, "0.6", "51000")
    held = await position(trader)
    assert held is not None
    assert (held.quantity, held.contract) == (D(1), CONTRACT)
    assert (held.entry_price, held.mark_price, held.unrealized_pnl) == (D(50600), D(51000), D(400))
    assert held.margin == D(5060)
    fees = D(50600) * lab.taker_rate
    assert await trader.held("usdt") == (lab.funds["usdt"] - fees - 5060, D(5060))


async def test_a_short_is_below_zero(lab: VenueLab, trader: Trader) -> None:
    await sold(lab, trader, "0.5", "50000")
    held = await position(trader)
    assert held is not None
    assert (held.quantity, held.entry_price) == (D("-0.5"), D(50000))


async def test_what_is_closed_is_gone_and_its_profit_is_money(lab: VenueLab, trader: Trader) -> None:
    await bought(lab, trader, "0.5", "50000")
    await sold(lab, trader, "0.5", "52000")
    assert await position(trader) is None
    fees = D("0.5") * (50000 + 52000) * lab.taker_rate
    assert await trader.held("usdt") == (lab.funds["usdt"] + 1000 - fees, ZERO)


async def test_a_long_turns_into_a_short(lab: VenueLab, trader: Trader) -> None:
    await bought(lab, trader, "0.5", "50000")
    await sold(lab, trader, "0.8", "51000")
    held = await position(trader)
    assert held is not None
    assert (held.quantity, held.entry_price) == (D("-0.3"), D(51000))
    assert sum(await trader.held("usdt")) == lab.funds["usdt"] + 500 - (25000 + 40800) * lab.taker_rate


async def test_each_instrument_has_a_position_of_its_own(lab: VenueLab, trader: Trader) -> None:
    await bought(lab, trader, "0.5", "50000")
    await bought(lab, trader, "2", "2000", ETH)
    told = {each.instrument: each.quantity for each in await trader.venue.positions(trader.account)}
    assert told == {lab.names[BTC]: D("0.5"), lab.names[ETH]: D(2)}


async def test_open_orders_hold_no_margin(lab: VenueLab, trader: Trader) -> None:
    await trader.accepted(trader.limit(Side.BUY, "1", "40000"))
    assert await trader.held("usdt") == (lab.funds["usdt"], ZERO)


@pytest.mark.parametrize("side", list(Side))
async def test_reduce_only_without_a_position_is_refused(trader: Trader, side: Side) -> None:
    order = reducing(trader.limit(side, "0.5", {Side.BUY: "40000", Side.SELL: "60000"}[side]))
    outcome = await trader.venue.place(order, WITHIN)
    assert isinstance(outcome, Refused), outcome
    assert outcome.reason == "REDUCE_ONLY"
    assert await trader.venue.find(trader.account, order.client_order_id) is None


async def test_reduce_only_that_would_enlarge_or_turn_is_refused(lab: VenueLab, trader: Trader) -> None:
    await bought(lab, trader, "0.5", "50000")
    for order in (trader.limit(Side.BUY, "0.1", "40000"), trader.limit(Side.SELL, "0.501", "60000")):
        outcome = await trader.venue.place(reducing(order), WITHIN)
        assert isinstance(outcome, Refused), outcome
        assert outcome.reason == "REDUCE_ONLY"


async def test_reduce_only_rests_is_told_as_such_and_closes(lab: VenueLab, trader: Trader) -> None:
    await bought(lab, trader, "0.5", "50000")
    order = reducing(trader.limit(Side.SELL, "0.5", "60000"))
    assert (await trader.accepted(order)).reduce_only
    assert (await trader.told(order)).reduce_only
    (listed,) = await trader.venue.open_orders(trader.account)
    assert listed.reduce_only
    await lab.hit(Side.BUY, "0.5", "60000")
    await trader.until(order, VenueStatus.FILLED)
    assert await position(trader) is None


async def test_a_reduce_only_market_order_of_more_closes_and_no_more(lab: VenueLab, trader: Trader) -> None:
    await bought(lab, trader, "0.5", "50000")
    await lab.rest(Side.BUY, "5", "49000")
    order = reducing(trader.order(Side.SELL, "2", MarketTerms()))
    await trader.accepted(order)
    told = await trader.until(order, VenueStatus.EXPIRED)
    assert sum(fill.quantity for fill in told.fills) == D("0.5")
    assert await position(trader) is None


async def test_a_reduce_only_ioc_order_of_more_closes_and_no_more(lab: VenueLab, trader: Trader) -> None:
    await sold(lab, trader, "0.5", "50000")
    await lab.rest(Side.SELL, "5", "51000")
    terms = LimitTerms(D(51000), TimeInForce.IOC)
    order = reducing(trader.order(Side.BUY, "2", terms))
    await trader.accepted(order)
    told = await trader.until(order, VenueStatus.EXPIRED)
    assert sum(fill.quantity for fill in told.fills) == D("0.5")
    assert await position(trader) is None


async def test_reduce_only_ends_with_its_position(lab: VenueLab, trader: Trader) -> None:
    await bought(lab, trader, "0.5", "50000")
    order = reducing(trader.limit(Side.SELL, "0.5", "60000"))
    await trader.accepted(order)
    await sold(lab, trader, "0.5", "49000")
    told = await trader.until(order, VenueStatus.EXPIRED)
    assert told.fills == ()
    assert told.reason
    assert await trader.venue.open_orders(trader.account) == []


async def test_a_stream_tells_the_fills_of_contracts(lab: VenueLab, trader: Trader) -> None:
    heard: list[Any] = []

    async def listen() -> None:
        async for event in trader.venue.events(trader.account, ""):
            heard.extend(event.order.fills if event.order else ())

    task = asyncio.create_task(listen())
    try:
        await trader.accepted(trader.limit(Side.BUY, "1", "50000"))
        await lab.hit(Side.SELL, "0.4", "50000")
        async with asyncio.timeout(WITHIN * 2):
            while not heard:
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    listed, _ = await trader.fills()
    assert heard == listed
    assert (heard[0].quantity, heard[0].fee) == (D("0.4"), D(20000) * lab.maker_rate)


async def test_a_closing_order_can_be_cancelled(lab: VenueLab, trader: Trader) -> None:
    await bought(lab, trader, "0.5", "50000")
    order = reducing(trader.limit(Side.SELL, "0.5", "60000"))
    await trader.accepted(order)
    outcome = await trader.venue.cancel(order, WITHIN)
    assert isinstance(outcome, Accepted), outcome
    assert outcome.order.status is VenueStatus.CANCELLED
    assert await trader.gained() == D("0.5")


async def test_a_liquidation_is_an_order_that_the_venue_made(lab: VenueLab, trader: Trader) -> None:
    heard: list[Any] = []

    async def listen() -> None:
        async for event in trader.venue.events(trader.account, ""):
            heard.extend([event.order] if event.order else [])

    task = asyncio.create_task(listen())
    try:
        for _ in range(5):
            await bought(lab, trader, "1000", "50000")
        held = await position(trader)
        assert held is not None
        assert held.liquidation_price is not None
        assert 42000 < held.liquidation_price < 42300
        for _ in range(6):
            await lab.rest(Side.BUY, "1000", "41000")
        somebody = Trader(lab, await lab.account())
        await somebody.accepted(somebody.limit(Side.SELL, "0.01", "41000"))
        assert await position(trader) is None
        async with asyncio.timeout(WITHIN * 2):
            while not [each for each in heard if each.fills and each.side is Side.SELL]:
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    key = next(each.client_order_id for each in heard if each.side is Side.SELL)
    assert key.startswith("autoclose-")
    told = await trader.venue.find(trader.account, key)
    assert told is not None
    assert (told.status, told.quantity, told.reduce_only) == (VenueStatus.FILLED, D(5000), True)
    fills, _ = await trader.fills()
    closed = [each for each in fills if each.client_order_id == key]
    assert sum(each.quantity for each in closed) == 5000
    moved, _ = await trader.transfers()
    paid = [each for each in moved if each.kind is TransferKind.CORRECTION]
    assert [each.amount for each in paid] == [
        -sum(each.price * each.quantity for each in closed) * D("0.0125")
    ]


async def test_funding_is_a_transfer_of_its_kind(lab: VenueLab, trader: Trader) -> None:
    pay_funding: Any = getattr(lab, "pay_funding", None)
    if pay_funding is None:
        pytest.skip("the test cannot make this venue pay")
    await bought(lab, trader, "1", "50000")
    _, cursor = await trader.transfers()
    await pay_funding()
    told, _ = await trader.transfers(cursor)
    funding = [each for each in told if each.kind is TransferKind.FUNDING]
    assert [(each.amount, each.asset, each.instrument) for each in funding] == [
        (D(-5), "usdt", lab.names[BTC])
    ]
