"""The life of the edge process: certificate, Envoy, local server, registration, drain."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import structlog
import uvloop

from services.chassis.crew import Crew
from services.chassis.descriptor import mesh_descriptor
from services.chassis.discovery.agent import ConsulAgent, Instance
from services.chassis.discovery.presence import Presence
from services.chassis.identity.certificates import CertificateFolder
from services.chassis.identity.leaf import Identity
from services.chassis.registry import Registry
from services.chassis.settings import ChassisSettings
from services.chassis.telemetry.logs import configure_logging
from services.edge import bootstrap
from services.edge.bootstrap import EdgeFiles
from services.edge.envoy import Envoy, EnvoyFault
from services.edge.settings import EdgeSettings
from services.toolchain import Tool, find

if TYPE_CHECKING:
    from services.edge.local import LocalServer

_log = structlog.get_logger(__name__)

_NAME: Final = Registry.EDGE
_POLL: Final = 0.1
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def run() -> int:
    """Runs the edge until SIGTERM or SIGINT.

    Returns:
        The exit code: 0 after a drain, 1 where Envoy or a part of this process failed.

    Raises:
        ToolMissing: Envoy is not installed.
    """
    chassis = ChassisSettings()
    instance = chassis.instance or f"{_NAME}-{uuid4().hex[:12]}"
    configure_logging(_NAME, instance, chassis.log_level)
    envoy = find(Tool.ENVOY)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(EdgeProcess(instance, chassis, EdgeSettings(), envoy).run())


class EdgeProcess:
    """One edge. It restarts nothing: where Envoy dies it ends, and the supervisor starts a new one.

    Args:
        instance: id of this process, unique per start.
        chassis: settings every process has.
        settings: the edge's own.
        binary: Envoy.
    """

    def __init__(self, instance: str, chassis: ChassisSettings, settings: EdgeSettings, binary: Path) -> None:
        self._instance = instance
        self._chassis = chassis
        self._settings = settings
        self._binary = binary
        self._zone = chassis.zone or "local"
        state = chassis.state_dir.resolve()
        self._files = EdgeFiles(
            folder=state / _NAME, ads_roots=state / Registry.CONTROL_PLANE / "ca" / "ca.pem"
        )
        self._stack = AsyncExitStack()
        self._crew = Crew()
        self._envoy: Envoy | None = None
        self._local: LocalServer | None = None
        self._presence: Presence | None = None

    async def run(self) -> int:
        """Starts, serves until told to stop or something fails, drains; the exit code."""
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, stopping.set)
        self._crew.start("edge", self._serve)
        ends = [asyncio.create_task(stopping.wait()), asyncio.create_task(self._crew.failed.wait())]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ends:
                task.cancel()
            await self._end()
        return 1 if self._crew.failed.is_set() else 0

    async def _serve(self) -> None:
        agent = ConsulAgent(self._chassis.consul_address, self._chassis.consul_token)
        self._stack.push_async_callback(agent.close)
        await self._obtain_identity(agent)
        envoy = await self._start_envoy()
        # From here on grpc may start its threads; nothing forks any more.
        from services.edge.local import LocalServer  # noqa: PLC0415 - see above

        self._local = LocalServer(mesh_descriptor(), self._files.socket)
        await self._local.start()
        await _answering(envoy)
        await self._local.serving()
        self._presence = Presence(
            agent,
            self._announcement(),
            [envoy.check],
            interval=self._chassis.self_test_interval,
            timeout=self._chassis.self_test_timeout,
        )
        self._crew.start("presence", self._presence.run)
        _log.info("edge_started", port=self._settings.port, envoy=envoy.pid)
        await envoy.watch()

    async def _obtain_identity(self, agent: ConsulAgent) -> None:
        self._files.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        certificates = CertificateFolder(self._files.certificates)
        # What a killed edge left behind belongs to nobody; there is one edge per state directory.
        certificates.remove()
        self._stack.callback(certificates.remove)
        identity = Identity(agent, _NAME, certificates)
        self._crew.start("identity", identity.run)
        await identity.wait()
        while not self._files.ads_roots.is_file():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(_POLL)

    async def _start_envoy(self) -> Envoy:
        file = bootstrap.write(
            self._files,
            self._settings,
            instance=self._instance,
            zone=self._zone,
            ads_address=self._chassis.ads_address,
        )
        self._envoy = await Envoy.start(self._binary, file, self._settings)
        return self._envoy

    def _announcement(self) -> Instance:
        metadata = {
            "version": self._chassis.version,
            "protocol": "http",
            "weight": str(self._chassis.weight or 1),
            "zone": self._zone,
            "metrics_port": str(self._settings.admin_port),
            "instance": self._instance,
        }
        return Instance(
            _NAME,
            self._instance,
            self._settings.address,
            self._settings.port,
            metadata,
            self._chassis.check_ttl,
        )

    async def _end(self) -> None:
        """Out of the registry, requests in flight to their end, then Envoy, then what it relied on."""
        _log.info("drain_started")
        if self._local is not None:
            await self._local.not_serving()
        if self._presence is not None:
            await self._presence.leave_traffic()
        if self._envoy is not None:
            await self._envoy.drain(self._settings.drain_seconds)
        if self._presence is not None:
            await self._presence.deregister()
        failed = self._crew.failed.is_set()
        await self._crew.stop()
        if self._envoy is not None:
            await self._envoy.stop()
        if self._local is not None:
            await self._local.stop()
        await self._stack.aclose()
        _log.info("edge_stopped", failed=failed)


async def _answering(envoy: Envoy) -> None:
    """Waits until the public listener has come from the control plane.

    Raises:
        EnvoyFault: Envoy has ended.
    """
    while True:
        try:
            await envoy.check()
        except EnvoyFault:
            if envoy.ended:
                raise
            await asyncio.sleep(_POLL)
        else:
            return
