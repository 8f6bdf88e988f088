"""What is to be done next in a list of orders, by what is booked of them, and nothing else.

The same orders always give the same steps, and a step that is done is not asked for again. So it does not
matter who asks, how often, or after which crash. A leg and the orders that took its place, one after
another, are a slot. At most one leg of two stands at the venue: one with a trigger is held here, and once
its trigger has gone off it is sent only when no order of the other leg can be filled any more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.exchange.domain.links import Contingency
from services.exchange.domain.order import Order
from services.exchange.domain.slots import OrderList, Slot, is_unreleased, is_watched
from services.exchange.domain.states import OrderState
from services.exchange.domain.terms import TimeInForce, limit_of
from services.kernel.decimals import EXACT

OTHER_LEG_DONE: Final = "OTHER_LEG_DONE"
PARENT_DONE: Final = "PARENT_DONE"
NOTHING_LEFT: Final = "NOTHING_LEFT"
REPLACED: Final = "REPLACED"
MOST_TRIES: Final = 5
"""A protecting order that was denied or rejected is made anew so often; then a person is needed."""

_OURS: Final = frozenset({OTHER_LEG_DONE, PARENT_DONE, NOTHING_LEFT})
_RESTING: Final = frozenset({OrderState.OPEN, OrderState.PARTIALLY_FILLED})
_REFUSED: Final = frozenset({OrderState.DENIED, OrderState.REJECTED})
_ENDED_BY_OTHERS: Final = frozenset({OrderState.CANCELLED, OrderState.EXPIRED})
_AT_ONCE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_ZERO: Final = Decimal(0)

Fits = Callable[[Order, Decimal], bool]
"""Whether the venue would take an order with this quantity."""


@dataclass(frozen=True, slots=True)
class Release:
    """Let a child go: ask risk for so much, then send or watch it."""

    order_id: UUID
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Shrink:
    """Take a held order's quantity down; risk sees the other leg's fills and needs no word."""

    order_id: UUID
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Replace:
    """Put a new order of the same terms in an order's place, for so much; the old one may be final."""

    order_id: UUID
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Send:
    """Send a held order whose turn has come.

    Attributes:
        order_id: the order.
        quantity: how much of it.
        after: orders whose fills must be known whole: the venue is asked for them first.
    """

    order_id: UUID
    quantity: Decimal
    after: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel an order.

    Attributes:
        order_id: the order.
        reason: why, one of the contract's reasons.
        after: as of :class:`Send`.
    """

    order_id: UUID
    reason: str
    after: tuple[UUID, ...] = ()


ListStep = Release | Shrink | Replace | Send | Cancel


def next_steps(
    orders: Sequence[Order], fits: Fits, *, lot: Decimal = _ZERO, retry: bool = False
) -> tuple[ListStep, ...]:
    """What is to be done now, the protecting orders first; nothing where it is somebody else's turn.

    Args:
        orders: all of one list, or an order and the one that replaces it; oldest first.
        fits: whether the venue takes an order with a quantity.
        lot: of the instrument; 0 where any quantity is one.
        retry: whether a protecting order that was refused may be made anew now.
    """
    book = OrderList.of(orders, lot)
    steps: list[ListStep] = []
    for slot in reversed(book.exits):
        over = why_over(book, slot)
        steps += _fit(book, slot, fits, retry=retry) if over is None else _end(slot, *over)
    for slot in book.slots:
        if slot not in book.exits:
            steps += _turn(slot)
    return tuple(dict.fromkeys(steps))


def _end(slot: Slot, reason: str, after: tuple[UUID, ...]) -> Iterator[ListStep]:
    for order in slot.orders:
        if not order.final and order.state is not OrderState.PENDING_CANCEL:
            yield Cancel(order.order_id, reason, after)


def _fit(book: OrderList, slot: Slot, fits: Fits, *, retry: bool) -> Iterator[ListStep]:
    """Bring a leg that may be at work to what is left."""
    current, left, sibling = slot.current, book.left(slot), book.sibling(slot)
    if slot.coming is not None or left <= 0:
        return
    if _refused_just_now(slot, retry=retry) or (sibling is not None and _takes_over(book, sibling, slot)):
        fits = _nothing_fits
    if is_watched(current):
        if left < current.quantity:
            yield Shrink(current.order_id, left)
        elif left > current.quantity and fits(current, left):
            yield Replace(current.order_id, left)
    elif current.state is OrderState.HELD and not is_unreleased(current):
        yield from _turn_of_leg(book, slot, left)
    elif current.state in _RESTING and _rests(current):
        yield from _fit_resting(current, left, fits)
    elif fits(current, left):
        yield from _begin(book, slot, left, retry=retry)


def _begin(book: OrderList, slot: Slot, left: Decimal, *, retry: bool) -> Iterator[ListStep]:
    """Put a leg to work of which nothing is."""
    if is_unreleased(slot.current):
        yield Release(slot.current.order_id, left)
    elif slot.current.final and _renewable(book, slot, retry=retry):
        yield Replace(slot.current.order_id, left)


def _refused_just_now(slot: Slot, *, retry: bool) -> bool:
    """Whether an order that was to take the current one's place was refused: not again at once."""
    comers = [each for each in slot.orders if each.links.replaces == slot.current.order_id]
    refused = sum(each.state in _REFUSED for each in comers)
    return refused > 0 and not (retry and refused < MOST_TRIES)


def why_over(book: OrderList, slot: Slot) -> tuple[str, tuple[UUID, ...]] | None:
    """Why nothing of a slot may be at work any more, and whose fills that rests on; None where it may."""
    entry, sibling = book.entry, book.sibling(slot)
    if entry is not None and entry.filled == 0:
        if entry.over:
            return PARENT_DONE, entry.ended()
    elif book.left(slot) <= 0 and _closed(book, slot):
        return OTHER_LEG_DONE, ()
    if sibling is None:
        return None
    if _ended_badly(book, sibling) and not _stays(book, slot):
        return OTHER_LEG_DONE, ()
    parked = is_watched(slot.current) or is_unreleased(slot.current)
    if _takes_over(book, sibling, slot) and (not parked or slot.coming is not None):
        return OTHER_LEG_DONE, ()
    return None


def _closed(book: OrderList, slot: Slot) -> bool:
    """Whether nothing is left since it was filled, not since less than a lot was entered so far."""
    sibling = book.sibling(slot)
    begun = slot.filled > 0 or (sibling is not None and sibling.filled > 0)
    return begun or book.entry is None or book.entry.over


def _ended_badly(book: OrderList, slot: Slot) -> bool:
    """Whether a leg ended before it was filled, and not by our own doing."""
    order = slot.current
    if not slot.over or order.reason in _OURS:
        return False
    return order.state in _ENDED_BY_OTHERS or (book.entry is None and order.state in _REFUSED)


def _stays(book: OrderList, slot: Slot) -> bool:
    """A position does not lose its stop since somebody took back, or time ended, its profit target."""
    return book.contingency is Contingency.BRACKET and slot in book.guards


def _takes_over(book: OrderList, slot: Slot, from_slot: Slot) -> bool:
    """Whether a leg's trigger has gone off, after the other one's where that has, too."""
    mine, other = slot.current.trigger, from_slot.current.trigger
    if mine is None or mine.trigger_time is None:
        return False
    if other is None or other.trigger_time is None:
        return True
    if mine.trigger_time == other.trigger_time:
        return book.exits.index(slot) > book.exits.index(from_slot)
    return mine.trigger_time > other.trigger_time


def _renewable(book: OrderList, slot: Slot, *, retry: bool) -> bool:
    order = slot.current
    if order.state in _REFUSED:
        tries = sum(each.state in _REFUSED for each in slot.orders)
        return retry and slot in book.guards and tries < MOST_TRIES
    return order.state is OrderState.FILLED or order.reason in _OURS


def _turn_of_leg(book: OrderList, slot: Slot, left: Decimal) -> Iterator[ListStep]:
    """A held leg that waits neither for its trigger nor for its parent: it is its turn, or nearly."""
    sibling = book.sibling(slot)
    others = [] if sibling is None else sibling.blocking()
    for other in others:
        if other.state is not OrderState.PENDING_CANCEL:
            yield Cancel(other.order_id, OTHER_LEG_DONE)
    if not others and not slot.blocking():
        ended = slot.ended() + (() if sibling is None else sibling.ended())
        yield Send(slot.current.order_id, min(left, slot.current.quantity), ended)


def _turn(slot: Slot) -> Iterator[ListStep]:
    """An order outside of legs that takes another's place: it goes when that one has ended."""
    order = slot.current
    if order.state is not OrderState.HELD or order.links.replaces is None or is_watched(order):
        return
    if order.links.total is None or slot.blocking():
        return
    replaced = next((each for each in slot.orders if each.order_id == order.links.replaces), None)
    if replaced is None:
        return
    left = EXACT.subtract(order.links.total, replaced.filled_quantity)
    if left > 0:
        yield Send(order.order_id, min(left, order.quantity), slot.ended())
    else:
        yield Cancel(order.order_id, NOTHING_LEFT, slot.ended())


def _fit_resting(order: Order, left: Decimal, fits: Fits) -> Iterator[ListStep]:
    """Bring what rests at the venue to what is left; it is only ever taken out, and another one sent."""
    remainder = EXACT.subtract(order.quantity, order.filled_quantity)
    if remainder == left:
        return
    if fits(order, left):
        yield Replace(order.order_id, left)
    elif remainder > left:
        yield Cancel(order.order_id, OTHER_LEG_DONE)


def _rests(order: Order) -> bool:
    limit = limit_of(order.terms)
    return limit is not None and limit.time_in_force not in _AT_ONCE


def _nothing_fits(_: Order, __: Decimal) -> bool:
    return False
