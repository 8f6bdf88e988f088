"""What a caller wants changed of an order, and what becomes of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.exchange.domain.errors import invalid_replacement, order_not_replaceable
from services.exchange.domain.order import Order
from services.exchange.domain.replacement import successor
from services.exchange.domain.slots import OrderList, is_unreleased, is_watched
from services.exchange.domain.states import OrderState
from services.exchange.domain.terms import (
    LimitIfTouchedTerms,
    MarketIfTouchedTerms,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    limit_of,
)
from services.kernel.decimals import EXACT, render
from services.kernel.names import OrderName

_ZERO: Final = Decimal(0)
_LEAVING: Final = frozenset({OrderState.PENDING, OrderState.PENDING_CANCEL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be otherwise; None leaves it as it was.

    Attributes:
        quantity: the order's new total, what is filled of it counted in, in base asset.
        price: new limit price, in quote asset.
        trigger_price: new trigger price, in quote asset.
        display_quantity: how much the book shows, in base asset.
    """

    quantity: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    display_quantity: Decimal | None = None

    def fingerprint(self, account: str, order_id: UUID) -> str:
        """Equal for two changes of an order that mean the same, however their amounts were spelled."""
        amounts = (self.quantity, self.price, self.trigger_price, self.display_quantity)
        parts = [
            "replace",
            account,
            str(order_id),
            *("" if each is None else render(each) for each in amounts),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def replacement(
    order: Order,
    orders: Sequence[Order],
    change: Change,
    order_id: UUID,
    now: datetime,
    lot: Decimal = _ZERO,
) -> Order:
    """The order that is to take another's place.

    It is PENDING, or HELD where the old one waits for its parent and risk is not asked yet. Its quantity
    is what is left of the wanted total; a leg's is what its list leaves.

    Args:
        order: to be replaced.
        orders: its whole list, or itself.
        change: what is to be otherwise.
        order_id: of the new order.
        now: our clock.
        lot: of the instrument.

    Raises:
        DomainError: ORDER_NOT_REPLACEABLE or INVALID_REPLACEMENT.
    """
    require_replaceable(order)
    terms = changed_terms(order, change)
    book = OrderList.of(orders, lot)
    slot = book.slot_of(order.order_id)
    if slot.coming is not None:
        raise order_not_replaceable(_name(order), order.state, "being replaced")
    if slot in book.exits:
        if change.quantity is not None:
            raise invalid_replacement("quantity", "the fills of its list say the quantity of a leg")
        _require_change(order, terms, order.quantity)
        if is_unreleased(order):
            waiting = successor(order, order.quantity, order_id, now, terms=terms)
            return replace(waiting, state=OrderState.HELD)
        left = book.left(slot)
        return successor(order, left if left > 0 else order.quantity, order_id, now, terms=terms)
    total = order.quantity if change.quantity is None else change.quantity
    _require_change(order, terms, total)
    left = EXACT.subtract(total, order.filled_quantity)
    if left <= 0:
        filled = render(order.filled_quantity)
        raise invalid_replacement("quantity", f"{render(total)} is not above the {filled} that are filled")
    new = successor(order, left, order_id, now, terms=terms)
    return replace(new, links=replace(new.links, total=total))


def require_replaceable(order: Order) -> None:
    """Refuse an order that cannot be replaced.

    Raises:
        DomainError: ORDER_NOT_REPLACEABLE.
    """
    name = _name(order)
    if order.links.replaced_by is not None:
        raise order_not_replaceable(name, order.state, "replaced already")
    if order.final or order.state in _LEAVING:
        raise order_not_replaceable(name, order.state)
    waits = order.state is OrderState.HELD and order.links.replaces is not None
    if waits and not is_watched(order) and not is_unreleased(order):
        raise order_not_replaceable(name, order.state, "waiting for the end of the one it replaces")
    if order.quote_quantity is not None:
        raise order_not_replaceable(name, order.state, "counted in quote asset")


def changed_terms(order: Order, change: Change) -> Terms:
    """The terms with the changes.

    Raises:
        DomainError: INVALID_REPLACEMENT where the kind does not have what is to change.
    """
    terms = order.terms
    if change.trigger_price is not None:
        terms = _retriggered(order, terms, change.trigger_price)
    limit = limit_of(terms)
    if change.price is None and change.display_quantity is None:
        return terms
    if limit is None:
        field = "price" if change.price is not None else "display_quantity"
        raise invalid_replacement(field, "the order has no limit")
    if change.price is not None:
        limit = replace(limit, price=change.price)
    if change.display_quantity is not None:
        limit = replace(limit, display_quantity=change.display_quantity)
    if isinstance(terms, StopLimitTerms | LimitIfTouchedTerms):
        return replace(terms, limit=limit)
    return limit


def _retriggered(order: Order, terms: Terms, price: Decimal) -> Terms:
    if not isinstance(terms, StopMarketTerms | StopLimitTerms | MarketIfTouchedTerms | LimitIfTouchedTerms):
        raise invalid_replacement("trigger_price", "the order has no trigger that stands still")
    if order.trigger is not None and order.trigger.gone_off:
        raise invalid_replacement("trigger_price", "the trigger has gone off")
    return replace(terms, trigger=replace(terms.trigger, price=price))


def _require_change(order: Order, terms: Terms, total: Decimal) -> None:
    if terms == order.terms and total == order.quantity:
        raise invalid_replacement("quantity", "nothing would change")


def _name(order: Order) -> OrderName:
    return OrderName(order.account, str(order.order_id))
