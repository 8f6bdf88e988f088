"""Linear perpetuals: positions against exact fractions, margin, funding, no money made or lost."""

from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kernel.errors import DomainError
from services.simvenue.domain.account import AccountState
from services.simvenue.domain.market import CrowdLevels
from services.simvenue.domain.orders import (
    BalanceUpdate,
    LimitTerms,
    MarketTerms,
    NewOrder,
    PositionUpdate,
    StopMarketTerms,
    Transfer,
    TransferKind,
)
from services.simvenue.domain.positions import FUNDING_NS, Position
from services.simvenue.domain.terms import OrderStatus, Side
from services.simvenue.domain.venue import Ids, Venue
from services.simvenue.listing import INSTRUMENTS, PERPETUALS

BUY, SELL = Side.BUY, Side.SELL
PERP = PERPETUALS[0]
D = Decimal


def venue(*names: str, usdt: str = "10000") -> Venue:
    made = Venue((*INSTRUMENTS, *PERPETUALS), Ids(count(1), count(1), count(1)))
    for name in names:
        made.open_account(AccountState(name))
        made.deposit(name, "usdt", D(usdt), 1)
    return made


def place(made: Venue, name: str, key: str, side: Side, quantity: str, price: str | None = None) -> Any:
    terms = MarketTerms() if price is None else LimitTerms(D(price))
    return made.place(name, NewOrder(key, PERP.symbol, side, D(quantity), terms), 3)


def money(made: Venue, name: str) -> tuple[Decimal, Decimal]:
    (usdt,) = [each for each in made.account(name).balances() if each.currency == "usdt"]
    return usdt.free, usdt.locked


TRADES = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 50), st.integers(1, 900)), min_size=1, max_size=30
)


@given(TRADES)
def test_a_position_is_what_its_trades_add_up_to(trades: list[tuple[Side, int, int]]) -> None:
    position, profits = Position("x"), Fraction(0)
    quantity, cost = Fraction(0), Fraction(0)
    for side, size, price in trades:
        position, profit = position.traded(side, D(size), D(price))
        profits += Fraction(profit)
        signed = Fraction(size if side is BUY else -size)
        if quantity * signed >= 0:
            cost += signed * price
        else:
            closed = min(abs(signed), abs(quantity))
            cost -= cost * closed / abs(quantity)
            left = abs(signed) - closed
            cost += (left if signed > 0 else -left) * price
        quantity += signed
        assert Fraction(position.quantity) == quantity
        assert abs(Fraction(position.cost) - cost) < Fraction(1, 10**9)
        if not quantity:
            assert position.cost == 0
    assert Fraction(position.realised) == profits
    # Money in minus money out is profit, whatever was rounded on the way.
    flow = sum(
        (Fraction(size * price) * (-1 if side is BUY else 1) for side, size, price in trades), Fraction(0)
    )
    assert profits == flow + Fraction(position.cost)


def test_a_long_that_turns_short_realises_the_long() -> None:
    made = venue("one", "two")
    place(made, "two", "ask", SELL, "1", "60000")
    place(made, "one", "in", BUY, "0.5")
    assert money(made, "one") == (D(10000) - 15 - 3000, D(3000))
    made.cancel("two", "ask", 3)
    place(made, "two", "bid", BUY, "0.7", "61000")
    place(made, "one", "out", SELL, "0.6")
    position = made.account("one").positions[PERP.symbol]
    assert (position.quantity, position.entry_price, position.realised) == (D("-0.1"), D(61000), D(500))
    fees = D(15) + D("18.3")
    assert money(made, "one") == (D(10000) + 500 - fees - 610, D(610))
    other = made.account("two").positions[PERP.symbol]
    assert other.quantity == D("0.1")
    assert "btc" not in {each.currency for each in made.account("one").balances()}


def test_margin_is_asked_for_what_opens_and_for_all_orders_together() -> None:
    made = venue("one", "two", "three")
    place(made, "three", "far", SELL, "0.5", "90000")
    for number in range(3):
        place(made, "one", f"b{number}", BUY, "0.5", "60000")  # 3000 each, and the fee
    for terms in (LimitTerms(D(60000)), StopMarketTerms(D(60000)), MarketTerms()):
        with pytest.raises(DomainError) as refused:
            made.place("one", NewOrder("more", PERP.symbol, BUY, D("0.5"), terms), 3)
        assert refused.value.reason == "INSUFFICIENT_BALANCE"
    assert money(made, "one") == (D(10000), D(0))  # orders hold nothing
    made.cancel("one", "b2", 4)
    place(made, "two", "hit", SELL, "1", "60000")
    assert made.account("one").positions[PERP.symbol].quantity == 1
    with pytest.raises(DomainError):
        place(made, "one", "up", BUY, "0.7", "60000")
    # What closes needs no margin, however little is free.
    assert place(made, "one", "close", SELL, "1", "70000").status is OrderStatus.OPEN
    with pytest.raises(DomainError):
        place(made, "one", "turn", SELL, "0.7", "70000")


def test_funding_goes_from_longs_to_shorts_at_its_times() -> None:
    made = venue("one", "two")
    place(made, "two", "ask", SELL, "1", "60000")
    place(made, "one", "in", BUY, "1", "60000")
    made.take_facts()
    before = {name: sum(money(made, name)) for name in ("one", "two")}
    made.advance(2 * FUNDING_NS + 5)
    paid = [fact for fact in made.take_facts() if isinstance(fact.body, Transfer)]
    told = [(fact.account, fact.time_ns // FUNDING_NS, fact.body.amount) for fact in paid]  # type: ignore[union-attr]
    assert told == [("one", 1, D(-6)), ("two", 1, D(6)), ("one", 2, D(-6)), ("two", 2, D(6))]
    assert {(fact.body.kind, fact.body.symbol) for fact in paid} == {  # type: ignore[union-attr]
        (TransferKind.FUNDING, PERP.symbol)
    }
    assert sum(money(made, "one")) == before["one"] - 12
    assert made.account("two").positions[PERP.symbol].funding == 12
    made.advance(3 * FUNDING_NS - 1)
    assert not made.take_facts()


def test_facts_tell_position_and_balance() -> None:
    made = venue("one")
    made.act(PERP.symbol, [CrowdLevels([(SELL, PERP.ticks(D(60000)), PERP.lots(D(1)))])], 2)
    made.take_facts()
    place(made, "one", "in", BUY, "0.1")
    bodies = [fact.body for fact in made.take_facts()]
    assert [type(body) for body in bodies[-2:]] == [PositionUpdate, BalanceUpdate]
    assert bodies[-2] == PositionUpdate(Position(PERP.symbol, D("0.1"), D(6000)))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9))
def test_no_money_is_made_or_lost(seed: int) -> None:
    names = ("one", "two", "three")
    made, random = venue(*names, usdt="100000"), Random(seed)
    for number in range(80):
        name, side = random.choice(names), random.choice(list(Side))
        with suppress(DomainError):
            if random.random() < 0.2 and number:
                made.cancel(name, str(random.randrange(number)), number + 3)
            else:
                price = str(60000 + 100 * random.randint(-9, 9)) if random.random() < 0.7 else None
                place(made, name, str(number), side, str(D(random.randint(1, 900)) / 1000), price)
    made.advance(FUNDING_NS)
    total, open_quantity, open_cost = Fraction(0), Fraction(0), Fraction(0)
    fees = Fraction(0)
    for account in made.accounts():
        free, locked = money(made, account.name)
        position = account.positions.get(PERP.symbol, Position(PERP.symbol))
        assert locked == position.margin(PERP)
        total += Fraction(free) + Fraction(locked)
        open_quantity += Fraction(position.quantity)
        open_cost += Fraction(position.cost)
        for number in range(1, 90):
            with suppress(DomainError):
                fees += Fraction(account.find(number).fees)
    assert open_quantity == 0
    # What open positions cost is still owed: profit not realised yet.
    assert total + fees == 300000 + open_cost
