"""The checks before an intent exists: what the venue takes, what prices say, what is held."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from services.exchange.domain.assets import Side
from services.exchange.domain.errors import (
    invalid_terms,
    price_missing,
    reduces_nothing,
    trigger_at_once,
    venue_unavailable,
)
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import Handling, Order, OrderIntent
from services.exchange.domain.terms import TrailingStopTerms, TriggerSource, end_of, trigger_of
from services.exchange.domain.triggers import (
    TriggerStatus,
    first_status,
    goes_off_at_once,
    observe,
    source_of,
)
from services.exchange.handlers.desks import Desk
from services.exchange.ports import Prices, VenueUnreachableError
from services.kernel.clock import Clock
from services.kernel.names import InstrumentName

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Admitted:
    """What an intent will be as an order.

    Attributes:
        rules: of the instrument.
        handling: where it will be worked.
        quantity: how much; what is expected to be filled, where the intent names a quote_quantity.
        trigger: how its trigger stands at first; None where the kind has none.
    """

    rules: InstrumentRules
    handling: Handling
    quantity: Decimal
    trigger: TriggerStatus | None

    def order(self, intent: OrderIntent, order_id: UUID, correlation_id: str, now: datetime) -> Order:
        """The first version of the order."""
        return Order.intended(
            replace(intent, quantity=self.quantity) if self.quantity is not intent.quantity else intent,
            self.rules.assets,
            order_id,
            correlation_id,
            now,
            handling=self.handling,
            contract=self.rules.contract,
            trigger=self.trigger,
        )


class AdmitOrder:
    """Holds intents to what can be done. It changes nothing.

    Args:
        prices: of the market.
        clock: our clock.
    """

    def __init__(self, prices: Prices, clock: Clock) -> None:
        self._prices = prices
        self._clock = clock

    async def admit(self, desk: Desk, intent: OrderIntent, *, held_here: bool = False) -> Admitted:
        """Check an intent.

        Args:
            desk: where it is to go.
            intent: what is asked for.
            held_here: whether it is to be held for its trigger also where the venue has its kind.

        Raises:
            DomainError: VENUE_UNAVAILABLE, INSTRUMENT_NOT_FOUND, KIND_NOT_SUPPORTED, PRICE_MISSING,
                TRIGGER_AT_ONCE, REDUCE_ONLY, INVALID_REQUEST, or the instrument's rule that it breaks.
        """
        rules = await desk.venue_desk.check(intent)
        end = end_of(intent.terms)
        if end is not None and end <= self._clock.now():
            raise invalid_terms("order.expire_time", f"the order would end before it begins, at {end}")
        quantity = intent.quantity
        if intent.quote_quantity is not None:
            quantity = rules.lots_for(intent.quote_quantity, await self._price(intent, TriggerSource.BOOK))
            rules.check(replace(intent, quantity=quantity, quote_quantity=None))
        if intent.reduce_only:
            await _require_holding(desk, intent, rules, quantity)
        trigger = first_status(intent.terms)
        handling = desk.venue.capabilities.handling(intent.terms)
        if held_here and trigger is not None:
            handling = Handling.EMULATED
        if trigger is not None and handling is Handling.EMULATED:
            trigger = await self._first_look(intent, rules, trigger)
        return Admitted(rules, handling, quantity, trigger)

    async def _first_look(
        self, intent: OrderIntent, rules: InstrumentRules, status: TriggerStatus
    ) -> TriggerStatus:
        """The trigger as it stands at the market's price now."""
        price = await self._price(intent, source_of(intent.terms) or TriggerSource.LAST)
        if goes_off_at_once(intent.side, intent.terms, price):
            trigger = trigger_of(intent.terms)
            raise trigger_at_once(trigger.price if trigger else price, price)
        if not isinstance(intent.terms, TrailingStopTerms):
            return status
        return observe(intent.side, intent.terms, status, price, rules.tick_size, self._clock.now())

    async def _price(self, intent: OrderIntent, source: TriggerSource) -> Decimal:
        instrument = InstrumentName(intent.venue, intent.instrument)
        price = (await self._prices.quote(instrument)).compared(intent.side, source)
        if price is None:
            raise price_missing(instrument)
        return price


async def _require_holding(
    desk: Desk, intent: OrderIntent, rules: InstrumentRules, quantity: Decimal
) -> None:
    """Refuse a reduce_only order that exceeds what is held."""
    try:
        if rules.contract is None:
            held = await _owned(desk, intent, rules)
        else:
            held = await _position(desk, intent)
    except VenueUnreachableError as error:
        raise venue_unavailable(desk.venue_id, "it does not say what the account holds") from error
    if quantity > held:
        raise reduces_nothing(quantity, held)


async def _owned(desk: Desk, intent: OrderIntent, rules: InstrumentRules) -> Decimal:
    """What a spot order can reduce: a sell what is owned, a buy nothing, since there are no debts."""
    if intent.side is Side.BUY:
        return _NOTHING
    balances = await desk.venue.balances(desk.account)
    return sum((each.free + each.locked for each in balances if each.asset == rules.assets.base), _NOTHING)


async def _position(desk: Desk, intent: OrderIntent) -> Decimal:
    """The contracts that an order can reduce: a sell those held long, a buy those held short."""
    positions = await desk.venue.positions(desk.account)
    held = sum((each.quantity for each in positions if each.instrument == intent.instrument), _NOTHING)
    return max(_NOTHING, held if intent.side is Side.SELL else -held)
