"""What both views build their xDS messages with."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import groupby
from typing import Any as Untyped

from envoy.config.cluster.v3.circuit_breaker_pb2 import CircuitBreakers
from envoy.config.core.v3.address_pb2 import Address, SocketAddress
from envoy.config.core.v3.base_pb2 import Locality, RoutingPriority
from envoy.config.core.v3.config_source_pb2 import AggregatedConfigSource, ApiVersion, ConfigSource
from envoy.config.endpoint.v3.endpoint_components_pb2 import Endpoint, LbEndpoint, LocalityLbEndpoints
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import UInt32Value

from services.chassis.descriptor import MethodPolicy, RetryClass
from services.chassis.registry import CircuitBreaker, Registry, ServiceSpec
from services.controlplane.domain.catalog import Catalog, Instance
from services.controlplane.domain.snapshot import ENDPOINTS, Resource


def pack(message: Message) -> Any:
    """The message in an ``Any``, byte for byte the same for equal messages."""
    return Any(
        type_url=f"type.googleapis.com/{message.DESCRIPTOR.full_name}",
        value=message.SerializeToString(deterministic=True),
    )


def typed(type_url: str, body: bytes) -> Any:
    """A serialised message in an ``Any``."""
    return Any(type_url=type_url, value=body)


def resource(name: str, message: Message) -> Resource:
    """The message as a named resource, versioned by its content."""
    return Resource.of(name, message.SerializeToString(deterministic=True))


def duration(value: timedelta) -> Duration:
    """A protobuf duration of that length."""
    made = Duration()
    made.FromTimedelta(value)
    return made


def number(value: int) -> UInt32Value:
    """A wrapped number, which unlike a bare 0 says that it was set."""
    return UInt32Value(value=value)


def from_ads() -> ConfigSource:
    """A config source that says: over this same ADS stream."""
    return ConfigSource(ads=AggregatedConfigSource(), resource_api_version=ApiVersion.V3)


def spiffe_id(trust_domain: str, service: str) -> str:
    """The identity that Consul's CA gives an instance of ``service``."""
    return f"spiffe://{trust_domain}/ns/default/dc/dc1/svc/{service}"


def endpoints(service: str, instances: Iterable[Instance]) -> Resource:
    """Endpoints of one service, grouped by zone.

    Instances that take no calls must not be among ``instances``: an unhealthy endpoint that is listed
    would get calls again once most of its service is unhealthy (Envoy's panic mode).
    """
    zones = sorted(instances, key=lambda one: (one.zone, one.id))
    return resource(
        service,
        ClusterLoadAssignment(
            cluster_name=service,
            endpoints=[
                _locality(zone, list(group)) for zone, group in groupby(zones, key=lambda one: one.zone)
            ],
        ),
    )


def _locality(zone: str, instances: list[Instance]) -> LocalityLbEndpoints:
    return LocalityLbEndpoints(
        locality=Locality(zone=zone),
        load_balancing_weight=number(sum(one.weight for one in instances)),
        lb_endpoints=[
            LbEndpoint(
                endpoint=Endpoint(address=socket_address(one.address, one.port)),
                load_balancing_weight=number(one.weight),
            )
            for one in instances
        ],
    )


def socket_address(address: str, port: int) -> Address:
    """A TCP address."""
    return Address(socket_address=SocketAddress(address=address, port_value=port))


class EndpointSets:
    """Endpoint resources of a catalog, rebuilt only for the services that changed."""

    def __init__(self) -> None:
        self._built: dict[str, tuple[tuple[Instance, ...], Resource]] = {}

    def of(self, catalog: Catalog, services: Iterable[str]) -> tuple[Resource, ...]:
        """Endpoints of those ``services`` that the catalog has an answer for."""
        return tuple(self._one(name, catalog.ready(name)) for name in services if name in catalog.services)

    def _one(self, name: str, ready: tuple[Instance, ...]) -> Resource:
        known = self._built.get(name)
        if known is None or known[0] != ready:
            known = self._built[name] = (ready, endpoints(name, ready))
        return known[1]


def withheld_endpoints(catalog: Catalog, services: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Endpoints that exist although nobody has answered for them yet."""
    return {ENDPOINTS: frozenset(name for name in services if name not in catalog.services)}


def circuit_breakers(spec: CircuitBreaker, **thresholds: Untyped) -> CircuitBreakers:
    """Bounds for calls of default priority, with what a view adds to them."""
    return CircuitBreakers(
        thresholds=[
            CircuitBreakers.Thresholds(
                priority=RoutingPriority.DEFAULT, max_requests=number(spec.max_requests), **thresholds
            )
        ]
    )


def policies_by_area(
    policies: Mapping[str, MethodPolicy], registry: Registry
) -> Mapping[str, list[MethodPolicy]]:
    """The method policies of each registered service, in path order."""
    by_area: dict[str, list[MethodPolicy]] = {name: [] for name in registry.services}
    for path in sorted(policies):
        if policies[path].area in by_area:
            by_area[policies[path].area].append(policies[path])
    return by_area


def repeats(policy: MethodPolicy, spec: ServiceSpec) -> bool:
    """Whether the mesh may send a call of this method again."""
    return policy.retry in {RetryClass.READ, RetryClass.IDEMPOTENT} and spec.retry.attempts > 1
