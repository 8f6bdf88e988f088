"""What an order is expected to do to a book: held to a plain model in exact fractions."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.domain.assets import Assets, Contract, Side
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import OrderIntent
from services.exchange.domain.preview import Book, Level, estimate
from services.exchange.domain.terms import (
    LimitTerms,
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

D = Decimal
RULES = InstrumentRules(
    instrument="btc-usdt",
    assets=Assets("btc", "usdt"),
    tick_size=D("0.5"),
    lot_size=D("0.001"),
    min_quantity=D("0.001"),
    max_quantity=D(1000),
    min_notional=D(5),
    maker_fee_rate=D("0.001"),
    taker_fee_rate=D("0.002"),
)
BOOK = Book(
    bids=[Level(D(99), D(1)), Level(D(98), D(4))],
    asks=[Level(D(101), D(1)), Level(D(103), D(2))],
)


def intent(terms: Terms, quantity: str = "2", side: Side = Side.BUY, **more: Any) -> OrderIntent:
    return OrderIntent(
        account="paper",
        venue="sim",
        instrument="btc-usdt",
        side=side,
        quantity=D(quantity),
        terms=terms,
        **more,
    )


def test_a_market_order_walks_the_book() -> None:
    found = estimate(intent(MarketTerms()), RULES, BOOK)
    assert (found.price, found.notional, found.fee, found.fee_asset) == (D(102), D(204), D("0.408"), "usdt")
    assert found.takes
    sold = estimate(intent(MarketTerms(), "3", Side.SELL), RULES, BOOK)
    assert (sold.notional, sold.price) == (D(295), D("98.333333333333"))


def test_a_market_order_for_an_amount_of_money_buys_what_it_pays() -> None:
    found = estimate(intent(MarketTerms(), "0", quote_quantity=D(204)), RULES, BOOK)
    assert (found.quantity, found.price, found.notional) == (D(2), D(102), D(204))


@pytest.mark.parametrize(
    ("terms", "price", "fee", "takes"),
    [
        (LimitTerms(D(100)), D(100), D("0.2"), False),
        (LimitTerms(D(103)), D(102), D("0.408"), True),
        # One from the book, one rests.
        (LimitTerms(D(101)), D(101), D("0.202") + D("0.101"), True),
        (LimitTerms(D(101), TimeInForce.IOC), D(101), D("0.202"), True),
        (LimitTerms(D(101), TimeInForce.FOK), None, None, False),
        (LimitTerms(D(103), TimeInForce.FOK), D(102), D("0.408"), True),
        (LimitTerms(D(100), TimeInForce.IOC), None, None, False),
        # It would be refused rather than take.
        (LimitTerms(D(103), post_only=True), D(103), D("0.206"), False),
        (StopMarketTerms(Trigger(D(110))), D(110), D("0.44"), False),
        (StopLimitTerms(Trigger(D(110)), LimitTerms(D(112))), D(112), D("0.224"), False),
        (TrailingStopTerms(Offset(OffsetKind.PERCENT, D(1))), None, None, False),
    ],
)
def test_kinds(terms: Terms, price: Decimal | None, fee: Decimal | None, takes: bool) -> None:
    found = estimate(intent(terms), RULES, BOOK)
    assert (found.price, found.fee, found.takes) == (price, fee, takes)


def test_without_a_book_only_what_rests_has_a_price() -> None:
    assert estimate(intent(MarketTerms()), RULES, None).price is None
    assert estimate(intent(LimitTerms(D(100))), RULES, None).price == D(100)


def test_the_fee_is_in_what_the_venue_takes_it_from() -> None:
    received = replace(RULES, fee_in_received=True)
    bought = estimate(intent(MarketTerms()), received, BOOK)
    assert (bought.fee, bought.fee_asset) == (D("0.004"), "btc")
    sold = estimate(intent(MarketTerms(), "1", Side.SELL), received, BOOK)
    assert (sold.fee, sold.fee_asset) == (D("0.198"), "usdt")
    linear = replace(RULES, contract=Contract(D("0.01"), "usdt"))
    assert estimate(intent(MarketTerms()), linear, BOOK).fee == D("0.00408")
    inverse = replace(RULES, contract=Contract(D(101), "btc", inverse=True))
    turned = estimate(intent(MarketTerms(), "1"), inverse, BOOK)
    assert (turned.notional, turned.fee, turned.fee_asset) == (D(101), D("0.002"), "btc")
    assert estimate(intent(MarketTerms()), replace(RULES, taker_fee_rate=None), BOOK).fee is None


_AMOUNT = st.integers(1, 10**6).map(lambda number: Decimal(number).scaleb(-3))


@given(st.lists(st.tuples(_AMOUNT, _AMOUNT), min_size=1, max_size=8), _AMOUNT)
def test_the_average_is_that_of_exact_fractions(
    levels: list[tuple[Decimal, Decimal]], wanted: Decimal
) -> None:
    asks = [Level(price, quantity) for price, quantity in sorted(levels)]
    found = estimate(intent(MarketTerms(), str(wanted)), RULES, Book(asks=asks))
    left, paid, got = Fraction(wanted), Fraction(0), Fraction(0)
    for level in asks:
        part = min(left, Fraction(level.quantity))
        left, paid, got = left - part, paid + part * Fraction(level.price), got + part
    assert Fraction(found.quantity) == got
    assert found.price is not None
    assert abs(Fraction(found.price) - paid / got) <= Fraction(1, 2 * 10**12)
    assert found.notional is not None
    assert Fraction(found.notional) == paid
