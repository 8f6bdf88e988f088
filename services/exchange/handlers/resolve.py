"""Settles what is open between us and a venue: unknown outcomes and unconfirmed cancels.

Only the venue's evidence decides. "No such order" proves that an order never arrived only when the
venue says it twice: once long enough after the sending that no request can still be on its way, and
once more as long after that. If such an order should come up later in spite of it, its fills are
booked and the rest of it is cancelled (see ``reconcile``).
"""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.chassis.telemetry.correlation import correlated
from services.exchange.domain.order import Order
from services.exchange.domain.states import OrderState
from services.exchange.handlers.cancel_order import CancelOrder
from services.exchange.handlers.desks import Desk
from services.exchange.handlers.send_order import Outside, SendOrder, gone_off
from services.exchange.ports import NotThere, Step

_log = structlog.get_logger(__name__)
_UNSETTLED = frozenset({OrderState.UNKNOWN, OrderState.SUBMITTED, OrderState.PENDING_CANCEL})


class Resolver:
    """Looks at unsettled orders until there are none.

    Args:
        outside: what it stands on.
        sending: the orders being carried out here, which are left alone.
        cancelling: asks the venue to cancel.
    """

    def __init__(self, outside: Outside, sending: SendOrder, cancelling: CancelOrder) -> None:
        self._outside = outside
        self._sending = sending
        self._cancelling = cancelling
        self._absent_since: dict[UUID, datetime] = {}

    async def sweep(self, desk: Desk) -> None:
        """Look once at every unsettled order of a desk.

        Raises:
            VenueUnreachableError: the venue does not answer.
        """
        if not self._outside.store.is_writer(desk.account) or not desk.recovered:
            return
        async with self._outside.store.reading() as queries:
            orders = await queries.live_orders(desk.account, desk.venue_id, _UNSETTLED)
        known = {order.order_id for order in orders}
        for gone in [each for each in self._absent_since if each not in known]:
            del self._absent_since[gone]
        for order in orders:
            if not self._sending.under_way(order.order_id):
                with correlated(order.correlation_id):
                    await self._resolve(desk, order)

    async def wait(self, desk: Desk) -> None:
        """Wait for the next time to look: at once where something became unsettled."""
        try:
            async with asyncio.timeout(self._outside.timing.resolve):
                await desk.unsettled.wait()
        except TimeoutError:
            return
        desk.unsettled.clear()

    async def _resolve(self, desk: Desk, order: Order) -> None:
        if order.state is OrderState.PENDING_CANCEL:
            await self._resolve_cancel(desk, order)
            return
        told = await desk.venue.find(order.account, order.client_order_id)
        desk.venue_desk.heard()
        if told is None:
            await self._absent(order)
            return
        async with self._outside.store.writing(order.account) as transaction:
            current = await transaction.order(order.order_id) or order
            booked = await self._outside.booking.apply(transaction, current, told)
            await transaction.answer_creation(booked.after)
        self._outside.booking.report(booked)

    async def _resolve_cancel(self, desk: Desk, order: Order) -> None:
        if order.never_left:
            await self._cancelling.give_up_unsent(order)
            return
        _, outcome = await self._cancelling.attempt(order, self._outside.timing.send)
        if not isinstance(outcome, NotThere):
            return
        if await desk.venue.find(order.account, order.client_order_id) is None:
            await self._absent(order)

    async def _absent(self, order: Order) -> None:
        """The venue says that it has no such order: note it, or act on it the second time."""
        if order.venue_order_id:
            _log.error("order_missing_at_venue", order=order.name, venue_order_id=order.venue_order_id)
            return
        now = self._outside.clock.now()
        quiet = timedelta(seconds=self._outside.timing.quiet)
        if now < (order.submit_time or order.create_time) + quiet:
            return
        first = self._absent_since.setdefault(order.order_id, now)
        if now >= first + quiet:
            await self._settle_absent(order)

    async def _settle_absent(self, order: Order) -> None:
        outside = self._outside
        async with outside.store.writing(order.account) as transaction:
            current = await transaction.order(order.order_id) or order
            if current.state not in _UNSETTLED or current.venue_order_id:
                return
            after = self._never_arrived(current)
            await transaction.record_order(after)
            await transaction.answer_creation(after)
        self._absent_since.pop(order.order_id, None)
        outside.journal.reached(Step.OUTCOME_RESOLVED, after, reason=after.reason)

    def _never_arrived(self, order: Order) -> Order:
        now = self._outside.clock.now()
        cancelled = order.state is OrderState.PENDING_CANCEL
        if gone_off(order) and not cancelled:
            # A triggered order is wanted still, and goes out again under the same client order id.
            return order.moved(OrderState.HELD, now, submit_time=None)
        return order.moved(
            OrderState.CANCELLED if cancelled else OrderState.REJECTED,
            now,
            reason="VENUE_UNAVAILABLE",
            reason_message="the order never reached the venue, as the venue has said twice",
        )
