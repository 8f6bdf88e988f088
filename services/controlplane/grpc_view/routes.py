"""Listeners and route tables for gRPC channels.

A channel's target ``xds:///market`` asks for the listener ``market``. Deadlines are not set here:
callers set them in code, since those that come by configuration fire late on the C core.
"""

from collections.abc import Iterable

from envoy.config.listener.v3.api_listener_pb2 import ApiListener
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_components_pb2 import (
    RetryPolicy,
    Route,
    RouteAction,
    RouteMatch,
    VirtualHost,
)
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    HttpFilter,
    Rds,
)

from services.chassis.descriptor import MethodPolicy
from services.chassis.registry import Retry, ServiceSpec
from services.controlplane.xds import duration, from_ads, number, pack, repeats


def listener(spec: ServiceSpec) -> Listener:
    """The API listener behind ``xds:///<service>``."""
    manager = HttpConnectionManager(
        rds=Rds(config_source=from_ads(), route_config_name=spec.name),
        http_filters=[HttpFilter(name="router", typed_config=pack(Router()))],
    )
    return Listener(name=spec.name, api_listener=ApiListener(api_listener=pack(manager)))


def route_table(spec: ServiceSpec, policies: Iterable[MethodPolicy]) -> RouteConfiguration:
    """All calls to the service's cluster; those whose retry class allows it, again on failure.

    Inside the mesh a READ and an IDEMPOTENT method are treated alike: the ``request_id`` makes the
    second safe. Streams and NEVER methods take the last route, which repeats nothing.
    """
    repeated = [
        Route(
            name=policy.path,
            match=RouteMatch(path=policy.path),
            route=RouteAction(cluster=spec.name, retry_policy=retry_policy(spec.retry)),
        )
        for policy in policies
        if repeats(policy, spec) and not policy.streaming
    ]
    rest = Route(name="once", match=RouteMatch(prefix=""), route=RouteAction(cluster=spec.name))
    host = VirtualHost(name=spec.name, domains=["*"], routes=[*repeated, rest])
    return RouteConfiguration(name=spec.name, virtual_hosts=[host])


def retry_policy(retry: Retry) -> RetryPolicy:
    """The registry's retry as gRPC reads it: codes and back-off, no time limit per attempt."""
    return RetryPolicy(
        retry_on=",".join(retry.codes),
        num_retries=number(retry.attempts - 1),
        retry_back_off=RetryPolicy.RetryBackOff(
            base_interval=duration(retry.backoff), max_interval=duration(retry.max_backoff)
        ),
    )
