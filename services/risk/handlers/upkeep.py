"""What risk does by itself: it watches the equity of the day, and forgets what is old."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.kernel.clock import Clock
from services.kernel.errors import DomainError
from services.risk.domain.equity import Day
from services.risk.handlers.deciding import seen_today
from services.risk.ports import AccountFacts, MarketData, RiskStore

_log = structlog.get_logger(__name__)
_BATCH = 500


@dataclass(frozen=True, slots=True)
class EquityWatch:
    """Looks at what accounts are worth, so that the day's start and peak are known between orders.

    Attributes:
        store: what risk knows.
        market: prices.
        clock: the time.
        interval_s: seconds between two looks.
    """

    store: RiskStore
    market: MarketData
    clock: Clock
    interval_s: float

    async def run(self) -> None:
        """Look for ever."""
        while True:
            try:
                await self.look()
            except DomainError as error:
                _log.warning("equity_not_seen", reason=error.reason, message=error.message)
            await asyncio.sleep(self.interval_s)

    async def look(self) -> None:
        """Look once at every account with a limit on its losses."""
        async with self.store.read() as reader:
            facts = [await reader.facts(account) for account in await reader.accounts()]
        for each in facts:
            if each.limits is not None and each.limits.limits_losses:
                await self._look_at(each)

    async def _look_at(self, facts: AccountFacts) -> None:
        today = self.clock.now().date()
        flows = set(facts.day.flows) if facts.day is not None else set()
        market = await self.market.look(facts.state.instruments(), facts.state.assets() | flows)
        async with self.store.write() as writer:
            now = await writer.facts(facts.account)
            after = seen_today(now, (now.day or Day(today)).on(today), market)
            if after != now.day:
                await writer.put_day(facts.account, after)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Removes old decisions, orders that ended without one, trades and locks.

    Attributes:
        store: what risk knows.
        clock: the time.
        keep: how long they are kept.
        interval_s: seconds between two rounds.
    """

    store: RiskStore
    clock: Clock
    keep: timedelta
    interval_s: float = 3600.0

    async def run(self) -> None:
        """Remove for ever, a few in each transaction."""
        while True:
            try:
                await self.forget()
            except DomainError as error:
                _log.warning("old_decisions_kept", reason=error.reason, message=error.message)
            await asyncio.sleep(self.interval_s)

    async def forget(self) -> int:
        """Remove what is too old; how many decisions and ended orders that were."""
        removed = 0
        while True:
            async with self.store.write() as writer:
                found = await writer.forget(self.clock.now() - self.keep, _BATCH)
            removed += found
            if found < _BATCH:
                return removed
