"""Trades from fills, and the locks that protections make of them."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.risk.domain.order import Side
from services.risk.domain.protections import (
    Cooldown,
    LowProfit,
    MaxDrawdown,
    Protections,
    StopLossGuard,
    drawdown,
    locks_after,
)
from services.risk.domain.traded import ZERO, Traded
from services.risk.domain.trades import ClosedTrade, OpenTrade, TradeFill, follow_fill
from tests.support.risk import BTC, ETH, INVERSE, LINEAR, NOW, PERP, TRADED

HOUR = timedelta(hours=1)


def fill(change: str, price: str, fee: str = "0", asset: str = "usdt", *, stop: bool = False) -> TradeFill:
    return TradeFill(Decimal(change), Decimal(price), Decimal(fee), asset, NOW, stop)


def traded(*fills: TradeFill, what: Traded = TRADED[BTC]) -> tuple[OpenTrade | None, list[ClosedTrade]]:
    trade: OpenTrade | None = None
    done = []
    for each in fills:
        trade, closed = follow_fill(trade or OpenTrade("paper", "", what, NOW), each)
        done += [] if closed is None else [closed]
    return trade, done


def test_a_trade_ends_when_nothing_is_held_and_its_profit_has_the_fees_taken_off() -> None:
    trade, (closed,) = traded(fill("1", "100", "1"), fill("1", "110"), fill("-2", "120", "2"))
    assert trade is None
    assert (closed.profit, closed.ratio) == (
        Decimal(27),
        Decimal(27) / 210 // Decimal("1e-18") * Decimal("1e-18"),
    )


def test_a_fee_in_base_asset_leaves_dust_that_does_not_keep_the_trade_open() -> None:
    trade, (closed,) = traded(fill("1", "100", "0.001", "btc"), fill("-0.995", "110"))
    assert trade is None
    # The dust of 0.004 counts at the last price.
    assert closed.profit == Decimal(-100) + Decimal("0.999") * 110


def test_a_fill_that_turns_the_position_closes_one_trade_and_opens_another() -> None:
    trade, (closed,) = traded(fill("10", "100"), fill("-15", "90"), what=TRADED[PERP])
    assert closed.profit == Decimal(-1)
    assert trade is not None
    assert (trade.quantity, trade.entry_cost) == (Decimal(-5), Decimal("4.5"))


def test_an_inverse_contract_gains_base_asset() -> None:
    what = Traded(PERP, "btc", "usd", INVERSE)
    _, (closed,) = traded(fill("1", "100", asset="btc"), fill("-1", "200", asset="btc"), what=what)
    assert closed.profit == Decimal("0.5")


@pytest.mark.parametrize(
    ("stop", "price", "stopped"), [(True, "90", True), (True, "110", False), (False, "90", False)]
)
def test_only_a_stop_at_a_loss_counts_as_one(stop: bool, price: str, stopped: bool) -> None:
    _, (closed,) = traded(fill("1", "100"), fill("-1", price, stop=stop))
    assert closed.stopped is stopped


changes = st.integers(-5, 5).filter(bool)


@given(st.lists(st.tuples(changes, st.decimals("1", "1000", places=2)), min_size=1, max_size=12))
def test_the_profits_of_all_trades_are_what_the_fills_brought(fills: list[tuple[int, Decimal]]) -> None:
    trade, done = traded(*(fill(str(change), str(price)) for change, price in fills), what=TRADED[PERP])
    brought = sum((-change * LINEAR.size * price for change, price in fills), ZERO)
    still = ZERO if trade is None else trade.cash
    assert sum((each.profit for each in done), still) == brought
    assert (ZERO if trade is None else trade.quantity) == sum(change for change, _ in fills)


def closed(
    minutes: int,
    profit: str = "-1",
    instrument: object = BTC,
    strategy: str = "a",
    *,
    stopped: bool = True,
) -> ClosedTrade:
    time, amount = NOW + timedelta(minutes=minutes), Decimal(profit)
    return ClosedTrade("paper", str(instrument), strategy, NOW, time, amount, amount / 100, stopped)


def test_cooldown_locks_the_instrument_from_the_close() -> None:
    newest = closed(0, "5", stopped=False)
    (lock,) = locks_after(Protections(cooldown=Cooldown(HOUR)), newest, [newest])
    assert (lock.instrument, lock.strategy, lock.source) == (str(BTC), "", "cooldown")
    assert lock.expire_time == newest.close_time + HOUR
    assert locks_after(Protections(cooldown=Cooldown(HOUR)), newest, [newest]) == [lock]


def test_the_stop_guard_counts_within_its_lookback_and_its_scope() -> None:
    guard = StopLossGuard(HOUR, trade_limit=3, lock_duration=HOUR)
    trades = [closed(0), closed(30, instrument=ETH), closed(59)]
    (lock,) = locks_after(Protections(stop_loss_guard=guard), trades[-1], trades)
    assert (lock.instrument, lock.strategy) == ("", "")
    late = [closed(0), closed(30), closed(61)]
    assert not locks_after(Protections(stop_loss_guard=guard), late[-1], late)
    own = replace(guard, per_instrument=True)
    assert not locks_after(Protections(stop_loss_guard=own), trades[-1], trades)
    mine = replace(guard, per_strategy=True, trade_limit=2)
    others = [closed(0, strategy="b"), closed(30), closed(59)]
    (lock,) = locks_after(Protections(stop_loss_guard=mine), others[-1], others)
    assert lock.strategy == "a"
    winner = closed(60, "5", stopped=False)
    assert not locks_after(Protections(stop_loss_guard=guard), winner, [*trades, winner])


def test_max_drawdown_looks_at_the_fall_from_the_highest_sum() -> None:
    rule = MaxDrawdown(HOUR, trade_limit=3, max_drawdown_amount=Decimal(10), lock_duration=HOUR)
    trades = [closed(0, "20"), closed(10, "-6"), closed(20, "-5")]
    (lock,) = locks_after(Protections(max_drawdown=rule), trades[-1], list(reversed(trades)))
    assert "fell by 11" in lock.reason
    assert not locks_after(Protections(max_drawdown=rule), trades[-1], trades[1:])
    enough = replace(rule, max_drawdown_amount=Decimal(11))
    assert not locks_after(Protections(max_drawdown=enough), trades[-1], trades)


def test_low_profit_counts_one_instrument() -> None:
    rule = LowProfit(HOUR, trade_limit=2, required_profit=ZERO, lock_duration=HOUR)
    trades = [closed(0, "-3"), closed(1, "-9", ETH), closed(2, "2")]
    (lock,) = locks_after(Protections(low_profit=rule), trades[-1], trades)
    assert lock.instrument == str(BTC)
    assert not locks_after(Protections(low_profit=rule), trades[-1], trades[1:])
    better = [closed(0, "-1"), closed(2, "2")]
    assert not locks_after(Protections(low_profit=rule), better[-1], better)


@given(st.lists(st.decimals("-100", "100", places=2), max_size=20))
def test_drawdown_against_every_pair_of_moments(profits: list[Decimal]) -> None:
    sums = [ZERO]
    for profit in profits:
        sums.append(sums[-1] + profit)
    slow = max(earlier - later for at, earlier in enumerate(sums) for later in sums[at:])
    assert drawdown(profits) == slow


def test_sides_have_signs() -> None:
    assert {side.value for side in Side} == {1, -1}
