"""Use case: stop trading and cancel what is open, until the venue has confirmed it.

The mode and the intent commit first, so that no new order passes while the open ones are cancelled, and
a crash loses neither. Nothing here needs Consul or the control plane: the channel to the exchange keeps
the endpoints that it knew last.
"""

import asyncio
from dataclasses import dataclass

import structlog

from services.kernel.clock import Clock, IdSource
from services.kernel.errors import DomainError
from services.risk.domain.cancellation import Cancellation, CancelOutcome
from services.risk.domain.trading import EVERYBODY, TradingMode
from services.risk.handlers.trading_modes import ModeReport, TradingModes
from services.risk.ports import Exchange, RiskStore, RiskWriter

_log = structlog.get_logger(__name__)
_ATTEMPT_S = 15.0


@dataclass(frozen=True, slots=True)
class KillSwitch:
    """Halts, and cancels what is open.

    Attributes:
        store: what risk knows.
        modes: changes modes.
        exchange: cancels orders.
        clock: the time.
        ids: ids of requests to the exchange.
    """

    store: RiskStore
    modes: TradingModes
    exchange: Exchange
    clock: Clock
    ids: IdSource

    async def throw(
        self, writer: RiskWriter, account: str, mode: TradingMode, reason: str, by: str, *, request_id: str
    ) -> ModeReport:
        """Commit the mode, and the intent to cancel under the id of the request.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND.
        """
        await self.modes.change(writer, account, mode, reason, by)
        now = self.clock.now()
        await writer.put_cancellation(Cancellation(request_id, account, now, now))
        return await self.modes.report(writer, account)

    async def carry_out(self, cancellation_id: str, within: float) -> Cancellation | None:
        """Ask the exchange once, where there is something left to cancel; how far it is.

        Args:
            cancellation_id: the intent.
            within: longest time for the exchange, in seconds.
        """
        async with self.store.read() as reader:
            wanted = await reader.cancellation(cancellation_id)
            if wanted is None or not wanted.wanted:
                return wanted
            accounts = await reader.accounts() if wanted.account == EVERYBODY else [wanted.account]
        outcomes = await asyncio.gather(*(self._cancel(account, within) for account in accounts))
        answers = [outcome for outcome in outcomes if outcome is not None]
        together = CancelOutcome(len(answers) == len(outcomes), wanted.open_orders if not answers else ())
        for outcome in answers:
            together = together.and_also(outcome)
        async with self.store.write() as writer:
            before = await writer.cancellation(cancellation_id)
            if before is None:
                return None
            after = before.answered(together, self.clock.now())
            if after != before:
                await writer.put_cancellation(after)
        if after.confirmed and not before.confirmed:
            _log.warning("open_orders_cancelled", account=f"accounts/{after.account}")
        return after

    async def carry_out_all(self) -> bool:
        """Ask the exchange about every intent that is still wanted; whether none is left."""
        async with self.store.read() as reader:
            waiting = await reader.wanted_cancellations()
        after = [await self.carry_out(each.cancellation_id, _ATTEMPT_S) for each in waiting]
        return not any(each is not None and each.wanted for each in after)

    async def _cancel(self, account: str, within: float) -> CancelOutcome | None:
        try:
            return await self.exchange.cancel_all(account, str(self.ids.new()), within)
        except DomainError as error:
            _log.error(
                "open_orders_not_cancelled",
                account=f"accounts/{account}",
                reason=error.reason,
                message=error.message,
            )
            return None


class KillSwitchKeeper:
    """Goes on cancelling until the venue has confirmed everything, over restarts too.

    Args:
        switch: asks the exchange.
        pause_s: seconds between two attempts.
    """

    def __init__(self, switch: KillSwitch, pause_s: float) -> None:
        self._switch = switch
        self._pause_s = pause_s

    async def run(self) -> None:
        """Look for ever after what is left to cancel."""
        while True:
            try:
                await self._switch.carry_out_all()
            except DomainError as error:
                _log.error("kill_switch_not_kept", reason=error.reason, message=error.message)
            await asyncio.sleep(self._pause_s)
