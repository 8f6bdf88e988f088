"""What happens to orders that are held here: their triggers move and go off, they leave, they end."""

from services.chassis.telemetry.correlation import correlated
from services.exchange.domain.evidence import TIME_IN_FORCE
from services.exchange.domain.order import Order
from services.exchange.domain.states import OrderState
from services.exchange.domain.triggers import TriggerStatus
from services.exchange.handlers.send_order import Change, Outside, SendOrder, waits_for_trigger
from services.exchange.handlers.timing import Budget
from services.exchange.ports import Step, Transaction


class HeldOrders:
    """The steps of held orders, each in one transaction.

    Risk reserved for the order when it was accepted, and answers the same question under the same id
    with the same decision. So a triggered order is not asked about again: it leaves also where the
    account was halted meanwhile. A halt that is to keep it from leaving cancels it.

    Args:
        outside: what it stands on.
        sending: carries out what leaves.
    """

    def __init__(self, outside: Outside, sending: SendOrder) -> None:
        self._outside = outside
        self._sending = sending

    async def note(self, order: Order, status: TriggerStatus) -> Order:
        """Keep how a trigger stands that has not gone off."""
        async with self._outside.store.writing(order.account) as transaction:
            current = await transaction.order(order.order_id)
            if current is None or not waiting(current) or current.trigger == status:
                return current or order
            after = current.moved(OrderState.HELD, self._outside.clock.now(), trigger=status)
            await transaction.record_order(after)
        self._outside.journal.reached(Step.TRIGGER_MOVED, after)
        return after

    async def go_off(self, order: Order, status: TriggerStatus) -> bool:
        """Commit that the trigger went off, and send what the order became, if nothing comes before it.

        Answers whether that is committed, or has no meaning any more. False: try again.
        """

        async def change(_: Transaction, current: Order) -> Order:
            if not waiting(current):
                return current
            return self._leaving(current, status)

        return not waiting(await self._take_up(order, change, Step.TRIGGERED))

    async def release(self, order: Order) -> None:
        """Send an order whose trigger went off before, and which could not leave then."""

        async def change(_: Transaction, current: Order) -> Order:
            status = current.trigger
            if current.state is not OrderState.HELD or status is None or not status.gone_off:
                return current
            if not leaves_alone(current):
                return current
            return self._leaving(current, status)

        await self._take_up(order, change, Step.LEFT_LATE)

    async def expire(self, order: Order) -> Order:
        """End a held order whose time is up."""
        async with self._outside.store.writing(order.account) as transaction:
            current = await transaction.order(order.order_id)
            if current is None or current.state is not OrderState.HELD:
                return current or order
            after = self._expired(current)
            await transaction.record_order(after)
        self._outside.journal.reached(Step.EXPIRED, after, reason=after.reason)
        return after

    def _leaving(self, order: Order, status: TriggerStatus) -> Order:
        now = self._outside.clock.now()
        if order.end_time is not None and order.end_time <= now:
            return self._expired(order)
        if leaves_alone(order):
            return order.moved(OrderState.SUBMITTED, now, trigger=status, submit_time=now)
        return order.moved(OrderState.HELD, now, trigger=status)

    def _expired(self, order: Order) -> Order:
        return order.moved(
            OrderState.EXPIRED,
            self._outside.clock.now(),
            reason=TIME_IN_FORCE,
            reason_message="the order ran out of time while it was held here",
        )

    async def _take_up(self, order: Order, change: Change, step: Step) -> Order:
        timing = self._outside.timing
        with correlated(order.correlation_id):
            budget = Budget(timing.send + timing.margin, timing.margin)
            return await self._sending.take_up(order, change, step, budget)


def waiting(order: Order) -> bool:
    """Whether it is held for a trigger that has not gone off."""
    return order.state is OrderState.HELD and waits_for_trigger(order)


def leaves_alone(order: Order) -> bool:
    """Whether nothing has to end before it. Else those who look after linked orders send it in its turn."""
    links = order.links
    return links.parent is None and links.linked is None and links.replaces is None
