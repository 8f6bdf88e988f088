"""Use cases: start, stop, and stop at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

import structlog

from services.kernel.clock import Clock
from services.kernel.errors import DomainError, ErrorKind
from services.orchestrator.domain.order import OrderPhase
from services.orchestrator.domain.trading import Trading, TradingMode
from services.orchestrator.ports import Exchange, RefusedError, Risk, Store, UpstreamUnavailableError

_log = structlog.get_logger(__name__)
_HALT_SPACE = UUID("3d6a2b7e-0a52-4f0f-8f53-4d2f6b6c7d02")


@dataclass(frozen=True, slots=True)
class Halt:
    """How a halt at risk went.

    Attributes:
        confirmed: whether every open order is final by the venue's word.
        failure: why the account could not be halted yet, if so.
    """

    confirmed: bool
    failure: Exception | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """Changes the mode.

    Attributes:
        store: the state.
        risk: halts and resumes the account.
        exchange: cancels orders.
        clock: the time.
    """

    store: Store
    risk: Risk
    exchange: Exchange
    clock: Clock

    async def start(self, request_id: UUID, reason: str) -> None:
        """Let signals become orders. Ends an emergency stop: the account is resumed at risk first.

        Raises:
            DomainError: RISK_UNAVAILABLE where the account could not be resumed; the mode stays.
        """
        async with self.store.read() as reader:
            trading = await reader.trading()
        if trading.mode is TradingMode.EMERGENCY_STOPPED:
            try:
                await self.risk.resume(request_id, reason or "trading started")
            except (UpstreamUnavailableError, RefusedError) as error:
                raise _risk_unavailable("resumed", error) from error
        await self._set(TradingMode.RUNNING, reason)

    async def stop(self, reason: str) -> None:
        """Stop making orders of signals. An emergency stop stays one."""
        async with self.store.read() as reader:
            trading = await reader.trading()
        if trading.mode is not TradingMode.EMERGENCY_STOPPED:
            await self._set(TradingMode.STOPPED, reason)

    async def emergency_stop(self, reason: str) -> None:
        """Stop, halt the account at risk and cancel its open orders.

        The mode is stored first: whatever fails after that, :class:`StopKeeper` goes on with it.

        Raises:
            DomainError: RISK_UNAVAILABLE where the account could not be halted yet.
        """
        await self._set(TradingMode.EMERGENCY_STOPPED, reason)
        halt = await self.halt()
        await self.cancel_open_orders(halt)
        if halt.failure is not None:
            raise _risk_unavailable("halted", halt.failure) from halt.failure

    async def halt(self) -> Halt:
        """Halt the account for the present emergency stop, and have risk cancel its open orders."""
        async with self.store.read() as reader:
            trading = await reader.trading()
        # The same stop asks with the same id, however often it must be asked.
        request_id = uuid5(_HALT_SPACE, trading.update_time.isoformat())
        try:
            return Halt(confirmed=await self.risk.halt(request_id, trading.reason or "emergency stop"))
        except (UpstreamUnavailableError, RefusedError) as error:
            _log.error("halt_failed", message=str(error))
            return Halt(confirmed=False, failure=error)

    async def cancel_open_orders(self, halt: Halt) -> Sequence[str]:
        """Cancel every open order, where risk could not; what the venue has not confirmed is stored."""
        if halt.confirmed:
            async with self.store.write() as writer:
                await writer.put_pending_cancels([])
            return []
        try:
            unconfirmed = [
                order for order in await self.exchange.open_orders() if not await self._cancel(order)
            ]
        except (UpstreamUnavailableError, RefusedError) as error:
            _log.error("open_orders_unknown", message=str(error))
            async with self.store.read() as reader:
                return await reader.pending_cancels()
        async with self.store.write() as writer:
            await writer.put_pending_cancels(unconfirmed)
        return unconfirmed

    async def _cancel(self, order: str) -> bool:
        """Cancel one order; whether it is final now."""
        try:
            after = await self.exchange.cancel(order, uuid5(_HALT_SPACE, order))
        except (UpstreamUnavailableError, RefusedError) as error:
            _log.warning("cancel_unconfirmed", order=order, message=str(error))
            return False
        return after.phase is not OrderPhase.WORKING

    async def _set(self, mode: TradingMode, reason: str) -> None:
        async with self.store.write() as writer:
            before = await writer.trading()
            if before.mode is mode:
                return
            await writer.put_trading(Trading(mode, reason, self.clock.now()))
        _log.warning("trading_mode_changed", mode=mode.value, reason=reason)


class StopKeeper:
    """Keeps an emergency stop: halts and cancels again until the venue has confirmed everything.

    Args:
        control: halts and cancels.
        store: the state.
        pause: seconds between two attempts.
    """

    def __init__(self, control: Control, store: Store, *, pause: float) -> None:
        self._control = control
        self._store = store
        self._pause = pause

    async def run(self) -> None:
        """Keep emergency stops for ever; one that a crash interrupted goes on at the next start."""
        while True:
            seen = self._store.changes()
            settled = await self._keep()
            await self._store.wait_for_change(seen, self._pause * (10 if settled else 1))

    async def _keep(self) -> bool:
        """Make one attempt where one is needed; whether nothing is left to do."""
        try:
            async with self._store.read() as reader:
                trading = await reader.trading()
            if trading.mode is not TradingMode.EMERGENCY_STOPPED:
                return True
            halt = await self._control.halt()
            return not await self._control.cancel_open_orders(halt) and halt.failure is None
        except DomainError as error:
            _log.error("stop_not_kept", reason=error.reason, message=error.message)
            return False


def _risk_unavailable(wanted: str, error: Exception) -> DomainError:
    return DomainError(
        "RISK_UNAVAILABLE",
        f"the account could not be {wanted}: {error}",
        kind=ErrorKind.UNAVAILABLE,
    )
