"""Lists of orders that belong together: what makes one, and how its orders are to each other.

Semantics as brokers and venues document them: an OCO of a take-profit and a stop whose prices stand on
both sides of the market (Binance's order lists), a bracket of an entry and two closing orders (Interactive
Brokers), children that protect partial fills, too.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.exchange.domain.assets import Side
from services.exchange.domain.links import Contingency, Links
from services.exchange.domain.order import OrderIntent
from services.exchange.domain.terms import (
    LimitIfTouchedTerms,
    LimitTerms,
    MarketIfTouchedTerms,
    MarketTerms,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    TimeInForce,
    TrailingStopTerms,
    trigger_of,
)
from services.kernel.decimals import render
from services.kernel.errors import DomainError, ErrorKind, Violation

_AT_ONCE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_PROFIT: Final = (LimitTerms, MarketIfTouchedTerms, LimitIfTouchedTerms)
_STOP: Final = (StopMarketTerms, StopLimitTerms, TrailingStopTerms)
_LENGTHS: Final = {Contingency.OCO: (2, 2), Contingency.OTO: (2, 20), Contingency.BRACKET: (3, 3)}


def check_list(contingency: Contingency, intents: Sequence[OrderIntent]) -> None:
    """Refuse orders that do not make such a list.

    Args:
        contingency: what they are to be to each other; not NONE.
        intents: the orders, in the order of the contract.

    Raises:
        DomainError: INVALID_ORDER_LIST.
    """
    least, most = _LENGTHS[contingency]
    if not least <= len(intents) <= most:
        number = f"{least}" if least == most else f"{least} to {most}"
        raise _senseless(contingency, len(intents), f"takes {number} orders, not {len(intents)}")
    first = intents[0]
    for index, intent in enumerate(intents):
        if (intent.venue, intent.instrument) != (first.venue, first.instrument):
            raise _senseless(contingency, index, "is of one instrument", "instrument")
        if intent.quote_quantity is not None:
            raise _senseless(contingency, index, "counts in quantity", "quote_quantity")
        if intent.quantity != first.quantity:
            raise _senseless(contingency, index, "is of orders with one quantity", "quantity")
    if contingency is Contingency.OCO:
        _check_legs(contingency, intents, 0)
        return
    if contingency is Contingency.BRACKET:
        _check_bracket(intents)


def _check_bracket(intents: Sequence[OrderIntent]) -> None:
    contingency = Contingency.BRACKET
    entry, profit, stop = intents
    for index, child in enumerate(intents[1:], 1):
        if child.side is entry.side:
            raise _senseless(contingency, index, "closes what its entry opens", "side")
    if not isinstance(profit.terms, _PROFIT):
        raise _senseless(contingency, 1, "takes profit with a limit or an if-touched order", "kind")
    if not isinstance(stop.terms, _STOP):
        raise _senseless(contingency, 2, "stops a loss with a stop order", "kind")
    _check_legs(contingency, intents[1:], 1)
    trigger = trigger_of(stop.terms)
    if isinstance(entry.terms, LimitTerms) and trigger is not None:
        price = entry.terms.price
        worse = trigger.price < price if entry.side is Side.BUY else trigger.price > price
        if not worse:
            message = f"stops a loss on the losing side of its entry's price {render(price)}"
            raise _senseless(contingency, 2, message, "kind")


def _check_legs(contingency: Contingency, legs: Sequence[OrderIntent], offset: int) -> None:
    first, second = legs
    if first.side is not second.side:
        raise _senseless(contingency, offset + 1, "has two legs of one side", "side")
    for index, leg in enumerate(legs, offset):
        at_once = isinstance(leg.terms, LimitTerms) and leg.terms.time_in_force in _AT_ONCE
        if at_once or isinstance(leg.terms, MarketTerms):
            raise _senseless(contingency, index, "has legs that rest or wait", "kind")
    if isinstance(first.terms, LimitTerms) and isinstance(second.terms, LimitTerms):
        raise _senseless(contingency, offset + 1, "has a leg with a trigger", "kind")
    for one, other in ((first, second), (second, first)):
        profit, stop = _price_of(one.terms, _PROFIT), _price_of(other.terms, _STOP)
        if profit is None or stop is None:
            continue
        if not (profit > stop if one.side is Side.SELL else profit < stop):
            message = f"has the market between its prices, not {render(profit)} and {render(stop)}"
            raise _senseless(contingency, offset + 1, message, "kind")


def _price_of(terms: Terms, kinds: tuple[type[Terms], ...]) -> Decimal | None:
    if not isinstance(terms, kinds):
        return None
    trigger = trigger_of(terms)
    if trigger is not None:
        return trigger.price
    return terms.price if isinstance(terms, LimitTerms) else None


def links_of(
    contingency: Contingency, intents: Sequence[OrderIntent], list_id: UUID, ids: Sequence[UUID]
) -> Sequence[Links]:
    """What each order of a list is to the others, in the order of the list.

    Args:
        contingency: of the list.
        intents: the orders.
        list_id: id of the list.
        ids: of the orders.
    """
    own = Links(order_list=list_id, contingency=contingency)
    if contingency is Contingency.OCO:
        return [
            replace(own, linked=other, group=list_id, total=intent.quantity)
            for intent, other in zip(intents, reversed(ids), strict=True)
        ]
    child = replace(own, parent=ids[0])
    if contingency is Contingency.OTO:
        return [own, *(child for _ in ids[1:])]
    leg = replace(child, group=list_id)
    return [own, replace(leg, linked=ids[2]), replace(leg, linked=ids[1])]


def _senseless(contingency: Contingency, index: int, message: str, field: str = "") -> DomainError:
    path = f"orders[{index}].{field}" if field else "orders"
    return DomainError(
        "INVALID_ORDER_LIST",
        f"an order list with the contingency {contingency} {message}",
        kind=ErrorKind.INVALID,
        metadata={"contingency": contingency.value},
        violations=[Violation(path, f"{contingency} {message}")],
    )
