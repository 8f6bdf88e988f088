"""Spends a venue's rate limits out of chunks leased from the count that all instances share."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from services.exchange.domain.budgets import SAFETY, Ask, Budget, CallKind, Grant, Told
from services.exchange.ports.protection import Pause, RateLedger
from services.exchange.protection.metrics import LIMIT, USED
from services.exchange.views import BudgetUse
from services.kernel.clock import Clock

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_MOMENT_MS: Final = 1
_ATTEMPTS: Final = 3


@dataclass(slots=True)
class _Pool:
    """What this instance has leased of a budget.

    Attributes:
        budget: of which budget.
        slice: during which the units may be used.
        units: what is left.
        present: the slice that they count in.
        used: the whole count as it was last seen.
        refused_until: no need to ask before for ``refused_cost`` or more, in milliseconds since 1970.
        refused_cost: what was refused last.
        told: the venue's own count, not passed on yet.
    """

    budget: Budget
    slice: int = -1
    units: int = 0
    present: int = -1
    used: Mapping[int, int] = field(default_factory=dict)
    refused_until: int = 0
    refused_cost: int = 0
    told: Told | None = None

    def usable(self, now_ms: int) -> int:
        return self.units if self.slice == self.budget.slice_at(now_ms) else 0

    def in_force(self, now_ms: int) -> int:
        present = max(self.budget.slice_at(now_ms), self.present)
        return self.budget.in_force(self.used, present)


class Limiter:
    """The rate limits of one venue, for this instance.

    Args:
        venue: id of the venue.
        budgets: its limits.
        ledger: the shared count.
        clock: our clock.
    """

    def __init__(self, venue: str, budgets: Sequence[Budget], ledger: RateLedger, clock: Clock) -> None:
        self._venue = venue
        self._pools = {budget.name: _Pool(budget) for budget in budgets}
        pools = self._pools.values()
        self._costs = {
            kind: [(pool, pool.budget.weight(kind)) for pool in pools if pool.budget.weight(kind)]
            for kind in CallKind
        }
        self._ledger = ledger
        self._clock = clock
        self._turn = asyncio.Lock()
        self._in_line = 0
        self._pause: Pause | None = None
        for budget in budgets:
            LIMIT.labels(venue, budget.name).set(budget.limit)

    def take(self, kind: CallKind) -> bool:
        """Count a call out of what was leased already. False: it takes a lease, with :meth:`spend`."""
        costs = self._costs[kind]
        if self._behind_others(safety=kind in SAFETY) or self._short(costs):
            return False
        self._take(costs)
        return True

    async def spend(self, kind: CallKind) -> float:
        """Count a call before it leaves.

        Answers:
            0 where it may leave, else the seconds after which it may.

        Raises:
            DomainError: the shared count cannot be reached.
        """
        costs = self._costs[kind]
        wait = await self._lease_for(costs, safety=kind in SAFETY)
        if not wait:
            self._take(costs)
        return wait

    async def room_for(self, kind: CallKind) -> float:
        """As :meth:`spend`, and counts nothing."""
        return await self._lease_for(self._costs[kind], safety=kind in SAFETY)

    def told(self, name: str, used: int) -> None:
        """The venue's own count of a budget. Only a higher one than ours matters."""
        pool = self._pools.get(name)
        if pool is None:
            return
        now_ms = self._now_ms()
        counted = pool.in_force(now_ms) - pool.usable(now_ms)
        if used > counted and (pool.told is None or used > pool.told.used):
            pool.told = Told(used, pool.budget.slice_at(now_ms))

    @property
    def pause(self) -> Pause | None:
        """The venue's wish for a pause that still stands."""
        if self._pause is not None and self._pause.until <= self._clock.now():
            self._pause = None
        return self._pause

    def pause_until(self, pause: Pause) -> None:
        """Some instance was asked to wait; the later end of two stands."""
        known = self.pause
        if known is None:
            self._pause = pause
        else:
            self._pause = Pause(max(known.until, pause.until), known.banned or pause.banned)

    def exhausted(self) -> tuple[str, float]:
        """The budget of which only the reserve is left for the longest, and seconds until that ends."""
        now_ms = self._now_ms()
        name, longest = "", 0
        for pool in self._pools.values():
            need = pool.budget.weight(CallKind.PLACE)
            if pool.usable(now_ms) >= need:
                continue
            wait = pool.budget.wait_ms(pool.used, now_ms, need, safety=False)
            if wait > longest:
                name, longest = pool.budget.name, wait
        return name, longest / 1000

    def uses(self) -> tuple[BudgetUse, ...]:
        """How much of each budget is used."""
        now_ms = self._now_ms()
        return tuple(_use(pool, now_ms) for pool in self._pools.values())

    async def _lease_for(self, costs: list[tuple[_Pool, int]], *, safety: bool) -> float:
        """Have units for a call in every pool; seconds to wait where there are none.

        Between its answer 0 and the caller's next await nobody else takes the units.
        """
        if not self._behind_others(safety=safety) and not self._short(costs):
            return 0.0
        self._in_line += 1
        try:
            async with self._turn:
                short = self._short(costs)
                if not short:
                    return 0.0
                wait = 0 if safety else self._known_wait(short)
                for _ in range(_ATTEMPTS):
                    if wait > _MOMENT_MS or not short:
                        break
                    await self._lease(short, safety=safety)
                    # A lease that crossed the end of its slice is of no use; the next slice has room.
                    short = self._short(costs)
                    wait = self._wait(short, safety=safety)
            return wait / 1000
        finally:
            self._in_line -= 1

    def _behind_others(self, *, safety: bool) -> bool:
        """Whether others wait for a lease: orders do not overtake each other here, cancels do."""
        return self._in_line > 0 and not safety

    def _short(self, costs: list[tuple[_Pool, int]]) -> list[tuple[_Pool, int]]:
        now_ms = self._now_ms()
        return [(pool, cost) for pool, cost in costs if pool.told or pool.usable(now_ms) < cost]

    def _known_wait(self, short: list[tuple[_Pool, int]]) -> int:
        """Milliseconds for which the shared count need not be asked again."""
        now_ms = self._now_ms()
        waits = [pool.refused_until - now_ms for pool, cost in short if cost >= pool.refused_cost]
        return max([0, *waits])

    def _wait(self, short: list[tuple[_Pool, int]], *, safety: bool) -> int:
        """Milliseconds until the pools have room; 0 where none is short."""
        now_ms = self._now_ms()
        # At least one, where a slice ended this moment: the next one has room.
        waits = [max(1, pool.budget.wait_ms(pool.used, now_ms, cost, safety=safety)) for pool, cost in short]
        return max([0, *waits])

    @staticmethod
    def _take(costs: list[tuple[_Pool, int]]) -> None:
        for pool, cost in costs:
            pool.units -= cost

    async def _lease(self, short: list[tuple[_Pool, int]], *, safety: bool) -> None:
        now_ms = self._now_ms()
        asks = [self._ask(pool, cost, now_ms, safety=safety) for pool, cost in short]
        leased = await self._ledger.lease(self._venue, asks)
        if leased.pause is not None:
            self.pause_until(leased.pause)
        for (pool, cost), ask, grant in zip(short, asks, leased.grants, strict=True):
            self._granted(pool, cost, ask, grant, now_ms)

    @staticmethod
    def _ask(pool: _Pool, cost: int, now_ms: int, *, safety: bool) -> Ask:
        return Ask(
            pool.budget,
            pool.budget.slice_at(now_ms),
            cost,
            safety,
            back_slice=pool.present,
            back=pool.units,
            told=pool.told,
        )

    def _granted(self, pool: _Pool, cost: int, ask: Ask, grant: Grant, now_ms: int) -> None:
        pool.slice, pool.units, pool.present = ask.slice, grant.units, grant.present
        pool.used, pool.told = grant.used, None
        pool.refused_until, pool.refused_cost = 0, cost
        if not grant.units:
            pool.refused_until = now_ms + pool.budget.wait_ms(pool.used, now_ms, cost, safety=False)
        USED.labels(self._venue, pool.budget.name).set(pool.in_force(now_ms))

    def _now_ms(self) -> int:
        return (self._clock.now() - _EPOCH) // _MS


def _use(pool: _Pool, now_ms: int) -> BudgetUse:
    budget = pool.budget
    used = pool.in_force(now_ms) - pool.usable(now_ms)
    return BudgetUse(budget.name, budget.window_seconds, budget.limit, budget.reserve, max(0, used))
