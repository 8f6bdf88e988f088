"""Does what is to be done next in a family of orders, each step checked anew inside its transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog

from services.exchange.domain.list_steps import (
    Cancel,
    Fits,
    ListStep,
    Release,
    Replace,
    Send,
    Shrink,
    next_steps,
)
from services.exchange.domain.order import Handling, Order
from services.exchange.domain.replacement import ended, intent_of, released, sent, shown, successor
from services.exchange.domain.states import OrderState
from services.exchange.handlers.cancel_order import CancelOrder
from services.exchange.handlers.desks import Desk
from services.exchange.handlers.families import Family, orders_of
from services.exchange.handlers.send_order import Outside, SendOrder
from services.exchange.handlers.timing import Budget
from services.exchange.ports import Approved, Denied, RiskUnavailableError, Transaction, VenueUnreachableError
from services.exchange.ports import Step as Named
from services.kernel.errors import DomainError

_log = structlog.get_logger(__name__)
_REFUSED: Final = frozenset({OrderState.DENIED, OrderState.REJECTED})
_FIRST_PAUSE_S: Final = 0.01
_LONGEST_PAUSE_S: Final = 0.2


class ListWork:
    """Takes single steps.

    Args:
        outside: what it stands on.
        sending: carries orders out.
        cancelling: asks venues to cancel.
    """

    def __init__(self, outside: Outside, sending: SendOrder, cancelling: CancelOrder) -> None:
        self._outside = outside
        self._sending = sending
        self._cancelling = cancelling
        self._denials: dict[UUID, str] = {}
        self._not_before: dict[UUID, float] = {}

    def fits(self, desk: Desk) -> Fits:
        """Whether the venue of a desk takes orders with a quantity, by its rules."""

        def check(order: Order, quantity: Decimal) -> bool:
            rules = desk.venue_desk.rules(order.instrument)
            if rules is None:
                return False
            try:
                rules.check(intent_of(order, quantity))
            except DomainError:
                return False
            return True

        return check

    def steps(self, desk: Desk, orders: Sequence[Order]) -> tuple[ListStep, ...]:
        """What is to be done now."""
        lot = desk.venue_desk.lot(orders[0].instrument)
        return next_steps(orders, self.fits(desk), lot=lot, retry=self.may_retry(orders))

    def may_retry(self, orders: Sequence[Order]) -> bool:
        """Whether it is long enough ago that an order of these was refused to try again."""
        newest = max((each.update_time for each in orders if each.state in _REFUSED), default=None)
        pause = timedelta(seconds=self._outside.timing.risk)
        return newest is not None and self._outside.clock.now() >= newest + pause

    async def take(self, desk: Desk, family: Family, step: ListStep) -> bool:
        """Take a step, if it still is one. Answers whether to look again at once.

        Raises:
            DomainError: WRITER_FENCED, or the database cannot be used.
        """
        try:
            match step:
                case Release():
                    return await self._release(desk, family, step)
                case Replace():
                    return await self._replace(desk, family, step)
                case Shrink():
                    return await self._shrink(desk, family, step)
                case Send():
                    return await self._send(desk, family, step)
                case Cancel():
                    return await self._cancel(desk, family, step)
        except VenueUnreachableError as error:
            _log.warning("linked_orders_wait_for_venue", venue=desk.venue_id, detail=str(error))
            return False

    async def _release(self, desk: Desk, family: Family, step: Release) -> bool:
        order = await self._order(step.order_id)
        if not await self._agreed(replace(order, quantity=step.quantity)):
            return False
        held = order.trigger is not None and order.links.linked is not None
        native = desk.venue.capabilities.handling(order.terms)
        async with self._outside.store.writing(family.account) as transaction:
            current = await self._still(transaction, desk, family, step)
            if current is None:
                return True
            handling = Handling.EMULATED if held else native
            after = released(current, step.quantity, handling, self._outside.clock.now())
            await transaction.record_order(after)
        self._outside.journal.reached(Named.CHILD_RELEASED, after)
        await self._sending.carry_out(after, self._budget())
        return True

    async def _replace(self, desk: Desk, family: Family, step: Replace) -> bool:
        old = await self._order(step.order_id)
        clock, new_id = self._outside.clock, self._outside.ids.new()
        if not await self._agreed(successor(old, step.quantity, new_id, clock.now())):
            return False
        async with self._outside.store.writing(family.account) as transaction:
            current = await self._still(transaction, desk, family, step)
            if current is None:
                return True
            new = successor(current, step.quantity, new_id, clock.now())
            if current.final:
                links = replace(current.links, replaced_by=new_id)
                await transaction.record_order(current.moved(current.state, clock.now(), links=links))
            await transaction.record_order(new)
        self._outside.journal.reached(Named.REPLACEMENT_COMMITTED, new, replaces=current.name)
        await self.follow_up(await self._sending.carry_out(new, self._budget()), self._budget())
        return True

    async def follow_up(self, new: Order, budget: Budget) -> None:
        """Have the old order cancelled at its venue, once a new one waits for its end."""
        if new.state is not OrderState.HELD or new.links.replaces is None:
            return
        old = await self._order(new.links.replaces)
        if old.state is OrderState.PENDING_CANCEL:
            self._outside.journal.reached(Named.CANCEL_COMMITTED, old)
            await self._cancelling.work_off(old, budget)
            self._unsettled(old)

    async def _shrink(self, desk: Desk, family: Family, step: Shrink) -> bool:
        async with self._outside.store.writing(family.account) as transaction:
            current = await self._still(transaction, desk, family, step)
            if current is None:
                return True
            terms = shown(current.terms, step.quantity)
            after = current.moved(
                current.state, self._outside.clock.now(), quantity=step.quantity, terms=terms
            )
            await transaction.record_order(after)
        self._outside.journal.reached(Named.QUANTITY_SHRUNK, after)
        return True

    async def _send(self, desk: Desk, family: Family, step: Send) -> bool:
        loop = asyncio.get_running_loop()
        if loop.time() < self._not_before.get(step.order_id, 0.0):
            return False
        await self._hear_all(desk, step.after)
        async with self._outside.store.writing(family.account) as transaction:
            current = await self._still(transaction, desk, family, step)
            if current is None:
                return True
            after = sent(current, step.quantity, self._outside.clock.now())
            await transaction.record_order(after)
        self._outside.journal.reached(Named.TURN_COMMITTED, after)
        after = await self._sending.carry_out(after, self._budget())
        self._not_before.pop(after.order_id, None)
        if after.state is OrderState.HELD:
            # The venue could not be reached. It is wanted still, but not at once.
            self._not_before[after.order_id] = loop.time() + self._outside.timing.resolve
        return after.state is not OrderState.HELD

    async def _cancel(self, desk: Desk, family: Family, step: Cancel) -> bool:
        await self._hear_all(desk, step.after)
        async with self._outside.store.writing(family.account) as transaction:
            current = await self._still(transaction, desk, family, step)
            if current is None:
                return True
            after = ended(current, step.reason, self._outside.clock.now())
            await transaction.record_order(after)
            if after.final:
                await transaction.answer_creation(after)
        if after.final:
            self._outside.journal.reached(Named.CANCELLED, after, reason=after.reason)
            return True
        self._outside.journal.reached(Named.CANCEL_COMMITTED, after, reason=after.reason)
        await self._cancelling.work_off(after, self._budget())
        self._unsettled(after)
        return True

    async def _agreed(self, order: Order) -> bool:
        """Whether risk would let an order go now.

        Risk learns of the entry's fill at the same time as we do, so a no is asked about again for a
        while. Only a yes is followed by the question that counts: its answer stays for good.
        """
        loop = asyncio.get_running_loop()
        end, pause = loop.time() + self._outside.timing.risk, _FIRST_PAUSE_S
        while True:
            verdict = await self._preview(order)
            if isinstance(verdict, Approved):
                self._denials.pop(order.links.replaces or order.order_id, None)
                return True
            if loop.time() + pause > end:
                break
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
        known = order.links.replaces or order.order_id
        if self._denials.get(known) != verdict.reason:
            self._denials[known] = verdict.reason
            _log.error("linked_order_denied", order=order.name, reason=verdict.reason, detail=verdict.message)
        return False

    async def _preview(self, order: Order) -> Approved | Denied:
        try:
            return await self._outside.risk.preview(order, self._outside.timing.risk)
        except RiskUnavailableError as error:
            return Denied("RISK_UNAVAILABLE", str(error))

    async def _still(
        self, transaction: Transaction, desk: Desk, family: Family, step: ListStep
    ) -> Order | None:
        """The order of a step that is still to be taken; None where things have moved on."""
        orders = await orders_of(transaction, family)
        if not orders or step not in self.steps(desk, orders):
            return None
        return next(order for order in orders if order.order_id == step.order_id)

    async def _hear_all(self, desk: Desk, order_ids: Sequence[UUID]) -> None:
        """Ask the venue for all fills of orders that have ended: what is sent next is what they left.

        Raises:
            VenueUnreachableError: it does not answer.
        """
        for order_id in order_ids:
            order = await self._order(order_id)
            told = await desk.venue.find(order.account, order.client_order_id)
            if told is None:
                continue
            async with self._outside.store.writing(order.account) as transaction:
                current = await transaction.order(order_id) or order
                booked = await self._outside.booking.apply(transaction, current, told)
            self._outside.booking.report(booked)

    async def _order(self, order_id: UUID) -> Order:
        async with self._outside.store.reading() as queries:
            order = await queries.order(order_id)
        if order is None:
            raise AssertionError(f"order {order_id} was committed and is gone")
        return order

    def _unsettled(self, order: Order) -> None:
        self._outside.desks.desk(order.account, order.venue).unsettled.set()

    def _budget(self) -> Budget:
        timing = self._outside.timing
        return Budget(timing.risk + timing.send + timing.margin, timing.margin)
