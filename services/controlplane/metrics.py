"""What the control plane measures of itself and of the mesh."""

from time import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Info

from services.controlplane.domain.catalog import Catalog
from services.controlplane.domain.snapshot import Snapshot

_PREFIX: Final = "trademesh_controlplane"


class Metrics:
    """All metrics of the process, in a registry of their own.

    Attributes:
        registry: for the page that Prometheus reads.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        page = self.registry
        self._endpoints = Gauge(
            f"{_PREFIX}_endpoints", "Instances of a service.", ["service", "state"], registry=page
        )
        self._streams = Gauge(
            f"{_PREFIX}_streams", "ADS streams that are open.", ["view", "variant"], registry=page
        )
        self._pushes = Counter(f"{_PREFIX}_pushes", "ADS responses sent.", ["view", "type"], registry=page)
        self._nacks = Counter(
            f"{_PREFIX}_nacks", "ADS responses that were rejected.", ["view", "type"], registry=page
        )
        self._refused = Counter(
            f"{_PREFIX}_refused_streams", "ADS streams refused.", ["reason"], registry=page
        )
        self._watch_errors = Counter(
            f"{_PREFIX}_consul_watch_errors", "Failed Consul queries.", ["service"], registry=page
        )
        self._changes = Counter(
            f"{_PREFIX}_snapshot_changes", "Changes of what is pushed.", ["view"], registry=page
        )
        self._version = Info(
            f"{_PREFIX}_snapshot", "Version of the newest snapshot.", ["view"], registry=page
        )
        changed = Gauge(f"{_PREFIX}_snapshot_age_seconds", "Since the catalog last changed.", registry=page)
        contact = Gauge(
            f"{_PREFIX}_consul_contact_age_seconds", "Since Consul last answered a watch.", registry=page
        )
        self._changed_at = self._answered_at = time()
        changed.set_function(lambda: time() - self._changed_at)
        contact.set_function(lambda: time() - self._answered_at)

    def catalog_changed(self, catalog: Catalog) -> None:
        """What is alive changed."""
        self._changed_at = time()
        for name, instances in catalog.services.items():
            ready = sum(one.health.takes_calls for one in instances)
            self._endpoints.labels(name, "ready").set(ready)
            self._endpoints.labels(name, "critical").set(len(instances) - ready)

    def snapshot_built(self, view: str, snapshot: Snapshot) -> None:
        """A view has a new snapshot."""
        self._changes.labels(view).inc()
        self._version.labels(view).info({"version": snapshot.version})

    def stream_opened(self, view: str, variant: str) -> None:
        """A client opened a stream."""
        self._streams.labels(view, variant).inc()

    def stream_closed(self, view: str, variant: str) -> None:
        """A stream ended."""
        self._streams.labels(view, variant).dec()

    def stream_refused(self, reason: str) -> None:
        """A client was turned away."""
        self._refused.labels(reason).inc()

    def pushed(self, view: str, type_url: str) -> None:
        """A response was sent."""
        self._pushes.labels(view, short_type(type_url)).inc()

    def nacked(self, view: str, type_url: str) -> None:
        """A response was rejected."""
        self._nacks.labels(view, short_type(type_url)).inc()

    def watch_failed(self, service: str) -> None:
        """A query to Consul failed."""
        self._watch_errors.labels(service).inc()

    def consul_answered(self) -> None:
        """Consul answered a watch."""
        self._answered_at = time()


def short_type(type_url: str) -> str:
    """The message's own name, without packages: ``Cluster``."""
    return type_url.rpartition(".")[2]
