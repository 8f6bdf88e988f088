"""Places several orders under one request_id: one after another, or as a list that belongs together."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID, uuid5

from services.chassis.telemetry.correlation import correlation_id, new_correlation_id
from services.exchange.domain.errors import request_expired, request_in_progress, writer_fenced
from services.exchange.domain.links import Contingency, Links
from services.exchange.domain.order import Handling, Order, OrderIntent
from services.exchange.domain.order_lists import check_list, links_of
from services.exchange.domain.states import OrderState
from services.exchange.domain.terms import LimitTerms, MarketTerms
from services.exchange.handlers.admit_order import AdmitOrder
from services.exchange.handlers.desks import Desk
from services.exchange.handlers.families import Family
from services.exchange.handlers.linked_orders import LinkedOrders
from services.exchange.handlers.place_order import PlaceOrder
from services.exchange.handlers.requests import Requests
from services.exchange.handlers.send_order import Outside, SendOrder
from services.exchange.handlers.timing import Budget
from services.exchange.ports import Method, OrderResult, RequestClaim, Step, StoredBatch
from services.kernel.errors import DomainError, request_id_reused

_EACH_S: Final = 10.0
"""One order has as long as a call of its own would have, whatever the orders before it took."""
_NOT_AN_ANSWER: Final = frozenset(
    {"WRITER_FENCED", "SERVER_DRAINING", "REQUEST_IN_PROGRESS", "STORAGE_UNAVAILABLE", "INTERNAL"}
)
"""Reasons that say nothing of the order. The call fails with them, and a repeat of it carries on."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call asks for.

    Attributes:
        account: id of the account.
        intents: the orders.
        contingency: what they are to be to each other.
        request_id: the caller's id of the request.
    """

    account: str
    intents: Sequence[OrderIntent]
    contingency: Contingency
    request_id: str

    def fingerprint(self) -> str:
        """Equal for two requests that mean the same orders in the same order."""
        parts = ["create_orders", *(intent.fingerprint() for intent in self.intents)]
        if self.contingency is not Contingency.NONE:
            parts.append(self.contingency.value)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class PlaceOrders:
    """The use case of CreateOrders.

    Args:
        outside: what it stands on.
        requests: the mutations running in this process.
        placing: places orders that have nothing to do with each other.
        sending: carries the orders of a list out.
        linked: keeps lists going.
        admission: the checks before an intent exists.
    """

    def __init__(
        self,
        outside: Outside,
        requests: Requests,
        placing: PlaceOrder,
        sending: SendOrder,
        linked: LinkedOrders,
        admission: AdmitOrder,
    ) -> None:
        self._outside = outside
        self._requests = requests
        self._placing = placing
        self._sending = sending
        self._linked = linked
        self._admission = admission

    async def handle(self, asked: Asked, remaining: float) -> Sequence[OrderResult]:
        """Place orders and say what became of each, or what was answered first.

        Orders that have nothing to do with each other have a request_id each, a function of the whole's
        and of their place, so that a repeat after a crash finds those that were placed and goes on behind
        them. Those of a list are committed together.

        Args:
            asked: what is asked for.
            remaining: seconds until the caller's deadline.

        Raises:
            DomainError: the reasons of the contract; then a repeat carries on.
        """
        return await self._requests.run(
            asked.account,
            asked.request_id,
            asked.fingerprint(),
            lambda: self._once(asked, remaining),
            remaining,
        )

    async def _once(self, asked: Asked, remaining: float) -> Sequence[OrderResult]:
        if not correlation_id.get():
            correlation_id.set(new_correlation_id())
        outside, account, request_id = self._outside, asked.account, asked.request_id
        outside.desks.require_account(account)
        stored = await self._stored(asked)
        if stored is not None and stored.answer is not None:
            return stored.answer
        budget = Budget(remaining, min(outside.timing.margin, remaining / 2))
        if stored is None:
            stored = await self._begin(asked, budget)
        results: Sequence[OrderResult]
        if asked.contingency is Contingency.NONE:
            results = await self._place_each(asked)
        else:
            results = await self._carry_out_list(account, stored.batch_id, budget)
        async with outside.store.writing(account) as transaction:
            if await transaction.answer_batch(account, request_id, results):
                return results
            answered = await transaction.batch(account, request_id)
        if answered is None or answered.answer is None:
            raise request_in_progress(request_id)
        return answered.answer

    async def _stored(self, asked: Asked) -> StoredBatch | None:
        """What an earlier run of the request left; None for a new request.

        Raises:
            DomainError: REQUEST_ID_REUSED.
        """
        async with self._outside.store.reading() as queries:
            known = await queries.request(asked.account, asked.request_id)
            stored = await queries.batch(asked.account, asked.request_id)
        if known is not None and known.fingerprint != asked.fingerprint():
            raise request_id_reused(asked.request_id)
        return stored

    async def _begin(self, asked: Asked, budget: Budget) -> StoredBatch:
        """Claim the request, and with it commit the intents of a list.

        Raises:
            DomainError: REQUEST_EXPIRED, WRITER_FENCED, REQUEST_IN_PROGRESS; for a list also what makes
                it none, and what is wrong with one of its orders.
        """
        outside, account = self._outside, asked.account
        if not outside.store.is_writer(account):
            raise writer_fenced(account)
        expiry = next((intent.expire_time for intent in asked.intents), None)
        if expiry is not None and outside.clock.now() >= expiry:
            raise request_expired(expiry)
        batch_id = outside.ids.new()
        orders = await self._list(asked, batch_id, budget)
        claim = RequestClaim(Method.CREATE_ORDERS, asked.fingerprint(), batch_id)
        async with outside.store.writing(account) as transaction:
            if not await transaction.claim_request(account, asked.request_id, claim):
                # Another instance was faster by a moment, and is at work.
                raise request_in_progress(asked.request_id)
            for order in orders:
                await transaction.record_order(order)
        for order in orders:
            outside.journal.reached(Step.INTENT_COMMITTED, order, request_id=asked.request_id)
        return StoredBatch(claim.fingerprint, batch_id, None)

    async def _list(self, asked: Asked, list_id: UUID, budget: Budget) -> Sequence[Order]:
        """The first versions of the orders of a list; none where they have nothing to do with each other."""
        if asked.contingency is Contingency.NONE:
            return []
        check_list(asked.contingency, asked.intents)
        outside, first = self._outside, asked.intents[0]
        desk = outside.desks.desk(asked.account, first.venue)
        await self._placing.recovered(desk, budget)
        await desk.venue.admit_order()
        ids = [outside.ids.new() for _ in asked.intents]
        links = links_of(asked.contingency, asked.intents, list_id, ids)
        orders = []
        for index, (intent, order_id, link) in enumerate(zip(asked.intents, ids, links, strict=True)):
            # Their order is that of the list, whatever the ids are.
            moment = outside.clock.now() + timedelta(microseconds=index)
            order = await self._intended(desk, intent, order_id, moment, link)
            orders.append(_linked(order, link))
        return orders

    async def _intended(
        self, desk: Desk, intent: OrderIntent, order_id: UUID, moment: datetime, links: Links
    ) -> Order:
        """The first version of one order; of a child, whose time is to come, prices are not asked."""
        cause = correlation_id.get()
        if links.parent is not None:
            rules = await desk.venue_desk.check(intent)
            return Order.intended(intent, rules.assets, order_id, cause, moment, contract=rules.contract)
        admitted = await self._admission.admit(desk, intent, held_here=links.linked is not None)
        order = Order.intended(
            intent,
            admitted.rules.assets,
            order_id,
            cause,
            moment,
            handling=admitted.handling,
            contract=admitted.rules.contract,
        )
        return replace(order, trigger=admitted.trigger)

    async def _carry_out_list(self, account: str, list_id: UUID, budget: Budget) -> Sequence[Order]:
        """Carry out what needs not wait, see the others on their way, and give all as they are then."""
        outside = self._outside
        async with outside.store.reading() as queries:
            orders = [each for each in await queries.list_orders(list_id) if each.links.replaces is None]
        # Legs that are held for their triggers first: until they are, nothing protects what the rest does.
        for order in sorted(orders, key=lambda each: each.handling is not Handling.EMULATED):
            if order.state is OrderState.PENDING and not self._sending.under_way(order.order_id):
                await self._sending.carry_out(order, budget)
            await self._sending.wait(order.order_id, budget.within(outside.timing.send))
        await self._linked.settle(Family(account, order_list=list_id), budget.within(outside.timing.send))
        async with outside.store.reading() as queries:
            now = {each.order_id: each for each in await queries.list_orders(list_id)}
        return [now[order.order_id] for order in orders]

    async def _place_each(self, asked: Asked) -> Sequence[OrderResult]:
        """Place orders that have nothing to do with each other, in their order.

        Where the venues keep the order in which orders are sent, none waits for the answer to the one
        before: they go through each step together, in their order, and so share commits and calls.
        """
        whole = UUID(asked.request_id)
        each = [
            partial(self._place, intent, str(uuid5(whole, str(index))))
            for index, intent in enumerate(asked.intents)
        ]
        if not all(self._keeps_step(intent) for intent in asked.intents):
            return [await place() for place in each]
        # Tasks begin in the order in which they were made, and each step is a line.
        return await asyncio.gather(*(place() for place in each))

    def _keeps_step(self, intent: OrderIntent) -> bool:
        """Whether nothing that is asked first can let a later order overtake this one."""
        plain = isinstance(intent.terms, MarketTerms | LimitTerms)
        if not plain or intent.reduce_only or intent.quote_quantity is not None:
            return False
        try:
            desk = self._outside.desks.desk(intent.account, intent.venue)
        except DomainError:
            return True
        return desk.recovered and desk.venue_desk.connected and desk.venue.capabilities.in_order

    async def _place(self, intent: OrderIntent, request_id: str) -> OrderResult:
        try:
            return await self._placing.handle(intent, request_id, _EACH_S)
        except DomainError as error:
            if error.reason in _NOT_AN_ANSWER:
                raise
            return error


def _linked(order: Order, links: Links) -> Order:
    """An order as part of its list.

    A leg with a trigger is held here also where its venue has the kind: of two legs at the venue both
    could be filled.
    """
    if links.parent is not None:
        return replace(order, links=links, state=OrderState.HELD, handling=Handling.UNSPECIFIED)
    if links.linked is not None and order.trigger is not None:
        return replace(order, links=links, handling=Handling.EMULATED)
    return replace(order, links=links)
