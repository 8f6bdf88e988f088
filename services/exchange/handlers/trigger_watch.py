"""Watches the market for the orders that are held here for their triggers."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import structlog

from services.exchange.domain.order import Order
from services.exchange.domain.states import OrderState
from services.exchange.handlers.departures import Departures
from services.exchange.handlers.desks import Desk
from services.exchange.handlers.held_orders import HeldOrders, leaves_alone, waiting
from services.exchange.handlers.instrument_watch import InstrumentWatch
from services.exchange.handlers.loops import backoff
from services.exchange.handlers.send_order import Outside, SendOrder, gone_off
from services.exchange.ports import Prices
from services.kernel.errors import DomainError
from services.kernel.names import InstrumentName

_HELD = frozenset({OrderState.HELD})


_log = structlog.get_logger(__name__)


class TriggerWatch:
    """One subscription per instrument that an order waits for, of the accounts that are ours to write.

    The store says which orders wait, so that what was held before a restart is watched after it.

    Args:
        outside: what it stands on.
        prices: of the market.
        held: the steps of held orders.
        sending: says when an order begins to be held.
    """

    def __init__(self, outside: Outside, prices: Prices, held: HeldOrders, sending: SendOrder) -> None:
        self._outside = outside
        self._prices = prices
        self._held = held
        self._sending = sending
        self._departures = Departures(held, outside.store.is_writer)
        self._watches: dict[InstrumentName, InstrumentWatch] = {}
        self._attempts: dict[UUID, tuple[int, float]] = {}

    async def run(self) -> None:
        """One round. What is watched stays so until the next one, also where this one fails.

        Raises:
            DomainError: the store cannot be used now; run it again.
        """
        try:
            await self._round()
            await self._next()
        except asyncio.CancelledError:
            for watch in self._watches.values():
                await watch.close()
            await self._departures.close()
            raise

    async def close(self) -> None:
        """Keep what the ratchets have won, before the service goes down."""
        for watch in self._watches.values():
            try:
                await watch.save(at_once=True)
            except DomainError as error:
                _log.warning("triggers_not_saved", instrument=str(watch.instrument), error=str(error))

    async def _round(self) -> None:
        orders = await self._load()
        by_instrument: dict[InstrumentName, list[Order]] = defaultdict(list)
        for order in orders:
            if waiting(order):
                by_instrument[InstrumentName(order.venue, order.instrument)].append(order)
        for idle in [name for name in self._watches if name not in by_instrument]:
            await self._watches.pop(idle).close()
        for name, held in by_instrument.items():
            watch = self._watches.get(name)
            if watch is None:
                watch = InstrumentWatch(name, self._outside, self._prices, self._held, self._departures)
                self._watches[name] = watch
            watch.hold(held)
        for watch in self._watches.values():
            await watch.save()
            watch.report_silence()
        await self._release([order for order in orders if gone_off(order) and leaves_alone(order)])

    async def _next(self) -> None:
        """Wait for the next round: at once where an order begins to be held."""
        try:
            async with asyncio.timeout(self._outside.timing.resolve):
                await self._sending.held.wait()
        except TimeoutError:
            return
        self._sending.held.clear()

    async def _load(self) -> Sequence[Order]:
        """The held orders of the accounts that are ours to write."""
        found: list[Order] = []
        for desk in self._outside.desks.all():
            if not desk.recovered or not self._outside.store.is_writer(desk.account):
                continue
            async with self._outside.store.reading() as queries:
                found += await queries.live_orders(desk.account, desk.venue_id, _HELD)
        return found

    async def _release(self, orders: Sequence[Order]) -> None:
        """Try again with the orders that have gone off and could not leave."""
        now = asyncio.get_running_loop().time()
        known = {order.order_id for order in orders}
        self._attempts = {key: value for key, value in self._attempts.items() if key in known}
        for order in orders:
            attempt, due = self._attempts.get(order.order_id, (0, 0.0))
            desk = self._outside.desks.desk(order.account, order.venue)
            if now < due or order.order_id in self._departures or not await _takes_orders(desk):
                continue
            self._attempts[order.order_id] = (attempt + 1, now + backoff(attempt + 1))
            await self._held.release(order)


async def _takes_orders(desk: Desk) -> bool:
    """Whether it makes sense to try: each attempt is two changes of the order that everybody hears of."""
    if not desk.venue_desk.connected:
        return False
    try:
        await desk.venue.admit_order()
    except DomainError:
        return False
    return True
