"""Snapshots for ``xds:///`` channels, the same for every service of the mesh."""

from collections.abc import Mapping

from services.chassis.descriptor import MethodPolicy
from services.chassis.registry import Registry
from services.controlplane.domain.catalog import Catalog
from services.controlplane.domain.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Resource, Snapshot
from services.controlplane.grpc_view import clusters, routes
from services.controlplane.xds import EndpointSets, policies_by_area, resource, withheld_endpoints


class GrpcView:
    """Builds snapshots of a catalog as gRPC channels see it.

    Args:
        registry: services and their policies.
        policies: method policies by gRPC path.
        endpoints: endpoint resources, shared with the other view.
    """

    def __init__(
        self, registry: Registry, policies: Mapping[str, MethodPolicy], endpoints: EndpointSets
    ) -> None:
        self._registry = registry
        self._endpoints = endpoints
        by_area = policies_by_area(policies, registry)
        specs = registry.services.values()
        self._listeners = [resource(spec.name, routes.listener(spec)) for spec in specs]
        self._routes = [resource(spec.name, routes.route_table(spec, by_area[spec.name])) for spec in specs]
        self._clusters: tuple[str, list[Resource]] = ("", [])

    def snapshot(self, catalog: Catalog) -> Snapshot:
        """The snapshot of ``catalog``, whose trust domain must be known."""
        services = self._registry.services
        return Snapshot.of(
            {
                CLUSTER: self._clusters_of(catalog.trust_domain),
                ENDPOINTS: self._endpoints.of(catalog, services),
                LISTENER: self._listeners,
                ROUTES: self._routes,
            },
            withheld_endpoints(catalog, services),
        )

    def _clusters_of(self, trust_domain: str) -> list[Resource]:
        if self._clusters[0] != trust_domain:
            specs = self._registry.services.values()
            built = [resource(spec.name, clusters.cluster(spec, trust_domain)) for spec in specs]
            self._clusters = (trust_domain, built)
        return self._clusters[1]
