"""Value at risk, expected shortfall, stress and equity, against numbers worked out by hand."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.risk.domain.account import AccountState, Position
from services.risk.domain.equity import Day, without_flows, worth_of
from services.risk.domain.metrics import SCENARIOS, losses, stakes, stress, tail
from services.risk.domain.question import Market
from services.risk.domain.traded import ONE, ZERO, Traded
from tests.support.risk import BTC, ETH, INVERSE, MARKET, NOW, PERP, QUOTES, RICH, TRADED, holding

MINUTE = timedelta(minutes=1)


def prices(*values: str) -> dict[datetime, Decimal]:
    """Closes of successive minutes; an empty one had no trade."""
    return {NOW + MINUTE * at: Decimal(value) for at, value in enumerate(values) if value}


def test_tail_of_a_hundred_cases() -> None:
    cases = [Decimal(n) for n in range(1, 101)]
    found = tail(cases, Decimal("0.95"))
    assert found is not None
    # 95 of 100 cases lose 95 or less; the mean of the worst five is 98.
    assert (found.value_at_risk, found.expected_shortfall) == (Decimal(95), Decimal(98))


def test_the_last_of_the_worst_counts_by_its_fraction() -> None:
    found = tail([Decimal(n) for n in (1, 2, 3, 10)], Decimal("0.6"))
    assert found is not None
    # 1.6 cases: all of 10 and 0.6 of 3.
    assert (found.value_at_risk, found.expected_shortfall) == (Decimal(3), Decimal("7.375"))
    assert tail([], Decimal("0.95")) is None


shares = st.sampled_from(["0.5", "0.9", "0.95", "0.99"]).map(Decimal)
cases = st.lists(st.decimals("-1000", "1000", places=2), min_size=1, max_size=60)


@given(cases, shares)
def test_the_shortfall_is_never_below_the_value_at_risk_and_equals_the_slow_mean(
    losses_seen: list[Decimal], share: Decimal
) -> None:
    found = tail(losses_seen, share)
    assert found is not None
    assert found.expected_shortfall >= found.value_at_risk - Decimal("1e-15")
    at_most = sum(loss <= found.value_at_risk for loss in losses_seen)
    assert Fraction(at_most, len(losses_seen)) >= Fraction(share)
    weight = len(losses_seen) * (1 - Fraction(share))
    left, summed = weight, Fraction(0)
    for loss in sorted(losses_seen, reverse=True):
        part = min(left, Fraction(1))
        summed += Fraction(loss) * part
        left -= part
    assert abs(Fraction(found.expected_shortfall) - summed / weight) < Fraction(1, 10**15)


def test_losses_carry_prices_over_steps_without_a_trade_and_overlap() -> None:
    closes = {BTC: prices("100", "110", "", "99"), ETH: prices("10", "10", "9", "9")}
    values = {BTC: Decimal(1000), ETH: Decimal(-500)}
    found = losses(values, closes, step=MINUTE, horizon=1, window=10)
    assert found == [Decimal(-100), Decimal(-50), Decimal(100)]
    two = losses(values, closes, step=MINUTE, horizon=2, window=10)
    assert two == [Decimal(-150), Decimal(50)]
    assert losses(values, closes, step=MINUTE, horizon=1, window=1) == [Decimal(100)]
    assert losses(values, {BTC: closes[BTC], ETH: {}}, step=MINUTE, horizon=1, window=10) == []


def test_stakes_leave_out_what_has_no_price_and_say_so() -> None:
    state = holding(RICH, btc="1", eth="-4")
    found = stakes(state, MARKET)
    assert found.gross() == 70_000
    assert found.net() == 50_000
    assert found.gross("other") == 0
    without = stakes(state, replace(MARKET, quotes={BTC: QUOTES[BTC]}))
    assert (without.missing, set(without.values)) == ((str(ETH),), {BTC})


def test_scenarios_shock_the_named_asset_and_otherwise_every_one() -> None:
    found = stakes(holding(RICH, btc="1", eth="-4"), MARKET)
    bases = {BTC: "btc", ETH: "eth"}
    assert stress(found, bases, SCENARIOS["crash-50"]) == -25_000
    assert stress(found, bases, SCENARIOS["alt-crash"]) == -12_000
    assert stress(found, bases, {"eth": Decimal("0.1")}) == -1_000


def test_equity_counts_what_contracts_gained() -> None:
    linear = Position(TRADED[PERP], Decimal(10), Decimal(5_000))
    state = AccountState({("sim", "usdt"): Decimal(1_000), ("sim", "btc"): ONE}, {PERP: linear})
    # Cash, one bitcoin, and what the contracts are worth above their cost of 5000.
    assert worth_of(state, MARKET.quotes, MARKET.rates).amount == 62_000
    inverse = Position(Traded(PERP, "btc", "usd", INVERSE), Decimal(600), Decimal(2))
    state = AccountState({("sim", "btc"): ONE}, {PERP: inverse})
    # Bought at 30000, worth 60000 dollars: 2 less 1 bitcoin gained.
    assert worth_of(state, MARKET.quotes, MARKET.rates).amount == 120_000
    closed = AccountState({}, {PERP: Position(TRADED[PERP], ZERO, Decimal(-70))})
    assert worth_of(closed, {}, MARKET.rates).amount == 70


def test_what_has_no_rate_is_missing_and_a_day_takes_flows_out() -> None:
    state = AccountState({("sim", "usdt"): Decimal(10), ("sim", "doge"): ONE})
    found = worth_of(state, {}, {"usdt": ONE})
    assert found.amount == 10
    assert found.missing == ("doge",)
    day = Day(NOW.date()).flowed(NOW.date(), ("sim", "usdt"), Decimal(4))
    assert (
        without_flows(
            worth_of(AccountState({("sim", "usdt"): Decimal(10)}), {}, {"usdt": ONE}), day, {"usdt": ONE}
        ).amount
        == 6
    )
    seen = day.seen(NOW.date(), Decimal(6)).seen(NOW.date(), Decimal(9)).seen(NOW.date(), Decimal(7))
    assert (seen.start, seen.peak) == (Decimal(6), Decimal(9))
    assert seen.on(NOW.date() + timedelta(days=1)) == Day(NOW.date() + timedelta(days=1))


def test_a_market_is_a_plain_value() -> None:
    assert Market({}, {}, {}) == Market({}, {}, {})
