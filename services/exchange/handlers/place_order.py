"""Places orders: intent, reservation, sending, outcome, each committed before the next begins."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from services.chassis.telemetry.correlation import correlation_id, new_correlation_id
from services.exchange.domain.errors import (
    request_expired,
    request_in_progress,
    venue_unavailable,
    writer_fenced,
)
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import Order, OrderIntent
from services.exchange.domain.states import OrderState
from services.exchange.domain.terms import kind_of
from services.exchange.handlers.booking import Booked, Booking
from services.exchange.handlers.desks import Desk, Desks
from services.exchange.handlers.requests import Requests, poll
from services.exchange.handlers.timing import Budget, Timing
from services.exchange.ports import (
    Accepted,
    AlreadyThere,
    Approved,
    Denied,
    Journal,
    Method,
    NotSent,
    PlaceOutcome,
    Refused,
    RequestClaim,
    RiskGate,
    RiskUnavailableError,
    Step,
    Store,
    Transaction,
    Uncertain,
    VenueUnreachableError,
)
from services.kernel.clock import Clock, IdSource
from services.kernel.errors import request_id_reused

_log = structlog.get_logger(__name__)
_POLL_S = 0.1
_SENDABLE = frozenset({OrderState.SUBMITTED, OrderState.PENDING_CANCEL})


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


class PlaceOrder:
    """The use case of CreateOrder, and of every order that a restart found half-way.

    Args:
        outside: what it stands on.
        requests: the mutations running in this process.
    """

    def __init__(self, outside: Outside, requests: Requests) -> None:
        self._outside = outside
        self._requests = requests
        self._under_way: dict[UUID, asyncio.Event] = {}

    async def handle(self, intent: OrderIntent, request_id: str, remaining: float) -> Order:
        """Place an order and answer it, or answer what this request_id was answered first.

        Args:
            intent: what is asked for.
            request_id: the caller's id of the request.
            remaining: seconds until the caller's deadline.

        Raises:
            DomainError: the reasons of the contract; then no order was made by this call.
        """
        margin = min(self._outside.timing.margin, remaining / 2)
        budget = Budget(remaining, margin)
        return await self._requests.run(
            intent.account,
            request_id,
            intent.fingerprint(),
            lambda: self._once(intent, request_id, budget),
            remaining,
        )

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
        self._under_way[order.order_id] = done = asyncio.Event()
        try:
            if order.never_left:
                order = await self._reserve(order, budget)
            if order.state is OrderState.SUBMITTED:
                order = await self._send(order, budget, sent_before=sent_before)
        finally:
            del self._under_way[order.order_id]
            done.set()
        return order

    async def _once(self, intent: OrderIntent, request_id: str, budget: Budget) -> Order:
        if not correlation_id.get():
            correlation_id.set(new_correlation_id())
        desk = self._outside.desks.desk(intent.account, intent.venue)
        earlier = await self._answered(intent, request_id, budget)
        if earlier is not None:
            return earlier
        # A standby says so before anything else: its caller is to go to the writer.
        if not self._outside.store.is_writer(intent.account):
            raise writer_fenced(intent.account)
        await self._recovered(desk, budget)
        if intent.expire_time is not None and self._outside.clock.now() >= intent.expire_time:
            raise request_expired(intent.expire_time)
        rules = await desk.venue_desk.check(intent)
        order = await self._commit_intent(desk, intent, rules, request_id)
        if order is None:
            # Another instance was faster by a moment.
            earlier = await self._answered(intent, request_id, budget)
            if earlier is None:
                raise request_in_progress(request_id)
            return earlier
        await self.carry_out(order, budget)
        return await self._first_answer(intent, request_id)

    async def _recovered(self, desk: Desk, budget: Budget) -> None:
        """Wait until a new writer has compared itself with the venue; not for a venue that is away."""
        end = asyncio.get_running_loop().time() + budget.within(self._outside.timing.send)
        while not desk.recovered:
            away = desk.venue_desk.away or asyncio.get_running_loop().time() > end
            if not self._outside.store.is_writer(desk.account):
                raise writer_fenced(desk.account)
            if away:
                raise venue_unavailable(desk.venue_id, "this service has not yet compared itself with it")
            await asyncio.sleep(_POLL_S / 2)

    async def _answered(self, intent: OrderIntent, request_id: str, budget: Budget) -> Order | None:
        """The answer of an earlier run, once it has one; None where there was no earlier run."""
        async with self._outside.store.reading() as queries:
            stored = await queries.request(intent.account, request_id)
        if stored is None:
            return None
        if stored.fingerprint != intent.fingerprint():
            raise request_id_reused(request_id)
        if stored.answer is not None:
            return stored.answer

        async def look() -> Order | None:
            return await self._settled_answer(intent.account, request_id)

        found = await poll(look, budget.within(self._outside.timing.lease), _POLL_S)
        if found is None:
            raise request_in_progress(request_id)
        return found

    async def _settled_answer(self, account: str, request_id: str) -> Order | None:
        """The stored answer; or, where the run died after the outcome, the outcome made the answer."""
        async with self._outside.store.reading() as queries:
            stored = await queries.request(account, request_id)
            order = None if stored is None else await queries.order(stored.order_id)
        if stored is None or order is None:
            return None
        if stored.answer is not None:
            return stored.answer
        if self.under_way(order.order_id) or order.state in {OrderState.PENDING, OrderState.SUBMITTED}:
            return None
        async with self._outside.store.writing(account) as transaction:
            await transaction.answer_creation(order)
            stored = await transaction.request(account, request_id)
        return None if stored is None else stored.answer

    async def _first_answer(self, intent: OrderIntent, request_id: str) -> Order:
        answer = await self._settled_answer(intent.account, request_id)
        if answer is None:
            raise request_in_progress(request_id)
        return answer

    async def _commit_intent(
        self, desk: Desk, intent: OrderIntent, rules: InstrumentRules, request_id: str
    ) -> Order | None:
        outside = self._outside
        now = outside.clock.now()
        order = Order.intended(
            intent,
            rules.assets,
            outside.ids.new(),
            correlation_id.get(),
            now,
            handling=desk.venue.capabilities.handling(kind_of(intent.terms)),
            contract=rules.contract,
        )
        claim = RequestClaim(Method.CREATE, intent.fingerprint(), order.order_id)
        async with outside.store.writing(intent.account) as transaction:
            if not await transaction.claim_request(intent.account, request_id, claim):
                return None
            await transaction.record_order(order)
        outside.journal.reached(Step.INTENT_COMMITTED, order, request_id=request_id)
        return order

    async def _reserve(self, order: Order, budget: Budget) -> Order:
        """Ask risk, then commit SUBMITTED or DENIED (or CANCELLED, where a cancel was faster)."""
        verdict = await self._ask_risk(order, budget)
        if isinstance(verdict, Approved):
            self._outside.journal.reached(Step.RESERVED, order)
        async with self._outside.store.writing(order.account) as transaction:
            after = await self._after_risk(transaction, order.order_id, verdict)
        step = {
            OrderState.SUBMITTED: Step.SUBMITTED,
            OrderState.DENIED: Step.DENIED,
            OrderState.CANCELLED: Step.CANCELLED,
        }.get(after.state)
        if step is not None:
            self._outside.journal.reached(step, after, reason=after.reason)
        return after

    async def _ask_risk(self, order: Order, budget: Budget) -> Approved | Denied:
        outside = self._outside
        age = outside.clock.now() - order.create_time
        if age > timedelta(seconds=outside.timing.stale):
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

    async def _after_risk(
        self, transaction: Transaction, order_id: UUID, verdict: Approved | Denied
    ) -> Order:
        order = await required_order(transaction, order_id)
        now = self._outside.clock.now()
        if order.state is OrderState.PENDING_CANCEL and order.never_left:
            after = order.moved(OrderState.CANCELLED, now)
        elif order.state is not OrderState.PENDING:
            return order
        elif isinstance(verdict, Approved):
            after = order.moved(OrderState.SUBMITTED, now, submit_time=now)
        else:
            after = order.moved(OrderState.DENIED, now, reason=verdict.reason, reason_message=verdict.message)
        await transaction.record_order(after)
        if after.final:
            await transaction.answer_creation(after)
        return after

    async def _send(self, order: Order, budget: Budget, *, sent_before: bool) -> Order:
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
        async with outside.store.writing(order.account) as transaction:
            booked = await self._after_sending(transaction, order.order_id, outcome)
            await transaction.answer_creation(booked.after)
        self._report(desk, booked, outcome)
        return booked.after

    async def _after_sending(self, transaction: Transaction, order_id: UUID, outcome: PlaceOutcome) -> Booked:
        order = await required_order(transaction, order_id)
        if isinstance(outcome, Accepted):
            return await self._outside.booking.apply(transaction, order, outcome.order)
        after = self._unaccepted(order, outcome)
        if after is not order:
            await transaction.record_order(after)
        return Booked(order, after)

    def _unaccepted(self, order: Order, outcome: PlaceOutcome) -> Order:
        if order.state not in _SENDABLE:
            # The venue's stream was faster, and what it told is evidence.
            return order
        now = self._outside.clock.now()
        waiting_cancel = order.state is OrderState.PENDING_CANCEL
        match outcome:
            case Refused(reason, message):
                return order.moved(OrderState.REJECTED, now, reason=reason, reason_message=message)
            case NotSent():
                state = OrderState.CANCELLED if waiting_cancel else OrderState.DENIED
                return order.moved(
                    state, now, reason="VENUE_UNAVAILABLE", reason_message="nothing reached the venue"
                )
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
            desk.venue_desk.silent(outcome.message if isinstance(outcome, NotSent) else after.reason_message)
            self._outside.journal.reached(Step.DENIED, after, reason=after.reason)
        elif isinstance(outcome, Uncertain):
            self._outside.journal.reached(Step.OUTCOME_UNKNOWN, after, detail=outcome.message)
        if after.state in {OrderState.UNKNOWN, OrderState.PENDING_CANCEL}:
            desk.unsettled.set()


async def required_order(transaction: Transaction, order_id: UUID) -> Order:
    """An order that was committed.

    Raises:
        AssertionError: it is not there: a fault of ours.
    """
    order = await transaction.order(order_id)
    if order is None:
        raise AssertionError(f"order {order_id} was committed and is gone")
    return order


async def _look_up(desk: Desk, order: Order) -> PlaceOutcome:
    """The order that the venue says it has already."""
    try:
        told = await desk.venue.find(order.account, order.client_order_id)
    except VenueUnreachableError as error:
        return Uncertain(f"the venue has the order, and does not show it: {error}")
    return Uncertain("the venue has the order, and does not show it") if told is None else Accepted(told)
