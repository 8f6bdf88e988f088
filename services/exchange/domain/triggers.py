"""Triggers: how they follow the market, and when they go off.

Semantics as the venues document them (Binance's conditional orders, Bybit's trigger and trailing
orders): a trigger goes off when the price is at it or beyond, a trailing stop follows from its
activation on and never moves away from the market again.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final

from services.exchange.domain.assets import Side
from services.exchange.domain.terms import (
    LimitIfTouchedTerms,
    MarketIfTouchedTerms,
    Offset,
    OffsetKind,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    TrailingStopTerms,
    TriggerSource,
    trigger_of,
)
from services.kernel.decimals import EXACT

_WHOLE: Final = Decimal(1)
_PERCENT: Final = Decimal("0.01")
_WIDE: Final = Context(prec=200)


@dataclass(frozen=True, slots=True)
class Quote:
    """Prices of an instrument at a moment, in quote asset; None where there is none.

    Attributes:
        last: of the last trade.
        bid: best price to sell at.
        ask: best price to buy at.
    """

    last: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None

    def over(self, before: "Quote") -> "Quote":
        """This one, with what it does not say from the one before."""
        return Quote(
            before.last if self.last is None else self.last,
            before.bid if self.bid is None else self.bid,
            before.ask if self.ask is None else self.ask,
        )

    def compared(self, side: Side, source: TriggerSource) -> Decimal | None:
        """The price that a trigger is compared with."""
        if source is TriggerSource.LAST:
            return self.last
        return self.ask if side is Side.BUY else self.bid


@dataclass(frozen=True, slots=True)
class TriggerStatus:
    """How a trigger stands.

    Attributes:
        price: sets the order off; None while a trailing stop waits for its activation, or while its
            offset reaches below zero.
        best_price: the best that a trailing stop has seen since its activation.
        activate_time: when a trailing stop began to follow.
        trigger_time: when it went off.
        market_price: the market's price that set it off.
    """

    price: Decimal | None = None
    best_price: Decimal | None = None
    activate_time: datetime | None = None
    trigger_time: datetime | None = None
    market_price: Decimal | None = None

    @property
    def gone_off(self) -> bool:
        """Whether it has gone off."""
        return self.trigger_time is not None


def first_status(terms: Terms) -> TriggerStatus | None:
    """How the trigger of a new order stands; None where the kind has none."""
    if isinstance(terms, TrailingStopTerms):
        return TriggerStatus()
    trigger = trigger_of(terms)
    return None if trigger is None else TriggerStatus(trigger.price)


def likely_price(side: Side, terms: Terms, status: TriggerStatus | None) -> Decimal | None:
    """Where the trigger stands, or, of a trailing stop that waits for its activation, will stand at first.

    An offset in ticks is left out then. None where the kind has no trigger, or nobody can say.
    """
    if status is not None and status.price is not None:
        return status.price
    if not isinstance(terms, TrailingStopTerms):
        trigger = trigger_of(terms)
        return None if trigger is None else trigger.price
    begins = terms.activation_price
    if begins is None or terms.offset.kind is OffsetKind.TICKS:
        return begins
    distance = terms.offset.amount
    if terms.offset.kind is OffsetKind.PERCENT:
        distance = EXACT.multiply(EXACT.multiply(begins, distance), _PERCENT)
    first = EXACT.add(begins, distance) if side is Side.BUY else EXACT.subtract(begins, distance)
    return first if first > 0 else None


def source_of(terms: Terms) -> TriggerSource | None:
    """Which price it is compared with; None where the kind has no trigger."""
    if isinstance(terms, TrailingStopTerms):
        return terms.source
    trigger = trigger_of(terms)
    return None if trigger is None else trigger.source


def observe(
    side: Side, terms: Terms, status: TriggerStatus, price: Decimal, tick: Decimal, now: datetime
) -> TriggerStatus:
    """The status after the market was seen at a price; the same object where that changes nothing.

    Args:
        side: of the order.
        terms: of a kind with a trigger.
        status: before.
        price: of the source that the order names.
        tick: of the instrument.
        now: our clock.
    """
    if status.gone_off:
        return status
    if isinstance(terms, TrailingStopTerms):
        status = _followed(side, terms, status, price, tick, now)
    if status.price is None or not _reached(side, terms, status.price, price):
        return status
    return replace(status, trigger_time=now, market_price=price)


def goes_off_at_once(side: Side, terms: Terms, price: Decimal) -> bool:
    """Whether the trigger of a new order would go off at this price. A trailing stop never does."""
    trigger = trigger_of(terms)
    return trigger is not None and _reached(side, terms, trigger.price, price)


def trailing_price(side: Side, offset: Offset, best: Decimal, tick: Decimal) -> Decimal | None:
    """Where the trigger of a trailing stop stands: on the tick that is at the offset or just beyond.

    None where a sell's offset reaches to zero or below, so that nothing could set it off.
    """
    match offset.kind:
        case OffsetKind.ABSOLUTE:
            distance = offset.amount
        case OffsetKind.PERCENT:
            distance = EXACT.multiply(EXACT.multiply(best, offset.amount), _PERCENT)
        case OffsetKind.TICKS:
            distance = EXACT.multiply(offset.amount, tick)
    if side is Side.BUY:
        return _on_tick(EXACT.add(best, distance), tick, ROUND_CEILING)
    price = _on_tick(EXACT.subtract(best, distance), tick, ROUND_FLOOR)
    return price if price > 0 else None


def _on_tick(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    ticks = _WIDE.divide(price, tick).quantize(_WHOLE, rounding=rounding, context=_WIDE)
    return EXACT.multiply(ticks, tick)


def _followed(
    side: Side,
    terms: TrailingStopTerms,
    status: TriggerStatus,
    price: Decimal,
    tick: Decimal,
    now: datetime,
) -> TriggerStatus:
    best = status.best_price
    if best is None:
        waits_for = terms.activation_price
        if waits_for is not None and not (price <= waits_for if side is Side.BUY else price >= waits_for):
            return status
        status = replace(status, activate_time=now)
    elif not (price < best if side is Side.BUY else price > best):
        return status
    return replace(status, best_price=price, price=trailing_price(side, terms.offset, price, tick))


def _reached(side: Side, terms: Terms, trigger: Decimal, price: Decimal) -> bool:
    match terms:
        case MarketIfTouchedTerms() | LimitIfTouchedTerms():
            upwards = side is Side.SELL
        case StopMarketTerms() | StopLimitTerms() | TrailingStopTerms():
            upwards = side is Side.BUY
        case _:
            return False
    return price >= trigger if upwards else price <= trigger
