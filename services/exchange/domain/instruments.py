"""The venue's rules of an instrument, checked before an order exists."""

from dataclasses import dataclass
from decimal import Decimal

from services.exchange.domain.order import Assets, LimitTerms, OrderIntent, TimeInForce
from services.kernel.decimals import EXACT, is_multiple, render
from services.kernel.errors import DomainError, ErrorKind, Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentRules:
    """What a venue takes.

    Attributes:
        instrument: id of the instrument at the venue.
        assets: what it trades for what.
        tick_size: prices are whole multiples of it, in quote asset.
        lot_size: quantities are whole multiples of it, in base asset.
        min_quantity: smallest order, in base asset.
        max_quantity: largest order, in base asset.
        min_notional: smallest price times quantity, in quote asset.
    """

    instrument: str
    assets: Assets
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal

    def check(self, intent: OrderIntent) -> None:
        """Hold an intent to the rules. A market order's notional is for the venue to judge.

        Raises:
            DomainError: INVALID; reason QUANTITY_OFF_LOT, QUANTITY_OUT_OF_RANGE, PRICE_OFF_TICK,
                NOTIONAL_TOO_SMALL, or INVALID_REQUEST for post_only without GTC.
        """
        self._check_quantity(intent.quantity)
        if isinstance(intent.terms, LimitTerms):
            self._check_limit(intent.terms, intent.quantity)

    def _check_quantity(self, quantity: Decimal) -> None:
        if not is_multiple(quantity, self.lot_size):
            raise _broken(
                "QUANTITY_OFF_LOT",
                f"{render(quantity)} is not a whole number of lots of {render(self.lot_size)}",
                "order.quantity",
                quantity=quantity,
                lotSize=self.lot_size,
            )
        if not self.min_quantity <= quantity <= self.max_quantity:
            raise _broken(
                "QUANTITY_OUT_OF_RANGE",
                f"{render(quantity)} is not from {render(self.min_quantity)} to {render(self.max_quantity)}",
                "order.quantity",
                quantity=quantity,
                minQuantity=self.min_quantity,
                maxQuantity=self.max_quantity,
            )

    def _check_limit(self, terms: LimitTerms, quantity: Decimal) -> None:
        if terms.post_only and terms.time_in_force is not TimeInForce.GTC:
            raise _broken("INVALID_REQUEST", "post_only needs the time in force GTC", "order.limit.post_only")
        if not is_multiple(terms.price, self.tick_size):
            raise _broken(
                "PRICE_OFF_TICK",
                f"{render(terms.price)} is not a whole number of ticks of {render(self.tick_size)}",
                "order.limit.price",
                price=terms.price,
                tickSize=self.tick_size,
            )
        notional = EXACT.multiply(terms.price, quantity)
        if notional < self.min_notional:
            raise _broken(
                "NOTIONAL_TOO_SMALL",
                f"{render(notional)} is below the smallest notional {render(self.min_notional)}",
                "order.quantity",
                notional=notional,
                minNotional=self.min_notional,
            )


def _broken(reason: str, message: str, field: str, **numbers: Decimal) -> DomainError:
    return DomainError(
        reason,
        message,
        kind=ErrorKind.INVALID,
        metadata={key: render(value) for key, value in numbers.items()},
        violations=[Violation(field, message)],
    )
