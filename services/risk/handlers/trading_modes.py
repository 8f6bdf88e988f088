"""Use cases: halt, let only reduce, and resume."""

from dataclasses import dataclass

import structlog

from services.chassis.telemetry.correlation import correlation_id
from services.kernel.clock import Clock, IdSource
from services.risk.domain.cancellation import Cancellation
from services.risk.domain.trading import EVERYBODY, TradingChange, TradingMode, TradingState, stricter
from services.risk.handlers.facts import require_facts
from services.risk.ports import RiskReader, RiskWriter

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ModeReport:
    """Whether an account may trade.

    Attributes:
        account: its id, or all of them.
        own: its own mode.
        effective: what counts.
        cancellation: the cancel of all open orders that came with the present mode, if there was one.
    """

    account: str
    own: TradingState
    effective: TradingState
    cancellation: Cancellation | None = None


@dataclass(frozen=True, slots=True)
class TradingModes:
    """Changes and tells modes.

    Attributes:
        clock: the time.
        ids: ids of changes, in the order of time.
    """

    clock: Clock
    ids: IdSource

    async def change(
        self, writer: RiskWriter, account: str, mode: TradingMode, reason: str, by: str
    ) -> ModeReport:
        """Give an account a mode. The mode it has already stays, with its reason.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND.
        """
        before = (await self.report(writer, account)).own
        if before.mode is not mode:
            after = TradingState(mode, reason, self.clock.now(), by)
            change = TradingChange(account, before.mode, after, correlation_id.get())
            await writer.put_trading(str(self.ids.new()), change)
            _log.warning(
                "trading_mode_changed", account=f"accounts/{account}", mode=mode.value, reason=reason, by=by
            )
        if mode is TradingMode.ACTIVE:
            await writer.end_cancellations(account)
        return await self.report(writer, account)

    async def report(self, reader: RiskReader, account: str) -> ModeReport:
        """Whether an account may trade.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND.
        """
        newest = await reader.newest_cancellation(account)
        cancellation = None if newest is None or newest.ended else newest
        if account == EVERYBODY:
            everybody = await reader.trading(EVERYBODY)
            return ModeReport(account, everybody, everybody, cancellation)
        facts, _ = await require_facts(reader, account)
        effective = stricter(facts.trading, facts.everybody)
        return ModeReport(account, facts.trading, effective, cancellation)
