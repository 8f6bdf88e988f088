"""Builds the gRPC server that every service is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE_NAME
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc
from prometheus_client import REGISTRY, CollectorRegistry

from services.chassis.rpc.endpoint import WrappingServer
from services.chassis.rpc.interceptor import Interceptor
from services.chassis.rpc.interceptors.authorization import Access, AuthorizationInterceptor
from services.chassis.rpc.interceptors.drain import DrainInterceptor
from services.chassis.rpc.interceptors.errors import ErrorInterceptor
from services.chassis.rpc.interceptors.load import LoadInterceptor
from services.chassis.rpc.interceptors.metrics import MetricsInterceptor
from services.chassis.rpc.interceptors.origin import OriginInterceptor
from services.chassis.rpc.interceptors.running import RunningCalls
from services.chassis.telemetry.tracing import Tracing

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_FAREWELL_S = 0.5
_UNWIND_S = 2.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Binding:
    """One servicer of a server.

    Attributes:
        servicer: the object with the rpc methods. Where it has a method ``drain()`` (no coroutine),
            the server calls it before it ends the streams, so that they can end with the terminal
            frame of their contract.
        add_to_server: the generated ``add_<Service>Servicer_to_server``.
    """

    servicer: Any
    add_to_server: Callable[[Any, Any], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server takes on.

    Attributes:
        max_message_bytes: largest message in either direction.
        max_concurrent_rpcs: calls in flight above which new ones are refused.
    """

    max_message_bytes: int = 4 * 1024 * 1024
    max_concurrent_rpcs: int = 1000


class RpcServer:
    """A built server: its port, its health, its life.

    Made by :func:`build_server`; NOT_SERVING until :meth:`serving` is called.
    """

    def __init__(
        self,
        server: grpc.aio.Server,
        health: health_aio.HealthServicer,
        drain: DrainInterceptor,
        running: RunningCalls,
        services: Sequence[str],
        port: int,
        farewells: Sequence[Callable[[], object]],
    ) -> None:
        self._server = server
        self._health = health
        self._drain = drain
        self._running = running
        self._services = ("", *services)
        self._farewells = farewells
        self.port = port

    async def start(self) -> None:
        """Open the door; health says NOT_SERVING."""
        await self._server.start()

    async def serving(self) -> None:
        """Say SERVING for every service of this server."""
        for service in self._services:
            await self._health.set(service, _SERVING)

    async def not_serving(self) -> None:
        """Say NOT_SERVING for good; calls go on being answered."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace: float) -> None:
        """Take no new call, end streams, let the others end; cut them off after ``grace`` seconds.

        A stream whose servicer can drain gets half a second of it to send its terminal frame. What was
        cut off has two seconds more to clean up: the caller closes what handlers use after this.
        """
        for farewell in self._farewells:
            farewell()
        await self._drain.settle(min(grace, _FAREWELL_S))
        self._drain.end_streams()
        await self._server.stop(grace)
        left = await self._running.ended(_UNWIND_S)
        if left:
            _log.error("handlers_left_running", count=left, seconds=_UNWIND_S)


async def build_server(
    bindings: Sequence[Binding],
    *,
    address: str = "127.0.0.1:0",
    credentials: grpc.ServerCredentials | None = None,
    access: Access | None = None,
    limits: Limits | None = None,
    registry: CollectorRegistry = REGISTRY,
    tracing: Tracing | None = None,
) -> RpcServer:
    """Make the server of a service: interceptors, health, reflection, limits.

    Args:
        bindings: the servicers.
        address: ``host:port``; port 0 takes a free one.
        credentials: TLS of the server. Without it the port is plaintext, for tests and benchmarks.
        access: who may call. Required with credentials.
        limits: what the server takes on.
        registry: where its metrics go.
        tracing: records spans; trace ids are carried on without it too.

    Raises:
        ValueError: credentials without access rules, which would let every identity in.
        RuntimeError: the address cannot be bound.
    """
    if credentials is not None and access is None:
        msg = "a server with credentials needs access rules"
        raise ValueError(msg)
    limits = limits or Limits()
    server = grpc.aio.server(options=_options(limits))
    drain, running = DrainInterceptor(), RunningCalls()
    interceptors = [running, *_interceptors(access, limits, registry, tracing), drain]
    wrapping = WrappingServer(server, interceptors)
    for binding in bindings:
        wrapping.bind(binding.add_to_server, binding.servicer)
    contracts = tuple(wrapping.services)
    health = health_aio.HealthServicer()
    for service in ("", *contracts):
        await health.set(service, _NOT_SERVING)
    names = (*contracts, reflection.SERVICE_NAME, HEALTH_SERVICE_NAME)
    wrapping.bind(health_pb2_grpc.add_HealthServicer_to_server, health)
    wrapping.bind(
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server, reflection.aio.ReflectionServicer(names)
    )
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    farewells = [each.servicer.drain for each in bindings if hasattr(each.servicer, "drain")]
    return RpcServer(server, health, drain, running, contracts, port, farewells)


def _interceptors(
    access: Access | None, limits: Limits, registry: CollectorRegistry, tracing: Tracing | None
) -> list[Interceptor]:
    """Outermost first: what is refused is still counted, correlated and traced."""
    chain: list[Interceptor] = [
        OriginInterceptor(tracing),
        MetricsInterceptor(registry),
        ErrorInterceptor(),
    ]
    if access is not None:
        chain.append(AuthorizationInterceptor(access))
    chain.append(LoadInterceptor(limits.max_concurrent_rpcs))
    return chain


def _options(limits: Limits) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", limits.max_message_bytes),
        ("grpc.max_send_message_length", limits.max_message_bytes),
        ("grpc.max_metadata_size", 16 * 1024),
        # Two processes must never share a port and split its connections between them.
        ("grpc.so_reuseport", 0),
        # Calls above this wait at the client; below it and above our own limit they are refused,
        # which a caller can act on.
        ("grpc.max_concurrent_streams", 2 * limits.max_concurrent_rpcs),
        # A peer that vanished without a word is noticed within half a minute; pings from clients
        # are welcome, but not more often than that.
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 3),
    ]
