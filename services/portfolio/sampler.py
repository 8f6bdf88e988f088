"""Background work: a point of the equity curve for each account, at an interval and at each flow of money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.kernel.clock import Clock
from services.kernel.errors import DomainError
from services.portfolio.domain.equity import Cause, EquityPoint, contributions_of, next_point
from services.portfolio.domain.position import Position
from services.portfolio.handlers import Queries, balances_of
from services.portfolio.ports import Books, EquityStore, Flows, LedgerSum

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """An account in one snapshot of the books."""

    account: str
    sums: Sequence[LedgerSum]
    positions: Sequence[Position]
    last: EquityPoint | None
    last_complete: EquityPoint | None


class EquitySampler:
    """Makes the points of the equity curve.

    It holds nothing: what is due follows from the books and the last point, so a restart, a second
    instance or a wake too many makes no difference.

    Args:
        books: read for what is held.
        queries: value it.
        store: takes the points.
        flows: tell when money came or went.
        clock: the time.
        interval: longest time between two points of an account.
    """

    def __init__(
        self,
        books: Books,
        queries: Queries,
        store: EquityStore,
        flows: Flows,
        clock: Clock,
        interval: timedelta,
    ) -> None:
        self._books = books
        self._queries = queries
        self._store = store
        self._flows = flows
        self._clock = clock
        self._interval = interval

    async def run(self) -> None:
        """Make points for ever. Ends by cancellation."""
        while True:
            seen = self._flows.seen()
            pause = self._interval
            try:
                pause = await self.sample()
            except DomainError as error:
                _log.warning("equity_points_missed", error=str(error))
            except Exception:  # noqa: BLE001 - whatever becomes of the curve, the books go on
                _log.exception("equity_points_failed")
            await self._flows.wait(seen, pause.total_seconds())

    async def sample(self) -> timedelta:
        """Make the points that are due now.

        Returns:
            The time until the next one is due.

        Raises:
            DomainError: STORAGE_UNAVAILABLE.
        """
        async with self._books.read() as reader:
            accounts = await reader.accounts()
        return min([await self._sample(account) for account in accounts], default=self._interval)

    async def _sample(self, account: str) -> timedelta:
        found = await self._snapshot(account)
        balances = balances_of(found.sums)
        contributions = contributions_of(balances.deposits, balances.corrections)
        now = self._clock.now()
        cause = Cause.INTERVAL
        if found.last is None or found.last.contributions != contributions:
            cause = Cause.FLOW
        elif now - found.last.time < self._interval:
            return self._interval - (now - found.last.time)
        worth = await self._queries.value(self._queries.valuation_asset, found.sums, found.positions)
        point = next_point(found.last_complete, worth, contributions, time=now, cause=cause)
        if await self._store.add(account, point, after=0 if found.last is None else found.last.number):
            _log.info("equity_point", account=account, cause=cause.value, missing=list(point.missing_prices))
        return self._interval

    async def _snapshot(self, account: str) -> _Snapshot:
        async with self._books.read() as reader:
            return _Snapshot(
                account,
                await reader.sums(account),
                await reader.positions(account),
                await reader.last_point(account),
                await reader.last_point(account, complete_in=self._queries.valuation_asset),
            )
