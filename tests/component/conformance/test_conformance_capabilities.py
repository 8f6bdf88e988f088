"""What an adapter declares is true: each native kind and feature works, and nothing else leaves."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from services.exchange.domain.assets import Side
from services.exchange.domain.capabilities import KindSupport
from services.exchange.domain.evidence import VenueStatus
from services.exchange.domain.order import Order
from services.exchange.domain.terms import (
    Kind,
    LimitIfTouchedTerms,
    LimitTerms,
    MarketIfTouchedTerms,
    MarketTerms,
    Offset,
    OffsetKind,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    TimeInForce,
    TrailingStopTerms,
    Trigger,
)
from services.exchange.ports import Accepted
from tests.support.venue_lab import WITHIN, Trader, VenueLab

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT = Trigger(Decimal(45000))
TERMS: Mapping[Kind, Terms] = {
    Kind.MARKET: MarketTerms(),
    Kind.LIMIT: LimitTerms(Decimal(60000)),
    Kind.STOP_MARKET: StopMarketTerms(AT),
    Kind.STOP_LIMIT: StopLimitTerms(AT, LimitTerms(Decimal(44000))),
    Kind.MARKET_IF_TOUCHED: MarketIfTouchedTerms(Trigger(Decimal(55000))),
    Kind.LIMIT_IF_TOUCHED: LimitIfTouchedTerms(Trigger(Decimal(55000)), LimitTerms(Decimal(54000))),
    Kind.TRAILING_STOP: TrailingStopTerms(Offset(OffsetKind.ABSOLUTE, Decimal(100))),
}
"""A sale of each kind that stands a while, but the market order."""


def native(lab: VenueLab, kind: Kind) -> KindSupport:
    support = lab.venue.capabilities.native(kind)
    if support is None:
        pytest.skip(f"the venue has no {kind} orders of its own")
    return support


def needs(has: bool, what: str) -> None:
    if not has:
        pytest.skip(f"the venue has no {what}")


async def trade_at(lab: VenueLab, price: str) -> None:
    """Let two others trade, so that the last price is this."""
    buyer = Trader(lab, await lab.account())
    await buyer.accepted(buyer.limit(Side.BUY, "0.01", price))
    await lab.hit(Side.SELL, "0.01", price)


@pytest.mark.parametrize("kind", list(Kind))
async def test_a_kind_is_taken_where_it_is_declared_and_else_never_leaves(
    lab: VenueLab, trader: Trader, kind: Kind
) -> None:
    await trade_at(lab, "50000")
    await lab.rest(Side.BUY, "1", "49000")
    order = trader.order(Side.SELL, "0.5", TERMS[kind])
    if lab.venue.capabilities.native(kind) is not None:
        await trader.accepted(order)
        assert await trader.venue.find(trader.account, order.client_order_id) is not None
        return
    with suppress(AssertionError):
        outcome = await trader.venue.place(order, WITHIN)
        assert not isinstance(outcome, Accepted)
    assert await trader.venue.find(trader.account, order.client_order_id) is None
    assert await trader.venue.open_orders(trader.account) == []


@pytest.mark.parametrize("kind", [Kind.STOP_MARKET, Kind.STOP_LIMIT])
async def test_a_stop_waits_for_its_trigger_and_then_trades(
    lab: VenueLab, trader: Trader, kind: Kind
) -> None:
    native(lab, kind)
    await trade_at(lab, "50000")
    await lab.rest(Side.BUY, "1", "44500")
    order = trader.order(Side.SELL, "0.5", TERMS[kind])
    told = await trader.accepted(order)
    assert (told.status, told.fills) == (VenueStatus.OPEN, ())
    assert (await trader.told(order)).terms == TERMS[kind]
    await trade_at(lab, "46000")
    assert (await trader.told(order)).fills == ()
    await trade_at(lab, "45000")
    filled = await trader.until(order, VenueStatus.FILLED)
    assert [(fill.price, fill.quantity) for fill in filled.fills] == [(Decimal(44500), Decimal("0.5"))]


@pytest.mark.parametrize("kind", [Kind.STOP_MARKET, Kind.STOP_LIMIT])
async def test_a_stop_can_be_cancelled_before_its_trigger(lab: VenueLab, trader: Trader, kind: Kind) -> None:
    native(lab, kind)
    await trade_at(lab, "50000")
    order = trader.order(Side.SELL, "0.5", TERMS[kind])
    await trader.accepted(order)
    outcome = await trader.venue.cancel(order, WITHIN)
    assert isinstance(outcome, Accepted), outcome
    await trade_at(lab, "45000")
    assert (await trader.told(order)).status is VenueStatus.CANCELLED
    assert await trader.gained() == 0


@pytest.mark.parametrize("time_in_force", list(TimeInForce))
async def test_a_declared_time_in_force_is_taken(
    lab: VenueLab, trader: Trader, time_in_force: TimeInForce
) -> None:
    needs(time_in_force in native(lab, Kind.LIMIT).times_in_force, time_in_force.value)
    end = datetime.now(UTC) + timedelta(hours=1) if time_in_force is TimeInForce.GTD else None
    terms = LimitTerms(Decimal(60000), time_in_force, expire_time=end)
    order = trader.order(Side.SELL, "0.5", terms)
    await trader.accepted(order)
    rests = time_in_force not in {TimeInForce.IOC, TimeInForce.FOK}
    told = await trader.until(order, VenueStatus.OPEN if rests else VenueStatus.EXPIRED)
    read = told.terms
    assert isinstance(read, LimitTerms)
    assert (read.price, read.time_in_force) == (Decimal(60000), time_in_force)


async def test_a_good_till_date_order_ends_by_itself(lab: VenueLab, trader: Trader) -> None:
    needs(TimeInForce.GTD in native(lab, Kind.LIMIT).times_in_force, "GTD")
    end = datetime.now(UTC) + timedelta(seconds=1.2)
    order = trader.order(Side.SELL, "0.5", LimitTerms(Decimal(60000), TimeInForce.GTD, expire_time=end))
    await trader.accepted(order)
    told = await trader.until(order, VenueStatus.EXPIRED)
    assert told.reason
    assert await trader.venue.open_orders(trader.account) == []


async def test_an_iceberg_trades_whole(lab: VenueLab, trader: Trader) -> None:
    needs(native(lab, Kind.LIMIT).display_quantity, "icebergs")
    terms = LimitTerms(Decimal(60000), display_quantity=Decimal("0.1"))
    order = trader.order(Side.SELL, "1", terms)
    await trader.accepted(order)
    assert (await trader.told(order)).terms == terms
    await lab.hit(Side.BUY, "1", "60000")
    told = await trader.until(order, VenueStatus.FILLED)
    assert sum(fill.quantity for fill in told.fills) == 1


async def test_an_iceberg_gives_its_place_away_with_each_part(lab: VenueLab, trader: Trader) -> None:
    needs(native(lab, Kind.LIMIT).display_quantity, "icebergs")
    iceberg = trader.order(Side.SELL, "1", LimitTerms(Decimal(60000), display_quantity=Decimal("0.1")))
    behind = trader.limit(Side.SELL, "0.5", "60000")
    await trader.accepted(iceberg)
    await trader.accepted(behind)
    await lab.hit(Side.BUY, "0.4", "60000")
    first, second = await trader.told(iceberg), await trader.told(behind)
    assert sum(fill.quantity for fill in first.fills) == Decimal("0.1")
    assert sum(fill.quantity for fill in second.fills) == Decimal("0.3")


def for_money(order: Order, amount: str) -> Order:
    return replace(order, quote_quantity=Decimal(amount))


@pytest.mark.parametrize("side", list(Side))
async def test_a_market_order_for_an_amount_of_quote_asset(lab: VenueLab, trader: Trader, side: Side) -> None:
    needs(native(lab, Kind.MARKET).quote_quantity, "orders for quote asset")
    other = Side.SELL if side is Side.BUY else Side.BUY
    await lab.rest(other, "10", "50000")
    order = for_money(trader.order(side, "0.02", MarketTerms()), "1000")
    await trader.accepted(order)
    told = await trader.until(order, VenueStatus.FILLED)
    assert told.quote_quantity == Decimal(1000)
    bought = sum(fill.quantity for fill in told.fills)
    assert told.quantity == bought
    assert Decimal("0.0199") < bought <= Decimal("0.02")


FEATURES: dict[str, Callable[[KindSupport], bool]] = {
    "post_only": lambda support: support.post_only,
    "GTC": lambda support: TimeInForce.GTC in support.times_in_force,
    "IOC": lambda support: TimeInForce.IOC in support.times_in_force,
    "FOK": lambda support: TimeInForce.FOK in support.times_in_force,
}


@pytest.mark.parametrize("feature", sorted(FEATURES))
async def test_every_venue_has_what_the_exchange_emulates_with(lab: VenueLab, feature: str) -> None:
    assert FEATURES[feature](native(lab, Kind.LIMIT))
    assert lab.venue.capabilities.native(Kind.MARKET) is not None
