"""The equity curve: worth at moments, and the growth that trading made of it.

Growth is the true time-weighted return: the account is valued at each flow of money from or to outside, the
return of each stretch between two valuations is

    (equity at its end - what flowed in meanwhile) / equity at its beginning

and the stretches are multiplied (GIPS Standards for Firms 2020, provision 2.A, "time-weighted return": value
at the time of external cash flows, link geometrically; C. Bacon, "Practical Portfolio Performance Measurement
and Attribution", chapter on time-weighted returns). Deposits, withdrawals, internal transfers and corrections
are such flows; trades, fees and funding are not.

What flowed is told by the books of the same snapshot that equity is, at the same prices. So a deposit that is
booked late is late in both, and no return comes of it. Growth begins at 1 and is rounded half-even to 18
places at each step. From an equity of zero or less there is no return, and growth stays. Who loses all has a
growth of 0, which no later gain changes.

A moment without all its prices is a point too: incomplete, without equity and growth. The next complete point
links to the last complete one before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import Enum

from services.kernel.decimals import EXACT
from services.portfolio.domain.valuation import Valuation, worth_of

ZERO = Decimal(0)
ONE = Decimal(1)
STEP = Decimal("1e-18")
_ROUNDING = Context(prec=200, rounding=ROUND_HALF_EVEN)


class Cause(Enum):
    """Why a point was made."""

    INTERVAL = "interval"
    FLOW = "flow"


@dataclass(frozen=True, slots=True)
class Linked:
    """What a complete point adds to the curve.

    Attributes:
        equity: worth of the account, after what flowed.
        net_flow: what flowed in since the complete point before, less what flowed out.
        growth: what one unit, put in at the first point, has become.
        peak: the highest growth until then.
        drawdown: how far growth is below its peak, as a fraction of the peak.
        max_drawdown: the greatest drawdown until then.
    """

    equity: Decimal
    net_flow: Decimal
    growth: Decimal
    peak: Decimal
    drawdown: Decimal
    max_drawdown: Decimal


@dataclass(frozen=True, slots=True)
class EquityPoint:
    """One moment of the curve.

    Attributes:
        time: our clock.
        cause: why it was made.
        asset: the asset that amounts are in.
        contributions: all that had flowed in until then less all that had flowed out, by asset.
        missing_prices: what had no price; empty for a complete point.
        linked: equity and growth; None for an incomplete point.
        number: order in the books; 0 where it is not stored yet.
    """

    time: datetime
    cause: Cause
    asset: str
    contributions: Mapping[str, Decimal]
    missing_prices: Sequence[str]
    linked: Linked | None
    number: int = 0


def contributions_of(
    deposits: Mapping[str, Decimal], corrections: Mapping[str, Decimal]
) -> Mapping[str, Decimal]:
    """All that flowed in less all that flowed out, by asset; assets of which nothing is left out."""
    names = deposits.keys() | corrections.keys()
    sums = {name: EXACT.add(deposits.get(name, ZERO), corrections.get(name, ZERO)) for name in sorted(names)}
    return {name: amount for name, amount in sums.items() if amount != ZERO}


def next_point(
    last: EquityPoint | None,
    worth: Valuation,
    contributions: Mapping[str, Decimal],
    *,
    time: datetime,
    cause: Cause,
) -> EquityPoint:
    """The point that follows the last complete one.

    Args:
        last: the last complete point in the same asset; None where there is none.
        worth: of the account, now.
        contributions: of the same snapshot of the books.
        time: our clock.
        cause: why it is made.
    """
    before = {} if last is None else last.contributions
    flow = _difference(contributions, before)
    net_flow = worth_of(flow, worth.prices)
    unpriced = {name for name in flow if name not in worth.prices}
    linked = None
    if worth.equity is not None and net_flow is not None:
        linked = _first(worth.equity, net_flow) if last is None else _link(last, worth.equity, net_flow)
    return EquityPoint(
        time=time,
        cause=cause,
        asset=worth.asset,
        contributions=contributions,
        missing_prices=sorted({*worth.missing_prices, *unpriced}),
        linked=linked,
    )


def _first(equity: Decimal, net_flow: Decimal) -> Linked:
    return Linked(equity, net_flow, growth=ONE, peak=ONE, drawdown=ZERO, max_drawdown=ZERO)


def _link(last: EquityPoint, equity: Decimal, net_flow: Decimal) -> Linked:
    before = last.linked
    if before is None:
        msg = f"the point of {last.time.isoformat()} is incomplete"
        raise ValueError(msg)
    growth = before.growth
    if before.equity > ZERO:
        traded = max(ZERO, EXACT.subtract(equity, net_flow))
        growth = _ratio(EXACT.multiply(growth, traded), before.equity)
    peak = max(before.peak, growth)
    drawdown = _ratio(EXACT.subtract(peak, growth), peak)
    return Linked(equity, net_flow, growth, peak, drawdown, max(before.max_drawdown, drawdown))


def _difference(now: Mapping[str, Decimal], before: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    changes = {
        name: EXACT.subtract(now.get(name, ZERO), before.get(name, ZERO))
        for name in now.keys() | before.keys()
    }
    return {name: change for name, change in changes.items() if change != ZERO}


def _ratio(dividend: Decimal, divisor: Decimal) -> Decimal:
    return _ROUNDING.divide(dividend, divisor).quantize(STEP, context=_ROUNDING)
