"""What is traded, and what a quantity of it is worth."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_UP, Context, Decimal

from services.kernel.decimals import EXACT
from services.kernel.names import InstrumentName

ZERO = Decimal(0)
ONE = Decimal(1)
PLACES = Decimal("1e-18")
"""Places that a division is kept to. Only inverse contracts and ratios need one."""

_WIDE = Context(prec=60)


def divide(dividend: Decimal, divisor: Decimal, *, up: bool = False) -> Decimal:
    """A quotient with 18 places, half-even, or away from zero for what is set aside.

    Raises:
        decimal.DivisionByZero: the divisor is zero.
    """
    rounding = ROUND_UP if up else ROUND_HALF_EVEN
    return Context(prec=60, rounding=rounding).divide(dividend, divisor).quantize(PLACES, rounding, _WIDE)


@dataclass(frozen=True, slots=True)
class Contract:
    """What one contract of a perpetual stands for.

    Attributes:
        size: units of base asset of a linear contract, units of quote asset of an inverse one.
        settle: the asset of margin, fees and profit.
        inverse: whether its worth in the settle asset is ``contracts * size / price``.
    """

    size: Decimal
    settle: str
    inverse: bool


@dataclass(frozen=True, slots=True)
class Traded:
    """An instrument with what its quantities mean.

    Attributes:
        instrument: its name.
        base: the asset bought or sold.
        quote: the asset that prices are in.
        contract: None for spot.
    """

    instrument: InstrumentName
    base: str
    quote: str
    contract: Contract | None = None

    @property
    def venue(self) -> str:
        """Id of its venue."""
        return self.instrument.venue

    @property
    def money(self) -> str:
        """The asset that its worth is in: the quote asset, or a contract's settle asset."""
        return self.quote if self.contract is None else self.contract.settle

    def worth(self, quantity: Decimal, price: Decimal, *, up: bool = False) -> Decimal:
        """What a quantity is worth at a price, in :attr:`money`, with the sign of the quantity.

        Spot: ``quantity * price``. Linear contract: ``contracts * size * price``. Inverse contract:
        ``contracts * size / price``, rounded to 18 places.
        """
        if self.contract is None:
            return EXACT.multiply(quantity, price)
        units = EXACT.multiply(quantity, self.contract.size)
        return divide(units, price, up=up) if self.contract.inverse else EXACT.multiply(units, price)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a venue takes orders for.

    Attributes:
        base: the asset bought or sold.
        quote: the asset that prices are in.
        tick: smallest price step; None where the venue does not say.
        lot: smallest quantity step; likewise.
        min_quantity: least quantity of an order; likewise.
        max_quantity: greatest quantity of an order; likewise.
        min_notional: least price times quantity of an order; likewise.
        halted: whether the venue said that it takes no orders now.
    """

    base: str
    quote: str
    tick: Decimal | None = None
    lot: Decimal | None = None
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    halted: bool = False
