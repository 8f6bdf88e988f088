"""What an account has at stake, and what it could lose by history and by scenarios."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from services.kernel.decimals import EXACT
from services.kernel.names import InstrumentName
from services.risk.domain.account import AccountState
from services.risk.domain.question import Market
from services.risk.domain.reservation import total
from services.risk.domain.traded import ONE, ZERO, divide

EVERY_ASSET = "*"


@dataclass(frozen=True, slots=True)
class Stakes:
    """Values of all positions.

    Attributes:
        values: by instrument, in valuation asset; below zero is short.
        missing: instruments that cannot be valued.
    """

    values: Mapping[InstrumentName, Decimal]
    missing: tuple[str, ...]

    def gross(self, venue: str = "") -> Decimal:
        """Sum of the absolute values, at one venue or at all."""
        return total(value.copy_abs() for name, value in self.values.items() if venue in {"", name.venue})

    def net(self, venue: str = "") -> Decimal:
        """Long less short, likewise."""
        return total(value for name, value in self.values.items() if venue in {"", name.venue})


@dataclass(frozen=True, slots=True)
class Tail:
    """Losses by history; below zero is a gain.

    Attributes:
        value_at_risk: not exceeded in the given share of the cases.
        expected_shortfall: mean of the others.
        samples: number of cases.
    """

    value_at_risk: Decimal
    expected_shortfall: Decimal
    samples: int


def stakes(state: AccountState, market: Market) -> Stakes:
    """What each position is worth now; pending orders do not count."""
    values: dict[InstrumentName, Decimal] = {}
    missing: list[str] = []
    for instrument, position in state.positions.items():
        if position.quantity == ZERO:
            continue
        quote, rate = market.quotes.get(instrument), market.rates.get(position.traded.money)
        if quote is None or rate is None:
            missing.append(str(instrument))
        else:
            worth = position.traded.worth(position.quantity, quote.mark)
            values[instrument] = EXACT.multiply(worth, rate)
    return Stakes(values, tuple(sorted(missing)))


def losses(
    values: Mapping[InstrumentName, Decimal],
    closes: Mapping[InstrumentName, Mapping[datetime, Decimal]],
    *,
    step: timedelta,
    horizon: int,
    window: int,
) -> Sequence[Decimal]:
    """What the positions would have lost over each horizon of the window, had they been held then.

    Historical simulation: J. Hull, Options, Futures, and Other Derivatives, chapter "Value at Risk and
    Expected Shortfall", section "Historical Simulation". A position's loss is its value times the
    relative change of its price; cases overlap where the horizon is longer than a step. A step without a
    candle had no trade, so the price before it still stood. Cases begin where all prices are known.

    Args:
        values: of the positions.
        closes: closing prices by the time a step began, for each of the positions.
        step: length of a step.
        horizon: steps of one case.
        window: steps to look at.
    """
    if not values or not all(closes.get(name) for name in values):
        return []
    end = max(max(closes[name]) for name in values)
    start = max(*(min(closes[name]) for name in values), end - step * window)
    series = {name: _filled(closes[name], start, end, step) for name in values}
    count = min(len(prices) for prices in series.values())
    return [
        EXACT.minus(
            total(
                EXACT.multiply(value, divide(series[name][at], series[name][at - horizon]) - ONE)
                for name, value in values.items()
            )
        )
        for at in range(horizon, count)
    ]


def tail(cases: Sequence[Decimal], confidence: Decimal) -> Tail | None:
    """Value at risk and expected shortfall of equally likely losses; None where there are none.

    The value at risk is the lower quantile: the smallest loss that at least the given share of the cases
    does not exceed. The expected shortfall is the estimator of C. Acerbi and D. Tasche, "On the coherence
    of expected shortfall", Journal of Banking and Finance 26 (2002): the mean of the worst n(1 - a)
    cases, of which the last counts by its fraction.
    """
    if not cases:
        return None
    worst = sorted(cases, reverse=True)
    weight = EXACT.multiply(Decimal(len(worst)), EXACT.subtract(ONE, confidence))
    rank = int(EXACT.multiply(Decimal(len(worst)), confidence).to_integral_value(ROUND_CEILING))
    whole = int(weight.to_integral_value(ROUND_FLOOR))
    summed = total(worst[:whole])
    if whole < len(worst):
        summed = EXACT.add(summed, EXACT.multiply(EXACT.subtract(weight, Decimal(whole)), worst[whole]))
    return Tail(worst[len(worst) - max(rank, 1)], divide(summed, weight), len(worst))


def stress(found: Stakes, bases: Mapping[InstrumentName, str], shocks: Mapping[str, Decimal]) -> Decimal:
    """What the positions would gain if the prices of their base assets changed.

    Args:
        found: values of the positions.
        bases: base asset of each.
        shocks: relative change by asset; that of ``*`` is for every asset that is not named.
    """
    otherwise = shocks.get(EVERY_ASSET, ZERO)
    return total(
        EXACT.multiply(value, shocks.get(bases[name], otherwise)) for name, value in found.values.items()
    )


def _filled(
    closes: Mapping[datetime, Decimal], start: datetime, end: datetime, step: timedelta
) -> list[Decimal]:
    """The price at each step; where there was no trade, the one before."""
    earlier = [at for at in closes if at <= start]
    price = closes[max(earlier)] if earlier else closes[min(closes)]
    prices: list[Decimal] = []
    at = start
    while at <= end:
        price = closes.get(at, price)
        prices.append(price)
        at += step
    return prices


SCENARIOS: Mapping[str, Mapping[str, Decimal]] = {
    "crash-20": {EVERY_ASSET: Decimal("-0.2")},
    "crash-50": {EVERY_ASSET: Decimal("-0.5")},
    "rally-30": {EVERY_ASSET: Decimal("0.3")},
    "alt-crash": {"btc": Decimal("-0.3"), EVERY_ASSET: Decimal("-0.6")},
    "march-2020": {"btc": Decimal("-0.39"), "eth": Decimal("-0.43"), EVERY_ASSET: Decimal("-0.45")},
}
"""Named scenarios; the contract tells what each means."""
