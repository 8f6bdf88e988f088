"""Cancels orders: the wish is committed first, then the venue is asked until it has answered."""

from uuid import UUID

import structlog

from services.exchange.domain.errors import (
    no_such_client_order,
    order_not_cancellable,
    venue_unavailable,
    writer_fenced,
)
from services.exchange.domain.order import Order
from services.exchange.domain.states import OrderState
from services.exchange.handlers.requests import Requests
from services.exchange.handlers.send_order import Outside, SendOrder
from services.exchange.handlers.timing import Budget
from services.exchange.ports import Accepted, CancelOutcome, Method, RequestClaim, Step, VenueUnreachableError
from services.kernel.errors import request_id_reused
from services.kernel.names import OrderName

_log = structlog.get_logger(__name__)


class CancelOrder:
    """The use case of CancelOrder. It needs the venue only, never risk.

    Args:
        outside: what it stands on.
        requests: the mutations running in this process.
        sending: the orders being carried out here.
    """

    def __init__(self, outside: Outside, requests: Requests, sending: SendOrder) -> None:
        self._outside = outside
        self._requests = requests
        self._sending = sending

    async def handle(self, account: str, order_id: UUID, request_id: str, remaining: float) -> Order:
        """Cancel an order and answer it as the venue left it.

        Args:
            account: id of the account.
            order_id: id of the order.
            request_id: the caller's id of the request.
            remaining: seconds until the caller's deadline.

        Raises:
            DomainError: the reasons of the contract.
        """
        margin = min(self._outside.timing.margin, remaining / 2)
        budget = Budget(remaining, margin)
        fingerprint = f"cancel\n{account}\n{order_id}"
        claim = RequestClaim(Method.CANCEL, fingerprint, order_id)
        return await self._requests.run(
            account,
            request_id,
            fingerprint,
            lambda: self._once(account, request_id, claim, budget),
            remaining,
        )

    async def order_id_at(self, account: str, venue: str, client_order_id: str) -> UUID:
        """The id of an order by its client order id; one that is not ours so far is adopted.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND, VENUE_NOT_FOUND; ORDER_NOT_FOUND where neither we nor the
                venue know it; VENUE_UNAVAILABLE where the venue cannot say; WRITER_FENCED.
        """
        desk = self._outside.desks.desk(account, venue)
        async with self._outside.store.reading() as queries:
            order = await queries.order_at(venue, account, client_order_id)
        if order is not None:
            return order.order_id
        if not self._outside.store.is_writer(account):
            raise writer_fenced(account)
        try:
            told = await desk.venue.find(account, client_order_id)
        except VenueUnreachableError as error:
            desk.venue_desk.unanswered(error)
            raise venue_unavailable(venue, "it does not answer", error.retry_after) from error
        desk.venue_desk.heard()
        if told is None:
            raise no_such_client_order(venue, client_order_id)
        async with self._outside.store.writing(account) as transaction:
            booked = await self._outside.booking.apply_or_adopt(transaction, venue, account, told)
        self._outside.booking.report(booked)
        return booked.after.order_id

    async def attempt(self, order: Order, within: float) -> tuple[Order, CancelOutcome]:
        """Ask the venue once, and book what it says.

        Args:
            order: PENDING_CANCEL, and at the venue or perhaps on its way there.
            within: seconds to wait for the venue.
        """
        outside = self._outside
        desk = outside.desks.desk(order.account, order.venue)
        outcome = await desk.venue.cancel(order, within)
        outside.journal.reached(Step.CANCEL_ANSWERED, order, outcome=type(outcome).__name__)
        if not isinstance(outcome, Accepted):
            return order, outcome
        desk.venue_desk.heard()
        async with outside.store.writing(order.account) as transaction:
            current = await transaction.order(order.order_id)
            booked = await outside.booking.apply(transaction, current or order, outcome.order)
        outside.booking.report(booked)
        return booked.after, outcome

    async def give_up_unsent(self, order: Order) -> Order:
        """Cancel an order that never left and is not being carried out."""
        outside = self._outside
        async with outside.store.writing(order.account) as transaction:
            current = await transaction.order(order.order_id)
            if current is None or current.state is not OrderState.PENDING_CANCEL or not current.never_left:
                return current or order
            after = current.moved(OrderState.CANCELLED, outside.clock.now())
            await transaction.record_order(after)
            await transaction.answer_creation(after)
        outside.journal.reached(Step.CANCELLED, after)
        return after

    async def _once(self, account: str, request_id: str, claim: RequestClaim, budget: Budget) -> Order:
        order, answer, ended = await self._commit_wish(account, request_id, claim)
        if answer is not None:
            return answer
        if order.state is OrderState.PENDING_CANCEL:
            self._outside.journal.reached(Step.CANCEL_COMMITTED, order, request_id=request_id)
            await self.work_off(order, budget)
        elif ended:
            self._outside.journal.reached(Step.CANCELLED, order, request_id=request_id)
        async with self._outside.store.writing(account) as transaction:
            current = await transaction.order(order.order_id)
            await transaction.answer_request(account, request_id, current or order)
            stored = await transaction.request(account, request_id)
        if current is not None and not current.final:
            self._outside.desks.desk(account, current.venue).unsettled.set()
        return stored.answer if stored and stored.answer else current or order

    async def _commit_wish(
        self, account: str, request_id: str, claim: RequestClaim
    ) -> tuple[Order, Order | None, bool]:
        """The order, PENDING_CANCEL or final; the answer if there was one before; whether it ended here."""
        self._outside.desks.require_account(account)
        name = OrderName(account, str(claim.order_id))
        async with self._outside.store.writing(account) as transaction:
            order = await transaction.order(claim.order_id)
            if order is None or order.account != account:
                raise name.not_found()
            if not await transaction.claim_request(account, request_id, claim):
                stored = await transaction.request(account, request_id)
                if stored is None or stored.fingerprint != claim.fingerprint:
                    raise request_id_reused(request_id)
                if stored.answer is not None:
                    return order, stored.answer, False
            if order.final and order.state is not OrderState.CANCELLED:
                raise order_not_cancellable(name, order.state)
            if order.final or order.state is OrderState.PENDING_CANCEL:
                return order, None, False
            # Nothing of a held order is at the venue, so that it ends here and now.
            held = order.state is OrderState.HELD
            state = OrderState.CANCELLED if held else OrderState.PENDING_CANCEL
            wished = order.moved(state, self._outside.clock.now())
            await transaction.record_order(wished)
            if held:
                await transaction.answer_creation(wished)
        return wished, None, held

    async def work_off(self, order: Order, budget: Budget) -> None:
        """Ask the venue to cancel an order that is PENDING_CANCEL; the resolver goes on where that fails.

        Args:
            order: as the wish was committed.
            budget: how long it may take.
        """
        most = self._outside.timing.send
        if order.never_left:
            # Whoever asks risk for it now sees the wish before it would send.
            await self._sending.wait(order.order_id, budget.within(most))
            if not self._sending.under_way(order.order_id):
                await self.give_up_unsent(order)
            return
        order, outcome = await self.attempt(order, budget.within(most))
        if not isinstance(outcome, Accepted) and self._sending.under_way(order.order_id):
            # The order itself is still on its way: once it is there, it can be cancelled.
            await self._sending.wait(order.order_id, budget.within(most))
            await self.attempt(order, budget.within(most))
