"""Takes up the orders that were left half-way."""

from datetime import timedelta

import structlog

from services.chassis.telemetry.correlation import correlated
from services.exchange.domain.order import Order
from services.exchange.domain.states import OrderState
from services.exchange.handlers.booking import Booked
from services.exchange.handlers.desks import Desk
from services.exchange.handlers.send_order import Outside, SendOrder, gone_off, required_order
from services.exchange.handlers.timing import Budget
from services.exchange.ports import Transaction

_log = structlog.get_logger(__name__)


class ResumeOrders:
    """Walks on with the orders that were left PENDING or SUBMITTED.

    By a process that died, or by a run in this one that could not commit its next step.

    Args:
        outside: what it stands on.
        sending: carries them out.
    """

    def __init__(self, outside: Outside, sending: SendOrder) -> None:
        self._outside = outside
        self._sending = sending

    async def resume(self, desk: Desk) -> None:
        """Bring each to a state that is an answer: sent, denied, or left to the venue's evidence.

        Raises:
            VenueUnreachableError: the venue does not answer; call it again.
        """
        async with self._outside.store.reading() as queries:
            half_way = await queries.live_orders(
                desk.account, desk.venue_id, frozenset({OrderState.PENDING, OrderState.SUBMITTED})
            )
        for order in half_way:
            if not self._sending.under_way(order.order_id):
                with correlated(order.correlation_id):
                    await self._resume(desk, order)

    async def resume_idle(self, desk: Desk) -> None:
        """Take up the orders that are PENDING here and that nobody carries out, since a while.

        Their run ended where the database could not be used. Those that are SUBMITTED are settled by
        the venue's evidence instead.

        Raises:
            DomainError: WRITER_FENCED, or the database cannot be used still.
        """
        async with self._outside.store.reading() as queries:
            pending = await queries.live_orders(desk.account, desk.venue_id, frozenset({OrderState.PENDING}))
        # An order that was committed this moment is about to be carried out by whoever committed it.
        before = self._outside.clock.now() - timedelta(seconds=self._outside.timing.quiet)
        for order in pending:
            if order.update_time < before and not self._sending.under_way(order.order_id):
                with correlated(order.correlation_id):
                    await self._resume(desk, order)

    async def _resume(self, desk: Desk, order: Order) -> None:
        timing = self._outside.timing
        budget = Budget(timing.risk + timing.send + timing.margin, timing.margin)
        if order.state is OrderState.PENDING:
            _log.info("order_resumed", order=order.name, state=order.state.value)
            await self._sending.carry_out(order, budget)
            return
        told = await desk.venue.find(order.account, order.client_order_id)
        age = self._outside.clock.now() - (order.submit_time or order.create_time)
        # A triggered order is wanted however late it is: what it protects from has happened.
        if told is None and (gone_off(order) or age <= timedelta(seconds=timing.stale)):
            # The venue refuses a second order with this client order id, should the first sending
            # still be on its way.
            _log.info("order_resumed", order=order.name, state=order.state.value)
            await self._sending.carry_out(order, budget, sent_before=True)
            return
        async with self._outside.store.writing(order.account) as transaction:
            current = await required_order(transaction, order.order_id)
            if told is not None:
                booked = await self._outside.booking.apply(transaction, current, told)
            else:
                booked = Booked(current, await self._unknown(transaction, current))
            await transaction.answer_creation(booked.after)
        self._outside.booking.report(booked)

    async def _unknown(self, transaction: Transaction, order: Order) -> Order:
        """Too old to be sent again: the resolver finds out whether the first sending arrived."""
        if order.state is not OrderState.SUBMITTED:
            return order
        after = order.moved(OrderState.UNKNOWN, self._outside.clock.now())
        await transaction.record_order(after)
        return after
