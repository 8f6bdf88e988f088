"""Positions by average cost: spot, linear and inverse perpetuals, long and short.

Every fill has a worth in the settle asset, which has the sign of what it costs to enter:

    spot      change * price                     in quote asset
    linear    change * size * price              in quote asset
    inverse   -(change * size / price)           in base asset

where change is the quantity with the sign of the side. Closing at ``exit`` what was opened at ``entry``
then gains, for an inverse contract, ``contracts * size * (1/entry - 1/exit)`` (BitMEX, "Inverse Perpetuals
Guide", row PnL Calculation), and the average entry of an inverse position is the harmonic mean of its
prices weighted by contracts, ``contracts * size / sum(contracts_i * size / price_i)`` (BitMEX support, "How
to calculate entry price").

What is held carries a cost. A fill that adds to the position adds its worth to the cost; one that reduces
it takes out the cost of the part closed, and the difference to its worth is realised.

Two quotients may have no end in decimals. Both are rounded half-even to 18 places, once:

- The worth of an inverse fill. A fill that flips a position is worth the rounded whole; the part that opens
  is rounded, and the part that closes is the rest.
- The cost taken out. What rounding leaves stays in the cost that is still held.

So that at every moment, exactly:

    sum of the worths of all fills = cost - realised profit
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from services.kernel.decimals import EXACT
from services.portfolio.domain.events import Contract, Fill

ZERO = Decimal(0)
COST_STEP = Decimal("1e-18")
DISPLAY_STEP = Decimal("1e-12")
_ROUNDING = Context(prec=200, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Position:
    """What an account, or one strategy of it, has bought and sold of one instrument.

    Attributes:
        account: id of the account.
        venue: id of the venue.
        instrument: id of the instrument.
        base_asset: the asset held.
        quote_asset: the asset of the price.
        contract: what one unit stands for; None for spot.
        quantity: sum of the fills; below zero is short.
        cost: what the quantity cost, in settle asset; has the sign of the quantity (the opposite one
            for an inverse contract), zero while flat.
        realized_pnl: profit of what was closed, before fees and funding, in settle asset.
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
    contract: Contract | None = None

    @property
    def settle_asset(self) -> str:
        """The asset of cost and profit."""
        return self.quote_asset if self.contract is None else self.contract.settle_asset

    def apply(self, fill: Fill) -> "Position":
        """The position after a fill. A fill larger than the position closes it and opens the other way."""
        change = EXACT.multiply(fill.quantity, Decimal(fill.side.value))
        closed = _closed_part(self.quantity, change)
        opened = EXACT.subtract(change, closed)
        cost_out = self._cost_of(closed)
        cost_in = worth(opened, fill.price, fill.contract)
        closed_worth = EXACT.subtract(worth(change, fill.price, fill.contract), cost_in)
        # Written out, since dataclasses.replace takes as long as all of the arithmetic.
        return Position(
            account=self.account,
            venue=self.venue,
            instrument=self.instrument,
            base_asset=self.base_asset,
            quote_asset=self.quote_asset,
            contract=fill.contract,
            quantity=EXACT.add(self.quantity, change),
            cost=EXACT.add(EXACT.subtract(self.cost, cost_out), cost_in),
            realized_pnl=EXACT.subtract(EXACT.subtract(self.realized_pnl, closed_worth), cost_out),
            fill_count=self.fill_count + 1,
            last_fill_time=fill.exchange_time
            if self.last_fill_time is None
            else max(self.last_fill_time, fill.exchange_time),
        )

    def average_price(self) -> Decimal | None:
        """Average price of entry, in quote asset, rounded to 12 places for display; None while flat."""
        if self.quantity == ZERO:
            return None
        if self.contract is None:
            return _quotient(self.cost, self.quantity, DISPLAY_STEP)
        units = EXACT.multiply(self.quantity, self.contract.size)
        if not self.contract.inverse:
            return _quotient(self.cost, units, DISPLAY_STEP)
        # A cost of zero is one that rounding left nothing of: there is no price to show.
        return None if self.cost == ZERO else _quotient(EXACT.minus(units), self.cost, DISPLAY_STEP)

    def unrealized_pnl(self, mark_price: Decimal) -> Decimal:
        """Profit of what is held, were it closed at ``mark_price`` without fees, in settle asset."""
        return EXACT.subtract(worth(self.quantity, mark_price, self.contract), self.cost)

    def _cost_of(self, closed: Decimal) -> Decimal:
        """The cost that leaves with ``closed``, which has the sign opposite to the quantity."""
        if closed == ZERO:
            return ZERO
        if EXACT.add(self.quantity, closed) == ZERO:
            return self.cost
        part = _ROUNDING.divide(_ROUNDING.multiply(self.cost, closed.copy_abs()), self.quantity.copy_abs())
        return part.quantize(COST_STEP, context=_ROUNDING)


def worth(change: Decimal, price: Decimal, contract: Contract | None) -> Decimal:
    """What a signed quantity costs at a price, in settle asset; see the head of this module."""
    if contract is None:
        return EXACT.multiply(change, price)
    units = EXACT.multiply(change, contract.size)
    if not contract.inverse:
        return EXACT.multiply(units, price)
    return EXACT.minus(_quotient(units, price, COST_STEP))


def _closed_part(quantity: Decimal, change: Decimal) -> Decimal:
    """The part of ``change`` that reduces ``quantity``; has the sign of ``change``."""
    if quantity == ZERO or (quantity > ZERO) == (change > ZERO):
        return ZERO
    return change if change.copy_abs() <= quantity.copy_abs() else EXACT.minus(quantity)


def _quotient(dividend: Decimal, divisor: Decimal, step: Decimal) -> Decimal:
    return _ROUNDING.divide(dividend, divisor).quantize(step, context=_ROUNDING)
