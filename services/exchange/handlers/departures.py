"""Orders whose trigger has gone off, on their way to the venue."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import structlog

from services.exchange.domain.order import Order
from services.exchange.domain.terms import kind_of
from services.exchange.domain.triggers import TriggerStatus
from services.exchange.handlers.held_orders import HeldOrders
from services.exchange.handlers.loops import backoff
from services.exchange.metrics import GONE_OFF

_log = structlog.get_logger(__name__)


class Departures:
    """Each in a task of its own, so that no order waits for another one's venue.

    A trigger that has gone off stays so: where that cannot be committed now, it is tried again, wherever
    the market goes meanwhile.

    Args:
        held: the steps of held orders.
        is_writer: whether an account is ours to write.
    """

    def __init__(self, held: HeldOrders, is_writer: Callable[[str], bool]) -> None:
        self._held = held
        self._is_writer = is_writer
        self._tasks: dict[UUID, asyncio.Task[None]] = {}

    def __contains__(self, order_id: UUID) -> bool:
        return order_id in self._tasks

    def begin(self, order: Order, status: TriggerStatus) -> None:
        """Let an order leave whose trigger has gone off this moment."""
        if order.order_id in self._tasks:
            return
        GONE_OFF.labels(kind_of(order.terms).value).inc()
        task = asyncio.create_task(self._leave(order, status))
        self._tasks[order.order_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(order.order_id))

    async def close(self) -> None:
        """End them. What is half-way is taken up by the next start, as after a crash."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _leave(self, order: Order, status: TriggerStatus) -> None:
        failures = 0
        while self._is_writer(order.account):
            try:
                if await self._held.go_off(order, status):
                    return
            except Exception as error:  # noqa: BLE001 - whatever it was, the trigger has gone off
                _log.warning("order_not_released", order=order.name, error=repr(error))
            failures += 1
            await asyncio.sleep(backoff(failures))
