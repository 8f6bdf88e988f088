"""Orders that take the place of others, and what an order becomes when risk has approved it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.exchange.domain.list_steps import NOTHING_LEFT, OTHER_LEG_DONE, PARENT_DONE, REPLACED, why_over
from services.exchange.domain.order import Handling, Order, OrderIntent, client_order_id
from services.exchange.domain.slots import OrderList, held_once_approved
from services.exchange.domain.states import OrderState
from services.exchange.domain.terms import LimitIfTouchedTerms, LimitTerms, StopLimitTerms, Terms
from services.exchange.domain.triggers import first_status

_WORDS: Final = {
    REPLACED: "another order took its place",
    OTHER_LEG_DONE: "the other leg was filled or ended",
    NOTHING_LEFT: "what it was to replace was filled first",
    PARENT_DONE: "its entry ended without a fill",
}
NOT_REPLACEABLE: Final = "ORDER_NOT_REPLACEABLE"
_ZERO: Final = Decimal(0)


def successor(
    old: Order, quantity: Decimal, order_id: UUID, now: datetime, *, terms: Terms | None = None
) -> Order:
    """The first version of the order that is to take another's place: PENDING, nothing has left.

    Args:
        old: the order whose place it takes.
        quantity: how much of it is left to fill.
        order_id: of the new order.
        now: our clock.
        terms: new terms; None for those of the old one, whose trigger then goes on as it stands.
    """
    keeps_trigger = (terms is None or _same_trigger(old, terms)) and old.trigger is not None
    at_work = not old.final or (old.trigger is not None and old.trigger.gone_off)
    links = replace(old.links, replaces=old.order_id, replaced_by=None)
    return replace(
        old,
        order_id=order_id,
        client_order_id=client_order_id(order_id),
        venue_order_id="",
        quantity=quantity,
        terms=shown(terms or old.terms, quantity),
        trigger=old.trigger if keeps_trigger and at_work else first_status(terms or old.terms),
        state=OrderState.PENDING,
        filled_quantity=_ZERO,
        filled_notional=_ZERO,
        base_fees=_ZERO,
        reason="",
        reason_message="",
        version=1,
        create_time=now,
        update_time=now,
        submit_time=None,
        unprotected=False,
        links=links if links.group is not None else replace(links, group=old.order_id),
    )


def shown(terms: Terms, quantity: Decimal) -> Terms:
    """Terms that fit a smaller quantity: what the book shows of an iceberg is below the whole of it."""
    match terms:
        case LimitTerms():
            return _shown(terms, quantity)
        case StopLimitTerms() | LimitIfTouchedTerms():
            return replace(terms, limit=_shown(terms.limit, quantity))
        case _:
            return terms


def intent_of(order: Order, quantity: Decimal, terms: Terms | None = None) -> OrderIntent:
    """An order as it would be asked for with a quantity, and perhaps with other terms."""
    return OrderIntent(
        account=order.account,
        venue=order.venue,
        instrument=order.instrument,
        side=order.side,
        quantity=quantity,
        terms=shown(terms or order.terms, quantity),
        strategy=order.strategy,
        reduce_only=order.reduce_only,
    )


def ended(order: Order, reason: str, now: datetime) -> Order:
    """The order after we decided to end it: CANCELLED where it surely is only here, else PENDING_CANCEL."""
    only_here = order.state is OrderState.HELD and order.never_left
    state = OrderState.CANCELLED if only_here else OrderState.PENDING_CANCEL
    return order.moved(state, now, reason=reason, reason_message=_WORDS[reason])


def released(order: Order, quantity: Decimal, handling: Handling, now: datetime) -> Order:
    """A child that is let go: risk is asked for it next."""
    terms = shown(order.terms, quantity)
    return order.moved(OrderState.PENDING, now, quantity=quantity, terms=terms, handling=handling)


def sent(order: Order, quantity: Decimal, now: datetime) -> Order:
    """A held order that may leave for the venue now."""
    terms = shown(order.terms, quantity)
    return order.moved(OrderState.SUBMITTED, now, quantity=quantity, terms=terms, submit_time=now)


def admitted(order: Order, orders: Sequence[Order], now: datetime, lot: Decimal = _ZERO) -> list[Order]:
    """What changes once risk has approved an order: the order itself last, the one it replaces before it.

    Args:
        order: PENDING.
        orders: its whole list, or itself and the one it replaces; itself among them.
        now: our clock.
        lot: of the instrument.
    """
    book = OrderList.of(orders, lot)
    slot = book.slot_of(order.order_id)
    if slot in book.exits:
        over, left = why_over(book, slot), book.left(slot)
        if over is not None or left <= 0:
            return [_cancelled(order, OTHER_LEG_DONE if over is None else over[0], now)]
        order = replace(order, quantity=min(left, order.quantity))
    old = next((each for each in orders if each.order_id == order.links.replaces), None)
    if old is None or old.links.replaced_by == order.order_id:
        return [_approved(order, now)]
    if not _can_give_way(old, order):
        return [_refused(old, order, now)]
    if _same_trigger(old, order.terms):
        # The market may have moved the trigger, or set it off, while risk was asked.
        order = replace(order, trigger=old.trigger)
    taken = replace(old, links=replace(old.links, replaced_by=order.order_id))
    gone = taken.moved(old.state, now) if old.final else ended(taken, REPLACED, now)
    return [gone, _approved(order, now)]


def _shown(limit: LimitTerms, quantity: Decimal) -> LimitTerms:
    part = limit.display_quantity
    return limit if part is None or part < quantity else replace(limit, display_quantity=None)


def _approved(order: Order, now: datetime) -> Order:
    if held_once_approved(order):
        return order.moved(OrderState.HELD, now)
    return order.moved(OrderState.SUBMITTED, now, submit_time=now)


def _can_give_way(old: Order, order: Order) -> bool:
    """Whether an order can still be replaced by another one that was made to do so."""
    if old.links.replaced_by is not None or old.state is OrderState.PENDING_CANCEL:
        return False
    if old.trigger is not None and old.trigger.gone_off and not _same_trigger(old, order.terms):
        return False
    if not old.final:
        return True
    total = order.links.total
    return old.state is OrderState.FILLED and total is not None and total > old.filled_quantity


def _refused(old: Order, order: Order, now: datetime) -> Order:
    if old.state is OrderState.FILLED:
        return _cancelled(order, NOTHING_LEFT, now)
    message = f"the order it was to replace is {old.state}"
    return order.moved(OrderState.DENIED, now, reason=NOT_REPLACEABLE, reason_message=message)


def _cancelled(order: Order, reason: str, now: datetime) -> Order:
    return order.moved(OrderState.CANCELLED, now, reason=reason, reason_message=_WORDS[reason])


def _same_trigger(old: Order, terms: Terms) -> bool:
    return first_status(old.terms) == first_status(terms)
