"""Positions of linear perpetuals: average entry, realised profit, margin, funding."""

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from services.kernel.decimals import EXACT
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.terms import Side

_ZERO: Final = Decimal(0)
_PLACES: Final = Decimal("1e-12")
_ROUNDING: Final = Context(prec=200, rounding=ROUND_HALF_EVEN)

FUNDING_NS: Final = 8 * 3600 * 1_000_000_000
"""Time between two payments of funding: at 00:00, 08:00 and 16:00 UTC of exchange time."""


@dataclass(frozen=True, slots=True)
class Position:
    """What an account has of one perpetual.

    Attributes:
        symbol: the instrument.
        quantity: contracts; below zero is short.
        cost: price times quantity of the entries that are still open, below zero where short. Where a
            part is closed, its share is rounded to twelve places and the rest of the difference is
            profit, so that over the life of a position nothing is lost.
        realised: sum of the profit of what was closed, fees and funding left out.
        funding: sum of the funding received, below zero where more was paid.
    """

    symbol: str
    quantity: Decimal = _ZERO
    cost: Decimal = _ZERO
    realised: Decimal = _ZERO
    funding: Decimal = _ZERO

    @property
    def entry_price(self) -> Decimal | None:
        """Average price of what is open, rounded to twelve places; None where nothing is."""
        return None if not self.quantity else _rounded(self.cost, self.quantity)

    def closable(self, side: Side) -> Decimal:
        """How many contracts an order of this side can close."""
        closes = self.quantity > 0 if side is Side.SELL else self.quantity < 0
        return self.quantity.copy_abs() if closes else _ZERO

    def traded(self, side: Side, quantity: Decimal, price: Decimal) -> tuple["Position", Decimal]:
        """The position after a trade, and the profit that the trade realised."""
        signed = quantity if side is Side.BUY else quantity.copy_negate()
        if not self.quantity or self.quantity.is_signed() == signed.is_signed():
            return self._with(signed, EXACT.multiply(signed, price), _ZERO), _ZERO
        closed = min(signed.copy_abs(), self.quantity.copy_abs()).copy_sign(signed)
        share = self.cost
        if closed.copy_abs() != self.quantity.copy_abs():
            share = _rounded(EXACT.multiply(self.cost, closed.copy_abs()), self.quantity.copy_abs())
        profit = EXACT.subtract(EXACT.multiply(closed, price).copy_negate(), share)
        opened = EXACT.subtract(signed, closed)
        cost = EXACT.subtract(EXACT.multiply(opened, price), share)
        return self._with(signed, cost, profit), profit

    def profit_at(self, mark: Decimal) -> Decimal:
        """What closing it all at a price would realise, fees left out."""
        return EXACT.subtract(EXACT.multiply(self.quantity, mark), self.cost)

    def margin(self, instrument: Instrument) -> Decimal:
        """What is held for it, in quote currency."""
        rate = instrument.perpetual.margin_rate if instrument.perpetual else _ZERO
        return EXACT.multiply(self.cost.copy_abs(), rate)

    def funded(self, instrument: Instrument, mark: Decimal) -> tuple["Position", Decimal]:
        """The position after a payment of funding, and what came in by it: a long position pays."""
        rate = instrument.perpetual.funding_rate if instrument.perpetual else _ZERO
        paid = EXACT.multiply(EXACT.multiply(self.quantity, mark), rate)
        return replace(self, funding=EXACT.subtract(self.funding, paid)), paid.copy_negate()

    def _with(self, quantity: Decimal, cost: Decimal, profit: Decimal) -> "Position":
        return replace(
            self,
            quantity=EXACT.add(self.quantity, quantity),
            cost=EXACT.add(self.cost, cost),
            realised=EXACT.add(self.realised, profit),
        )


def _rounded(dividend: Decimal, divisor: Decimal) -> Decimal:
    return _ROUNDING.quantize(_ROUNDING.divide(dividend, divisor), _PLACES)
