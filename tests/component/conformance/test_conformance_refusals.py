"""A venue's definite no: its reason is one of our words, and nothing happened."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from services.exchange.domain.assets import Side
from services.exchange.domain.order import Order
from services.exchange.domain.terms import LimitTerms, MarketTerms
from services.exchange.ports import Accepted, Refused
from tests.support.venue_lab import WITHIN, ZERO, Feature, Trader, VenueLab, needs, new_order

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _coins(trader: Trader) -> bool:
    return Feature.COINS in trader.lab.features


REFUSALS: dict[str, tuple[Callable[[Trader], Order], set[str]]] = {
    "price off tick": (lambda t: t.limit(Side.BUY, "1", "50000.001"), {"PRICE_OFF_TICK"}),
    "quantity off lot": (lambda t: t.limit(Side.BUY, "1.000001", "50000"), {"QUANTITY_OFF_LOT"}),
    "quantity too small": (
        lambda t: t.limit(Side.BUY, "0.000001", "50000"),
        {"QUANTITY_TOO_SMALL", "QUANTITY_OFF_LOT"},
    ),
    "quantity too large": (lambda t: t.limit(Side.BUY, "9000.00001", "1"), {"QUANTITY_TOO_LARGE"}),
    "notional too small": (
        lambda t: t.limit(Side.BUY, "0.00001" if _coins(t) else "0.001", "40000"),
        {"NOTIONAL_TOO_SMALL"},
    ),
    "too little quote asset": (
        lambda t: t.limit(Side.BUY, "9000" if _coins(t) else "1000", "200000" if _coins(t) else "999999"),
        {"INSUFFICIENT_BALANCE"},
    ),
    "too little base asset": (
        lambda t: t.limit(Side.SELL, "1000.0001", "5000", instrument="eth-usdt"),
        {"INSUFFICIENT_BALANCE"},
    ),
    "unknown instrument": (
        lambda t: t.order(Side.BUY, "1", LimitTerms(Decimal(10)), "nothing-usdt"),
        {"UNKNOWN_SYMBOL"},
    ),
}


@pytest.mark.parametrize("case", sorted(REFUSALS))
async def test_a_refused_order_is_nowhere(trader: Trader, case: str) -> None:
    if case == "too little base asset":
        needs(trader.lab, Feature.COINS)
    make, reasons = REFUSALS[case]
    order = make(trader)
    outcome = await trader.venue.place(order, WITHIN)
    assert isinstance(outcome, Refused), outcome
    assert outcome.reason in reasons
    assert outcome.message
    assert await trader.venue.find(trader.account, order.client_order_id) is None
    assert await trader.venue.open_orders(trader.account) == []
    for asset, amount in trader.lab.funds.items():
        assert await trader.held(asset) == (amount, ZERO)


async def test_a_refused_order_does_not_use_its_id_up(lab: VenueLab, trader: Trader) -> None:
    await lab.rest(Side.SELL, "1", "50000")
    order = trader.limit(Side.BUY, "1", "50000", post_only=True)
    assert isinstance(await trader.venue.place(order, WITHIN), Refused)
    await lab.clean()
    assert isinstance(await trader.venue.place(order, WITHIN), Accepted)


async def test_a_market_sale_of_what_is_not_there_is_refused(lab: VenueLab, trader: Trader) -> None:
    needs(lab, Feature.COINS)
    await lab.rest(Side.BUY, "2000", "10", "eth-usdt")
    order = trader.order(Side.SELL, "1001", MarketTerms(), "eth-usdt")
    outcome = await trader.venue.place(order, WITHIN)
    assert isinstance(outcome, Refused), outcome
    assert outcome.reason == "INSUFFICIENT_BALANCE"


async def test_an_unknown_account_is_refused(lab: VenueLab) -> None:
    if Feature.UNKNOWN_ACCOUNT not in lab.features:
        pytest.skip("the venue knows accounts by their keys only")
    order = new_order("nobody", Side.BUY, "1", LimitTerms(Decimal(50000)), venue=lab.venue.venue_id)
    outcome = await lab.venue.place(order, WITHIN)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "UNKNOWN_ACCOUNT"
