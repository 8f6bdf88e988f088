"""Real accounts: what is refused, what is held, and that no money is made or lost."""

from decimal import Decimal
from fractions import Fraction
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kernel.errors import DomainError
from services.simvenue.domain.account import AccountState
from services.simvenue.domain.market import CrowdLevels
from services.simvenue.domain.orders import (
    BalanceUpdate,
    ExecutionReport,
    LimitTerms,
    MarketTerms,
    NewOrder,
    Order,
)
from services.simvenue.domain.terms import CloseReason, Liquidity, OrderStatus, Side, TimeInForce
from services.simvenue.domain.venue import Ids, Venue
from services.simvenue.listing import INSTRUMENTS

BUY, SELL = Side.BUY, Side.SELL
BTC = INSTRUMENTS[0]
D = Decimal


def venue(*names: str, btc: str = "10", usdt: str = "100000") -> Venue:
    made = Venue(INSTRUMENTS, Ids(count(1), count(1), count(1)))
    for name in names or ("paper",):
        made.open_account(AccountState(name))
        made.deposit(name, "usdt", D(usdt), 1)
        made.deposit(name, "btc", D(btc), 1)
    return made


def crowd(made: Venue, *levels: tuple[Side, str, str]) -> None:
    made.act("btc-usdt", [CrowdLevels([(side, BTC.ticks(D(p)), BTC.lots(D(q))) for side, p, q in levels])], 2)


def order(
    key: str,
    side: Side,
    quantity: str,
    price: str | None = None,
    tif: TimeInForce = TimeInForce.GTC,
    *,
    post_only: bool = False,
) -> NewOrder:
    terms = MarketTerms() if price is None else LimitTerms(D(price), tif, post_only)
    return NewOrder(key, "btc-usdt", side, D(quantity), terms)


def money(made: Venue, name: str = "paper") -> dict[str, tuple[Decimal, Decimal]]:
    return {entry.currency: (entry.free, entry.locked) for entry in made.account(name).balances()}


def reason(made: Venue, request: NewOrder, name: str = "paper") -> str:
    before = money(made, name), made.account(name).sequence
    with pytest.raises(DomainError) as refused:
        made.place(name, request, 3)
    assert (money(made, name), made.account(name).sequence) == before
    return refused.value.reason


def test_a_market_order_walks_the_book_and_pays_exact_fees() -> None:
    made = venue()
    crowd(made, (SELL, "60000", "0.1"), (SELL, "60000.01", "0.2"))
    placed = made.place("paper", order("a", BUY, "0.15"), 3)
    assert placed.status is OrderStatus.FILLED
    notional = D("60000") * D("0.1") + D("60000.01") * D("0.05")
    assert (placed.notional, placed.fees) == (notional, notional * D("0.001"))
    fills = made.account("paper").fills(placed.venue_order_id)
    assert [(fill.price, fill.quantity) for fill in fills] == [
        (D("60000"), D("0.1")),
        (D("60000.01"), D("0.05")),
    ]
    assert money(made) == {
        "btc": (D("10.15"), D(0)),
        "usdt": (D("100000") - notional - notional * D("0.001"), D(0)),
    }


def test_what_a_market_order_does_not_find_expires() -> None:
    made = venue()
    crowd(made, (SELL, "60000", "0.1"))
    placed = made.place("paper", order("a", BUY, "0.15"), 3)
    assert (placed.status, placed.close_reason, placed.filled) == (
        OrderStatus.EXPIRED,
        CloseReason.NO_LIQUIDITY,
        D("0.1"),
    )
    empty = made.place("paper", order("b", BUY, "0.15"), 3)
    assert (empty.status, empty.filled) == (OrderStatus.EXPIRED, D(0))


def test_a_resting_buy_holds_its_worst_cost_and_gives_the_rest_back() -> None:
    made = venue()
    placed = made.place("paper", order("a", BUY, "1", "50000"), 3)
    held = D(50000) + D(50000) * D("0.001")
    assert placed.status is OrderStatus.OPEN
    assert money(made)["usdt"] == (D(100000) - held, held)
    crowd(made, (SELL, "50000", "0.4"))
    assert made.account("paper").order(placed.venue_order_id).status is OrderStatus.PARTIALLY_FILLED
    paid = D(20000) + D(20000) * D("0.0008")
    assert money(made)["usdt"] == (D(100000) - paid - held * D("0.6"), held * D("0.6"))
    closed = made.cancel("paper", "a", 4)
    assert (closed.status, closed.filled) == (OrderStatus.CANCELLED, D("0.4"))
    assert money(made)["usdt"] == (D(100000) - paid, D(0))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (order("a", BUY, "0.01", "60000.001"), "PRICE_OFF_TICK"),
        (order("a", BUY, "0.000011", "60000"), "QUANTITY_OFF_LOT"),
        (order("a", BUY, "9000.00001", "60000"), "QUANTITY_TOO_LARGE"),
        (order("a", BUY, "0.00001", "60000"), "NOTIONAL_TOO_SMALL"),
        (order("a", BUY, "0.00001"), "NOTIONAL_TOO_SMALL"),
        (order("a", BUY, "2", "60000"), "INSUFFICIENT_BALANCE"),
        (order("a", BUY, "1.66666", "60000"), "INSUFFICIENT_BALANCE"),  # the fee is not covered
        (order("a", BUY, "5"), "INSUFFICIENT_BALANCE"),
        (order("a", SELL, "11", "60000"), "INSUFFICIENT_BALANCE"),
        (order("a", BUY, "0.01", "60000.00", post_only=True), "POST_ONLY_WOULD_TRADE"),
        (order("a", SELL, "0.01", "59999.99", post_only=True), "POST_ONLY_WOULD_TRADE"),
        (NewOrder("a", "doge-usdt", BUY, D(1), MarketTerms()), "UNKNOWN_SYMBOL"),
    ],
)
def test_a_refusal_is_definite_and_changes_nothing(request_: NewOrder, expected: str) -> None:
    made = venue()
    crowd(made, (SELL, "60000", "100"), (BUY, "59999.99", "100"))
    assert reason(made, request_) == expected
    # The id was not used up.
    made.place("paper", order("a", BUY, "0.01", "50000"), 3)
    assert reason(made, order("a", BUY, "0.01", "50000")) == "DUPLICATE_CLIENT_ORDER_ID"


def test_a_closed_order_still_owns_its_id() -> None:
    made = venue()
    made.place("paper", order("a", BUY, "0.01", "50000"), 3)
    made.cancel("paper", "a", 4)
    assert reason(made, order("a", BUY, "0.01", "50000")) == "DUPLICATE_CLIENT_ORDER_ID"
    with pytest.raises(DomainError) as refused:
        made.cancel("paper", "a", 4)
    assert refused.value.reason == "ORDER_NOT_OPEN"
    with pytest.raises(DomainError) as refused:
        made.cancel("paper", "b", 4)
    assert refused.value.reason == "ORDER_NOT_FOUND"


def test_times_in_force() -> None:
    made = venue()
    crowd(made, (SELL, "60000", "0.1"))
    whole = made.place("paper", order("fok", BUY, "0.2", "60000", TimeInForce.FOK), 3)
    assert (whole.status, whole.close_reason, whole.filled) == (
        OrderStatus.EXPIRED,
        CloseReason.FILL_OR_KILL,
        D(0),
    )
    part = made.place("paper", order("ioc", BUY, "0.15", "60000", TimeInForce.IOC), 3)
    assert (part.status, part.close_reason, part.filled) == (
        OrderStatus.EXPIRED,
        CloseReason.IMMEDIATE_OR_CANCEL,
        D("0.1"),
    )
    maker = made.place("paper", order("post", BUY, "0.1", "59000", post_only=True), 3)
    assert maker.status is OrderStatus.OPEN
    crowd(made, (SELL, "60000", "0.3"))
    filled = made.place("paper", order("fok2", BUY, "0.3", "60000", TimeInForce.FOK), 3)
    assert filled.status is OrderStatus.FILLED


def test_an_account_does_not_trade_with_itself() -> None:
    made = venue("one", "two")
    made.place("one", order("ask", SELL, "1", "60000"), 3)
    stopped = made.place("one", order("bid", BUY, "0.5", "60000"), 3)
    assert (stopped.status, stopped.close_reason) == (OrderStatus.EXPIRED, CloseReason.SELF_TRADE_PREVENTION)
    assert made.place("two", order("bid", BUY, "0.5", "60000"), 3).status is OrderStatus.FILLED
    maker = made.account("one").find("ask")
    assert (maker.filled, maker.status) == (D("0.5"), OrderStatus.PARTIALLY_FILLED)
    made.place("one", order("fok", BUY, "0.5", "60000", TimeInForce.FOK), 3)
    assert made.account("one").find("fok").close_reason is CloseReason.FILL_OR_KILL


def test_facts_are_numbered_without_a_gap_and_end_with_the_balances() -> None:
    made = venue()
    crowd(made, (SELL, "60000", "1"))
    made.place("paper", order("a", BUY, "0.1"), 3)
    facts = made.take_facts()
    assert [fact.sequence for fact in facts] == list(range(1, len(facts) + 1))
    reports = [fact.body for fact in facts if isinstance(fact.body, ExecutionReport)]
    assert [report.order.status for report in reports] == [OrderStatus.OPEN, OrderStatus.FILLED]
    assert isinstance(facts[-1].body, BalanceUpdate)
    assert made.take_facts() == []


ORDER = st.tuples(
    st.sampled_from(["one", "two", "three"]),
    st.sampled_from([BUY, SELL]),
    st.integers(1, 40),  # in 0.01 btc
    st.one_of(st.none(), st.integers(-5, 5)),  # price in steps of 100 around 60000; none is a market order
    st.sampled_from(list(TimeInForce)),
)
CANCEL = st.tuples(st.sampled_from(["one", "two", "three"]), st.integers(0, 40))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(ORDER, ORDER, ORDER, CANCEL), max_size=40))
def test_no_money_is_made_or_lost(steps: list[tuple[object, ...]]) -> None:
    made = venue("one", "two", "three", btc="2", usdt="60000")
    for number, step in enumerate(steps):
        try:
            if len(step) == 2:
                made.cancel(str(step[0]), str(step[1]), 3)
            else:
                name, side, size, place, tif = step
                price = None if place is None else str(60000 + 100 * place)  # type: ignore[operator]
                request = order(str(number), side, str(D(size) / 100), price, tif)  # type: ignore[arg-type]
                made.place(str(name), request, 3)
        except DomainError:
            pass
        _check_books(made)


def _check_books(made: Venue) -> None:
    total = {"btc": Fraction(0), "usdt": Fraction(0)}
    fees = Fraction(0)
    for account in made.accounts():
        held = {"btc": Fraction(0), "usdt": Fraction(0)}
        for placed in account.open_orders():
            held[_held_currency(placed)] += _held(placed)
        for entry in account.balances():
            assert entry.free >= 0
            assert Fraction(entry.locked) == held[entry.currency]
            total[entry.currency] += Fraction(entry.free) + Fraction(entry.locked)
        fees += sum((_fees_of(account.fills(each)) for each in _order_ids(account.name, made)), Fraction(0))
    assert total["btc"] == 6
    assert total["usdt"] + fees == 180000


def _held_currency(placed: Order) -> str:
    return "usdt" if placed.request.side is BUY else "btc"


def _held(placed: Order) -> Fraction:
    remaining = Fraction(placed.request.quantity) - Fraction(placed.filled)
    if placed.request.side is SELL:
        return remaining
    assert isinstance(placed.request.terms, LimitTerms)
    return remaining * Fraction(placed.request.terms.price) * Fraction(1001, 1000)


def _order_ids(name: str, made: Venue) -> list[int]:
    account, found = made.account(name), []
    for venue_order_id in range(1, 60):
        try:
            found.append(account.find(venue_order_id).venue_order_id)
        except DomainError:
            continue
    return found


def _fees_of(fills: object) -> Fraction:
    fees = Fraction(0)
    for fill in fills:  # type: ignore[attr-defined]
        rate = Fraction(8, 10000) if fill.liquidity is Liquidity.MAKER else Fraction(1, 1000)
        assert Fraction(fill.fee) == Fraction(fill.price) * Fraction(fill.quantity) * rate
        fees += Fraction(fill.fee)
    return fees
