"""One supervised slot: a process that is started again whenever it dies."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.supervisor.backoff import RestartPolicy
from services.supervisor.logfile import RotatingFile
from services.supervisor.process import Process
from services.supervisor.records import ProcessRecord, Recorded
from services.supervisor.status import InstanceStatus, Phase

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Launch:
    """How one process is started.

    Attributes:
        instance: id, unique per start.
        command: program and arguments.
        environment: the whole environment.
    """

    instance: str
    command: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What stays the same over the restarts of one slot.

    Attributes:
        service: name of the service.
        slot: number of the instance, from 1.
        folder: working directory.
        log: log file.
        grace: seconds between SIGTERM and SIGKILL.
        ports: ports known before the process starts.
    """

    service: str
    slot: int
    folder: Path
    log: Path
    grace: float
    ports: Mapping[str, int]

    @property
    def name(self) -> str:
        """As in ``market-1``."""
        return f"{self.service}-{self.slot}"


class Child:
    """Keeps one slot filled.

    Args:
        seat: what stays the same.
        launch: makes the next start; called once for each.
        record: where running processes are written down.
        policy: when to restart.
        rng: the jitter's chance.
        changed: told whenever a process has started or ended.
    """

    def __init__(
        self,
        seat: Seat,
        launch: Callable[[], Launch],
        *,
        record: ProcessRecord,
        policy: RestartPolicy | None = None,
        rng: random.Random | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.seat = seat
        self.instance = ""
        self.ports: dict[str, int] = dict(seat.ports)
        self.serving = asyncio.Event()
        self._launch = launch
        self._record = record
        self._policy = policy or RestartPolicy()
        self._changed = changed
        self._rng = rng or random.Random()  # noqa: S311 - spreads restarts, guards no secret
        self._phase = Phase.WAITING
        self._process: Process | None = None
        self._since = 0.0
        self._starts = 0
        self._failures = 0
        self._detail = ""
        self._hurry = asyncio.Event()
        self._stopped = asyncio.Event()
        self._replace = False

    @property
    def alive(self) -> bool:
        """Whether a process runs now."""
        return self._process is not None

    @property
    def phase(self) -> Phase:
        """Where the slot stands."""
        return self._phase

    def note_ports(self, ports: Mapping[str, int]) -> None:
        """Tells which ports the running process has registered, beside those known before."""
        known = dict(self.seat.ports)
        self.ports = known | {name: port for name, port in ports.items() if port not in known.values()}

    def mark_serving(self, serving: bool) -> None:
        """Tells what the registry or a probe says about the running process."""
        if self._process is None or self._phase in {Phase.STOPPING, Phase.STOPPED}:
            return
        if serving == self.serving.is_set():
            return
        self._phase = Phase.SERVING if serving else Phase.UNHEALTHY
        if serving:
            self.serving.set()
        else:
            self.serving.clear()
        _log.info("instance_" + self._phase.value, service=self.seat.service, instance=self.instance)

    async def run(self) -> None:
        """Starts the process again and again until ``stop`` is called."""
        self.seat.log.parent.mkdir(parents=True, exist_ok=True)
        sink = RotatingFile(self.seat.log)
        try:
            while not self._stopped.is_set():
                uptime = await self._run_once(sink)
                if self._stopped.is_set():
                    break
                if self._replace:
                    self._replace = False
                    continue
                await self._back_off(uptime)
        finally:
            self._phase = Phase.STOPPED
            sink.close()

    async def stop(self) -> None:
        """Ends the process for good; returns when it is gone."""
        self._stopped.set()
        self._hurry.set()
        await self._end()

    async def restart(self) -> None:
        """Ends the running process, or the wait before the next one; a new one follows at once."""
        self._replace = self._process is not None
        self._hurry.set()
        await self._end()

    def status(self) -> InstanceStatus:
        """A picture of this moment."""
        process = self._process
        return InstanceStatus(
            service=self.seat.service,
            slot=self.seat.slot,
            instance=self.instance if process else "",
            phase=self._phase,
            pid=process.pid if process else 0,
            restarts=max(self._starts - 1, 0),
            uptime=round(time.monotonic() - self._since, 3) if process else 0.0,
            ports=self.ports,
            log=str(self.seat.log),
            detail=self._detail,
        )

    async def _end(self) -> None:
        process = self._process
        if process is not None:
            self._phase = Phase.STOPPING
            await process.stop(self.seat.grace)

    async def _run_once(self, sink: RotatingFile) -> float:
        self._starts += 1
        self._hurry.clear()
        self._since = time.monotonic()
        try:
            launch = self._launch()
            process = Process.start(
                launch.command, environment=launch.environment, folder=self.seat.folder, sink=sink
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the slot tries again and says why
            self._detail = f"cannot be started: {error}"
            sink.write(f"{self._detail}\n".encode())
            _log.warning("instance_not_started", service=self.seat.service, error=str(error))
            return 0.0
        self.instance, self._process, self._phase = launch.instance, process, Phase.STARTING
        self.ports = dict(self.seat.ports)
        self._record.add(Recorded(self.seat.name, process.pid, process.ticks))
        _log.info("instance_started", service=self.seat.service, instance=launch.instance, pid=process.pid)
        self._changed()
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        finally:
            self._process = None
            self.serving.clear()
            self._record.remove(process.pid)
            self._changed()
        uptime = time.monotonic() - self._since
        self._detail = describe_exit(code)
        _log.info(
            "instance_ended",
            service=self.seat.service,
            instance=launch.instance,
            pid=process.pid,
            uptime=round(uptime, 3),
            detail=self._detail,
        )
        return uptime

    async def _back_off(self, uptime: float) -> None:
        self._failures = self._policy.failures_after(self._failures, uptime)
        looping = self._policy.is_looping(self._failures)
        self._phase = Phase.CRASH_LOOPING if looping else Phase.BACKING_OFF
        delay = self._policy.delay(self._failures, self._rng.random())
        _log.warning(
            "instance_restart_planned",
            service=self.seat.service,
            slot=self.seat.slot,
            failures=self._failures,
            delay=round(delay, 3),
        )
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), delay)


def describe_exit(code: int) -> str:
    """How a process ended, for a person."""
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
