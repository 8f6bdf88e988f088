"""Follows the health of every mesh service, each with a blocking query of its own."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from services.chassis.discovery.agent import Answer, ConsulError
from services.chassis.discovery.watch import Backoff
from services.chassis.registry import Registry, ServiceSpec
from services.controlplane.consul.instances import changes_of, instances_of
from services.controlplane.consul.pace import Pace
from services.controlplane.domain.catalog import Instance
from services.controlplane.domain.retention import Retention
from services.controlplane.metrics import Metrics

_log = structlog.get_logger(__name__)


class HealthSource(Protocol):
    """Who knows the instances: the Consul agent."""

    async def health(self, service: str, index: int = 0) -> Answer:
        """All instances of a service; waits for a change where an index is given."""
        ...


class ServiceWatch:
    """Follows one service.

    Args:
        source: who is asked.
        spec: the service.
        grace: seconds that instances are kept after an outage, see :mod:`..domain.retention`.
        apply: takes the instances to believe in, each time they may have changed.
        metrics: counts failures and contact.
    """

    def __init__(
        self,
        source: HealthSource,
        spec: ServiceSpec,
        *,
        grace: float,
        apply: Callable[[str, tuple[Instance, ...]], None],
        metrics: Metrics,
    ) -> None:
        self._source = source
        self._spec = spec
        self._apply = apply
        self._metrics = metrics
        self._retention = Retention(grace)
        self._failing = False
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Follow for ever; logs once when Consul goes away and once when it is back."""
        pace = Pace()
        backoff = Backoff()
        index = 0
        try:
            while True:
                await pace.wait()
                try:
                    answer = await self._source.health(self._spec.name, index)
                    instances = instances_of(answer.body, self._spec)
                    changed = changes_of(answer.body)
                except (ConsulError, ValueError) as error:
                    self._lost(error)
                    index = 0  # after an outage a high index would wait for changes that never come
                    await backoff.pause()
                    continue
                backoff.reset()
                self._found(answer.index, instances, changed)
                index = answer.index if answer.index >= index else 0
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _found(self, index: int, instances: tuple[Instance, ...], changed: Mapping[str, int]) -> None:
        if self._failing:
            self._failing = False
            _log.info("consul_watch_recovered", watch=self._spec.name)
        self._metrics.consul_answered()
        self._retention = self._retention.answered(index, instances, changed, self._now())
        self._apply(self._spec.name, self._retention.believed())
        self._schedule()

    def _lost(self, error: Exception) -> None:
        self._metrics.watch_failed(self._spec.name)
        self._retention = self._retention.failed()
        if not self._failing:
            self._failing = True
            _log.warning("consul_watch_lost", watch=self._spec.name, error=str(error))

    def _schedule(self) -> None:
        """Look again when the grace time of an outage ends."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._retention.grace_ends is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._retention.grace_ends, self._settle)

    def _settle(self) -> None:
        self._timer = None
        settled = self._retention.at(self._now())
        if settled.kept != self._retention.kept:
            _log.info("kept_instances_dropped", watch=self._spec.name, count=len(self._retention.kept))
        self._retention = settled
        self._apply(self._spec.name, settled.believed())

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class CatalogWatch:
    """Follows every service of the registry.

    Args:
        source: who is asked.
        registry: which services.
        grace: seconds that instances are kept after an outage.
        apply: takes a service and the instances to believe in.
        metrics: counts failures and contact.
    """

    def __init__(
        self,
        source: HealthSource,
        registry: Registry,
        *,
        grace: float,
        apply: Callable[[str, tuple[Instance, ...]], None],
        metrics: Metrics,
    ) -> None:
        self._watches = [
            ServiceWatch(source, spec, grace=grace, apply=apply, metrics=metrics)
            for spec in registry.services.values()
        ]

    async def run(self) -> None:
        """Follow for ever."""
        async with asyncio.TaskGroup() as tasks:
            for watch in self._watches:
                tasks.create_task(watch.run())
