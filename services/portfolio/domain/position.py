"""Positions by average cost.

What is held carries a cost. A fill that adds to the position adds its notional to the cost; one that
reduces it takes out the cost of the part closed, and the difference to its notional is realised. The
cost taken out is rounded to 18 places, and what rounding leaves stays in the cost that is still held,
so that at every moment, exactly:

    sum of signed notionals of all fills = cost - realised profit
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from services.kernel.decimals import EXACT
from services.portfolio.domain.events import Fill

ZERO = Decimal(0)
COST_STEP = Decimal("1e-18")
DISPLAY_STEP = Decimal("1e-12")
_ROUNDING = Context(prec=200, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Position:
    """What an account has bought and sold of one instrument.

    Attributes:
        account: id of the account.
        venue: id of the venue.
        instrument: id of the instrument.
        base_asset: the asset held.
        quote_asset: the asset of cost and profit.
        quantity: sum of the fills; below zero is short.
        cost: what the quantity cost; has the sign of the quantity, zero while flat.
        realized_pnl: profit of what was closed, before fees.
        fill_count: number of fills.
        last_fill_time: the venue's clock at the last fill.
    """

    account: str
    venue: str
    instrument: str
    base_asset: str
    quote_asset: str
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    fill_count: int = 0
    last_fill_time: datetime | None = None

    def apply(self, fill: Fill) -> "Position":
        """The position after a fill. A fill larger than the position closes it and opens the other way."""
        change = EXACT.multiply(fill.quantity, Decimal(fill.side.value))
        closed = _closed_part(self.quantity, change)
        opened = EXACT.subtract(change, closed)
        cost_out = self._cost_of(closed)
        proceeds = EXACT.minus(EXACT.multiply(closed, fill.price))
        return replace(
            self,
            quantity=EXACT.add(self.quantity, change),
            cost=EXACT.add(EXACT.subtract(self.cost, cost_out), EXACT.multiply(opened, fill.price)),
            realized_pnl=EXACT.add(self.realized_pnl, EXACT.subtract(proceeds, cost_out)),
            fill_count=self.fill_count + 1,
            last_fill_time=fill.exchange_time
            if self.last_fill_time is None
            else max(self.last_fill_time, fill.exchange_time),
        )

    def average_price(self) -> Decimal | None:
        """Cost of one, in quote asset, rounded to 12 places for display; None while flat."""
        if self.quantity == ZERO:
            return None
        return _quotient(self.cost, self.quantity, DISPLAY_STEP)

    def unrealized_pnl(self, mark_price: Decimal) -> Decimal:
        """Profit of what is held, were it closed at ``mark_price`` without fees."""
        return EXACT.subtract(EXACT.multiply(self.quantity, mark_price), self.cost)

    def _cost_of(self, closed: Decimal) -> Decimal:
        """The cost that leaves with ``closed``, which has the sign opposite to the quantity."""
        if closed == ZERO:
            return ZERO
        if EXACT.add(self.quantity, closed) == ZERO:
            return self.cost
        part = _ROUNDING.divide(_ROUNDING.multiply(self.cost, closed.copy_abs()), self.quantity.copy_abs())
        return part.quantize(COST_STEP, context=_ROUNDING)


def _closed_part(quantity: Decimal, change: Decimal) -> Decimal:
    """The part of ``change`` that reduces ``quantity``; has the sign of ``change``."""
    if quantity == ZERO or (quantity > ZERO) == (change > ZERO):
        return ZERO
    return change if change.copy_abs() <= quantity.copy_abs() else EXACT.minus(quantity)


def _quotient(dividend: Decimal, divisor: Decimal, step: Decimal) -> Decimal:
    return _ROUNDING.divide(dividend, divisor).quantize(step, context=_ROUNDING)
