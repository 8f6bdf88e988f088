"""Each check fails on its own number, first failure decides, and the chain keeps its order."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.names import InstrumentName
from services.risk.domain.account import AccountState, Reservation, reserve
from services.risk.domain.checks import Check, CheckKind, Question, run
from services.risk.domain.limits import Limits, TradingMode, TradingState
from services.risk.domain.order import Assets, OrderTerms, Quote, Side, worst_price

NOW = datetime(2024, 8, 8, tzinfo=UTC)
BTC = InstrumentName("sim", "btc-usdt")
ETH = InstrumentName("sim", "eth-usdt")
ASSETS = Assets("btc", "usdt")
LIMITS = Limits(
    max_order_notional=Decimal(10_000),
    max_position_notional=Decimal(20_000),
    max_gross_notional=Decimal(25_000),
    price_collar=Decimal("0.05"),
    max_open_orders=3,
    version=1,
    update_time=NOW,
)
QUOTES = {BTC: Quote(Decimal(59_990), Decimal(60_010)), ETH: Quote(Decimal(2_499), Decimal(2_501))}
RICH = AccountState({"usdt": Decimal(1_000_000), "btc": Decimal(10)}, {}, ())


def order(side: Side = Side.BUY, quantity: str = "0.1", price: str | None = "60000") -> OrderTerms:
    return OrderTerms("paper", BTC, side, Decimal(quantity), None if price is None else Decimal(price))


def question(
    asked: OrderTerms,
    state: AccountState = RICH,
    limits: Limits = LIMITS,
    mode: TradingMode = TradingMode.ACTIVE,
) -> Question:
    price = worst_price(asked, QUOTES[BTC], limits.price_collar)
    return Question(
        order=asked,
        reservation=reserve("o", asked, ASSETS, price=price, fee_rate=Decimal("0.001")),
        limits=limits,
        trading=TradingState(mode, "maintenance", NOW),
        state=state,
        quotes=QUOTES,
    )


def last(asked: Question) -> Check:
    return run(asked)[-1]


def test_an_order_inside_every_limit_passes_all_checks_in_order() -> None:
    checks = run(question(order()))
    assert [check.kind for check in checks] == list(CheckKind)
    assert all(check.passed for check in checks)


def test_halted() -> None:
    failed = last(question(order(), mode=TradingMode.HALTED))
    assert (failed.kind, failed.passed) == (CheckKind.TRADING_HALTED, False)
    assert "maintenance" in failed.message


def test_no_price_fails_closed() -> None:
    failed = last(replace(question(order()), quotes={}, reservation=None))
    assert (failed.kind, failed.passed) == (CheckKind.PRICE_MISSING, False)


def test_order_notional_counts_a_market_order_at_its_worst_price() -> None:
    # 0.159 * 60010 * 1.05 = 10018.6...
    failed = last(question(order(quantity="0.159", price=None)))
    assert (failed.kind, failed.passed) == (CheckKind.ORDER_NOTIONAL, False)
    assert failed.observed == "10018.6695"
    assert failed.allowed == "10000"


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
    checks = {check.kind: check for check in run(question(order(side, "0.01", price)))}
    assert checks[CheckKind.PRICE_COLLAR].passed is passed


def test_balance_counts_what_others_have_reserved() -> None:
    pending = Reservation("a", "paper", BTC, Side.BUY, Decimal("0.1"), "usdt", Decimal(60_000))
    state = AccountState({"usdt": Decimal(12_005)}, {}, (pending,))
    failed = last(question(order(quantity="0.1"), state))
    assert (failed.kind, failed.observed, failed.allowed) == (CheckKind.BALANCE, "6006", "6005")


def test_a_sell_needs_the_base_asset() -> None:
    failed = last(question(order(Side.SELL, "0.1"), AccountState({"usdt": Decimal(10**6)}, {}, ())))
    assert (failed.kind, failed.observed, failed.allowed) == (CheckKind.BALANCE, "0.1", "0")


def test_position_counts_pending_orders_of_the_same_side() -> None:
    pending = Reservation("a", "paper", BTC, Side.BUY, Decimal("0.15"), "usdt", Decimal(60_000))
    state = replace(RICH, positions={BTC: Decimal("0.1")}, reservations=(pending,))
    failed = last(question(order(quantity="0.1"), state))
    assert (failed.kind, failed.observed) == (CheckKind.POSITION_NOTIONAL, "21000")


def test_gross_counts_other_instruments() -> None:
    state = replace(RICH, positions={BTC: Decimal("0.2"), ETH: Decimal(4)})
    failed = last(question(order(quantity="0.1"), state))
    assert (failed.kind, failed.observed) == (CheckKind.GROSS_NOTIONAL, "28000")


def test_gross_with_an_unpriced_position_fails_closed() -> None:
    state = replace(RICH, positions={ETH: Decimal(1)})
    failed = last(replace(question(order(), state), quotes={BTC: QUOTES[BTC]}))
    assert (failed.kind, failed.passed) == (CheckKind.GROSS_NOTIONAL, False)
    assert str(ETH) in failed.message


def test_open_orders() -> None:
    pending = tuple(
        Reservation(str(n), "paper", BTC, Side.SELL, Decimal("0.001"), "btc", Decimal(1)) for n in range(3)
    )
    failed = last(question(order(quantity="0.01"), replace(RICH, reservations=pending)))
    assert (failed.kind, failed.observed, failed.allowed) == (CheckKind.OPEN_ORDERS, "4", "3")


quantities = st.decimals("0.00001", "5", places=5)


@given(st.lists(st.tuples(st.sampled_from(Side), quantities), max_size=8), quantities)
def test_approved_orders_never_promise_more_than_is_held(
    asked: list[tuple[Side, Decimal]], held: Decimal
) -> None:
    wide = replace(
        LIMITS,
        max_order_notional=Decimal(10**9),
        max_position_notional=Decimal(10**9),
        max_gross_notional=Decimal(10**9),
        max_open_orders=100,
    )
    state = AccountState({"usdt": Decimal(150_000), "btc": held}, {BTC: held}, ())
    for side, quantity in asked:
        each = question(order(side, str(quantity)), state, wide)
        if all(check.passed for check in run(each)):
            assert each.reservation is not None
            state = replace(state, reservations=(*state.reservations, each.reservation))
    assert state.free("usdt") >= 0
    assert state.free("btc") >= 0
