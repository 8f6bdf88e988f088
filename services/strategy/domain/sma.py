"""Crossing of two simple moving averages, without any rounding."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import Enum
from typing import Self

from services.kernel.decimals import EXACT

_DISPLAY = Decimal("0.00000001")
_ROUNDING = Context(prec=80, rounding=ROUND_HALF_EVEN)
_ZERO = Decimal(0)


class Side(Enum):
    """Which way a signal goes."""

    BUY = "buy"
    SELL = "sell"


@dataclass(frozen=True, slots=True)
class SmaCross:
    """Buys when the fast average crosses above the slow one, and sells when it crosses below.

    Attributes:
        fast_period: candles in the fast average, 1 or more.
        slow_period: candles in the slow average, more than in the fast one.
    """

    fast_period: int
    slow_period: int

    def __post_init__(self) -> None:
        if not 1 <= self.fast_period < self.slow_period:
            raise ValueError(f"periods {self.fast_period} and {self.slow_period} make no cross")


@dataclass(frozen=True, slots=True)
class Crossing:
    """The averages changed sides.

    Attributes:
        side: which way.
        fast_average: in quote asset, rounded to 8 places.
        slow_average: in quote asset, rounded to 8 places.
    """

    side: Side
    fast_average: Decimal
    slow_average: Decimal


@dataclass(frozen=True, slots=True)
class SmaState:
    """The averages after some closed candles.

    The averages are kept as sums and compared crosswise (fast sum times slow period with slow sum
    times fast period), so no division ever rounds.

    Attributes:
        rule: the periods.
        closes: the latest closing prices, at most ``slow_period``, oldest first.
        fast_sum: sum of the latest ``fast_period`` closes.
        slow_sum: sum of all of ``closes``.
        trend: 1 while the fast average is above, -1 while it is below, and that of before while they
            are equal; 0 as long as they were never both known and unequal.
    """

    rule: SmaCross
    closes: tuple[Decimal, ...] = ()
    fast_sum: Decimal = _ZERO
    slow_sum: Decimal = _ZERO
    trend: int = 0

    @classmethod
    def warmed(cls, rule: SmaCross, closes: Iterable[Decimal], trend: int = 0) -> Self:
        """The state after past closes, oldest first, without signals.

        Args:
            rule: the periods.
            closes: the past; the averages are known once it holds ``slow_period`` closes.
            trend: the trend after these closes where it is known from before, else 0.
        """
        state = cls(rule)
        for close in closes:
            state, _ = state.step(close)
        return replace(state, trend=trend) if trend else state

    def step(self, close: Decimal) -> tuple[Self, Crossing | None]:
        """The state after one more closed candle, and the crossing that this candle made, if any.

        Args:
            close: closing price, in quote asset.
        """
        fast, slow = self.rule.fast_period, self.rule.slow_period
        fast_sum, slow_sum = EXACT.add(self.fast_sum, close), EXACT.add(self.slow_sum, close)
        if len(self.closes) >= fast:
            fast_sum = EXACT.subtract(fast_sum, self.closes[-fast])
        closes = (*self.closes, close)
        if len(closes) > slow:
            slow_sum = EXACT.subtract(slow_sum, closes[0])
            closes = closes[1:]
        sign = 0
        if len(closes) == slow:
            sign = int(EXACT.compare(EXACT.multiply(fast_sum, slow), EXACT.multiply(slow_sum, fast)))
        state = replace(self, closes=closes, fast_sum=fast_sum, slow_sum=slow_sum, trend=sign or self.trend)
        if sign * self.trend >= 0:
            return state, None
        return state, state._crossing(Side.BUY if sign > 0 else Side.SELL)  # noqa: SLF001 - of our own kind

    def _crossing(self, side: Side) -> Crossing:
        return Crossing(
            side,
            _average(self.fast_sum, self.rule.fast_period),
            _average(self.slow_sum, self.rule.slow_period),
        )


def _average(total: Decimal, count: int) -> Decimal:
    return _ROUNDING.quantize(_ROUNDING.divide(total, Decimal(count)), _DISPLAY)
