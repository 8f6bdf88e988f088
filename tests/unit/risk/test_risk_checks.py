"""Each check fails on its own number, first failure decides, and the chain keeps its order."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trademesh.risk.v1 import decision_pb2

from services.risk.domain.account import AccountState, Position
from services.risk.domain.checks import CHAIN, CheckKind, run
from services.risk.domain.equity import Day
from services.risk.domain.limits import InstrumentLimit, Limits
from services.risk.domain.locks import Lock
from services.risk.domain.order import Quote, Side
from services.risk.domain.question import Market, Recent
from services.risk.domain.traded import ONE, ZERO
from services.risk.domain.trading import TradingMode
from tests.support.risk import (
    BTC,
    ETH,
    INVERSE,
    LIMITS,
    LINEAR,
    MARKET,
    NO_LIMITS,
    NOW,
    PERP,
    QUOTES,
    RICH,
    RULES,
    TRADED,
    holding,
    last,
    order,
    pending,
    question,
)

POOR = AccountState({("sim", "usdt"): Decimal(10_000)})
DAY = Day(NOW.date(), start=Decimal(1_600_000), peak=Decimal(1_602_000))
ALL_LIMITS = replace(
    LIMITS,
    max_venue_notional=Decimal(10**6),
    max_net_notional=Decimal(10**6),
    instruments={BTC: InstrumentLimit(Decimal(10**6), Decimal(100))},
    max_concentration=ONE,
    max_leverage=Decimal(2),
    max_daily_loss=Decimal(10**6),
    max_daily_drawdown=Decimal(10**6),
    max_order_rate=10,
    duplicate_window=timedelta(seconds=1),
)


def failed(kind: CheckKind, observed: str, allowed: str, asked: Any) -> None:
    found = last(asked)
    assert (found.kind, found.passed, found.observed, found.allowed) == (kind, False, observed, allowed)
    assert found.message


def test_an_order_inside_every_limit_passes_all_checks_in_order() -> None:
    lock = Lock("l", "paper", str(ETH), "", "cooldown", "a test", NOW, NOW)
    asked = order(Side.SELL, reduce_only=True)
    checks = run(question(asked, limits=ALL_LIMITS, mode=TradingMode.REDUCING, locks=[lock], day=DAY))
    without = {CheckKind.DUPLICATE_ORDER, CheckKind.CONCENTRATION, CheckKind.LEVERAGE}
    without |= {CheckKind.DAILY_LOSS, CheckKind.DAILY_DRAWDOWN}
    assert [check.kind for check in checks] == [kind for kind, _ in CHAIN if kind not in without]
    more = {check.kind for check in run(question(order(), limits=ALL_LIMITS, day=DAY))}
    assert without <= more
    assert all(check.passed and not check.message for check in checks)


def test_the_chain_holds_every_kind_once_and_the_contract_knows_each() -> None:
    kinds = [kind for kind, _ in CHAIN]
    assert sorted(kinds, key=lambda kind: kind.value) == list(CheckKind) or set(kinds) == set(CheckKind)
    assert len(kinds) == len(set(kinds))
    named = {f"CHECK_KIND_{kind.name}": kind.value for kind in CheckKind}
    assert dict(decision_pb2.CheckKind.items()) == {"CHECK_KIND_UNSPECIFIED": 0, **named}


def test_limits_that_are_not_set_are_not_checked() -> None:
    kinds = {check.kind for check in run(question(order(), limits=NO_LIMITS))}
    assert kinds == {
        CheckKind.TRADING_HALTED,
        CheckKind.INSTRUMENT_STATUS,
        CheckKind.PRICE_TICK,
        CheckKind.QUANTITY_LOT,
        CheckKind.QUANTITY_RANGE,
        CheckKind.PRICE_MISSING,
        CheckKind.NOTIONAL_MINIMUM,
        CheckKind.PRICE_COLLAR,
        CheckKind.BALANCE,
    }


def test_halted() -> None:
    found = last(question(order(), mode=TradingMode.HALTED))
    assert (found.kind, found.passed) == (CheckKind.TRADING_HALTED, False)
    assert "maintenance" in found.message


def test_reducing_lets_only_through_what_makes_a_position_smaller_with_what_is_pending() -> None:
    state = holding(RICH, pending("a", Side.SELL, "9.95"))
    passed = question(order(Side.SELL, "0.05"), state, mode=TradingMode.REDUCING)
    assert last(passed).passed
    more = question(order(Side.SELL, "0.06"), state, mode=TradingMode.REDUCING)
    failed(CheckKind.TRADING_REDUCING, "10.01", "10", more)
    failed(CheckKind.TRADING_REDUCING, "0.1", "0", question(order(), state, mode=TradingMode.REDUCING))


@pytest.mark.parametrize(
    ("side", "quantity", "passed"), [(Side.BUY, "5", True), (Side.BUY, "6", False), (Side.SELL, "1", False)]
)
def test_reduce_only_of_a_short_contract(side: Side, quantity: str, passed: bool) -> None:
    state = holding(RICH, perp="-5")
    asked = order(side, quantity, instrument=PERP, contract=LINEAR, reduce_only=True)
    found = {check.kind: check for check in run(question(asked, state, NO_LIMITS))}
    assert found[CheckKind.REDUCE_ONLY].passed is passed


def test_a_lock_keeps_out_what_opens_and_lets_through_what_closes() -> None:
    locks = [Lock("l", "paper", str(BTC), "", "cooldown", "closed a trade", NOW, NOW + timedelta(hours=1))]
    failed(CheckKind.LOCKED, "cooldown", "none", question(order(), locks=locks))
    assert last(question(order(Side.SELL), locks=locks)).passed
    other = [replace(locks[0], instrument="", strategy="other")]
    assert last(question(order(strategy="mine"), locks=other)).passed


def test_the_venues_rules() -> None:
    failed(CheckKind.PRICE_TICK, "60000.001", "a multiple of 0.01", question(order(price="60000.001")))
    trigger = order(price=None, trigger_price=Decimal("60000.001"))
    failed(CheckKind.PRICE_TICK, "60000.001", "a multiple of 0.01", question(trigger))
    failed(CheckKind.QUANTITY_LOT, "0.000015", "a multiple of 0.00001", question(order(quantity="0.000015")))
    failed(CheckKind.QUANTITY_RANGE, "9001", "0.00001 to 9000", question(order(quantity="9001")))
    failed(CheckKind.NOTIONAL_MINIMUM, "4.8", "at least 5", question(order(quantity="0.00008")))
    halted = replace(MARKET, rules={BTC: replace(RULES, halted=True)})
    failed(CheckKind.INSTRUMENT_STATUS, "halted", "trading", question(order(), market=halted))


def test_what_is_not_known_fails_closed() -> None:
    failed(CheckKind.INSTRUMENT_STATUS, "none", "trading", question(order(), market=Market({}, {}, {})))
    unpriced = replace(MARKET, quotes={})
    failed(CheckKind.PRICE_MISSING, "none", "a fresh bid and ask", question(order(), market=unpriced))
    no_rate = replace(MARKET, rates={})
    failed(CheckKind.POSITION_NOTIONAL, "none", "20000", question(order(), market=no_rate))
    state = holding(RICH, eth="1")
    without_eth = replace(MARKET, quotes={BTC: QUOTES[BTC]})
    found = last(question(order(), state, market=without_eth))
    assert (found.kind, found.passed) == (CheckKind.GROSS_NOTIONAL, False)
    assert str(ETH) in found.message
    levered = replace(NO_LIMITS, max_leverage=ONE)
    without_rate = replace(MARKET, rates={"usdt": ONE})
    failed(CheckKind.LEVERAGE, "none", "1", question(order(), limits=levered, market=without_rate))


def test_order_notional_counts_a_market_order_at_its_worst_price() -> None:
    # 0.159 * 60010 * 1.05 = 10018.6...
    failed(CheckKind.ORDER_NOTIONAL, "10018.6695", "10000", question(order(quantity="0.159", price=None)))


@pytest.mark.parametrize(
    ("side", "price", "passed"),
    [
        (Side.BUY, "63010.5", True),
        (Side.BUY, "63010.51", False),
        (Side.SELL, "56990.5", True),
        (Side.SELL, "56990.49", False),
        (Side.SELL, "90000", True),
        (Side.BUY, "1", True),
    ],
)
def test_the_collar_binds_on_the_far_side_only(side: Side, price: str, passed: bool) -> None:
    asked = order(side, "0.01" if price != "1" else "10", price)
    checks = {check.kind: check for check in run(question(asked, limits=NO_LIMITS))}
    assert checks[CheckKind.PRICE_COLLAR].passed is passed


def test_a_stop_is_valued_and_collared_at_its_trigger() -> None:
    stop = order(Side.SELL, "0.1", None, trigger_price=Decimal(50_000))
    assert question(stop).price == Decimal(50_000)
    limited = replace(stop, limit_price=Decimal(47_500))
    assert last(question(limited)).passed
    failed(
        CheckKind.PRICE_COLLAR, "47499.99", "47500", question(replace(stop, limit_price=Decimal("47499.99")))
    )
    buy = order(Side.BUY, "0.1", None, trigger_price=Decimal(70_000))
    assert question(buy).reservation.wanted == Decimal("0.1") * 70_000 * Decimal("1.05") * Decimal("1.001")


def test_balance_counts_what_others_have_reserved() -> None:
    state = AccountState({("sim", "usdt"): Decimal(12_005)}).reserve(pending("a"))
    failed(CheckKind.BALANCE, "6006", "6005", question(order(), state))


def test_balance_is_that_of_the_venue() -> None:
    state = AccountState({("other", "usdt"): Decimal(100_000)})
    failed(CheckKind.BALANCE, "6006", "0", question(order(), state))


def test_a_sell_needs_the_base_asset() -> None:
    state = AccountState({("sim", "usdt"): Decimal(10**6)})
    failed(CheckKind.BALANCE, "0.1", "0", question(order(Side.SELL), state))


def test_the_second_leg_of_a_group_needs_nothing_more() -> None:
    state = AccountState({("sim", "btc"): ONE}).reserve(pending("a", Side.SELL, "1", group="g"))
    leg = order(Side.SELL, "1", "60000", group="g")
    assert last(question(leg, state, NO_LIMITS)).passed
    failed(CheckKind.BALANCE, "1", "0", question(replace(leg, group="other"), state, NO_LIMITS))
    failed(CheckKind.BALANCE, "0.5", "0", question(replace(leg, quantity=Decimal("1.5")), state, NO_LIMITS))


def test_a_contract_needs_margin_not_its_notional() -> None:
    limits = replace(NO_LIMITS, initial_margin=Decimal("0.1"))
    asked = order(quantity="10", instrument=PERP, contract=LINEAR)
    # 10 contracts of 0.01 at 60000 are 6000: 600 margin and 6 fee.
    assert question(asked, POOR, limits).reservation.wanted == Decimal(606)
    assert last(question(asked, AccountState({("sim", "usdt"): Decimal(606)}), limits)).passed
    failed(
        CheckKind.BALANCE,
        "606",
        "605",
        question(asked, AccountState({("sim", "usdt"): Decimal(605)}), limits),
    )
    # A long of 10 that lost 600 leaves 406 less its own margin of 600.
    loser = replace(POOR, positions={PERP: Position(TRADED[PERP], Decimal(10), Decimal(6_600))})
    failed(CheckKind.BALANCE, "9999", "8800", question(replace(asked, quantity=Decimal(165)), loser, limits))


def test_an_inverse_contract_sets_aside_base_asset() -> None:
    asked = order(quantity="6", instrument=PERP, contract=INVERSE)
    found = question(asked, limits=NO_LIMITS).reservation
    assert found.asset == "btc"
    # 600 dollars at the best bid, 59990, the cheapest the fill could count at.
    assert abs(found.wanted - Decimal(600) / 59_990 * Decimal("1.001")) < Decimal("1e-12")


def test_position_counts_pending_orders_of_the_same_side() -> None:
    state = holding(RICH, pending("a", quantity="0.15"), btc="0.1")
    failed(CheckKind.POSITION_NOTIONAL, "21000", "20000", question(order(), state))
    own = replace(NO_LIMITS, instruments={BTC: InstrumentLimit(None, Decimal("0.3"))})
    failed(CheckKind.POSITION_QUANTITY, "0.35", "0.3", question(order(), state, own))
    own = replace(NO_LIMITS, instruments={BTC: InstrumentLimit(Decimal(20_000))})
    failed(CheckKind.INSTRUMENT_EXPOSURE, "21000", "20000", question(order(), state, own))


def test_an_order_that_makes_nothing_greater_passes_a_limit_that_is_broken_already() -> None:
    state = holding(RICH, btc="5")
    assert last(question(order(Side.SELL), state)).passed


def test_gross_net_and_venue_count_other_instruments() -> None:
    state = holding(RICH, btc="0.2", eth="4")
    failed(CheckKind.GROSS_NOTIONAL, "28000", "25000", question(order(), state))
    venue = replace(NO_LIMITS, max_venue_notional=Decimal(27_999))
    failed(CheckKind.VENUE_EXPOSURE, "28000", "27999", question(order(), state, venue))
    net = replace(NO_LIMITS, max_net_notional=Decimal(7_999))
    failed(CheckKind.NET_NOTIONAL, "8000", "7999", question(order(), holding(RICH, btc="0.2", eth="-4"), net))


def test_rate_and_open_orders() -> None:
    state = holding(RICH, *(pending(str(n), Side.SELL, "0.001") for n in range(3)))
    failed(CheckKind.OPEN_ORDERS, "4", "3", question(order(quantity="0.01"), state))
    rate = replace(NO_LIMITS, max_order_rate=5)
    failed(CheckKind.ORDER_RATE, "6", "5", question(order(), limits=rate, recent=Recent(orders=5)))
    assert last(question(order(), limits=rate, recent=Recent(orders=4))).passed


def test_concentration_is_a_share_of_the_larger_of_gross_and_equity() -> None:
    half = replace(NO_LIMITS, max_concentration=Decimal("0.5"))
    failed(CheckKind.CONCENTRATION, "0.6", "0.5", question(order(), POOR, half))
    assert last(question(order(quantity="0.05"), POOR, half)).passed
    levered = holding(AccountState({("sim", "usdt"): Decimal(7_000)}), btc="1", eth="24")
    failed(CheckKind.CONCENTRATION, "0.52381", "0.5", question(order(), levered, half))


def test_leverage() -> None:
    double = replace(NO_LIMITS, max_leverage=Decimal(2))
    failed(CheckKind.LEVERAGE, "2.1", "2", question(order(), holding(POOR, eth="6"), double))
    assert last(question(order(), holding(POOR, eth="5"), double)).passed
    broke = replace(POOR, positions={PERP: Position(TRADED[PERP], ZERO, Decimal(10_000))})
    found = last(question(order(quantity="0.001"), broke, double))
    assert (found.kind, found.observed) == (CheckKind.LEVERAGE, "infinite")


@pytest.mark.parametrize(
    ("kind", "name", "since"),
    [
        (CheckKind.DAILY_LOSS, "max_daily_loss", "600"),
        (CheckKind.DAILY_DRAWDOWN, "max_daily_drawdown", "900"),
    ],
)
def test_losses_of_the_day_stop_what_opens(kind: CheckKind, name: str, since: str) -> None:
    def limits_of(most: int) -> Limits:
        changes: dict[str, Any] = {name: Decimal(most)}
        return replace(NO_LIMITS, **changes)

    limits = limits_of(500)
    day = Day(NOW.date(), start=Decimal(10_600), peak=Decimal(10_900))
    failed(kind, since, "500", question(order(), POOR, limits, day=day))
    flowed = day.flowed(NOW.date(), ("sim", "usdt"), Decimal(-600))
    assert last(question(order(), POOR, limits_of(300), day=flowed)).passed
    rich = holding(POOR.held("sim", "btc", ONE), btc="1")
    low = replace(day, start=Decimal(10**6), peak=Decimal(10**6))
    assert last(question(order(Side.SELL), rich, limits, day=low)).passed


def test_duplicates_are_refused_but_for_what_reduces_or_belongs_to_a_group() -> None:
    limits = replace(NO_LIMITS, duplicate_window=timedelta(seconds=5))
    again = Recent(duplicate="earlier")
    failed(CheckKind.DUPLICATE_ORDER, "earlier", "none", question(order(), limits=limits, recent=again))
    assert last(question(order(group="g"), limits=limits, recent=again)).passed
    assert last(question(order(Side.SELL, reduce_only=True), limits=limits, recent=again)).passed


quantities = st.decimals("0.00010", "5", places=5)


@given(
    st.lists(st.tuples(st.sampled_from(Side), quantities, st.sampled_from(["", "", "g", "h"])), max_size=8),
    quantities,
)
def test_approved_orders_never_promise_more_than_is_held(
    asked: list[tuple[Side, Decimal, str]], held: Decimal
) -> None:
    state = AccountState({("sim", "usdt"): Decimal(150_000), ("sim", "btc"): held})
    for number, (side, quantity, group) in enumerate(asked):
        each = question(order(side, str(quantity), group=group), state, NO_LIMITS)
        each = replace(each, order_id=str(number))
        if all(check.passed for check in run(each)):
            state = state.reserve(each.reservation)
    assert state.free("sim", "usdt") >= 0
    assert state.free("sim", "btc") >= 0


@given(
    quantities,
    st.decimals("100", "100000", places=2),
    st.sampled_from(Side),
    st.sampled_from(list(TradingMode)),
    st.decimals("1000", "100000", places=2),
)
def test_the_first_failure_is_the_last_check_and_a_lower_limit_never_lets_more_through(
    quantity: Decimal, price: Decimal, side: Side, mode: TradingMode, limit: Decimal
) -> None:
    asked = order(side, str(quantity), str(price))
    wide = run(question(asked, limits=replace(NO_LIMITS, max_gross_notional=limit * 2), mode=mode))
    narrow = run(question(asked, limits=replace(NO_LIMITS, max_gross_notional=limit), mode=mode))
    for checks in (wide, narrow):
        assert all(check.passed for check in checks[:-1])
        places = [[kind for kind, _ in CHAIN].index(check.kind) for check in checks]
        assert places == sorted(places)
    assert not narrow[-1].passed or wide[-1].passed


def test_a_quote_has_a_middle() -> None:
    assert Quote(Decimal(1), Decimal(2)).mark == Decimal("1.5")
