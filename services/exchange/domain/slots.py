"""The orders of a list by their places: how much each may still fill, and what protects the entry."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import Final
from uuid import UUID

from services.exchange.domain.assets import Side
from services.exchange.domain.links import Contingency
from services.exchange.domain.order import Handling, Order
from services.exchange.domain.states import OrderState
from services.kernel.decimals import EXACT

_ZERO: Final = Decimal(0)
_STOP_SLOT: Final = 2


@dataclass(frozen=True, slots=True)
class Slot:
    """An order and those that took its place.

    Attributes:
        orders: all of them; those that risk denied before they took a place are among them.
        current: the one whose place it is.
        coming: the one that is to take the place once risk has approved; None for none.
    """

    orders: tuple[Order, ...]
    current: Order
    coming: Order | None

    @property
    def filled(self) -> Decimal:
        """What all of them have filled."""
        return _sum(order.filled_quantity for order in self.orders)

    @property
    def received(self) -> Decimal:
        """What of that there is to sell: a venue may take a buy's fee out of what was bought."""
        if self.current.side is Side.SELL:
            return self.filled
        fees = _sum(order.base_fees for order in self.orders)
        return min(self.filled, EXACT.subtract(self.filled, fees))

    @property
    def over(self) -> bool:
        """Whether none of them can be filled any more, as far as we know."""
        return self.current.final and self.coming is None

    def blocking(self) -> list[Order]:
        """Those that stand at the venue, or may be on their way there."""
        return [each for each in self.orders if not each.final and not _stays_here(each)]

    def ended(self) -> tuple[UUID, ...]:
        """Final ones that the venue knows, whose last fills may not have been told yet."""
        return tuple(each.order_id for each in self.orders if each.final and not each.never_left)


@dataclass(frozen=True, slots=True)
class OrderList:
    """Orders that belong together, by their slots.

    Attributes:
        contingency: what they are to each other; NONE for an order alone with those that replace it.
        slots: in the order of the list: the entry first, where there is one.
        lot: quantities at the venue are whole multiples of it; 0 for any quantity.
    """

    contingency: Contingency
    slots: tuple[Slot, ...]
    lot: Decimal = _ZERO

    @classmethod
    def of(cls, orders: Sequence[Order], lot: Decimal = _ZERO) -> "OrderList":
        """Put the orders of one list in order: by the time of their intents, and by what they replace."""
        known = {order.order_id: order for order in orders}
        roots = [order for order in orders if order.links.replaces not in known]
        return cls(orders[0].links.contingency, tuple(_slot(root, orders) for root in roots), lot)

    @property
    def entry(self) -> Slot | None:
        """The slot whose fills release the others; None where there is none."""
        first = self.slots[0]
        waits = any(slot.current.links.parent is not None for slot in self.slots)
        return first if waits else None

    @property
    def exits(self) -> tuple[Slot, ...]:
        """The slots that wait for an entry, or for each other."""
        if self.entry is not None:
            return self.slots[1:]
        return self.slots if self.contingency is Contingency.OCO else ()

    def sibling(self, slot: Slot) -> Slot | None:
        """The other leg; None for an order that has none."""
        if slot.current.links.linked is None:
            return None
        return next((each for each in self.exits if each is not slot), None)

    def budget(self, slot: Slot) -> Decimal:
        """How much a slot and its sibling may fill together."""
        entry = self.entry
        if entry is None:
            return slot.current.links.total or slot.current.quantity
        closes = slot.current.side is not entry.current.side
        return _whole(entry.received if closes else entry.filled, self.lot)

    def left(self, slot: Slot) -> Decimal:
        """How much of that is not filled yet."""
        sibling = self.sibling(slot)
        gone = EXACT.add(slot.filled, _ZERO if sibling is None else sibling.filled)
        return EXACT.subtract(self.budget(slot), gone)

    def slot_of(self, order_id: UUID) -> Slot:
        """The slot of an order."""
        return next(slot for slot in self.slots if any(each.order_id == order_id for each in slot.orders))

    @property
    def guards(self) -> tuple[Slot, ...]:
        """The slots that protect what the entry has filled: they close it, a bracket's at a loss."""
        entry = self.entry
        if entry is None:
            return ()
        if self.contingency is Contingency.BRACKET:
            return self.slots[_STOP_SLOT:]
        return tuple(slot for slot in self.exits if slot.current.side is not entry.current.side)


def unprotected(orders: Sequence[Order], lot: Decimal = _ZERO) -> bool:
    """Whether part of the entry is filled and less than that is at work to close it at a loss.

    Args:
        orders: of one list.
        lot: of the instrument; what is below one lot cannot be sold, and raises no alarm.
    """
    book = OrderList.of(orders, lot)
    if book.entry is None or not book.guards:
        return False
    closing = [slot for slot in book.exits if slot.current.side is not book.entry.current.side]
    closed = _sum(slot.filled for slot in closing)
    open_quantity = EXACT.subtract(_whole(book.entry.received, lot), closed)
    return open_quantity > 0 and max(_at_work(slot) for slot in book.guards) < open_quantity


def is_watched(order: Order) -> bool:
    """Whether a held order waits for its trigger, so that the market is watched for it."""
    waits = order.trigger is not None and not order.trigger.gone_off
    return order.state is OrderState.HELD and order.handling is Handling.EMULATED and waits


def held_once_approved(order: Order) -> bool:
    """Whether an order is held here when risk has approved it: for its trigger, or until its turn."""
    goes_off_here = order.handling is Handling.EMULATED and order.trigger is not None
    return goes_off_here or order.links.replaces is not None


def is_unreleased(order: Order) -> bool:
    """Whether a held order waits for its parent's first fill."""
    waits = order.links.parent is not None and order.handling is Handling.UNSPECIFIED
    return order.state is OrderState.HELD and waits


def _slot(root: Order, orders: Sequence[Order]) -> Slot:
    chain = [root]
    for member in chain:
        chain += [each for each in orders if each.links.replaces == member.order_id]
    by_id = {order.order_id: order for order in chain}
    current = root
    while current.links.replaced_by in by_id:
        current = by_id[current.links.replaced_by]
    coming = next(
        (each for each in chain if each.links.replaces == current.order_id and not each.final), None
    )
    return Slot(tuple(chain), current, coming)


def _at_work(slot: Slot) -> Decimal:
    """How much of a slot can be filled, or is watched to be."""
    working = [
        each
        for each in slot.orders
        if not each.final and each.state is not OrderState.PENDING and not is_unreleased(each)
    ]
    return max((EXACT.subtract(each.quantity, each.filled_quantity) for each in working), default=_ZERO)


def _stays_here(order: Order) -> bool:
    if order.state is OrderState.PENDING:
        return held_once_approved(order)
    return order.state is OrderState.HELD


def _sum(amounts: "Iterator[Decimal]") -> Decimal:
    return reduce(EXACT.add, amounts, _ZERO)


def _whole(quantity: Decimal, lot: Decimal) -> Decimal:
    """A quantity in whole lots, the rest left out."""
    return quantity if lot == 0 else EXACT.subtract(quantity, EXACT.remainder(quantity, lot))
