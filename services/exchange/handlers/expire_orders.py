"""Ends orders whose time is up, where the venue does not do it."""

from services.chassis.telemetry.correlation import correlated
from services.exchange.domain.evidence import TIME_IN_FORCE
from services.exchange.domain.order import Order
from services.exchange.domain.states import OrderState
from services.exchange.handlers.cancel_order import CancelOrder
from services.exchange.handlers.desks import Desk
from services.exchange.handlers.held_orders import HeldOrders
from services.exchange.handlers.send_order import Outside
from services.exchange.ports import Step

_AT_VENUE = frozenset({OrderState.OPEN, OrderState.PARTIALLY_FILLED, OrderState.UNKNOWN})
_ENDING = _AT_VENUE | {OrderState.HELD}


class ExpireOrders:
    """Cancels at the venue what it would let rest for ever, and ends what is held here.

    Args:
        outside: what it stands on.
        held: the steps of held orders.
        cancelling: asks the venue to cancel.
    """

    def __init__(self, outside: Outside, held: HeldOrders, cancelling: CancelOrder) -> None:
        self._outside = outside
        self._held = held
        self._cancelling = cancelling

    async def sweep(self, desk: Desk) -> None:
        """Look once at the orders of a desk that have an end.

        Raises:
            DomainError: WRITER_FENCED, or the database cannot be used.
        """
        if not desk.recovered or not self._outside.store.is_writer(desk.account):
            return
        async with self._outside.store.reading() as queries:
            orders = await queries.ending_orders(desk.account, desk.venue_id, _ENDING)
        now = self._outside.clock.now()
        for order in orders:
            if order.end_time is None or order.end_time > now:
                continue
            with correlated(order.correlation_id):
                if order.state is OrderState.HELD:
                    await self._held.expire(order)
                elif desk.venue.capabilities.ended_here(order):
                    await self._end(order)

    async def _end(self, order: Order) -> None:
        outside = self._outside
        async with outside.store.writing(order.account) as transaction:
            current = await transaction.order(order.order_id)
            if current is None or current.state not in _AT_VENUE:
                return
            wished = current.moved(
                OrderState.PENDING_CANCEL,
                outside.clock.now(),
                reason=TIME_IN_FORCE,
                reason_message="the order ran out of time",
            )
            await transaction.record_order(wished)
        outside.journal.reached(Step.CANCEL_COMMITTED, wished, reason=TIME_IN_FORCE)
        await self._cancelling.attempt(wished, outside.timing.send)
