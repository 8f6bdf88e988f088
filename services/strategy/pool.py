"""Keeps one runner for each enabled strategy whose lease this instance can get."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from services.chassis.persistence import StorageUnavailableError
from services.kernel.names import StrategyName
from services.strategy.domain.strategy import Strategy
from services.strategy.ports import Lease, LeaseLostError, StrategyChangedError
from services.strategy.runner import Runner, RunnerParts

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Running:
    strategy: Strategy
    lease: Lease
    task: asyncio.Task[None]
    renew_at: datetime


class RunnerPool:
    """Compares what is enabled with what runs here, at every change and every ``poll`` seconds.

    A lease is renewed when a third of it is over. Whoever lost it before that writes nothing: each write of a
    runner is fenced.

    Args:
        parts: what runners stand on.
        holder: id of this instance.
        lease: how long a lease lasts without being renewed.
        poll: seconds between two looks; a fraction of the lease.
    """

    def __init__(
        self,
        parts: RunnerParts,
        holder: str,
        *,
        lease: timedelta = timedelta(seconds=10),
        poll: float = 1.0,
    ) -> None:
        self._parts = parts
        self._holder = holder
        self._lease = lease
        self._poll = poll
        self._running: dict[StrategyName, _Running] = {}
        self._storage_lost = False

    async def run(self) -> None:
        """Never ends by itself; a fault of a runner's own code passes out."""
        store = self._parts.store
        while True:
            seen = store.strategies_version()
            try:
                await self._reconcile()
                self._storage_lost = False
            except StorageUnavailableError as error:
                # The runners go on; their own writes are fenced.
                if not self._storage_lost:
                    self._storage_lost = True
                    _log.warning("runner_pool_without_storage", error=error.message)
            await store.strategies_changed(seen, self._poll)

    async def stop(self) -> None:
        """Stop every runner and give its lease back, so that another instance takes over at once."""
        for name in list(self._running):
            await self._end(name)

    def running(self) -> frozenset[StrategyName]:
        """The strategies that run here."""
        return frozenset(self._running)

    async def _reconcile(self) -> None:
        enabled = {each.name: each for each in await self._parts.store.enabled()}
        for name, running in list(self._running.items()):
            if running.task.done():
                await self._bury(name)
            elif enabled.get(name) != running.strategy:
                await self._end(name)
            elif not await self._renew(running):
                _log.warning("lease_lost", strategy=str(name))
                await self._end(name)
        for name in enabled.keys() - self._running.keys():
            await self._begin(enabled[name])
        self._parts.metrics.runners.set(len(self._running))

    async def _begin(self, strategy: Strategy) -> None:
        now = self._parts.clock.now()
        lease = await self._parts.store.acquire(strategy.name, self._holder, now, self._until())
        if lease is None:
            return
        runner = Runner(strategy, lease, self._parts)
        task = asyncio.create_task(runner.run(), name=f"runner {strategy.name}")
        self._running[strategy.name] = _Running(strategy, lease, task, now + self._lease / 3)
        _log.info("runner_started", strategy=str(strategy.name), fence=lease.fence)

    async def _renew(self, running: _Running) -> bool:
        """Keep a lease where that is due; False where it is lost."""
        now = self._parts.clock.now()
        if now < running.renew_at:
            return True
        self._running[running.strategy.name] = replace(running, renew_at=now + self._lease / 3)
        return await self._parts.store.renew(running.lease, now + self._lease)

    async def _bury(self, name: StrategyName) -> None:
        """Take note of a runner that ended by itself."""
        running = self._running.pop(name)
        try:
            running.task.result()
        except (LeaseLostError, StrategyChangedError) as reason:
            _log.info("runner_ended", strategy=str(name), reason=type(reason).__name__)
            await self._parts.store.release(running.lease)

    async def _end(self, name: StrategyName) -> None:
        running = self._running.pop(name)
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)
        try:
            await self._parts.store.release(running.lease)
        except StorageUnavailableError as error:
            # It runs out by itself.
            _log.warning("lease_not_released", strategy=str(name), error=error.message)
        _log.info("runner_stopped", strategy=str(name))

    def _until(self) -> datetime:
        return self._parts.clock.now() + self._lease
