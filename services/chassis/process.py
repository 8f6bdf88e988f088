"""The life of a service process: start, recover, serve, drain."""

import asyncio
import gc
import shutil
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import structlog
import uvloop

from services.chassis.clock import SystemClock
from services.chassis.crew import Crew
from services.chassis.descriptor import method_policies
from services.chassis.discovery.agent import ConsulAgent, Instance
from services.chassis.discovery.presence import Presence, SelfTest
from services.chassis.discovery.watch import Backoff
from services.chassis.identity.bootstrap import bootstrap, install_bootstrap
from services.chassis.identity.certificates import CertificateFolder
from services.chassis.identity.credentials import server_credentials
from services.chassis.identity.intentions import Intentions
from services.chassis.identity.leaf import Identity
from services.chassis.ids import UuidSource
from services.chassis.registry import ServiceSpec, load_registry
from services.chassis.rpc.client import Channels
from services.chassis.rpc.server import Limits, RpcServer, build_server
from services.chassis.runtime import Application, Build, Runtime
from services.chassis.settings import ChassisSettings
from services.chassis.telemetry.logs import configure_logging
from services.chassis.telemetry.metrics import MetricsPage
from services.chassis.telemetry.tracing import Tracing, start_tracing

if TYPE_CHECKING:
    from services.chassis.persistence import Database

_log = structlog.get_logger(__name__)

_FORGET_AFTER_S: Final = 60.0
_CLOSE_TIMEOUT_S: Final = 5.0
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_GC_THRESHOLDS: Final = (20_000, 10, 10)
"""With the default of 700 a service searches for cycles at about every fiftieth call."""


def run(name: str, build: Build) -> int:
    """Run a service until SIGTERM or SIGINT.

    Args:
        name: name in the registry.
        build: wires the service.

    Returns:
        The exit code: 0 after a drain, 1 where something failed.
    """
    settings = ChassisSettings()
    instance = settings.instance or f"{name}-{uuid4().hex[:12]}"
    configure_logging(name, instance, settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(ServiceProcess(name, instance, settings, build).run())


class ServiceProcess:
    """One process of one service.

    Args:
        name: name of the service in the registry.
        instance: id of this process, unique per start.
        settings: settings of the chassis.
        build: wires the service.
    """

    def __init__(self, name: str, instance: str, settings: ChassisSettings, build: Build) -> None:
        self._name = name
        self._instance = instance
        self._settings = settings
        self._build = build
        self._began = time.monotonic()
        self._folder = settings.state_dir.resolve() / "run" / instance
        self._stack = AsyncExitStack()
        self._crew = Crew()
        self._server: RpcServer | None = None
        self._presence: Presence | None = None

    async def run(self) -> int:
        """Start, serve until told to stop or something fails, drain; the exit code."""
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, stopping.set)
        starting = asyncio.create_task(self._start(), name="start")
        ends = [
            asyncio.create_task(stopping.wait(), name="stop"),
            asyncio.create_task(self._crew.failed.wait(), name="failure"),
        ]
        try:
            await asyncio.wait([starting, *ends], return_when=asyncio.FIRST_COMPLETED)
            started = starting.done() and _succeeded(starting)
            if started:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            failed = self._crew.failed.is_set() or (starting.done() and not started)
        finally:
            for task in (starting, *ends):
                task.cancel()
            await asyncio.gather(starting, *ends, return_exceptions=True)
            await self._end()
        return 1 if failed else 0

    async def _start(self) -> None:
        settings = self._settings
        registry = load_registry()
        spec = registry[self._name]
        agent = ConsulAgent(settings.consul_address, settings.consul_token)
        self._stack.push_async_callback(agent.close)
        certificates = CertificateFolder(self._folder / "tls")
        # Last of all: the key of a process that ended serves nobody.
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        identity = Identity(agent, self._name, certificates)
        intentions = Intentions(agent, self._name, lambda: identity.trust_domain, registry.members)
        self._crew.start("identity", identity.run)
        self._crew.start("intentions", intentions.run)
        self._install_bootstrap(certificates, spec)

        tracing = start_tracing(self._name, self._instance, settings.otlp_endpoint, settings.trace_ratio)
        if tracing is not None:
            self._stack.push_async_callback(asyncio.to_thread, tracing.close)
        database = await self._open_database(spec)
        await identity.wait()
        await intentions.wait()
        await _exists(self._ads_roots())

        application = await self._wire(spec, database, tracing)
        self._server = await build_server(
            application.servicers,
            address=f"{settings.host}:{settings.grpc_port}",
            credentials=server_credentials(lambda: identity.material),
            access=intentions,
            limits=Limits(settings.max_message_bytes, settings.max_concurrent_rpcs),
            tracing=tracing,
        )
        await self._server.start()
        metrics = MetricsPage(settings.host, settings.metrics_port)
        await self._stack.enter_async_context(metrics)
        await self._serve(
            application, agent, self._announcement(spec, self._server.port, metrics.port), database
        )

    async def _serve(
        self, application: Application, agent: ConsulAgent, instance: Instance, database: "Database | None"
    ) -> None:
        """Recover, say SERVING, announce; in this order."""
        if application.prepare is not None:
            await application.prepare()
        for background in application.background:
            self._crew.start(background.name, background.run)
        assert self._server is not None  # noqa: S101 - made just before
        # What was made so far lives as long as the process: a full collection need not walk it each time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        await self._server.serving()
        tests: list[SelfTest] = [database.ping] if database is not None else []
        self._presence = Presence(
            agent,
            instance,
            [*tests, *application.self_tests],
            interval=self._settings.self_test_interval,
            timeout=self._settings.self_test_timeout,
        )
        self._crew.start("presence", self._presence.run)
        seconds = round(time.monotonic() - self._began, 3)
        _log.info("service_started", port=instance.port, seconds=seconds, **instance.metadata)

    async def _wire(
        self, spec: ServiceSpec, database: "Database | None", tracing: Tracing | None
    ) -> Application:
        deadlines = {path: policy.default_deadline for path, policy in method_policies().items()}
        channels = Channels(deadlines, tracing)
        self._stack.push_async_callback(channels.close)
        runtime = Runtime(spec, self._settings, SystemClock(), UuidSource(), database, channels.channel)
        application = await self._build(runtime)
        if application.close is not None:
            self._stack.push_async_callback(application.close)
        return application

    async def _open_database(self, spec: ServiceSpec) -> "Database | None":
        if not spec.database:
            return None
        from services.chassis.persistence import Database  # noqa: PLC0415 - SQLAlchemy takes its time

        (self._settings.state_dir / "data").mkdir(parents=True, exist_ok=True, mode=0o700)
        url = self._settings.database_url_for(self._name)
        package = self._name.replace("-", "_")
        database = await Database.open(url, migrations=f"services.{package}.storage.migrations")
        self._stack.push_async_callback(database.close)
        return database

    def _install_bootstrap(self, certificates: CertificateFolder, spec: ServiceSpec) -> None:
        document = bootstrap(
            ads_address=self._settings.ads_address,
            ads_roots=self._ads_roots(),
            certificates=certificates.current,
            node_id=self._instance,
            service=self._name,
            zone=self._settings.zone or spec.zone,
        )
        install_bootstrap(document, self._folder / "xds.json")

    def _ads_roots(self) -> Path:
        return self._settings.state_dir.resolve() / "controlplane" / "ca" / "ca.pem"

    def _announcement(self, spec: ServiceSpec, port: int, metrics_port: int) -> Instance:
        settings = self._settings
        metadata = {
            "version": settings.version,
            "protocol": "grpc",
            "weight": str(settings.weight or spec.weight),
            "zone": settings.zone or spec.zone,
            "metrics_port": str(metrics_port),
            "instance": self._instance,
        }
        return Instance(
            self._name, self._instance, settings.host, port, metadata, settings.check_ttl, _FORGET_AFTER_S
        )

    async def _end(self) -> None:
        """Drain: out of everybody's routing first, then the door, then what stands behind it."""
        _log.info("drain_started")
        if self._server is not None:
            await self._server.not_serving()
        if self._presence is not None:
            await self._presence.leave_traffic()
            if self._presence.announced.is_set():
                await asyncio.sleep(self._settings.drain_push)
        if self._server is not None:
            await self._server.stop(self._settings.drain_grace)
        if self._presence is not None:
            await self._presence.deregister()
        await self._close()
        _log.info("service_stopped")

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                # The background uses what the stack releases.
                await self._crew.stop()
                await self._stack.aclose()
        except Exception:  # noqa: BLE001 - the process ends either way
            _log.exception("close_failed")


def _succeeded(starting: "asyncio.Task[None]") -> bool:
    error = starting.exception()
    if error is not None:
        _log.error("start_failed", exc_info=error)
    return error is None


async def _exists(path: Path) -> None:
    """Wait for a file that another process makes."""
    backoff = Backoff(0.05, 1.0)
    while not await asyncio.to_thread(path.is_file):
        await backoff.pause()
