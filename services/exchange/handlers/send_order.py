"""Carries one order out: reservation, sending, outcome, each committed before the next begins."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

import structlog

from services.exchange.domain.links import NO_LINKS
from services.exchange.domain.order import Handling, Order
from services.exchange.domain.replacement import admitted
from services.exchange.domain.slots import is_watched
from services.exchange.domain.states import OrderState
from services.exchange.handlers.booking import Booked, Booking
from services.exchange.handlers.desks import Desk, Desks
from services.exchange.handlers.timing import Budget, Timing
from services.exchange.ports import (
    Accepted,
    AlreadyThere,
    Approved,
    Denied,
    Journal,
    NotSent,
    PlaceOutcome,
    Queries,
    Refused,
    RiskGate,
    RiskUnavailableError,
    StaleOrderError,
    Step,
    Store,
    Transaction,
    Uncertain,
    VenueUnreachableError,
)
from services.kernel.clock import Clock, IdSource

T = TypeVar("T")
_log = structlog.get_logger(__name__)
_UNAVAILABLE = "VENUE_UNAVAILABLE"
_NOT_SENT = {
    _UNAVAILABLE: "nothing reached the venue",
    "VENUE_RATE_LIMITED": "the venue's rate limit is used up but for the reserve, or it asked for a pause",
    "LIVE_TRADING_OFF": "a setting keeps orders from leaving for this live venue",
}
"""What an order that was not sent says to a person, by its reason."""
_STEPS = {
    OrderState.HELD: Step.HELD,
    OrderState.DENIED: Step.DENIED,
    OrderState.CANCELLED: Step.CANCELLED,
    OrderState.EXPIRED: Step.EXPIRED,
}
_SENDABLE = frozenset({OrderState.SUBMITTED, OrderState.PENDING_CANCEL})


Change = Callable[[Transaction, Order], Awaitable[Order]]
"""Gives an order after a change, inside the transaction that will record it."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the order use cases stand on."""

    store: Store
    desks: Desks
    risk: RiskGate
    journal: Journal
    booking: Booking
    clock: Clock
    ids: IdSource
    timing: Timing


@dataclass(frozen=True, slots=True)
class Walked:
    """Where a run left an order.

    Attributes:
        order: as it was committed last.
        answered: whether that was kept as the first answer of the request that made it.
    """

    order: Order
    answered: bool = False


class SendOrder:
    """Walks an order from its committed intent to the venue's answer.

    Args:
        outside: what it stands on.

    Attributes:
        held: set when an order begins to be held here.
    """

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._under_way: dict[UUID, asyncio.Event] = {}
        self.held = asyncio.Event()

    def under_way(self, order_id: UUID) -> bool:
        """Whether this process is carrying the order out right now."""
        return order_id in self._under_way

    async def wait(self, order_id: UUID, within: float) -> None:
        """Wait until this process is done with the order, or the time is up."""
        done = self._under_way.get(order_id)
        if done is not None:
            try:
                async with asyncio.timeout(within):
                    await done.wait()
            except TimeoutError:
                return

    async def carry_out(self, order: Order, budget: Budget, *, sent_before: bool = False) -> Order:
        """Walk the remaining steps of an order that is PENDING or SUBMITTED.

        Args:
            order: as it was committed.
            budget: how long it may take.
            sent_before: an earlier process may have sent it, so that this sending's failure proves
                nothing about that one.
        """
        if order.state is OrderState.PENDING and self.under_way(order.order_id):
            # Whoever looks for idle orders found it before the run that committed it went on.
            await self.wait(
                order.order_id, budget.within(self._outside.timing.risk + self._outside.timing.send)
            )
            async with self._outside.store.reading() as queries:
                return await queries.order(order.order_id) or order
        with self._carrying(order.order_id):
            return (await self._walk(order, budget, sent_before=sent_before)).order

    async def place(self, order: Order, budget: Budget) -> Walked:
        """Walk all steps of an order whose intent was committed this moment, by the caller."""
        if self.under_way(order.order_id):
            # Whoever looks for idle orders was faster.
            return Walked(await self.carry_out(order, budget))
        with self._carrying(order.order_id):
            return await self._walk(order, budget)

    async def take_up(self, order: Order, change: Change, step: Step, budget: Budget) -> Order:
        """Change an order inside a transaction, and carry it out from there, if it leaves so.

        Nothing happens where this process is carrying it out already.

        Args:
            order: as it was last seen.
            change: gives the order after the change, or the same where there is nothing to change.
            step: what the change is, for the journal.
            budget: how long it may take.
        """
        if self.under_way(order.order_id):
            return order
        with self._carrying(order.order_id):
            async with self._outside.store.writing(order.account) as transaction:
                current = await required_order(transaction, order.order_id)
                after = await change(transaction, current)
                if after is not current:
                    await transaction.record_order(after)
            if after is current:
                return current
            if after.final:
                step = _STEPS[after.state]
            self._outside.journal.reached(step, after, reason=after.reason)
            return (await self._walk(after, budget)).order

    @contextmanager
    def _carrying(self, order_id: UUID) -> Iterator[None]:
        self._under_way[order_id] = done = asyncio.Event()
        try:
            yield
        finally:
            # A held order may have been taken up again by whoever it waited for, before this run ended.
            if self._under_way.get(order_id) is done:
                del self._under_way[order_id]
            done.set()

    async def _walk(self, order: Order, budget: Budget, *, sent_before: bool = False) -> Walked:
        walked = Walked(order)
        if order.state is OrderState.PENDING or (
            order.state is OrderState.PENDING_CANCEL and order.never_left
        ):
            walked = await self._reserve(order, budget)
        if walked.order.state is OrderState.SUBMITTED:
            walked = await self._send(walked.order, budget, sent_before=sent_before)
        return walked

    async def _changed(self, order: Order, change: Callable[[Transaction, Order], Awaitable[T]]) -> T:
        """One transaction on an order, as this run knows it: it has committed that version itself.

        Where somebody was faster (the venue's stream, a cancel), nothing of it is written, and it is done
        again on the order as it is by then. An order of a list is read in any case, with its list.
        """
        store = self._outside.store
        if order.links == NO_LINKS:
            with suppress(StaleOrderError):
                async with store.writing(order.account) as transaction:
                    return await change(transaction, order)
        async with store.writing(order.account) as transaction:
            return await change(transaction, await required_order(transaction, order.order_id))

    async def _reserve(self, order: Order, budget: Budget) -> Walked:
        """Ask risk, then commit SUBMITTED or DENIED (or CANCELLED, where a cancel was faster)."""
        verdict = await self._ask_risk(order, budget)
        if isinstance(verdict, Approved):
            self._outside.journal.reached(Step.RESERVED, order)
        walked = await self._changed(order, partial(self._after_risk, verdict))
        after = walked.order
        step = Step.SUBMITTED if after.state is OrderState.SUBMITTED else _STEPS.get(after.state)
        if step is not None:
            self._outside.journal.reached(step, after, reason=after.reason)
        if after.state is OrderState.HELD:
            self.held.set()
        return walked

    async def _ask_risk(self, order: Order, budget: Budget) -> Approved | Denied:
        outside = self._outside
        age = outside.clock.now() - order.create_time
        if age > timedelta(seconds=outside.timing.stale) and not _never_stale(order):
            seconds = int(age.total_seconds())
            return Denied(
                "ORDER_STALE", f"the service was down; the order is {seconds} s old and was not sent"
            )
        try:
            return await outside.risk.reserve(order, budget.within(outside.timing.risk))
        except RiskUnavailableError as error:
            # The transport's text is for our log, not for callers outside the mesh.
            _log.warning("risk_unavailable", order=order.name, detail=str(error))
            return Denied("RISK_UNAVAILABLE", "risk did not decide, so the order was not sent")

    async def _after_risk(self, verdict: Approved | Denied, transaction: Transaction, order: Order) -> Walked:
        now = self._outside.clock.now()
        if order.state is OrderState.PENDING_CANCEL and order.never_left:
            after = order.moved(OrderState.CANCELLED, now)
        elif order.state is not OrderState.PENDING:
            return Walked(order)
        elif isinstance(verdict, Approved):
            lot = self._outside.desks.desk(order.account, order.venue).venue_desk.lot(order.instrument)
            *others, after = admitted(order, await related_orders(transaction, order), now, lot)
            for other in others:
                await transaction.record_order(other)
        else:
            after = order.moved(OrderState.DENIED, now, reason=verdict.reason, reason_message=verdict.message)
        await transaction.record_order(after)
        if after.final or is_watched(after):
            return Walked(after, await transaction.answer_creation(after))
        return Walked(after)

    async def _send(self, order: Order, budget: Budget, *, sent_before: bool) -> Walked:
        outside = self._outside
        desk = outside.desks.desk(order.account, order.venue)
        outcome = await desk.venue.place(
            desk.venue.capabilities.as_sent(order), budget.within(outside.timing.send)
        )
        outside.journal.reached(Step.VENUE_ANSWERED, order, outcome=type(outcome).__name__)
        if isinstance(outcome, AlreadyThere):
            outcome = await _look_up(desk, order)
        if sent_before and isinstance(outcome, NotSent | Refused):
            outcome = Uncertain(f"sent again after a restart: {outcome.message}")
        booked, answered = await self._changed(order, partial(self._after_sending, outcome))
        self._report(desk, booked, outcome)
        return Walked(booked.after, answered)

    async def _after_sending(
        self, outcome: PlaceOutcome, transaction: Transaction, order: Order
    ) -> tuple[Booked, bool]:
        """Book what came of the sending, and with it the answer that a repeat will get."""
        if isinstance(outcome, Accepted):
            booked = await self._outside.booking.apply(transaction, order, outcome.order)
        else:
            booked = Booked(order, self._unaccepted(order, outcome))
            if booked.after is not order:
                await transaction.record_order(booked.after)
        return booked, await transaction.answer_creation(booked.after)

    def _unaccepted(self, order: Order, outcome: PlaceOutcome) -> Order:
        if order.state not in _SENDABLE:
            # The venue's stream was faster, and what it told is evidence.
            return order
        now = self._outside.clock.now()
        waiting_cancel = order.state is OrderState.PENDING_CANCEL
        match outcome:
            case Refused(reason, message):
                return order.moved(OrderState.REJECTED, now, reason=reason, reason_message=message)
            case NotSent() if not waiting_cancel and gone_off(order):
                # What it protects from is happening: it leaves once the venue can be reached.
                return order.moved(OrderState.HELD, now, submit_time=None)
            case NotSent(reason=reason):
                state = OrderState.CANCELLED if waiting_cancel else OrderState.DENIED
                return order.moved(state, now, reason=reason, reason_message=_NOT_SENT[reason])
            case _ if waiting_cancel:
                return order
            case _:
                return order.moved(OrderState.UNKNOWN, now)

    def _report(self, desk: Desk, booked: Booked, outcome: PlaceOutcome) -> None:
        after = booked.after
        if isinstance(outcome, Accepted):
            desk.venue_desk.heard()
            self._outside.booking.report(booked)
        elif after.state is OrderState.REJECTED:
            desk.venue_desk.heard()
            self._outside.journal.reached(Step.REJECTED, after, reason=after.reason)
        elif after.state is OrderState.DENIED:
            if isinstance(outcome, NotSent) and outcome.reason == _UNAVAILABLE:
                desk.venue_desk.silent(outcome.message)
            self._outside.journal.reached(Step.DENIED, after, reason=after.reason)
        elif after.state is OrderState.HELD:
            if isinstance(outcome, NotSent) and outcome.reason == _UNAVAILABLE:
                desk.venue_desk.silent(outcome.message)
            self._outside.journal.reached(Step.HELD, after)
        elif isinstance(outcome, Uncertain):
            self._outside.journal.reached(Step.OUTCOME_UNKNOWN, after, detail=outcome.message)
        if after.state in {OrderState.UNKNOWN, OrderState.PENDING_CANCEL}:
            desk.unsettled.set()


def gone_off(order: Order) -> bool:
    """Whether it had a trigger that has gone off here, so that it is to leave in spite of everything."""
    return order.handling is Handling.EMULATED and order.trigger is not None and order.trigger.gone_off


def waits_for_trigger(order: Order) -> bool:
    """Whether it has a trigger that is watched here and has not gone off."""
    return order.handling is Handling.EMULATED and order.trigger is not None and not order.trigger.gone_off


async def required_order(transaction: Transaction, order_id: UUID) -> Order:
    """An order that was committed.

    Raises:
        AssertionError: it is not there: a fault of ours.
    """
    order = await transaction.order(order_id)
    if order is None:
        raise AssertionError(f"order {order_id} was committed and is gone")
    return order


async def related_orders(queries: Queries, order: Order) -> Sequence[Order]:
    """The whole list of an order; else itself, and before it the order that it replaces."""
    if order.links.order_list is not None:
        return await queries.list_orders(order.links.order_list)
    replaced = order.links.replaces
    old = None if replaced is None else await queries.order(replaced)
    return [order] if old is None else [old, order]


def _never_stale(order: Order) -> bool:
    """What protects a position is as good late as early."""
    links = order.links
    return links.parent is not None or (links.order_list is not None and links.replaces is not None)


async def _look_up(desk: Desk, order: Order) -> PlaceOutcome:
    """The order that the venue says it has already."""
    try:
        told = await desk.venue.find(order.account, order.client_order_id)
    except VenueUnreachableError as error:
        return Uncertain(f"the venue has the order, and does not show it: {error}")
    return Uncertain("the venue has the order, and does not show it") if told is None else Accepted(told)
