"""The crossing of averages against plain fractions."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.strategy.domain.sma import Side, SmaCross, SmaState

_closes = st.lists(
    st.one_of(
        st.integers(1, 4).map(Decimal),
        st.decimals("0.00000001", "99999.99999999", places=8, allow_nan=False),
    ),
    max_size=60,
)
_rules = st.integers(1, 6).flatmap(lambda fast: st.builds(SmaCross, st.just(fast), st.integers(fast + 1, 9)))


def _model(rule: SmaCross, closes: list[Decimal]) -> list[Side | None]:
    """Side of each candle's signal, from exact fractions of the whole windows."""
    signals: list[Side | None] = []
    above: bool | None = None
    for end in range(1, len(closes) + 1):
        signal = None
        if end >= rule.slow_period:
            fast = sum(map(Fraction, closes[end - rule.fast_period : end])) / rule.fast_period
            slow = sum(map(Fraction, closes[end - rule.slow_period : end])) / rule.slow_period
            if fast != slow:
                if above is not None and above != (fast > slow):
                    signal = Side.BUY if fast > slow else Side.SELL
                above = fast > slow
        signals.append(signal)
    return signals


@given(_rules, _closes)
def test_signals_equal_the_model_of_fractions(rule: SmaCross, closes: list[Decimal]) -> None:
    state, sides = SmaState(rule), []
    for close in closes:
        state, crossing = state.step(close)
        sides.append(crossing.side if crossing else None)
    assert sides == _model(rule, closes)


@given(_rules, _closes, st.integers(0, 60))
def test_a_restart_at_any_candle_changes_no_signal(rule: SmaCross, closes: list[Decimal], cut: int) -> None:
    state = SmaState(rule)
    for close in closes[:cut]:
        state, _ = state.step(close)
    window = closes[:cut][-rule.slow_period :]
    again = SmaState.warmed(rule, window, state.trend)
    for close in closes[cut:]:
        state, wanted = state.step(close)
        again, crossing = again.step(close)
        assert crossing == wanted


@given(_rules, _closes)
def test_warming_up_gives_the_state_of_every_step(rule: SmaCross, closes: list[Decimal]) -> None:
    state = SmaState(rule)
    for close in closes:
        state, _ = state.step(close)
    assert SmaState.warmed(rule, closes) == state


def test_averages_are_shown_with_eight_places() -> None:
    state = SmaState.warmed(SmaCross(1, 3), map(Decimal, ["3", "2", "1"]))
    _, crossing = state.step(Decimal(5))
    assert crossing is not None
    assert crossing.side is Side.BUY
    assert str(crossing.fast_average) == "5.00000000"
    assert str(crossing.slow_average) == "2.66666667"


@pytest.mark.parametrize(("fast", "slow"), [(0, 2), (2, 2), (3, 2)])
def test_periods_that_make_no_cross_are_refused(fast: int, slow: int) -> None:
    with pytest.raises(ValueError, match="no cross"):
        SmaCross(fast, slow)
