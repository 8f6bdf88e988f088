"""Places orders: the checks before an intent exists, the intent, and the answer that is kept."""

import asyncio

from services.chassis.telemetry.correlation import correlation_id, new_correlation_id
from services.exchange.domain.errors import (
    request_expired,
    request_in_progress,
    venue_unavailable,
    writer_fenced,
)
from services.exchange.domain.order import Order, OrderIntent
from services.exchange.domain.states import OrderState
from services.exchange.handlers.admit_order import AdmitOrder
from services.exchange.handlers.desks import Desk
from services.exchange.handlers.requests import Requests, poll
from services.exchange.handlers.send_order import Outside, SendOrder
from services.exchange.handlers.timing import Budget
from services.exchange.ports import (
    Method,
    RequestClaim,
    Step,
    StoredRequest,
)
from services.kernel.errors import DomainError, request_id_reused

_POLL_S = 0.1
_HALF_WAY = frozenset({OrderState.PENDING, OrderState.SUBMITTED})


class PlaceOrder:
    """The use case of CreateOrder.

    Args:
        outside: what it stands on.
        requests: the mutations running in this process.
        sending: carries the order out.
        admission: the checks before an intent exists.
    """

    def __init__(
        self, outside: Outside, requests: Requests, sending: SendOrder, admission: AdmitOrder
    ) -> None:
        self._outside = outside
        self._requests = requests
        self._sending = sending
        self._admission = admission

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

    async def _once(self, intent: OrderIntent, request_id: str, budget: Budget) -> Order:
        if not correlation_id.get():
            correlation_id.set(new_correlation_id())
        desk = self._outside.desks.desk(intent.account, intent.venue)
        if not self._ready(desk):
            # What comes next may take its time, or refuse. A repeat gets its answer in any case.
            earlier = await self._answered(intent, request_id, budget)
            if earlier is not None:
                return earlier
        try:
            order = await self._intended(desk, intent, budget)
        except DomainError:
            earlier = await self._answered(intent, request_id, budget)
            if earlier is not None:
                return earlier
            raise
        stored = await self._commit_intent(order, intent, request_id)
        if stored is not None:
            return await self._answer_of(stored, intent, request_id, budget)
        walked = await self._sending.place(order, budget)
        return walked.order if walked.answered else await self._first_answer(intent, request_id)

    def _ready(self, desk: Desk) -> bool:
        """Whether the checks before an intent go through at once, as far as anybody can say."""
        writer = self._outside.store.is_writer(desk.account)
        return writer and desk.recovered and desk.venue_desk.connected

    async def _intended(self, desk: Desk, intent: OrderIntent, budget: Budget) -> Order:
        """The first version of the order.

        Raises:
            DomainError: the reasons of the contract.
        """
        outside = self._outside
        # A standby says so before anything else: its caller is to go to the writer.
        if not outside.store.is_writer(intent.account):
            raise writer_fenced(intent.account)
        await self.recovered(desk, budget)
        if intent.expire_time is not None and outside.clock.now() >= intent.expire_time:
            raise request_expired(intent.expire_time)
        admitted = await self._admission.admit(desk, intent)
        return admitted.order(intent, outside.ids.new(), correlation_id.get(), outside.clock.now())

    async def recovered(self, desk: Desk, budget: Budget) -> None:
        """Wait until a new writer has compared itself with the venue; not for a venue that is away.

        Raises:
            DomainError: WRITER_FENCED, VENUE_UNAVAILABLE.
        """
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
        return None if stored is None else await self._answer_of(stored, intent, request_id, budget)

    async def _answer_of(
        self, stored: StoredRequest, intent: OrderIntent, request_id: str, budget: Budget
    ) -> Order:
        """The answer of an earlier run, after it has come to one.

        Raises:
            DomainError: REQUEST_ID_REUSED, REQUEST_IN_PROGRESS.
        """
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
        if self._sending.under_way(order.order_id) or order.state in _HALF_WAY:
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
        self, order: Order, intent: OrderIntent, request_id: str
    ) -> StoredRequest | None:
        """Commit the intent, unless the request was made before: then what it stands for."""
        outside = self._outside
        claim = RequestClaim(Method.CREATE, intent.fingerprint(), order.order_id)
        async with outside.store.writing(order.account) as transaction:
            if not await transaction.claim_request(order.account, request_id, claim):
                return await transaction.request(order.account, request_id)
            await transaction.record_order(order)
        outside.journal.reached(Step.INTENT_COMMITTED, order, request_id=request_id)
        return None
