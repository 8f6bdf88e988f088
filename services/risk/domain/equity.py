"""What an account is worth, and what it lost since the day began."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from services.kernel.decimals import EXACT
from services.kernel.names import InstrumentName
from services.risk.domain.account import AccountState
from services.risk.domain.order import Quote
from services.risk.domain.reservation import Holding
from services.risk.domain.traded import ONE, ZERO


@dataclass(frozen=True, slots=True)
class Worth:
    """A value, and what it could not count.

    Attributes:
        amount: in valuation asset; of what could be valued only where something is missing.
        missing: assets and instruments without a price. They are never valued at zero.
    """

    amount: Decimal
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """How a day went so far. Deposits and withdrawals of the day are taken out of all amounts.

    Attributes:
        day: the day, UTC.
        start: what the account was worth when the day began, or was first looked at.
        peak: the most it was worth since then.
        flows: what came in (above zero) and went out today, by venue and asset.
    """

    day: date
    start: Decimal | None = None
    peak: Decimal | None = None
    flows: Mapping[Holding, Decimal] = field(default_factory=dict)

    def flowed(self, today: date, held: Holding, change: Decimal) -> "Day":
        """After a deposit or a withdrawal."""
        day = self.on(today)
        return replace(day, flows={**day.flows, held: EXACT.add(day.flows.get(held, ZERO), change)})

    def on(self, today: date) -> "Day":
        """This day, or a new one."""
        return self if self.day >= today else Day(today)

    def seen(self, today: date, amount: Decimal) -> "Day":
        """After the account was looked at; the amount is without the flows of the day."""
        day = self.on(today)
        start = amount if day.start is None else day.start
        return replace(day, start=start, peak=amount if day.peak is None else max(day.peak, amount))


def worth_of(
    state: AccountState, quotes: Mapping[InstrumentName, Quote], rates: Mapping[str, Decimal]
) -> Worth:
    """The equity: all that is held at its rate, and what contracts have gained.

    Args:
        state: the account.
        quotes: prices by instrument, for contracts.
        rates: what one unit of an asset is worth.
    """
    amount, missing = _valued(state.holdings, rates)
    for instrument, position in state.positions.items():
        traded = position.traded
        if traded.contract is None or (position.quantity == ZERO and position.cost == ZERO):
            continue
        quote, rate = quotes.get(instrument), rates.get(traded.money)
        if rate is None or (quote is None and position.quantity != ZERO):
            missing.append(str(instrument))
            continue
        # A closed position is worth nothing at any price: what it gained is its cost alone.
        gain = position.gain(ONE if quote is None else quote.mark)
        amount = EXACT.add(amount, EXACT.multiply(gain, rate))
    return Worth(amount, tuple(sorted(set(missing))))


def without_flows(worth: Worth, day: Day, rates: Mapping[str, Decimal]) -> Worth:
    """The equity without what came in or went out today, each at its present rate."""
    flowed, missing = _valued(day.flows, rates)
    return Worth(EXACT.subtract(worth.amount, flowed), tuple(sorted({*worth.missing, *missing})))


def _valued(holdings: Mapping[Holding, Decimal], rates: Mapping[str, Decimal]) -> tuple[Decimal, list[str]]:
    amount, missing = ZERO, []
    for (_, asset), quantity in holdings.items():
        if quantity == ZERO:
            continue
        rate = rates.get(asset)
        if rate is None:
            missing.append(asset)
        else:
            amount = EXACT.add(amount, EXACT.multiply(quantity, rate))
    return amount, missing
