"""The newest catalog, and everybody who waits for a newer one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from services.controlplane.domain.catalog import Catalog, Instance
from services.controlplane.metrics import Metrics


class World:
    """Holds the newest catalog. Nothing is queued: who was slow finds the newest when they look.

    Args:
        metrics: told of each change.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._waiting: set[asyncio.Event] = set()
        self.catalog = Catalog()
        self.closing = False

    def set_service(self, name: str, instances: tuple[Instance, ...]) -> None:
        """What is believed of one service."""
        self._replace(self.catalog.with_service(name, instances))

    def set_trust_domain(self, trust_domain: str) -> None:
        """The trust domain of the mesh's certificates."""
        self._replace(self.catalog.with_trust_domain(trust_domain))

    def close(self) -> None:
        """Ask every stream to end."""
        self.closing = True
        self._wake()

    @contextmanager
    def waiting(self) -> Iterator[asyncio.Event]:
        """An event that is set at each change, until the block ends."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)

    def _replace(self, catalog: Catalog) -> None:
        if catalog is self.catalog:
            return
        self.catalog = catalog
        self._metrics.catalog_changed(catalog)
        self._wake()

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()
