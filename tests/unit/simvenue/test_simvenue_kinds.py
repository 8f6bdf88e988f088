"""Stops, icebergs, quote quantities, times that run out, and orders of one account that meet."""

from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from services.kernel.errors import DomainError
from services.simvenue.domain.account import AccountState
from services.simvenue.domain.market import CrowdLevels, CrowdTrade
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
from services.simvenue.listing import INSTRUMENTS

BUY, SELL = Side.BUY, Side.SELL
BTC = INSTRUMENTS[0]
D = Decimal
DAY_NS = 86_400 * 10**9


def venue(**self_trade: SelfTrade) -> Venue:
    made = Venue(INSTRUMENTS, Ids(count(1), count(1), count(1)), self_trade)
    for name in ("one", "two"):
        made.open_account(AccountState(name))
        made.deposit(name, "usdt", D(100000), 1)
        made.deposit(name, "btc", D(10), 1)
    return made


def crowd(made: Venue, *levels: tuple[Side, str, str], at: int = 2) -> None:
    wanted = [(side, BTC.ticks(D(p)), BTC.lots(D(q))) for side, p, q in levels]
    made.act("btc-usdt", [CrowdLevels(wanted)], at)


def trade(made: Venue, side: Side, price: str, quantity: str, *, at: int = 3) -> None:
    made.act("btc-usdt", [CrowdTrade(side, BTC.ticks(D(price)), BTC.lots(D(quantity)))], at)


def place(made: Venue, key: str, side: Side, quantity: str, terms: Terms, **more: Any) -> Order:
    at = more.pop("at", 3)
    name = more.pop("name", "one")
    return made.place(name, NewOrder(key, "btc-usdt", side, D(quantity), terms, **more), at)


def refused(made: Venue, *order: Any, **more: Any) -> str:
    before = made.account("one").balances(), made.account("one").sequence
    with pytest.raises(DomainError) as error:
        place(made, *order, **more)
    assert (made.account("one").balances(), made.account("one").sequence) == before
    return error.value.reason


def money(made: Venue, name: str = "one") -> dict[str, tuple[Decimal, Decimal]]:
    return {entry.currency: (entry.free, entry.locked) for entry in made.account(name).balances()}


def found(made: Venue, key: str, name: str = "one") -> Order:
    return made.account(name).find(key)


# --- stops


@pytest.mark.parametrize(
    ("side", "trigger", "short", "through"),
    [
        (SELL, "59000", "59000.01", "58999"),
        (SELL, "59000", "59500", "59000"),
        (BUY, "61000", "60999.99", "61000"),
    ],
)
def test_a_stop_waits_for_a_trade_at_its_trigger(side: Side, trigger: str, short: str, through: str) -> None:
    made = venue()
    crowd(made, (BUY, "50000", "5"), (SELL, "70000", "5"))
    waiting = place(made, "stop", side, "1", StopMarketTerms(D(trigger)))
    assert (waiting.status, waiting.trigger_ns) == (OrderStatus.WAITING, None)
    assert made.account("one").open_orders() == [waiting]
    held = (D(61000) + 61, "usdt") if side is BUY else (D(1), "btc")
    assert money(made)[held[1]][1] == held[0]

    trade(made, side, short, "0.1", at=5)
    assert found(made, "stop").status is OrderStatus.WAITING
    trade(made, side, through, "0.1", at=7)
    gone = found(made, "stop")
    assert (gone.status, gone.filled, gone.trigger_ns) == (OrderStatus.FILLED, D(1), 7)
    assert made.account("one").open_orders() == []
    assert {locked for _, locked in money(made).values()} == {D(0)}


def test_a_stop_limit_rests_at_its_limit_and_keeps_what_was_held() -> None:
    made = venue()
    crowd(made, (BUY, "58000", "5"))
    place(made, "stop", SELL, "1", StopLimitTerms(D(59000), LimitTerms(D(58500))))
    trade(made, SELL, "58900", "0.1", at=7)
    rests = found(made, "stop")
    assert (rests.status, rests.filled, rests.trigger_ns) == (OrderStatus.OPEN, D(0), 7)
    assert money(made)["btc"] == (D(9), D(1))
    trade(made, BUY, "58500", "0.4", at=8)
    assert found(made, "stop").filled == D("0.4")
    made.cancel("one", "stop", 9)
    assert money(made)["btc"] == (D("9.6"), D(0))


def test_stops_that_set_each_other_off_all_go_nearest_first() -> None:
    made = venue()
    crowd(made, (BUY, "59000", "1"), (BUY, "58000", "1"), (BUY, "57000", "5"))
    place(made, "far", SELL, "1", StopMarketTerms(D(58000)))
    place(made, "near", SELL, "1.5", StopMarketTerms(D(59500)))
    place(made, "near2", SELL, "0.1", StopMarketTerms(D(59500)), name="two")
    trade(made, SELL, "59400", "0.1", at=7)
    order = [found(made, "near"), found(made, "near2", "two"), found(made, "far")]
    assert [each.status for each in order] == [OrderStatus.FILLED] * 3
    # near takes 59000 and half of 58000, which sets far off behind near2.
    assert [each.notional for each in order] == [
        D(59000) + 29000,
        D(5800),
        D("0.4") * 58000 + D("0.6") * 57000,
    ]


def test_a_waiting_stop_is_cancelled_and_gives_back_what_it_held() -> None:
    made = venue()
    place(made, "stop", BUY, "1", StopLimitTerms(D(61000), LimitTerms(D(61500))))
    assert money(made)["usdt"][1] == D(61500) + D("61.5")
    closed = made.cancel("one", "stop", 4)
    assert closed.status is OrderStatus.CANCELLED
    assert money(made)["usdt"] == (D(100000), D(0))
    crowd(made, (SELL, "61000", "1"))
    trade(made, BUY, "61000", "0.1", at=7)
    assert found(made, "stop").filled == 0


def test_a_stop_that_would_go_off_at_once_is_refused() -> None:
    made = venue()
    crowd(made, (BUY, "50000", "5"), (SELL, "70000", "5"))
    trade(made, SELL, "60000", "0.1")
    assert refused(made, "a", SELL, "1", StopMarketTerms(D(60000))) == "STOP_WOULD_TRIGGER"
    assert (
        refused(made, "a", BUY, "1", StopLimitTerms(D(59000), LimitTerms(D(60000)))) == "STOP_WOULD_TRIGGER"
    )
    assert refused(made, "a", BUY, "1", StopMarketTerms(D("61000.001"))) == "PRICE_OFF_TICK"
    assert refused(made, "a", BUY, "1", StopMarketTerms(D(100001))) == "INSUFFICIENT_BALANCE"
    assert refused(made, "a", SELL, "0.00001", StopMarketTerms(D(59000))) == "NOTIONAL_TOO_SMALL"
    place(made, "a", SELL, "1", StopMarketTerms(D("59999.99")))


def test_a_stop_that_cannot_go_to_the_book_expires_and_says_why() -> None:
    made = venue()
    crowd(made, (SELL, "90000", "5"), (BUY, "40000", "5"))
    place(made, "dear", BUY, "1.5", StopMarketTerms(D(61000)))
    place(made, "post", BUY, "0.01", StopLimitTerms(D(61000), LimitTerms(D(90000), post_only=True)))
    place(
        made, "kill", BUY, "0.01", StopLimitTerms(D(61000), LimitTerms(D(80000), TimeInForce.FOK)), name="two"
    )
    trade(made, BUY, "90000", "0.1", at=7)
    reasons = [found(made, key).close_reason for key in ("dear", "post")]
    assert reasons == [CloseReason.INSUFFICIENT_BALANCE, CloseReason.POST_ONLY_WOULD_TRADE]
    assert found(made, "kill", "two").close_reason is CloseReason.FILL_OR_KILL
    assert money(made)["usdt"] == (D(100000), D(0))


# --- times that run out


def test_gtd_ends_at_its_time_and_day_at_the_next_midnight() -> None:
    made = venue()
    noon = 20_000 * DAY_NS + DAY_NS // 2
    gtd, day = TimeInForce.GTD, TimeInForce.DAY
    place(made, "gtd", BUY, "1", LimitTerms(D(50000), gtd, expire_ns=noon + 50), at=noon)
    place(made, "day", SELL, "1", StopMarketTerms(D(40000), day), at=noon)
    place(
        made,
        "stop",
        SELL,
        "1",
        StopLimitTerms(D(40000), LimitTerms(D(39000), gtd, expire_ns=noon + 99)),
        at=noon,
    )
    assert found(made, "day").expire_ns == 20_001 * DAY_NS
    made.advance(noon + 49)
    assert [each.request.client_order_id for each in made.account("one").open_orders()] == [
        "gtd",
        "day",
        "stop",
    ]
    made.advance(20_001 * DAY_NS + 5)
    ends = [(found(made, key).close_reason, found(made, key).update_ns) for key in ("gtd", "stop", "day")]
    assert ends == [
        (CloseReason.EXPIRE_TIME, noon + 50),
        (CloseReason.EXPIRE_TIME, noon + 99),
        (CloseReason.EXPIRE_TIME, 20_001 * DAY_NS),
    ]
    assert money(made) == {"usdt": (D(100000), D(0)), "btc": (D(10), D(0))}
    assert made.market("btc-usdt").book.best(BUY) is None


def test_an_order_whose_time_came_cannot_trade_or_be_cancelled_any_more() -> None:
    made = venue()
    place(made, "gtd", BUY, "1", LimitTerms(D(50000), TimeInForce.GTD, expire_ns=10))
    with pytest.raises(DomainError) as error:
        made.cancel("one", "gtd", 10)
    assert error.value.reason == "ORDER_NOT_OPEN"
    crowd(made, (SELL, "49000", "1"), at=11)
    assert found(made, "gtd").filled == 0
    passed = LimitTerms(D(50000), TimeInForce.GTD, expire_ns=11)
    assert refused(made, "late", BUY, "1", passed, at=11) == "EXPIRE_TIME_PASSED"


# --- icebergs and quote quantities


def test_an_iceberg_holds_all_of_it_and_shows_a_part() -> None:
    made = venue()
    place(made, "ice", BUY, "1", LimitTerms(D(50000), display=D("0.3")))
    assert made.market("btc-usdt").book.depth(BUY, 1) == [(5000000, 30000)]
    assert money(made)["usdt"][1] == D(50050)
    trade(made, SELL, "50000", "0.7")
    assert found(made, "ice").filled == D("0.7")
    assert [fill.quantity for fill in made.account("one").fills(1)] == [D("0.3"), D("0.3"), D("0.1")]
    made.cancel("one", "ice", 4)
    assert money(made)["usdt"][1] == 0


@pytest.mark.parametrize("display", ["1", "2", "0.009", "0.001"])
def test_an_iceberg_shows_less_than_all_and_at_least_a_hundredth(display: str) -> None:
    made = venue()
    terms = LimitTerms(D(50000), display=D(display))
    assert refused(made, "ice", BUY, "1", terms) == "DISPLAY_QUANTITY_INVALID"
    assert refused(made, "ice", BUY, "1", LimitTerms(D(50000), display=D("0.100001"))) == "QUANTITY_OFF_LOT"


def test_a_fill_or_kill_order_counts_on_what_icebergs_hide() -> None:
    made = venue()
    place(made, "ice", SELL, "1", LimitTerms(D(60000), display=D("0.1")), name="two")
    taken = place(made, "fok", BUY, "1", LimitTerms(D(60000), TimeInForce.FOK))
    assert taken.status is OrderStatus.FILLED


@pytest.mark.parametrize(("side", "price"), [(BUY, "60000"), (SELL, "59000")])
def test_a_quote_quantity_trades_the_most_lots_that_it_pays_for(side: Side, price: str) -> None:
    made = venue()
    crowd(made, (SELL, "60000", "0.1"), (SELL, "61000", "1"), (BUY, "59000", "5"))
    done = place(made, "quote", side, "0", MarketTerms(), quote_quantity=D(5000))
    assert done.status is OrderStatus.FILLED
    assert done.notional <= 5000 < done.notional + D("0.00001") * D(price)
    assert done.request.quantity == done.filled
    wide = place(made, "wide", BUY, "0", MarketTerms(), quote_quantity=D(7000))
    assert wide.notional <= 7000 < wide.notional + D("0.00001") * 61000


def test_a_quote_quantity_needs_somebody_to_trade_with_and_enough_money() -> None:
    made = venue()
    assert refused(made, "a", BUY, "0", MarketTerms(), quote_quantity=D(500)) == "NO_LIQUIDITY"
    crowd(made, (SELL, "60000", "10"))
    assert refused(made, "a", BUY, "0", MarketTerms(), quote_quantity=D("4.99")) == "NOTIONAL_TOO_SMALL"
    assert refused(made, "a", BUY, "0", MarketTerms(), quote_quantity=D(100000)) == "INSUFFICIENT_BALANCE"


# --- orders of one account that meet


@pytest.mark.parametrize(
    ("mode", "bid", "ask", "asks_left"),
    [
        (SelfTrade.EXPIRE_TAKER, ("EXPIRED", "0.5"), ("OPEN", "0"), "1"),
        (SelfTrade.EXPIRE_MAKER, ("FILLED", "2"), ("EXPIRED", "0"), None),
        (SelfTrade.EXPIRE_BOTH, ("EXPIRED", "0.5"), ("EXPIRED", "0"), None),
        (SelfTrade.NONE, ("FILLED", "2"), ("FILLED", "1"), None),
    ],
)
@pytest.mark.parametrize("by_default", [True, False])
def test_self_trade_prevention(
    mode: SelfTrade, bid: tuple[str, str], ask: tuple[str, str], asks_left: str | None, *, by_default: bool
) -> None:
    made = venue(one=mode) if by_default else venue()
    choice = None if by_default else mode
    place(made, "crowd1", SELL, "0.5", LimitTerms(D(9000)), name="two")
    place(made, "ask", SELL, "1", LimitTerms(D(9001)))
    place(made, "crowd2", SELL, "3", LimitTerms(D(9001)), name="two")
    taken = place(made, "bid", BUY, "2", LimitTerms(D(9001)), self_trade=choice)
    assert (taken.status.name, str(taken.filled.normalize())) == bid
    own = found(made, "ask")
    assert (own.status.name, str(own.filled.normalize())) == ask
    expired = {order.close_reason for order in (taken, own) if order.status is OrderStatus.EXPIRED}
    assert expired <= {CloseReason.SELF_TRADE_PREVENTION}
    assert money(made)["btc"][1] == (D(asks_left) if asks_left else 0)
    ids = [
        fill.trade_id for order in (taken, own) for fill in made.account("one").fills(order.venue_order_id)
    ]
    assert len(ids) == len(set(ids))
    total = sum(free + locked for name in ("one", "two") for free, locked in [money(made, name)["btc"]])
    assert total == 20


# --- fills after a cancel


def test_a_cancelled_order_fills_late_only_where_its_owner_can_pay() -> None:
    made = venue()
    gone = place(made, "gone", BUY, "1", LimitTerms(D(50000)))
    made.cancel("one", "gone", 4)
    place(made, "rest", BUY, "1.99", LimitTerms(D(50000)))
    assert not made.fill_late("one", gone.venue_order_id, 0.5, 5)
    made.cancel("one", "rest", 6)
    assert made.fill_late("one", gone.venue_order_id, 0.5, 7)
    late = found(made, "gone")
    assert (late.status, late.filled, late.fees) == (OrderStatus.CANCELLED, D("0.5"), D(20))
    assert made.fill_late("one", gone.venue_order_id, 1.0, 8)
    assert (found(made, "gone").status, found(made, "gone").filled) == (OrderStatus.CANCELLED, D(1))
    assert not made.fill_late("one", gone.venue_order_id, 1.0, 9)
    assert money(made) == {"btc": (D(11), D(0)), "usdt": (D(100000) - 50040, D(0))}


# --- restart


def test_all_that_is_open_comes_back_after_a_restart() -> None:
    made = venue()
    place(made, "ice", BUY, "1", LimitTerms(D(50000), TimeInForce.GTD, expire_ns=100, display=D("0.3")))
    place(made, "stop", SELL, "1", StopMarketTerms(D(40000)))
    account = made.account("one")
    again = Venue(INSTRUMENTS, Ids(count(50), count(50), count(50)))
    again.open_account(
        AccountState("one", account.sequence, account.balances(), tuple(account.open_orders()))
    )
    again.reopen()
    assert again.market("btc-usdt").book.depth(BUY, 1) == [(5000000, 30000)]
    trade(again, SELL, "45000", "1.2", at=50)
    assert found(again, "ice").status is OrderStatus.FILLED
    crowd(again, (BUY, "39000", "5"), at=60)
    trade(again, SELL, "39500", "0.1", at=60)
    assert found(again, "stop").status is OrderStatus.FILLED
