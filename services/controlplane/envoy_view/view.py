"""Snapshots for the edge."""

from collections.abc import Mapping
from functools import lru_cache

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from services.chassis.descriptor import MethodPolicy, public_descriptor
from services.chassis.registry import Registry
from services.controlplane.domain.catalog import Catalog
from services.controlplane.domain.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    ROUTES,
    SECRET,
    Resource,
    Snapshot,
)
from services.controlplane.envoy_view import clusters, listener, routes, secrets, transcoder
from services.controlplane.envoy_view.node import EdgeNode
from services.controlplane.xds import EndpointSets, policies_by_area, resource, withheld_endpoints


class EnvoyView:
    """Builds snapshots of a catalog as one edge sees it.

    Args:
        registry: services and their policies.
        policies: method policies by gRPC path.
        descriptor: the mesh descriptor, for the transcoder.
        endpoints: endpoint resources, shared with the other view.
    """

    def __init__(
        self,
        registry: Registry,
        policies: Mapping[str, MethodPolicy],
        descriptor: FileDescriptorSet,
        endpoints: EndpointSets,
    ) -> None:
        by_area = policies_by_area(policies, registry)
        shown = {name: [policy for policy in of_area if policy.public] for name, of_area in by_area.items()}
        self._specs = [registry[name] for name, of_area in shown.items() if of_area]
        self._endpoints = endpoints
        services = sorted({policy.service for of_area in shown.values() for policy in of_area})
        self._transcoder = transcoder.transcoder(public_descriptor(descriptor), services)
        table = routes.route_table([(spec, shown[spec.name]) for spec in self._specs])
        self._routes = resource(routes.NAME, table)
        self._fixed = lru_cache(maxsize=8)(self._build_fixed)

    def snapshot(self, catalog: Catalog, node: EdgeNode) -> Snapshot:
        """The snapshot of ``catalog``, whose trust domain must be known, for ``node``."""
        names = [spec.name for spec in self._specs]
        fixed = self._fixed(catalog.trust_domain, node)
        return Snapshot.of(
            {**fixed, ENDPOINTS: self._endpoints.of(catalog, names)}, withheld_endpoints(catalog, names)
        )

    def _build_fixed(self, trust_domain: str, node: EdgeNode) -> Mapping[str, list[Resource]]:
        """Everything but the endpoints: it changes only with the node or the trust domain."""
        upstream = [resource(spec.name, clusters.cluster(spec, trust_domain)) for spec in self._specs]
        local = resource(clusters.LOCAL, clusters.local_cluster(node))
        return {
            CLUSTER: [*upstream, local],
            SECRET: [resource(secret.name, secret) for secret in secrets.secrets(node)],
            LISTENER: [resource(listener.NAME, listener.listener(node, self._transcoder))],
            ROUTES: [self._routes],
        }
