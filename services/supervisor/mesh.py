"""The running mesh: every child, in the order they need each other."""

import asyncio
import os
import secrets
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import structlog

from services.supervisor.access import Access, establish
from services.supervisor.backoff import RestartPolicy
from services.supervisor.child import Child, Launch, Seat
from services.supervisor.consul_api import ConsulApi, ConsulError
from services.supervisor.failure import ExitCode, MeshError
from services.supervisor.options import MeshOptions
from services.supervisor.paths import StatePaths
from services.supervisor.plan import CONSUL, Stage, Unit
from services.supervisor.records import ProcessRecord
from services.supervisor.status import MeshStatus, Phase
from services.supervisor.watch import Watch

_log = structlog.get_logger()
_MOST_INSTANCES = 16
_RESTART_BOUND = 60.0
_PATIENCE = 20


class Mesh:
    """Runs units until told to stop.

    Args:
        options: what the mesh was asked to be.
        units: what to run, in the order of starting.
        access: who may do what in Consul.
        record: where running processes are written down.
        policy: when to restart what dies.
    """

    def __init__(
        self,
        options: MeshOptions,
        units: Sequence[Unit],
        access: Access,
        record: ProcessRecord,
        policy: RestartPolicy | None = None,
    ) -> None:
        self._options = options
        self._paths = StatePaths(options.state_dir)
        self._units: Mapping[str, Unit] = {unit.name: unit for unit in units}
        self._access = access
        self._record = record
        self._policy = policy or RestartPolicy()
        self._children: dict[str, list[Child]] = {unit.name: [] for unit in units}
        self._tasks: dict[Child, asyncio.Task[None]] = {}
        self._consul_ready = asyncio.Event()
        self._changing = asyncio.Lock()
        self._stopping = False
        self._start_time = datetime.now(UTC)
        self._api: ConsulApi | None = None
        if CONSUL in self._units:
            address = f"127.0.0.1:{options.consul_port}"
            self._api = ConsulApi(address, self._paths.token_of("management"))
        else:
            self._consul_ready.set()
        self._started: set[str] = set()
        self._watch = Watch(
            self._api,
            access.members,
            self.children,
            self._is_registered,
            lambda: self._started if options.only else None,
        )
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Starts everything at once.

        Python processes take a second or more until they have imported what they need, which is
        about as long as Consul takes to elect itself. They wait for Consul, their token and the
        control plane themselves, as they must after any of these was restarted anyway.
        """
        self._sweep()
        for unit in self._units.values():
            for slot in range(1, unit.instances + 1):
                self._add(unit, slot)
        self._loops.append(asyncio.create_task(_forever(lambda: self._watch.run(self._consul_ready.is_set))))
        if (api := self._api) is not None:
            self._loops.append(asyncio.create_task(_forever(lambda: self._keep_consul(api))))

    def children(self) -> list[Child]:
        """Every child, in the order of starting."""
        return [child for unit in self._units for child in self._children[unit]]

    def status(self) -> MeshStatus:
        """A picture of this moment."""
        return MeshStatus(
            pid=os.getpid(),
            start_time=self._start_time,
            state_dir=str(self._options.state_dir),
            consul_reachable=self._watch.consul_reachable,
            stopping=self._stopping,
            edge_port=self._options.edge_port,
            instances=tuple(child.status() for child in self.children()),
        )

    async def scale(self, service: str, count: int) -> None:
        """Runs so many instances of a service; the newest are drained first.

        Returns when the surplus is gone and the missing ones are started (not yet serving).

        Raises:
            MeshError: no such service, not so many, or the service runs one instance only.
        """
        unit = self._unit(service)
        if not 1 <= count <= _MOST_INSTANCES:
            raise MeshError(f"a service runs 1 to {_MOST_INSTANCES} instances, not {count}", ExitCode.USAGE)
        if unit.single and count > 1:
            raise MeshError(unit.single, ExitCode.USAGE)
        async with self._changing:
            self._refuse_when_stopping()
            present = self._children[service]
            for slot in range(len(present) + 1, count + 1):
                self._add(unit, slot)
            surplus = present[count:]
            await asyncio.gather(*(self._retire(child) for child in surplus))
            del present[count:]
            for child in surplus:
                del self._tasks[child]

    async def restart(self, service: str) -> None:
        """Restarts the instances of a service one after another, each when the one before serves.

        Raises:
            MeshError: no such service, or an instance does not come back within 60 s.
        """
        self._unit(service)
        async with self._changing:
            for child in list(self._children[service]):
                self._refuse_when_stopping()
                await child.restart()
                try:
                    await asyncio.wait_for(child.serving.wait(), _RESTART_BOUND)
                except TimeoutError:
                    raise MeshError(f"{child.seat.name} does not come back: see {child.seat.log}") from None

    async def stop(self) -> None:
        """Drains everything in the reverse order of starting; returns when nothing runs."""
        if self._stopping:
            return
        self._stopping = True
        for stage in sorted(Stage, reverse=True):
            if stage is Stage.REGISTRY:
                await self._end_loops()
            stopping = [c for c in self.children() if self._units[c.seat.service].stage is stage]
            await asyncio.gather(*(self._retire(child) for child in stopping))

    def _add(self, unit: Unit, slot: int) -> None:
        seat = Seat(
            service=unit.name,
            slot=slot,
            folder=self._paths.root,
            log=self._paths.log_of(unit.name, slot),
            grace=unit.grace,
            ports=unit.ports,
        )

        def launch() -> Launch:
            instance = f"{seat.name}-{secrets.token_hex(4)}"
            self._started.add(instance)
            environment = dict(unit.environment) | {"TRADEMESH_INSTANCE": instance}
            return Launch(instance, unit.command(), environment)

        child = Child(seat, launch, record=self._record, policy=self._policy, changed=self._changed)
        self._children[unit.name].append(child)
        self._tasks[child] = asyncio.create_task(child.run())

    def _changed(self) -> None:
        self._watch.wake()
        self._sweep()

    def _sweep(self) -> None:
        """Removes what killed processes left in ``run/<instance>``: their private keys among it."""
        living = {child.instance for child in self.children() if child.alive}
        for folder in self._paths.pids.parent.iterdir():
            if folder.is_dir() and folder.name not in living:
                shutil.rmtree(folder, ignore_errors=True)

    async def _retire(self, child: Child) -> None:
        task = self._tasks[child]
        await child.stop()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(outcome, Exception):
            _log.error("child_failed", service=child.seat.service, exc_info=outcome)

    async def _keep_consul(self, api: ConsulApi) -> None:
        """Each time Consul comes up: sets up access, for which the others wait."""
        prepared = ""
        failures = 0
        while True:
            consul = self._children[CONSUL][0]
            if consul.alive and consul.instance != prepared and await api.has_leader():
                try:
                    await establish(api, self._access, self._paths)
                except ConsulError as error:
                    # For a moment after its election Consul still refuses; that is no news.
                    failures += 1
                    if failures == _PATIENCE:
                        _log.warning("consul_setup_failing", error=str(error))
                else:
                    prepared, failures = consul.instance, 0
                    self._consul_ready.set()
            if consul.instance == prepared:
                consul.mark_serving(self._watch.consul_reachable or await api.has_leader())
            await asyncio.sleep(0.05 if consul.phase is not Phase.SERVING else 1.0)

    async def _end_loops(self) -> None:
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        if self._api is not None:
            await self._api.close()

    def _is_registered(self, child: Child) -> bool:
        return self._units[child.seat.service].registered

    def _refuse_when_stopping(self) -> None:
        if self._stopping:
            raise MeshError("the mesh is going down", ExitCode.NOT_RUNNING)

    def _unit(self, service: str) -> Unit:
        try:
            return self._units[service]
        except KeyError:
            names = ", ".join(self._units)
            raise MeshError(f"no such service: {service}; there are {names}", ExitCode.USAGE) from None


async def _forever(loop: Callable[[], Awaitable[None]]) -> None:
    """Runs a loop that should not end, and again where a fault of ours ends it."""
    while True:
        try:
            await loop()
        except Exception:  # noqa: BLE001 - a mesh that nobody watches is worse than a line in the log
            _log.exception("loop_failed")
        await asyncio.sleep(1.0)
