"""Real accounts: what is refused, what is held, and that no money is made or lost."""

from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from itertools import count
from random import Random

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
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    held_price,
)
from services.simvenue.domain.terms import (
    CloseReason,
    Liquidity,
    OrderStatus,
    SelfTrade,
    Side,
    TimeInForce,
)
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


NAMES = ("one", "two", "three")


class Trader:
    """Draws one act after another; a seed says which, so that a run is long and can be repeated."""

    def __init__(self, made: Venue, seed: int) -> None:
        self.made = made
        self.late = 0
        self._random = Random(seed)

    def act(self, number: int) -> None:
        """Place, cancel, or let a cancelled order trade."""
        random, now = self._random, 3 + 2 * number
        name = random.choice(NAMES)
        match random.random():
            case chance if chance < 0.2 and number:
                self.made.cancel(name, str(random.randrange(number)), now)
            case chance if chance < 0.25 and number:
                order_id = self.made.account(name).find(str(random.randrange(number))).venue_order_id
                self.late += self.made.fill_late(name, order_id, random.choice((0.1, 1.0)), now)
            case chance if chance < 0.3:
                spending = NewOrder(str(number), "btc-usdt", self._side(), D(0), MarketTerms(), D(3000))
                self.made.place(name, spending, now)
            case _:
                size, mode = D(random.randint(1, 20)) / 100, random.choice(list(SelfTrade))
                request = NewOrder(
                    str(number), "btc-usdt", self._side(), size, self._terms(now), self_trade=mode
                )
                self.made.place(name, request, now, random.randint(1, 3))

    def _side(self) -> Side:
        return self._random.choice((BUY, SELL))

    def _price(self) -> Decimal:
        return D(60000 + 1000 * self._random.randint(-3, 3))

    def _limit(self, now: int) -> LimitTerms:
        random = self._random
        tif = random.choice(list(TimeInForce))
        expire_ns = now + random.randint(1, 30) if tif is TimeInForce.GTD else None
        display = D("0.01") if tif.rests and random.random() < 0.3 else None
        return LimitTerms(self._price(), tif, tif.rests and random.random() < 0.2, expire_ns, display)

    def _terms(self, now: int) -> Terms:
        match self._random.random():
            case chance if chance < 0.1:
                return MarketTerms()
            case chance if chance < 0.25:
                return StopMarketTerms(self._price())
            case chance if chance < 0.4:
                return StopLimitTerms(self._price(), self._limit(now))
            case _:
                return self._limit(now)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(["3000", "60000"]))
def test_no_money_is_made_or_lost(seed: int, usdt: str) -> None:
    made = venue(*NAMES, btc="2", usdt=usdt)
    trader = Trader(made, seed)
    for number in range(120):
        with suppress(DomainError):
            trader.act(number)
        assert all(entry.free >= 0 for account in made.accounts() for entry in account.balances())
        if number % 20 == 19:
            _check_books(made, Fraction(usdt), closed=not trader.late)


def _check_books(made: Venue, usdt: Fraction, *, closed: bool) -> None:
    """Balances are what the orders hold and the fills paid; ``closed``: nobody else took part."""
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
    if closed:
        assert total["btc"] == 6
        assert total["usdt"] + fees == 3 * usdt
    for account in made.accounts():
        _check_fills(made, account.name, usdt)


def _check_fills(made: Venue, name: str, usdt: Fraction) -> None:
    account, cash = made.account(name), {"btc": Fraction(2), "usdt": usdt}
    trade_ids: list[int] = []
    for order_id in _order_ids(name, made):
        placed, fills = account.order(order_id), account.fills(order_id)
        assert placed.filled == sum((fill.quantity for fill in fills), D(0)) <= placed.request.quantity
        assert placed.fees == sum((fill.fee for fill in fills), D(0))
        assert (placed.status is OrderStatus.FILLED) == (
            placed.filled == placed.request.quantity and placed.status is not OrderStatus.CANCELLED
        )
        trade_ids += [fill.trade_id for fill in fills]
        sign = 1 if placed.request.side is BUY else -1
        cash["btc"] += sign * Fraction(placed.filled)
        cash["usdt"] -= sign * Fraction(placed.notional) + Fraction(placed.fees)
    assert len(trade_ids) == len(set(trade_ids))
    held = {entry.currency: Fraction(entry.free) + Fraction(entry.locked) for entry in account.balances()}
    assert held == cash


def _held_currency(placed: Order) -> str:
    return "usdt" if placed.request.side is BUY else "btc"


def _held(placed: Order) -> Fraction:
    remaining = Fraction(placed.request.quantity) - Fraction(placed.filled)
    if placed.request.side is SELL:
        return remaining
    price = held_price(placed.request.terms)
    assert price is not None
    return remaining * Fraction(price) * Fraction(1001, 1000)


def _order_ids(name: str, made: Venue) -> list[int]:
    account, found = made.account(name), []
    for venue_order_id in range(1, 130):
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
