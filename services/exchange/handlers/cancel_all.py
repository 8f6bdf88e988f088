"""Cancels all open orders of an account. It needs the venues only: no risk, no market, no prices."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from uuid import UUID

import structlog

from services.chassis.telemetry.correlation import correlated
from services.exchange.domain.order import Order
from services.exchange.domain.states import OrderState
from services.exchange.domain.sweeps import CancelFilter, Swept
from services.exchange.handlers.cancel_order import CancelOrder
from services.exchange.handlers.desks import Desk
from services.exchange.handlers.reconcile import Reconciler
from services.exchange.handlers.requests import Requests
from services.exchange.handlers.send_order import Outside
from services.exchange.handlers.timing import Budget
from services.exchange.ports import (
    Method,
    RequestClaim,
    Step,
    Transaction,
    VenueUnreachableError,
)
from services.kernel.errors import request_id_reused

_log = structlog.get_logger(__name__)
_AT_ONCE: Final = 16
"""Cancels on their way to one venue; its rate limits bound them as well."""
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0


class CancelAllOrders:
    """The use case of CancelAllOrders.

    Args:
        outside: what it stands on.
        requests: the mutations running in this process.
        cancelling: cancels one order.
        reconciler: adopts what stands at a venue and not with us.
    """

    def __init__(
        self, outside: Outside, requests: Requests, cancelling: CancelOrder, reconciler: Reconciler
    ) -> None:
        self._outside = outside
        self._requests = requests
        self._cancelling = cancelling
        self._reconciler = reconciler

    async def handle(self, wanted: CancelFilter, request_id: str, remaining: float) -> Swept:
        """Cancel what the filter takes in, and answer how it was left.

        Args:
            wanted: which orders.
            request_id: the caller's id of the request.
            remaining: seconds until the caller's deadline.

        Raises:
            DomainError: the reasons of the contract.
        """
        margin = min(2 * self._outside.timing.margin, remaining / 2)
        budget = Budget(remaining, margin)
        fingerprint = wanted.fingerprint()
        claim = RequestClaim(Method.CANCEL_ALL, fingerprint, self._outside.ids.new())
        return await self._requests.run(
            wanted.account,
            request_id,
            fingerprint,
            lambda: self._once(wanted, request_id, claim, budget),
            remaining,
        )

    async def _once(
        self, wanted: CancelFilter, request_id: str, claim: RequestClaim, budget: Budget
    ) -> Swept:
        desks = [
            desk
            for desk in self._outside.desks.of_account(wanted.account)
            if not wanted.venue or desk.venue_id == wanted.venue
        ]
        if wanted.venue and not desks:
            self._outside.desks.desk(wanted.account, wanted.venue)
        begun, answer = await self._begin(wanted, request_id, claim)
        if answer is not None:
            return answer
        runs = [_Sweep(self, desk, wanted, begun, budget) for desk in desks]
        await asyncio.gather(*(run.to_the_end() for run in runs))
        swept = await self._swept(begun, runs)
        async with self._outside.store.writing(wanted.account) as transaction:
            await transaction.answer_sweep(wanted.account, request_id, swept)
            stored = await transaction.sweep(wanted.account, request_id)
        _log.info(
            "orders_swept",
            account=wanted.account,
            orders=len(swept.orders),
            complete=swept.complete,
            unreachable=list(swept.unreachable),
        )
        return stored.answer if stored is not None and stored.answer is not None else swept

    async def _begin(
        self, wanted: CancelFilter, request_id: str, claim: RequestClaim
    ) -> tuple[set[UUID], Swept | None]:
        """The ids of the open orders, each with its wish committed; or the answer there was before."""
        account = wanted.account
        async with self._outside.store.writing(account) as transaction:
            if not await transaction.claim_request(account, request_id, claim):
                stored = await transaction.sweep(account, request_id)
                if stored is None or stored.fingerprint != claim.fingerprint:
                    raise request_id_reused(request_id)
                if stored.answer is not None:
                    return set(), stored.answer
            open_orders = [each for each in await transaction.live_orders(account) if wanted.takes(each)]
            wished = [await self._wish(transaction, order) for order in open_orders]
        self._report(wished)
        return {order.order_id for order in open_orders}, None

    async def wish_for(self, account: str, order_ids: Iterable[UUID]) -> None:
        """Commit the wish for orders that were found later."""
        async with self._outside.store.writing(account) as transaction:
            found = [await transaction.order(each) for each in order_ids]
            wished = [await self._wish(transaction, order) for order in found if order is not None]
        self._report(wished)

    async def _wish(self, transaction: Transaction, order: Order) -> Order:
        if order.final or order.state is OrderState.PENDING_CANCEL:
            return order
        # Nothing of a held order is at the venue, so that it ends here and now.
        held = order.state is OrderState.HELD
        state = OrderState.CANCELLED if held else OrderState.PENDING_CANCEL
        after = order.moved(state, self._outside.clock.now())
        await transaction.record_order(after)
        if held:
            await transaction.answer_creation(after)
        return after

    def _report(self, wished: list[Order]) -> None:
        for order in wished:
            held = order.state is OrderState.CANCELLED
            self._outside.journal.reached(Step.CANCELLED if held else Step.CANCEL_COMMITTED, order)

    async def _swept(self, begun: set[UUID], runs: "list[_Sweep]") -> Swept:
        async with self._outside.store.reading() as queries:
            found = [await queries.order(each) for each in begun]
        orders = sorted(
            (each for each in found if each), key=lambda each: (each.create_time, str(each.order_id))
        )
        unreachable = tuple(sorted(run.desk.venue_id for run in runs if not run.listed))
        for run in runs:
            run.desk.unsettled.set()
        return Swept(tuple(orders), all(each.final for each in orders) and not unreachable, unreachable)

    async def look_for_others(self, desk: Desk, wanted: CancelFilter) -> set[UUID]:
        """Ask the venue for orders that stand there and not with us, make them ours, and wish them away.

        Raises:
            VenueUnreachableError: it does not answer.
        """
        found: set[UUID] = set()
        for told in await desk.venue.open_orders(desk.account):
            async with self._outside.store.reading() as queries:
                known = await queries.order_at(desk.venue_id, desk.account, told.known_as)
            if known is not None and not known.final:
                continue
            # Not ours so far; or final for us, which the reconciler settles with the venue.
            await self._reconciler.open_order(desk, told)
            async with self._outside.store.reading() as queries:
                order = await queries.order_at(desk.venue_id, desk.account, told.known_as)
            if known is None and order is not None and wanted.takes(order):
                found.add(order.order_id)
        await self.wish_for(desk.account, found)
        return found

    async def open_at(self, desk: Desk, order_ids: set[UUID]) -> set[UUID]:
        """Those of the orders that are at a desk and not final."""
        async with self._outside.store.reading() as queries:
            live = await queries.live_orders(desk.account, desk.venue_id)
        return {order.order_id for order in live} & order_ids

    async def cancel(self, order_id: UUID, budget: Budget) -> bool:
        """Ask the venue once for one order. Answers whether it is final."""
        async with self._outside.store.reading() as queries:
            order = await queries.order(order_id)
        if order is None or order.final:
            return True
        with correlated(order.correlation_id):
            await self._cancelling.work_off(order, budget)
        async with self._outside.store.reading() as queries:
            order = await queries.order(order_id)
        return order is None or order.final


class _Sweep:
    """One venue's part: its orders, and the question for those that we do not know.

    Attributes:
        desk: the account at the venue.
        listed: whether the venue has said what is open there.
    """

    def __init__(
        self, owner: CancelAllOrders, desk: Desk, wanted: CancelFilter, begun: set[UUID], budget: Budget
    ) -> None:
        self._owner = owner
        self._wanted = replace(wanted, venue=desk.venue_id)
        self._begun = begun
        self._budget = budget
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._left: set[UUID] = set()
        self.desk = desk
        self.listed = False

    async def to_the_end(self) -> None:
        """Go on until all is final by the venue's word, or the time is up."""
        self._left = await self._owner.open_at(self.desk, self._begun)
        pause = _FIRST_PAUSE_S
        while True:
            await asyncio.gather(self._list(), *(self._cancel(each) for each in set(self._left)))
            if self.listed and not self._left:
                return
            if self._budget.left() <= pause:
                return
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE_S, 2 * pause)

    async def _list(self) -> None:
        if self.listed:
            return
        try:
            found = await self._owner.look_for_others(self.desk, self._wanted)
        except VenueUnreachableError as error:
            self.desk.venue_desk.unanswered(error)
            return
        self.desk.venue_desk.heard()
        self.listed = True
        self._begun |= found
        self._left |= found

    async def _cancel(self, order_id: UUID) -> None:
        async with self._places:
            if self._budget.left() <= 0:
                return
            if await self._owner.cancel(order_id, self._budget):
                self._left.discard(order_id)
