"""Wires the control plane."""

import asyncio
import signal
from contextlib import AsyncExitStack
from typing import Final
from uuid import uuid4

import grpc.aio
import structlog
import uvloop
from envoy.service.discovery.v3 import ads_pb2_grpc

from services.chassis.crew import Crew
from services.chassis.descriptor import mesh_descriptor, method_policies
from services.chassis.discovery.agent import ConsulAgent, Instance
from services.chassis.discovery.presence import Presence
from services.chassis.identity.credentials import server_credentials
from services.chassis.registry import Registry, load_registry
from services.chassis.settings import ChassisSettings
from services.chassis.telemetry.logs import configure_logging
from services.chassis.telemetry.metrics import MetricsPage
from services.controlplane.ads.admission import Admission, MeshAdmission
from services.controlplane.ads.servicer import AggregatedDiscovery
from services.controlplane.ads.views import Views
from services.controlplane.ads.world import World
from services.controlplane.consul.watch import CatalogWatch
from services.controlplane.envoy_view import EnvoyView
from services.controlplane.grpc_view import GrpcView
from services.controlplane.identity.authority import Authority
from services.controlplane.identity.material import ServerMaterial
from services.controlplane.metrics import Metrics
from services.controlplane.settings import ControlPlaneSettings
from services.controlplane.xds import EndpointSets

_log = structlog.get_logger(__name__)

NAME: Final = Registry.CONTROL_PLANE
_STOP_GRACE_S: Final = 2.0
_OPTIONS: Final = (
    # A second server on the same port would share its clients silently.
    ("grpc.so_reuseport", 0),
    # Clients that vanished without a word are noticed.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)


def build_server(world: World, views: Views, admission: Admission, metrics: Metrics) -> grpc.aio.Server:
    """The ADS server, without a port."""
    server = grpc.aio.server(options=_OPTIONS)
    servicer = AggregatedDiscovery(world, views, admission, metrics, NAME)
    ads_pb2_grpc.add_AggregatedDiscoveryServiceServicer_to_server(servicer, server)
    return server


def build_views(registry: Registry, metrics: Metrics) -> Views:
    """Both views of the installed contracts.

    Raises:
        FileNotFoundError: the mesh descriptor has not been generated.
    """
    endpoints = EndpointSets()
    policies = method_policies()
    grpc_view = GrpcView(registry, policies, endpoints)
    envoy_view = EnvoyView(registry, policies, mesh_descriptor(), endpoints)
    return Views(grpc_view, envoy_view, metrics)


class ControlPlane:
    """The process.

    Args:
        settings: of the chassis.
        own: of the control plane.
        instance: id of this process, unique per start.
    """

    def __init__(self, settings: ChassisSettings, own: ControlPlaneSettings, instance: str) -> None:
        self._settings = settings
        self._own = own
        self._instance = instance
        self._metrics = Metrics()
        self._world = World(self._metrics)
        self._crew = Crew()

    async def run(self) -> int:
        """Serve until told to stop or something fails; the exit code."""
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._crew.stop)
            starting = asyncio.create_task(self._start(stack), name="start")
            ends = [
                asyncio.create_task(stopping.wait(), name="stop"),
                asyncio.create_task(self._crew.failed.wait(), name="failure"),
            ]
            try:
                await asyncio.wait([starting, *ends], return_when=asyncio.FIRST_COMPLETED)
                if starting.done():
                    starting.result()
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (starting, *ends):
                    task.cancel()
                await asyncio.gather(starting, *ends, return_exceptions=True)
            failed = self._crew.failed.is_set()
            _log.info("stopping")
        return 1 if failed else 0

    async def _start(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        registry = load_registry(self._own.registry)
        views = build_views(registry, self._metrics)
        host = settings.ads_address.rpartition(":")[0]
        agent = ConsulAgent(settings.consul_address, settings.consul_token)
        stack.push_async_callback(agent.close)
        page = await stack.enter_async_context(
            MetricsPage(settings.host, settings.metrics_port, self._metrics.registry)
        )

        authority = Authority.open(settings.state_dir.resolve() / "controlplane" / "ca")
        names = tuple(dict.fromkeys(["localhost", NAME, "127.0.0.1", host]))
        material = ServerMaterial(authority, names, agent, self._world.set_trust_domain)
        watch = CatalogWatch(
            agent, registry, grace=self._own.grace, apply=self._world.set_service, metrics=self._metrics
        )
        self._crew.start("roots", material.run)
        self._crew.start("catalog", watch.run)
        await material.wait()

        server = build_server(self._world, views, MeshAdmission(registry), self._metrics)
        bound = server.add_secure_port(settings.ads_address, server_credentials(material.newest))
        await server.start()
        stack.push_async_callback(server.stop, _STOP_GRACE_S)
        stack.callback(self._world.close)
        presence = Presence(agent, self._announcement(host, bound, page.port))
        stack.push_async_callback(presence.deregister)
        stack.push_async_callback(presence.leave_traffic)
        self._crew.start("presence", presence.run)
        _log.info("serving", address=f"{host}:{bound}", metrics_port=page.port)

    def _announcement(self, host: str, port: int, metrics_port: int) -> Instance:
        return Instance(
            service=NAME,
            id=self._instance,
            host=host,
            port=port,
            metadata={
                "version": self._settings.version,
                "protocol": "xds",
                "metrics_port": str(metrics_port),
                "instance": self._instance,
            },
        )


def main() -> int:
    """Run the control plane until SIGTERM or SIGINT; the exit code."""
    settings = ChassisSettings()
    instance = settings.instance or f"{NAME}-{uuid4().hex[:12]}"
    configure_logging(NAME, instance, settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(ControlPlane(settings, ControlPlaneSettings(), instance).run())
        except (OSError, RuntimeError, ValueError) as error:
            _log.error("start_failed", error=f"{type(error).__name__}: {error}")
            return 1
