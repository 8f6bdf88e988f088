"""One instrument: its rules, and the way between decimals and whole ticks and lots."""

from dataclasses import dataclass
from decimal import Decimal

from services.kernel.decimals import EXACT, is_multiple, render
from services.kernel.errors import DomainError, ErrorKind, Violation
from services.simvenue.domain.terms import Liquidity


@dataclass(frozen=True, slots=True)
class Perpetual:
    """What a linear perpetual has that spot has not. One contract is one unit of the base currency.

    Attributes:
        margin_rate: margin as a fraction of the notional, above 0 and at most 1.
        funding_rate: what a long position pays a short one each eight hours, as a fraction of the notional.
        maintenance_rate: what a position must be covered by at the mark price, as a fraction of its
            notional there; below ``margin_rate``.
        liquidation_fee_rate: what a liquidation costs, as a fraction of the notional closed.
    """

    margin_rate: Decimal
    funding_rate: Decimal
    maintenance_rate: Decimal = Decimal(0)
    liquidation_fee_rate: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Instrument:
    """What is traded, and under which rules.

    Attributes:
        symbol: id in the mesh's names, as in ``btc-usdt``.
        venue_symbol: the venue's own spelling, as in ``BTCUSDT``.
        base: currency that is bought and sold.
        quote: currency of prices and fees.
        tick_size: step of prices, in quote.
        lot_size: step of quantities, in base.
        min_quantity: smallest quantity of an order, in base.
        max_quantity: largest quantity of an order, in base.
        min_notional: smallest price times quantity of an order, in quote.
        maker_fee_rate: fraction of the notional, zero or more.
        taker_fee_rate: fraction of the notional, zero or more.
        perpetual: terms of a perpetual, which settles in quote currency; None for spot.
    """

    symbol: str
    venue_symbol: str
    base: str
    quote: str
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    maker_fee_rate: Decimal
    taker_fee_rate: Decimal
    perpetual: Perpetual | None = None

    def ticks(self, price: Decimal) -> int:
        """A price as whole ticks.

        Raises:
            DomainError: INVALID, PRICE_OFF_TICK.
        """
        if not is_multiple(price, self.tick_size):
            raise DomainError(
                "PRICE_OFF_TICK",
                f"price {render(price)} is not a multiple of the tick size {render(self.tick_size)}",
                kind=ErrorKind.INVALID,
                metadata={"price": render(price), "tickSize": render(self.tick_size)},
                violations=[Violation("limit.price", f"must be a multiple of {render(self.tick_size)}")],
            )
        return int(EXACT.divide_int(price, self.tick_size))

    def lots(self, quantity: Decimal) -> int:
        """A quantity as whole lots.

        Raises:
            DomainError: INVALID, QUANTITY_OFF_LOT.
        """
        if not is_multiple(quantity, self.lot_size):
            raise self._quantity_error(
                "QUANTITY_OFF_LOT", quantity, "a multiple of", "lotSize", self.lot_size
            )
        return int(EXACT.divide_int(quantity, self.lot_size))

    def check_quantity(self, quantity: Decimal) -> None:
        """Hold a quantity against the least and the most of an order.

        Raises:
            DomainError: INVALID, QUANTITY_TOO_SMALL or QUANTITY_TOO_LARGE.
        """
        if quantity < self.min_quantity:
            raise self._quantity_error(
                "QUANTITY_TOO_SMALL", quantity, "at least", "minQuantity", self.min_quantity
            )
        if quantity > self.max_quantity:
            raise self._quantity_error(
                "QUANTITY_TOO_LARGE", quantity, "at most", "maxQuantity", self.max_quantity
            )

    def check_notional(self, notional: Decimal) -> None:
        """Hold price times quantity against the least of an order.

        Raises:
            DomainError: INVALID, NOTIONAL_TOO_SMALL.
        """
        if notional < self.min_notional:
            raise DomainError(
                "NOTIONAL_TOO_SMALL",
                f"{render(notional)} {self.quote} is below the minimum of {render(self.min_notional)}",
                kind=ErrorKind.INVALID,
                metadata={"notional": render(notional), "minNotional": render(self.min_notional)},
            )

    def price(self, ticks: int) -> Decimal:
        """Ticks as a price."""
        return EXACT.multiply(self.tick_size, Decimal(ticks))

    def quantity(self, lots: int) -> Decimal:
        """Lots as a quantity."""
        return EXACT.multiply(self.lot_size, Decimal(lots))

    def notional(self, tick_lots: int) -> Decimal:
        """A sum of ticks times lots as money, in quote."""
        return EXACT.multiply(EXACT.multiply(self.tick_size, self.lot_size), Decimal(tick_lots))

    def fee(self, notional: Decimal, liquidity: Liquidity) -> Decimal:
        """The exact fee of a fill, in quote."""
        rate = self.maker_fee_rate if liquidity is Liquidity.MAKER else self.taker_fee_rate
        return EXACT.multiply(notional, rate)

    def buying_power(self, notional: Decimal) -> Decimal:
        """What a limit buy must be covered by: its notional and the highest fee that can fall due."""
        rate = max(self.maker_fee_rate, self.taker_fee_rate)
        return EXACT.add(notional, EXACT.multiply(notional, rate))

    def _quantity_error(
        self, reason: str, quantity: Decimal, relation: str, key: str, bound: Decimal
    ) -> DomainError:
        return DomainError(
            reason,
            f"quantity {render(quantity)} must be {relation} {render(bound)}",
            kind=ErrorKind.INVALID,
            metadata={"quantity": render(quantity), key: render(bound)},
            violations=[Violation("quantity", f"must be {relation} {render(bound)}")],
        )
