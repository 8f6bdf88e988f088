"""The edge's routes: one per public rpc, on its gRPC path. REST gets there through the transcoder."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from envoy.config.core.v3.base_pb2 import DataSource, HeaderValue, HeaderValueOption
from envoy.config.route.v3.route_components_pb2 import (
    DirectResponseAction,
    FilterConfig,
    RetryPolicy,
    Route,
    RouteAction,
    RouteMatch,
    VirtualHost,
)
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.retry.host.previous_hosts.v3.previous_hosts_pb2 import PreviousHostsPredicate

from services.chassis.descriptor import MethodPolicy, RetryClass
from services.chassis.registry import ServiceSpec
from services.controlplane.envoy_view import clusters, transcoder
from services.controlplane.xds import duration, number, pack, repeats

NAME: Final = "edge"
HEALTH_PATH: Final = "/healthz"
LOCAL_SERVICES: Final = (
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "grpc.health.v1.Health",
)
"""Served by the edge process, for the mesh as a whole."""

_FALLBACK_DEADLINE: Final = timedelta(seconds=15)
_LONGEST_DEADLINE: Final = timedelta(seconds=60)
_STREAM_IDLE: Final = timedelta(minutes=5)
_LOOKS_FOR_ANOTHER: Final = 10
"""How often a retry is dealt an instance anew that was tried already, before it takes it all the same. Few
are too few where two of three are dead: one killed now, one still listed since Consul was away."""
_BEFORE_ANY_EFFECT: Final = "connect-failure,refused-stream"


def route_table(services: Sequence[tuple[ServiceSpec, Iterable[MethodPolicy]]]) -> RouteConfiguration:
    """Routes of the given services' public methods. What has no route answers 404 or UNIMPLEMENTED."""
    public = [route(spec, policy) for spec, policies in services for policy in policies]
    local = [_local_route(service) for service in LOCAL_SERVICES]
    host = VirtualHost(
        name=NAME,
        domains=["*"],
        routes=[*public, *local, _health_route()],
        request_headers_to_add=[_header_if_absent("x-correlation-id", "%REQ(x-request-id)%")],
        response_headers_to_add=[_header_if_absent("x-correlation-id", "%REQ(x-correlation-id)%")],
    )
    return RouteConfiguration(name=NAME, virtual_hosts=[host])


def route(spec: ServiceSpec, policy: MethodPolicy) -> Route:
    """The route of one public method."""
    action = _stream_action(spec) if policy.streaming else _unary_action(spec, policy)
    made = Route(name=policy.path, match=RouteMatch(path=policy.path), route=action)
    if not policy.streaming:
        wire = f"{int(_deadline(policy) / timedelta(milliseconds=1))}m"
        made.request_headers_to_add.append(_header_if_absent("grpc-timeout", wire))
    return made


def _unary_action(spec: ServiceSpec, policy: MethodPolicy) -> RouteAction:
    """A caller's own deadline counts, up to a bound; without one the method's default does.

    ``max_stream_duration`` is meant rather than ``timeout``: it answers DEADLINE_EXCEEDED (504).
    """
    deadline = _deadline(policy)
    action = RouteAction(
        cluster=spec.name,
        timeout=duration(timedelta()),
        max_stream_duration=RouteAction.MaxStreamDuration(
            max_stream_duration=duration(deadline),
            grpc_timeout_header_max=duration(max(deadline, _LONGEST_DEADLINE)),
        ),
    )
    if repeats(policy, spec):
        action.retry_policy.CopyFrom(retry_policy(spec, policy))
    return action


def _stream_action(spec: ServiceSpec) -> RouteAction:
    """Streams last as long as something moves on them; heartbeats see to that."""
    return RouteAction(cluster=spec.name, timeout=duration(timedelta()), idle_timeout=duration(_STREAM_IDLE))


def retry_policy(spec: ServiceSpec, policy: MethodPolicy) -> RetryPolicy:
    """Repeats on another instance. A mutation only when the call surely reached no server."""
    retried = _BEFORE_ANY_EFFECT
    if policy.retry is RetryClass.READ:
        retried = ",".join([*spec.retry.codes, "reset", retried])
    return RetryPolicy(
        retry_on=retried,
        num_retries=number(spec.retry.attempts - 1),
        retry_back_off=RetryPolicy.RetryBackOff(
            base_interval=duration(spec.retry.backoff), max_interval=duration(spec.retry.max_backoff)
        ),
        retry_host_predicate=[
            RetryPolicy.RetryHostPredicate(
                name="envoy.retry_host_predicates.previous_hosts",
                typed_config=pack(PreviousHostsPredicate()),
            )
        ],
        host_selection_retry_max_attempts=_LOOKS_FOR_ANOTHER,
    )


def _deadline(policy: MethodPolicy) -> timedelta:
    return policy.default_deadline or _FALLBACK_DEADLINE


def _local_route(service: str) -> Route:
    return Route(
        name=service,
        match=RouteMatch(prefix=f"/{service}/"),
        route=RouteAction(
            cluster=clusters.LOCAL, timeout=duration(timedelta()), idle_timeout=duration(_STREAM_IDLE)
        ),
    )


def _health_route() -> Route:
    """Says that Envoy runs and has its routes; past the transcoder, which knows no such path."""
    made = Route(
        name="health",
        match=RouteMatch(path=HEALTH_PATH),
        direct_response=DirectResponseAction(
            status=200, body=DataSource(inline_string='{"status":"SERVING"}')
        ),
        response_headers_to_add=[
            HeaderValueOption(
                header=HeaderValue(key="content-type", value="application/json"),
                append_action=HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD,
            )
        ],
    )
    made.typed_per_filter_config[transcoder.FILTER].CopyFrom(pack(FilterConfig(disabled=True)))
    return made


def _header_if_absent(name: str, value: str) -> HeaderValueOption:
    return HeaderValueOption(
        header=HeaderValue(key=name, value=value), append_action=HeaderValueOption.ADD_IF_ABSENT
    )
