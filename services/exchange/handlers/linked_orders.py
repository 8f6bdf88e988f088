"""Keeps orders that belong together going: lists, and orders that take the place of others.

What is to be done follows from what is booked (``domain.list_steps``), so each commit that concerns such
orders leads to a look at them, and a look begins anew wherever the one before ended. Each list has one
task at a time, so that one that waits for its venue holds up no other.
"""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog

from services.chassis.telemetry.correlation import correlated
from services.exchange.domain.list_steps import ListStep
from services.exchange.domain.order import Order
from services.exchange.domain.slots import OrderList, unprotected
from services.exchange.handlers.desks import Desk
from services.exchange.handlers.families import Family, families_of, orders_of
from services.exchange.handlers.list_work import ListWork
from services.exchange.handlers.send_order import Outside
from services.exchange.metrics import UNPROTECTED
from services.exchange.ports import Step, VenueUnreachableError
from services.kernel.errors import DomainError

_log = structlog.get_logger(__name__)
_ROUNDS: Final = 100
"""More than any list takes before it waits for somebody; beyond it the next look goes on."""


class LinkedOrders:
    """Looks at families of orders until nothing is left to do.

    Args:
        outside: what it stands on.
        work: does what is to be done.
    """

    def __init__(self, outside: Outside, work: ListWork) -> None:
        self._outside = outside
        self._work = work
        self._tasks: dict[Family, asyncio.Task[None]] = {}
        self._again: set[Family] = set()
        self._news = asyncio.Event()
        self._heard: set[Family] = set()
        self._later: set[Family] = set()
        self._bare: dict[UUID, Order] = {}
        self._known: set[str] = set()
        outside.store.listen(self._hear)

    async def keep(self) -> None:
        """One round: look at what has changed, or, after a quiet while, at everything that is open."""
        try:
            await self._wait()
        except asyncio.CancelledError:
            # What is half-way is taken up by the next start, as after a crash.
            for task in self._tasks.values():
                task.cancel()
            raise
        self._news.clear()
        heard, self._heard = self._heard, set()
        for family in heard:
            self.begin(family)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._outside.timing.resolve):
                await self._news.wait()
        except TimeoutError:
            await self._sweep()

    def begin(self, family: Family) -> "asyncio.Task[None]":
        """Have a family looked at, once more where that is being done."""
        task = self._tasks.get(family)
        if task is not None:
            self._again.add(family)
            return task
        self._tasks[family] = task = asyncio.create_task(self._look(family))
        task.add_done_callback(lambda done: self._ended(family, done))
        return task

    def _ended(self, family: Family, task: "asyncio.Task[None]") -> None:
        del self._tasks[family]
        if family in self._again and not task.cancelled():
            # Asked for between its last look and its end.
            self.begin(family)

    async def settle(self, family: Family, within: float) -> None:
        """Have a family looked at, and wait for that, for ``within`` seconds at most."""
        await asyncio.wait({self.begin(family)}, timeout=within)

    def _hear(self, order: Order) -> None:
        families = families_of(order)
        if families:
            self._heard.update(families)
            self._news.set()

    async def _sweep(self) -> None:
        outside = self._outside
        for account in outside.desks.accounts:
            if not outside.store.is_writer(account):
                self._known.discard(account)
                continue
            async with outside.store.reading() as queries:
                orders = await queries.linked_orders(account)
                if account not in self._known:
                    alarmed = await queries.unprotected_orders(account)
                    self._forget(account)
                    self._bare.update((order.order_id, order) for order in alarmed)
                    self._known.add(account)
            for order in (*orders, *self._bare.values()):
                self._heard.update(families_of(order))
            self._show(account)
        self._heard |= self._later
        self._later.clear()

    def _forget(self, account: str) -> None:
        for order_id in [each.order_id for each in self._bare.values() if each.account == account]:
            del self._bare[order_id]

    async def _look(self, family: Family) -> None:
        # Whatever ends it, the next look begins anew.
        try:
            self._again.discard(family)
            await self._settle(family)
        except (VenueUnreachableError, DomainError) as error:
            _log.warning("linked_orders_interrupted", family=str(family), error=str(error))
        except Exception:  # noqa: BLE001 - the other families go on, whatever it was
            _log.exception("linked_orders_failed", family=str(family))

    async def _settle(self, family: Family) -> None:
        for _ in range(_ROUNDS):
            async with self._outside.store.reading() as queries:
                orders = await orders_of(queries, family)
            if not orders:
                return
            desk = self._outside.desks.desk(orders[0].account, orders[0].venue)
            if not self._outside.store.is_writer(family.account):
                return
            if not desk.recovered:
                # What the comparison with the venue brings up counts once that is done.
                self._later.add(family)
                return
            with correlated(orders[0].correlation_id):
                steps = self._steps(desk, orders)
                done = await asyncio.gather(*(self._work.take(desk, family, step) for step in steps))
            if not any(done):
                await self._watch_over(desk, family, orders, steps)
                return

    def _steps(self, desk: Desk, orders: Sequence[Order]) -> tuple[ListStep, ...]:
        return self._work.steps(desk, orders)

    async def _watch_over(
        self, desk: Desk, family: Family, orders: Sequence[Order], stuck: tuple[ListStep, ...]
    ) -> None:
        """Raise or clear the alarm of an entry that is filled and not protected.

        Args:
            desk: of the orders.
            family: a list, or nothing is done.
            orders: as they were looked at.
            stuck: the steps that could not be taken. Where there are others by now, the next look, which
                is on its way then, comes before the alarm.
        """
        if family.order_list is None:
            return
        lot = desk.venue_desk.lot(orders[0].instrument)
        if not _alarms(orders, lot):
            return
        changed = []
        async with self._outside.store.writing(family.account) as transaction:
            orders = await transaction.list_orders(family.order_list)
            if self._steps(desk, orders) != stuck:
                return
            for order, bare in _alarms(orders, lot):
                after = order.moved(order.state, self._outside.clock.now(), unprotected=bare)
                await transaction.record_order(after)
                changed.append(after)
        for after in changed:
            self._report(after)
        self._show(family.account)

    def _report(self, order: Order) -> None:
        with correlated(order.correlation_id):
            if order.unprotected:
                self._bare[order.order_id] = order
                _log.error("entry_is_unprotected", order=order.name, filled=str(order.filled_quantity))
                self._outside.journal.reached(Step.UNPROTECTED, order)
            else:
                self._bare.pop(order.order_id, None)
                self._outside.journal.reached(Step.PROTECTED, order)

    def _show(self, account: str) -> None:
        UNPROTECTED.labels(account).set(sum(each.account == account for each in self._bare.values()))


def _alarms(orders: Sequence[Order], lot: Decimal) -> list[tuple[Order, bool]]:
    """The entry's orders whose alarm does not stand as it should, and how it should."""
    entry = OrderList.of(orders).entry if orders else None
    if entry is None:
        return []
    bare = unprotected(orders, lot)
    wanted = [(order, bare and order is entry.current) for order in entry.orders]
    return [(order, alarm) for order, alarm in wanted if order.unprotected is not alarm]
