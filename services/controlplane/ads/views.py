"""Which view a client gets, and the newest snapshot of it."""

from collections.abc import Callable
from dataclasses import dataclass

from envoy.config.core.v3.base_pb2 import Node
from google.protobuf.json_format import MessageToDict

from services.chassis.registry import Registry
from services.controlplane.domain.catalog import Catalog
from services.controlplane.domain.snapshot import Snapshot
from services.controlplane.envoy_view import EdgeNode, EnvoyView
from services.controlplane.grpc_view import GrpcView
from services.controlplane.metrics import Metrics

GRPC = "grpc"
ENVOY = "envoy"


@dataclass(slots=True)
class View:
    """One view: its snapshots are built once per catalog, however many streams read them.

    Attributes:
        name: for metrics and logs.
        build: makes a snapshot of a catalog.
        metrics: told of each new snapshot.
    """

    name: str
    build: Callable[[Catalog], Snapshot]
    metrics: Metrics
    _catalog: Catalog | None = None
    _snapshot: Snapshot | None = None

    def snapshot(self, catalog: Catalog) -> Snapshot | None:
        """The snapshot of ``catalog``; None while the trust domain is unknown."""
        if not catalog.trust_domain:
            return None
        if self._snapshot is None or self._catalog is not catalog:
            built = self.build(catalog)
            if self._snapshot is None or built.version != self._snapshot.version:
                self.metrics.snapshot_built(self.name, built)
            self._catalog, self._snapshot = catalog, built
        return self._snapshot


class Views:
    """Chooses the view by the client's node: an edge gets Envoy's, everybody else gRPC's.

    Args:
        grpc_view: for channels.
        envoy_view: for edges.
        metrics: told of each new snapshot.
    """

    def __init__(self, grpc_view: GrpcView, envoy_view: EnvoyView, metrics: Metrics) -> None:
        self._envoy_view = envoy_view
        self._metrics = metrics
        self._grpc = View(GRPC, grpc_view.snapshot, metrics)
        self._edges: dict[EdgeNode, View] = {}

    def of(self, node: Node) -> View:
        """The view for ``node``.

        Raises:
            NodeError: an edge's metadata lacks something.
        """
        if node.cluster != Registry.EDGE:
            return self._grpc
        edge = EdgeNode.from_metadata(MessageToDict(node.metadata))
        if edge not in self._edges:
            self._edges[edge] = View(
                ENVOY, lambda catalog: self._envoy_view.snapshot(catalog, edge), self._metrics
            )
        return self._edges[edge]
