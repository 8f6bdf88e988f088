"""Use case: take a signal to the end of its order. Every step can be repeated after a crash."""

from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from services.chassis.telemetry.correlation import correlated
from services.kernel.clock import Clock
from services.kernel.decimals import render
from services.kernel.errors import DomainError
from services.orchestrator.domain.cycle import ZERO, Cycle, CycleState, Side, Signal, begin, size
from services.orchestrator.domain.order import OrderPhase, OrderView
from services.orchestrator.domain.trading import TradingMode
from services.orchestrator.ports import (
    Exchange,
    Portfolio,
    RefusedError,
    Risk,
    Store,
    UpstreamUnavailableError,
    WantedOrder,
    Writer,
)

_log = structlog.get_logger(__name__)
IDLE_S = 5.0
"""Longest pause between two looks at the cycles where nothing is known to wait."""


async def take_signal(signal: Signal, writer: Writer, now: datetime, max_age: timedelta) -> None:
    """Begin the cycle of a signal, inside the transaction that also remembers it was seen."""
    cycle = begin(signal, now)
    trading = await writer.trading()
    if trading.mode is not TradingMode.RUNNING:
        cycle = cycle.to(
            CycleState.SKIPPED, f"trading is {trading.mode.value}", now, reason="TRADING_STOPPED"
        )
    elif now - signal.create_time > max_age:
        cycle = _too_old(cycle, now)
    if await writer.add_cycle(cycle):
        _report(cycle)


class CycleDriver:
    """Drives cycles that have no order yet, one after the other in the order of their signals.

    Args:
        store: the state.
        risk: asked before an order is made, so that a denied signal makes none.
        exchange: places orders.
        portfolio: says what can be sold.
        clock: the time.
        max_age: age of a signal from which on it is not traded.
        retry_pause: seconds between two attempts where a service does not answer.
    """

    def __init__(
        self,
        store: Store,
        risk: Risk,
        exchange: Exchange,
        portfolio: Portfolio,
        clock: Clock,
        *,
        max_age: timedelta,
        retry_pause: float,
    ) -> None:
        self._store = store
        self._risk = risk
        self._exchange = exchange
        self._portfolio = portfolio
        self._clock = clock
        self._max_age = max_age
        self._retry_pause = retry_pause

    async def run(self) -> None:
        """Drive cycles for ever. What a crash interrupts goes on at the next start."""
        while True:
            seen = self._store.changes()
            left = await self._drive_all()
            await self._store.wait_for_change(seen, self._retry_pause if left else IDLE_S)

    async def _drive_all(self) -> int:
        """Drive every unplaced cycle as far as it goes; how many are still unplaced."""
        left = 0
        try:
            async with self._store.read() as reader:
                waiting = await reader.unplaced()
            for cycle in waiting:
                with correlated(cycle.signal.correlation_id):
                    left += not await self._drive(cycle)
        except DomainError as error:
            # Our own storage does not answer. Nothing is lost: the cycles stand where they stood.
            _log.error("cycles_not_driven", reason=error.reason, message=error.message)
            left += 1
        return left

    async def _drive(self, cycle: Cycle) -> bool:
        """Take one cycle as far as it goes; whether it has an order or is final now."""
        try:
            checked = await self._check(cycle) if cycle.state is CycleState.SIGNALLED else cycle
            if checked.state is CycleState.CHECKED:
                await self._order(checked)
        except UpstreamUnavailableError as error:
            _log.warning("cycle_waits", cycle=str(cycle.id), state=cycle.state.name, message=str(error))
            return False
        return True

    async def _check(self, cycle: Cycle) -> Cycle:
        """Size the order and ask risk."""
        signal, now = cycle.signal, self._clock.now()
        if now - signal.create_time > self._max_age:
            return await self._settle(_too_old(cycle, now))
        held = ZERO if signal.side is Side.BUY else await self._portfolio.held(signal.instrument)
        quantity = size(signal, held)
        if quantity == ZERO:
            return await self._settle(
                cycle.to(CycleState.SKIPPED, "there is nothing to sell", now, reason="NOTHING_TO_SELL")
            )
        try:
            verdict = await self._risk.preview(self._wanted(cycle, quantity))
        except RefusedError as error:
            return await self._settle(cycle.to(CycleState.FAILED, error.message, now, reason=error.reason))
        if not verdict.approved:
            return await self._settle(
                cycle.to(CycleState.DENIED, verdict.message, now, reason=verdict.check, quantity=quantity)
            )
        return await self._settle(cycle.to(CycleState.CHECKED, "risk would approve", now, quantity=quantity))

    async def _order(self, cycle: Cycle) -> None:
        """Place the order; the request id makes every attempt the same order."""
        try:
            order = await self._exchange.place(self._wanted(cycle, cycle.quantity))
        except RefusedError as error:
            expired = error.reason == "REQUEST_EXPIRED"
            state = CycleState.SKIPPED if expired else CycleState.FAILED
            await self._settle(cycle.to(state, error.message, self._clock.now(), reason=error.reason))
            return
        async with self._store.write() as writer:
            present = await writer.cycle(cycle.id)
            if present is None or present.state is not CycleState.CHECKED:
                return
            # The exchange's event may have been faster than its answer.
            seen = await writer.order_seen(order.name)
            newest = seen if seen is not None and seen.version > order.version else order
            await put_cycle(writer, _after_placing(present, newest, self._clock.now()))

    async def _settle(self, cycle: Cycle) -> Cycle:
        """Store a step that was taken from the state before it, unless another instance was faster."""
        async with self._store.write() as writer:
            present = await writer.cycle(cycle.id)
            if present is None or present.steps != cycle.steps[:-1]:
                return present or cycle
            await put_cycle(writer, cycle)
        return cycle

    def _wanted(self, cycle: Cycle, quantity: Decimal) -> WantedOrder:
        return WantedOrder(
            request_id=cycle.order_request_id,
            instrument=cycle.signal.instrument,
            side=cycle.signal.side,
            quantity=quantity,
            strategy=cycle.signal.strategy,
            expire_time=cycle.signal.create_time + self._max_age,
        )


def _after_placing(cycle: Cycle, order: OrderView, now: datetime) -> Cycle:
    if order.phase is OrderPhase.REFUSED:
        return cycle.to(CycleState.DENIED, order.message, now, reason=order.reason, order=order.name)
    state = CycleState.COMPLETED if order.phase is OrderPhase.ENDED else CycleState.ORDERED
    return cycle.to(state, told(order), now, order=order.name, filled_quantity=order.filled_quantity)


def told(order: OrderView) -> str:
    """What a step says of its order."""
    return f"the order is {order.state.lower()}, {render(order.filled_quantity)} filled"


def _too_old(cycle: Cycle, now: datetime) -> Cycle:
    age = (now - cycle.signal.create_time).total_seconds()
    return cycle.to(CycleState.SKIPPED, f"the signal is {age:.0f} s old", now, reason="SIGNAL_TOO_OLD")


async def put_cycle(writer: Writer, cycle: Cycle) -> None:
    """Store a step, and tell it."""
    await writer.put_cycle(cycle)
    _report(cycle)


def _report(cycle: Cycle) -> None:
    _log.info(
        "cycle_moved",
        cycle=str(cycle.id),
        state=cycle.state.name,
        reason=cycle.reason,
        order=cycle.order,
        message=cycle.steps[-1].message,
    )
