"""The venue's rules of an instrument, checked before an order exists."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal

from services.exchange.domain.assets import Assets, Contract
from services.exchange.domain.order import OrderIntent
from services.exchange.domain.terms import (
    LimitTerms,
    OffsetKind,
    Terms,
    TimeInForce,
    TrailingStopTerms,
    kind_of,
    limit_of,
    trigger_of,
)
from services.kernel.decimals import EXACT, is_multiple, render
from services.kernel.errors import DomainError, ErrorKind, Violation

_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_WIDE = Context(prec=200)
_WHOLE_PERCENT = Decimal(100)


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
        contract: what one unit stands for; None for spot.
        maker_fee_rate: fee of a fill that took no liquidity, as a fraction; None where nobody says.
        taker_fee_rate: fee of a fill that took liquidity, as a fraction; None where nobody says.
        fee_in_received: whether a buy's fee is taken in base asset, what is received; at spot only.
    """

    instrument: str
    assets: Assets
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    contract: Contract | None = None
    maker_fee_rate: Decimal | None = None
    taker_fee_rate: Decimal | None = None
    fee_in_received: bool = False

    def check(self, intent: OrderIntent) -> None:
        """Hold an intent to the rules. A market order's notional is for the venue to judge.

        Raises:
            DomainError: INVALID; reason QUANTITY_OFF_LOT, QUANTITY_OUT_OF_RANGE, PRICE_OFF_TICK,
                NOTIONAL_TOO_SMALL, or INVALID_REQUEST for terms that cannot be meant.
        """
        self._check_triggers(intent.terms)
        limit = limit_of(intent.terms)
        if intent.quote_quantity is not None:
            self._check_notional(intent.quote_quantity, "order.quote_quantity")
            return
        self._check_quantity(intent.quantity)
        if limit is not None:
            self._check_limit(limit, intent.quantity, _limit_field(intent.terms))

    def notional(self, price: Decimal, quantity: Decimal) -> Decimal:
        """What a quantity is worth at a price, in quote asset."""
        if self.contract is None:
            return EXACT.multiply(price, quantity)
        worth = EXACT.multiply(quantity, self.contract.size)
        return worth if self.contract.inverse else EXACT.multiply(worth, price)

    def lots_for(self, worth: Decimal, price: Decimal) -> Decimal:
        """The most whole lots that are worth no more than this at a price."""
        one_lot = self.notional(price, self.lot_size)
        lots = _WIDE.divide(worth, one_lot).to_integral_value(rounding=ROUND_FLOOR)
        return EXACT.multiply(lots, self.lot_size)

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

    def _check_limit(self, terms: LimitTerms, quantity: Decimal, field: str) -> None:
        if terms.post_only and terms.time_in_force in _AT_ONCE:
            raise _broken("INVALID_REQUEST", "post_only is for orders that may rest", f"{field}.post_only")
        self._check_price(terms.price, f"{field}.price")
        self._check_notional(self.notional(terms.price, quantity), "order.quantity")
        shown = terms.display_quantity
        if shown is None:
            return
        if not is_multiple(shown, self.lot_size):
            raise _broken(
                "QUANTITY_OFF_LOT",
                f"{render(shown)} is not a whole number of lots of {render(self.lot_size)}",
                f"{field}.display_quantity",
                quantity=shown,
                lotSize=self.lot_size,
            )
        if shown >= quantity:
            raise _broken(
                "INVALID_REQUEST",
                f"display_quantity {render(shown)} is not below the quantity {render(quantity)}",
                f"{field}.display_quantity",
            )

    def _check_triggers(self, terms: Terms) -> None:
        field = f"order.{kind_of(terms)}"
        trigger = trigger_of(terms)
        if trigger is not None:
            self._check_price(trigger.price, f"{field}.trigger.price")
        if not isinstance(terms, TrailingStopTerms):
            return
        if terms.activation_price is not None:
            self._check_price(terms.activation_price, f"{field}.activation_price")
        if terms.offset.kind is OffsetKind.ABSOLUTE:
            self._check_price(terms.offset.amount, f"{field}.absolute")
        if terms.offset.kind is OffsetKind.PERCENT and terms.offset.amount >= _WHOLE_PERCENT:
            raise _broken("INVALID_REQUEST", "an offset in percent is below 100", f"{field}.percent")

    def _check_price(self, price: Decimal, field: str) -> None:
        if not is_multiple(price, self.tick_size):
            raise _broken(
                "PRICE_OFF_TICK",
                f"{render(price)} is not a whole number of ticks of {render(self.tick_size)}",
                field,
                price=price,
                tickSize=self.tick_size,
            )

    def _check_notional(self, notional: Decimal, field: str) -> None:
        if notional < self.min_notional:
            raise _broken(
                "NOTIONAL_TOO_SMALL",
                f"{render(notional)} is below the smallest notional {render(self.min_notional)}",
                field,
                notional=notional,
                minNotional=self.min_notional,
            )


def _limit_field(terms: Terms) -> str:
    return "order.limit" if isinstance(terms, LimitTerms) else f"order.{kind_of(terms)}.limit"


def _broken(reason: str, message: str, field: str, **numbers: Decimal) -> DomainError:
    return DomainError(
        reason,
        message,
        kind=ErrorKind.INVALID,
        metadata={key: render(value) for key, value in numbers.items()},
        violations=[Violation(field, message)],
    )
