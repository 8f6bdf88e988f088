"""Reduce-only at the venue: refused, cut, knocked out, and never the way into a position."""

from contextlib import suppress
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kernel.errors import DomainError
from services.simvenue.domain.account import AccountState
from services.simvenue.domain.orders import (
    LimitTerms,
    MarketTerms,
    NewOrder,
    Order,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
)
from services.simvenue.domain.terms import CloseReason, OrderStatus, SelfTrade, Side, TimeInForce
from services.simvenue.domain.venue import Ids, Venue
from services.simvenue.listing import INSTRUMENTS, PERPETUALS

BUY, SELL = Side.BUY, Side.SELL
PERP = PERPETUALS[0].symbol
D = Decimal


def venue(*names: str) -> Venue:
    made = Venue((*INSTRUMENTS, *PERPETUALS), Ids(count(1), count(1), count(1)))
    for name in names:
        made.open_account(AccountState(name))
        made.deposit(name, "usdt", D(1_000_000), 1)
        made.deposit(name, "btc", D(10), 1)
    return made


def place(
    made: Venue,
    name: str,
    side: Side,
    quantity: str,
    terms: Terms | str | None = None,
    *,
    reduce: bool = False,
    symbol: str = PERP,
) -> Order:
    if not isinstance(terms, Terms):
        terms = MarketTerms() if terms is None else LimitTerms(D(terms))
    key = f"o{place.number}"  # type: ignore[attr-defined]
    place.number += 1  # type: ignore[attr-defined]
    return made.place(name, NewOrder(key, symbol, side, D(quantity), terms, None, None, reduce), 3)


place.number = 0  # type: ignore[attr-defined]


def held(made: Venue, name: str) -> Decimal:
    position = made.account(name).positions.get(PERP)
    return D(0) if position is None else position.quantity


def bought(made: Venue, quantity: str) -> None:
    """Let ``one`` hold so many contracts."""
    place(made, "two", SELL, quantity, "60000")
    place(made, "one", BUY, quantity, "60000")


def now(made: Venue, order: Order) -> Order:
    return made.account(order.account).order(order.venue_order_id)


def refused(made: Venue, *order: Any, **more: Any) -> str:
    with pytest.raises(DomainError) as error:
        place(made, *order, **more, reduce=True)
    return error.value.reason


def test_without_a_position_to_close_it_is_refused() -> None:
    made = venue("one", "two")
    place(made, "two", SELL, "1", "60000")
    assert refused(made, "one", SELL, "1", "70000") == "REDUCE_ONLY_REFUSED"
    assert refused(made, "one", BUY, "1") == "REDUCE_ONLY_REFUSED"
    assert refused(made, "one", SELL, "1", "70000", symbol="btc-usdt") == "REDUCE_ONLY_REFUSED"
    bought(made, "1")
    assert refused(made, "one", BUY, "0.5", "50000") == "REDUCE_ONLY_REFUSED"


def test_one_that_rests_may_not_be_more_than_is_left_beside_the_others() -> None:
    made = venue("one", "two")
    bought(made, "1")
    assert refused(made, "one", SELL, "1.001", "70000") == "REDUCE_ONLY_REFUSED"
    place(made, "one", SELL, "0.4", "70000")
    place(made, "one", SELL, "0.5", "71000", reduce=True)
    assert refused(made, "one", SELL, "0.2", "72000") == "REDUCE_ONLY_REFUSED"
    assert place(made, "one", SELL, "0.1", "72000", reduce=True).status is OrderStatus.OPEN


def test_a_market_order_of_more_closes_the_position_and_nothing_else() -> None:
    made = venue("one", "two")
    bought(made, "1")
    place(made, "two", BUY, "5", "59000")
    closed = place(made, "one", SELL, "3", reduce=True)
    assert (closed.status, closed.close_reason) == (OrderStatus.EXPIRED, CloseReason.REDUCE_ONLY)
    assert (closed.filled, closed.request.quantity, held(made, "one")) == (D(1), D(3), D(0))
    (fill,) = made.account("one").fills(closed.venue_order_id)
    assert fill.profit == -1000


def test_fill_or_kill_of_more_than_the_position_is_killed() -> None:
    made = venue("one", "two")
    bought(made, "1")
    place(made, "two", BUY, "5", "59000")
    killed = place(made, "one", SELL, "2", LimitTerms(D(59000), TimeInForce.FOK), reduce=True)
    assert (killed.filled, killed.close_reason) == (D(0), CloseReason.FILL_OR_KILL)
    assert place(made, "one", SELL, "1", LimitTerms(D(59000), TimeInForce.FOK), reduce=True).filled == 1


def test_it_needs_no_margin_and_no_least_notional() -> None:
    made = venue("one", "two")
    bought(made, "1")
    made.deposit("one", "usdt", D(-993_000), 3)  # nothing is free any more
    assert made.account("one").free("usdt") < 1000
    with pytest.raises(DomainError):
        place(made, "one", SELL, "1.5", "70000")
    assert place(made, "one", SELL, "1", "70000", reduce=True).status is OrderStatus.OPEN
    place(made, "two", BUY, "1", "59000")
    assert place(made, "one", SELL, "1", reduce=True).filled == 1
    assert held(made, "one") == 0


def test_the_youngest_is_knocked_out_when_the_position_shrinks_below_them() -> None:
    made = venue("one", "two")
    bought(made, "1")
    first = place(made, "one", SELL, "0.6", "70000", reduce=True)
    second = place(made, "one", SELL, "0.4", "69000", reduce=True)
    place(made, "two", BUY, "0.3", "59000")
    place(made, "one", SELL, "0.3")
    ended = now(made, second)
    assert now(made, first).status is OrderStatus.OPEN
    assert (ended.status, ended.close_reason) == (OrderStatus.EXPIRED, CloseReason.REDUCE_ONLY)
    place(made, "two", BUY, "1", "80000")
    assert held(made, "one") == D("0.1")


def test_an_ordinary_order_beside_it_knocks_it_out() -> None:
    made = venue("one", "two")
    bought(made, "1")
    reducing = place(made, "one", SELL, "1", "70000", reduce=True)
    place(made, "one", SELL, "0.5", "80000")
    assert now(made, reducing).close_reason is CloseReason.REDUCE_ONLY


@pytest.mark.parametrize("limit", [None, "57000"])
def test_a_stop_is_looked_at_when_it_goes_off(limit: str | None) -> None:
    made = venue("one", "two", "three")
    trigger = D(58000)
    terms: Terms = StopMarketTerms(trigger)
    if limit is not None:
        terms = StopLimitTerms(trigger, LimitTerms(D(limit)))
    late = place(made, "three", SELL, "1", terms, reduce=True)
    bought(made, "1")
    stop = place(made, "one", SELL, "1", terms, reduce=True)
    place(made, "two", BUY, "4", "58000")
    place(made, "two", SELL, "0.1", LimitTerms(D(70000)))
    made.deposit("three", "usdt", D(1), 3)
    place(made, "three", SELL, "0.1", "58000")
    assert now(made, stop).status is OrderStatus.FILLED
    assert held(made, "one") == 0
    ended = now(made, late)
    assert (ended.status, ended.close_reason) == (OrderStatus.EXPIRED, CloseReason.REDUCE_ONLY)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9))
def test_no_reduce_only_fill_ever_opens_or_turns_a_position(seed: int) -> None:
    made, random = venue("one", "two", "three"), Random(seed)
    book, lots = made.markets[PERP].book, made.markets[PERP].instrument.lots
    for number in range(120):
        name, side, reduce = (
            random.choice(("one", "two", "three")),
            random.choice(list(Side)),
            number % 3 == 0,
        )
        terms: Terms = MarketTerms()
        if random.random() < 0.8:
            away = random.randint(-3, 8) * (-1 if side is BUY else 1)
            terms = LimitTerms(D(60000 + 100 * away))
        own = random.choice((SelfTrade.NONE, SelfTrade.EXPIRE_MAKER))
        quantity = D(random.randint(1, 6 if reduce else 20)) / 10
        with suppress(DomainError):
            made.place(name, NewOrder(f"k{number}", PERP, side, quantity, terms, None, own, reduce), 3)
        for account in made.accounts():
            for each in Side:
                resting = [key for key in account.reducing if account.order(key).request.side is each]
                assert sum(map(book.remaining, resting)) <= lots(account.closable(PERP, each))
    for account in made.accounts():
        fills = sorted(
            (fill for order in account.orders() for fill in account.fills(order.venue_order_id)),
            key=lambda fill: fill.trade_id,
        )
        reducing = {each.venue_order_id for each in account.orders() if each.request.reduce_only}
        quantity = D(0)
        for fill in fills:
            signed = fill.quantity if fill.side is BUY else -fill.quantity
            if fill.venue_order_id in reducing:
                assert quantity * signed < 0
                assert abs(signed) <= abs(quantity)
            quantity += signed
