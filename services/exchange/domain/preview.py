"""What an order would cost: its price over the book as it stands, and the venue's fee of that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import reduce
from typing import Final

from services.exchange.domain.assets import Side
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import OrderIntent
from services.exchange.domain.terms import (
    LimitTerms,
    MarketTerms,
    TimeInForce,
    limit_of,
    trigger_of,
)
from services.kernel.decimals import EXACT

_WIDE: Final = Context(prec=120, rounding=ROUND_HALF_EVEN)
_STEP: Final = Decimal("1E-12")
_NONE: Final = Decimal(0)
_AT_ONCE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})


@dataclass(frozen=True, slots=True)
class Level:
    """What rests in a book at one price: quantity in base asset, price in quote asset."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """An order book, best prices first."""

    bids: Sequence[Level] = ()
    asks: Sequence[Level] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an order is expected to do now.

    Attributes:
        price: average of what it would take from the book and of what would rest, in quote asset,
            rounded half-even to 12 places; None where nobody can say.
        quantity: of that; below the order's where the book is too thin for an order that does not rest.
        notional: price times quantity, in quote asset; None as price.
        fee: at the venue's rates, in ``fee_asset``; None as price, or where the rates are not known.
        fee_asset: lower-case.
        takes: whether it would take from the book at once.
    """

    price: Decimal | None
    quantity: Decimal
    notional: Decimal | None
    fee: Decimal | None
    fee_asset: str
    takes: bool


def estimate(intent: OrderIntent, rules: InstrumentRules, book: Book | None) -> Estimate:
    """What the order would do to the book as it stands.

    Args:
        intent: held to the rules already.
        rules: of the instrument, with the venue's fee rates.
        book: of the instrument; None where nobody knows it.
    """
    terms = intent.terms
    if not isinstance(terms, MarketTerms | LimitTerms):
        return _waiting(intent, rules)
    levels = _opposite(intent.side, book)
    limit = terms.price if isinstance(terms, LimitTerms) else None
    taken = _taken(intent, levels, limit)
    quantity = _total(each.quantity for each in taken)
    if limit is None or not isinstance(terms, LimitTerms):
        return _estimated(intent, rules, taken, [])
    rest = EXACT.subtract(intent.quantity, quantity)
    if terms.post_only or (terms.time_in_force is TimeInForce.FOK and rest > 0):
        # Either would be refused rather than take.
        taken, rest = [], intent.quantity if terms.post_only else _NONE
    resting = [] if terms.time_in_force in _AT_ONCE or not rest else [Level(limit, rest)]
    return _estimated(intent, rules, taken, resting)


def _waiting(intent: OrderIntent, rules: InstrumentRules) -> Estimate:
    """An order that waits for its trigger: at its limit, else at its trigger; a trailing one nowhere yet."""
    limit, trigger = limit_of(intent.terms), trigger_of(intent.terms)
    price = limit.price if limit else trigger.price if trigger else None
    waiting = [] if price is None else [Level(price, intent.quantity)]
    found = _estimated(intent, rules, [] if limit else waiting, waiting if limit else [])
    return Estimate(found.price, found.quantity, found.notional, found.fee, found.fee_asset, takes=False)


def _opposite(side: Side, book: Book | None) -> Sequence[Level]:
    if book is None:
        return ()
    return book.asks if side is Side.BUY else book.bids


def _taken(intent: OrderIntent, levels: Sequence[Level], limit: Decimal | None) -> list[Level]:
    """What the order takes, level by level, until it is filled, or meets its limit, or the book's end."""
    left, money = intent.quantity, intent.quote_quantity
    taken: list[Level] = []
    for level in levels:
        if limit is not None and (level.price > limit if intent.side is Side.BUY else level.price < limit):
            break
        if money is not None:
            quantity = min(level.quantity, _WIDE.divide(money, level.price))
            money = _WIDE.subtract(money, _WIDE.multiply(quantity, level.price))
        else:
            quantity = min(level.quantity, left)
            left = EXACT.subtract(left, quantity)
        if quantity <= 0:
            break
        taken.append(Level(level.price, quantity))
    return taken


def _estimated(
    intent: OrderIntent, rules: InstrumentRules, taken: Sequence[Level], resting: Sequence[Level]
) -> Estimate:
    fee_asset = _fee_asset(intent.side, rules)
    parts = [*taken, *resting]
    quantity = _total(each.quantity for each in parts)
    if not quantity:
        return Estimate(None, quantity, None, None, fee_asset, takes=False)
    paid = _total(_WIDE.multiply(each.price, each.quantity) for each in parts)
    notional = _total(_notional(rules, each) for each in parts)
    return Estimate(
        _shown(_WIDE.divide(paid, quantity)),
        quantity,
        _shown(notional),
        _fee(intent.side, rules, taken, resting),
        fee_asset,
        takes=bool(taken),
    )


def _fee(
    side: Side, rules: InstrumentRules, taken: Sequence[Level], resting: Sequence[Level]
) -> Decimal | None:
    if rules.taker_fee_rate is None or rules.maker_fee_rate is None:
        return None
    taking = sum(
        (_WIDE.multiply(rules.taker_fee_rate, _fee_base(side, rules, each)) for each in taken), _NONE
    )
    making = sum(
        (_WIDE.multiply(rules.maker_fee_rate, _fee_base(side, rules, each)) for each in resting), _NONE
    )
    return _shown(_WIDE.add(taking, making))


def _fee_base(side: Side, rules: InstrumentRules, part: Level) -> Decimal:
    """What the rate is applied to, in the fee's asset."""
    if rules.contract is not None and rules.contract.inverse:
        return _WIDE.divide(_notional(rules, part), part.price)
    if rules.contract is None and rules.fee_in_received and side is Side.BUY:
        return part.quantity
    return _notional(rules, part)


def _fee_asset(side: Side, rules: InstrumentRules) -> str:
    if rules.contract is not None:
        return rules.contract.settle_asset
    return rules.assets.base if rules.fee_in_received and side is Side.BUY else rules.assets.quote


def _notional(rules: InstrumentRules, part: Level) -> Decimal:
    if rules.contract is None:
        return _WIDE.multiply(part.price, part.quantity)
    return rules.notional(part.price, part.quantity)


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return reduce(_WIDE.add, amounts, _NONE)


def _shown(amount: Decimal) -> Decimal:
    return amount.quantize(_STEP, context=_WIDE)
