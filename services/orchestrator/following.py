"""Use case: follow the orders of cycles to their end, by the exchange's events."""

from datetime import datetime

from services.orchestrator.cycles import put_cycle, told
from services.orchestrator.domain.cycle import FINAL, Cycle, CycleState
from services.orchestrator.domain.order import OrderPhase, OrderView
from services.orchestrator.ports import Watched, Writer


class Follower:
    """Follows changes of orders inside one transaction, which also remembers that they were seen.

    The exchange tells every order of everybody. What the cycles wait for is read once for all events of
    the transaction; an order that nobody waits for costs nothing more.

    Args:
        writer: the transaction.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._watched: Watched | None = None

    async def follow(self, order: OrderView, *, strategy: str, now: datetime) -> None:
        """Take in a change of an order.

        Args:
            order: after the change.
            strategy: resource name of the strategy that placed it.
            now: the time.
        """
        if self._watched is None:
            self._watched = await self._writer.watched()
        if order.name in self._watched.orders:
            await self._move(order, now)
        elif strategy in self._watched.placing:
            # It may be the order of that cycle: the event is faster than the answer of CreateOrder.
            await self._writer.put_order_seen(order)

    async def _move(self, order: OrderView, now: datetime) -> None:
        cycle = await self._writer.cycle_of_order(order.name)
        if cycle is None or cycle.state in FINAL:
            return
        moved = _after_order(cycle, order, now)
        if moved is not cycle:
            await put_cycle(self._writer, moved)


def _after_order(cycle: Cycle, order: OrderView, now: datetime) -> Cycle:
    if order.phase is OrderPhase.WORKING and order.filled_quantity == cycle.filled_quantity:
        return cycle
    state = CycleState.ORDERED if order.phase is OrderPhase.WORKING else CycleState.COMPLETED
    return cycle.to(state, told(order), now, reason=order.reason, filled_quantity=order.filled_quantity)
