"""Replaces orders: a new one waits until the old one has ended, and goes for what that one left.

The new order's reservation is made first, in one group with the old one's, so that risk sets aside what
the greater of both needs. Only then is the old one cancelled. So a replacement that risk denies leaves
the old order as it was, and at no moment can both be filled.
"""

from dataclasses import replace
from uuid import UUID

from services.chassis.telemetry.correlation import correlation_id, new_correlation_id
from services.exchange.domain.change import Change, replacement
from services.exchange.domain.errors import request_in_progress
from services.exchange.domain.list_steps import REPLACED
from services.exchange.domain.order import Handling, Order
from services.exchange.domain.replacement import ended, intent_of
from services.exchange.domain.slots import is_unreleased
from services.exchange.domain.states import OrderState
from services.exchange.handlers.admit_order import AdmitOrder
from services.exchange.handlers.desks import Desk
from services.exchange.handlers.families import related_family
from services.exchange.handlers.linked_orders import LinkedOrders
from services.exchange.handlers.list_work import ListWork
from services.exchange.handlers.requests import Requests, poll
from services.exchange.handlers.send_order import Outside, SendOrder, related_orders
from services.exchange.handlers.timing import Budget
from services.exchange.ports import Method, Queries, RequestClaim, Step, Transaction
from services.kernel.errors import request_id_reused
from services.kernel.names import OrderName

_POLL_S = 0.05
_WAITING = frozenset({OrderState.PENDING, OrderState.HELD, OrderState.SUBMITTED})


class ReplaceOrder:
    """The use case of ReplaceOrder.

    Args:
        outside: what it stands on.
        requests: the mutations running in this process.
        sending: carries orders out.
        work: has the old order cancelled.
        linked: sends the new order when its turn has come.
        admission: the checks before an intent exists.
    """

    def __init__(
        self,
        outside: Outside,
        requests: Requests,
        sending: SendOrder,
        work: ListWork,
        linked: LinkedOrders,
        admission: AdmitOrder,
    ) -> None:
        self._outside = outside
        self._requests = requests
        self._sending = sending
        self._work = work
        self._linked = linked
        self._admission = admission

    async def handle(
        self, account: str, order_id: UUID, change: Change, request_id: str, remaining: float
    ) -> Order:
        """Replace an order and answer the new one, or what this request_id was answered first.

        Args:
            account: id of the account.
            order_id: the order to replace.
            change: what is to be otherwise.
            request_id: the caller's id of the request.
            remaining: seconds until the caller's deadline.

        Raises:
            DomainError: the reasons of the contract; then no order was made by this call.
        """
        budget = Budget(remaining, min(self._outside.timing.margin, remaining / 2))
        fingerprint = change.fingerprint(account, order_id)
        return await self._requests.run(
            account,
            request_id,
            fingerprint,
            lambda: self._once(account, order_id, change, request_id, budget),
            remaining,
        )

    async def _once(
        self, account: str, order_id: UUID, change: Change, request_id: str, budget: Budget
    ) -> Order:
        if not correlation_id.get():
            correlation_id.set(new_correlation_id())
        self._outside.desks.require_account(account)
        fingerprint = change.fingerprint(account, order_id)
        earlier = await self._earlier(account, request_id, fingerprint)
        if isinstance(earlier, Order):
            return earlier
        if earlier is not None:
            return await self._answer(account, earlier, request_id, budget)
        # An order whose intent was committed a moment ago is on its way, and can be replaced once there.
        await self._sending.wait(order_id, budget.within(self._outside.timing.send))
        claim = RequestClaim(Method.REPLACE, fingerprint, order_id)
        new = await self._commit(account, change, claim, request_id)
        if new.state is OrderState.PENDING:
            self._outside.journal.reached(Step.REPLACEMENT_COMMITTED, new, request_id=request_id)
            new = await self._sending.carry_out(new, budget)
            await self._work.follow_up(new, budget)
        return await self._answer(account, new.order_id, request_id, budget)

    async def _earlier(self, account: str, request_id: str, fingerprint: str) -> Order | UUID | None:
        """The first answer; the new order's id where there is none yet; None for a new request."""
        async with self._outside.store.reading() as queries:
            stored = await queries.request(account, request_id)
        if stored is None:
            return None
        if stored.fingerprint != fingerprint:
            raise request_id_reused(request_id)
        return stored.order_id if stored.answer is None else stored.answer

    async def _commit(self, account: str, change: Change, claim: RequestClaim, request_id: str) -> Order:
        """The new order's intent, with the request that it answers; the claim names the old order."""
        outside, order_id = self._outside, claim.order_id
        old = await self._required(account, order_id)
        desk = outside.desks.desk(account, old.venue)
        new_id = outside.ids.new()
        async with outside.store.reading() as queries:
            planned = await self._planned(queries, account, order_id, change, new_id)
        await self._check(desk, planned)
        async with outside.store.writing(account) as transaction:
            if not await transaction.claim_request(account, request_id, replace(claim, order_id=new_id)):
                raise request_in_progress(request_id)
            new = await self._planned(transaction, account, order_id, change, new_id)
            if is_unreleased(new):
                await self._swap(transaction, order_id, new)
            await transaction.record_order(new)
        return new

    async def _planned(
        self, queries: Queries, account: str, order_id: UUID, change: Change, new_id: UUID
    ) -> Order:
        old = await queries.order(order_id)
        if old is None or old.account != account:
            raise OrderName(account, str(order_id)).not_found()
        family = await related_orders(queries, old)
        orders = family if old.links.order_list is not None else [old]
        lot = self._outside.desks.desk(account, old.venue).venue_desk.lot(old.instrument)
        new = replacement(old, orders, change, new_id, self._outside.clock.now(), lot)
        return replace(new, correlation_id=correlation_id.get() or old.correlation_id)

    async def _swap(self, transaction: Transaction, order_id: UUID, new: Order) -> None:
        """A child that waits for its parent stands here only: nobody is asked."""
        old = await transaction.order(order_id)
        if old is None:
            raise AssertionError(f"order {order_id} was committed and is gone")
        taken = replace(old, links=replace(old.links, replaced_by=new.order_id))
        gone = ended(taken, REPLACED, self._outside.clock.now())
        await transaction.record_order(gone)
        await transaction.answer_creation(gone)

    async def _answer(self, account: str, new_id: UUID, request_id: str, budget: Budget) -> Order:
        """The new order once it was sent, or as it stands when the time is up; kept as the answer."""
        outside = self._outside

        async def look() -> Order | None:
            async with outside.store.reading() as queries:
                found = await queries.order(new_id)
            return found if found is not None and self._is_answer(found) else None

        order = await self._required(account, new_id)
        if order.links.replaces is not None:
            await self._linked.settle(related_family(order), budget.within(outside.timing.send))
        await poll(look, budget.within(outside.timing.send), _POLL_S)
        async with outside.store.writing(account) as transaction:
            current = await transaction.order(new_id) or order
            if current.state is OrderState.PENDING:
                raise request_in_progress(request_id)
            await transaction.answer_creation(current)
            stored = await transaction.request(account, request_id)
        return stored.answer if stored and stored.answer else current

    async def _check(self, desk: Desk, planned: Order) -> None:
        """Hold a replacement to the rules, as an order of its own.

        Raises:
            DomainError: the rule that it breaks.
        """
        intent = intent_of(planned, planned.quantity)
        gone_off = planned.trigger is not None and planned.trigger.gone_off
        if is_unreleased(planned) or gone_off:
            await desk.venue_desk.check(intent)
            return
        await desk.venue.admit_order()
        await self._admission.admit(desk, intent, held_here=planned.handling is Handling.EMULATED)

    def _is_answer(self, order: Order) -> bool:
        if order.state is OrderState.HELD:
            return (order.trigger is not None and not order.trigger.gone_off) or is_unreleased(order)
        return order.state not in _WAITING

    async def _required(self, account: str, order_id: UUID) -> Order:
        async with self._outside.store.reading() as queries:
            order = await queries.order(order_id)
        if order is None or order.account != account:
            raise OrderName(account, str(order_id)).not_found()
        return order
