"""Which processes run for a state directory, written down so that a later supervisor can clean up."""

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from services.supervisor.process import start_ticks

RUN_VARIABLE = "TRADEMESH_RUN"
_POLL = 0.02


@dataclass(frozen=True, slots=True)
class Recorded:
    """A process that was started.

    Attributes:
        name: what it is, as in ``market-1``.
        pid: its process id and that of its group.
        ticks: when it started, in clock ticks since boot.
    """

    name: str
    pid: int
    ticks: int

    def is_alive(self) -> bool:
        """Whether this very process runs still, not another one with its number."""
        return start_ticks(self.pid) == self.ticks


def boot_id() -> str:
    """Names the present boot of the machine; clock ticks mean nothing across boots."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class ProcessRecord:
    """The record of one run, rewritten as a whole at each change.

    Args:
        path: the file.
        run: id of this run; every child carries it in its environment.
    """

    def __init__(self, path: Path, run: str) -> None:
        self._path = path
        self._run = run
        self._processes: dict[int, Recorded] = {}

    def add(self, process: Recorded) -> None:
        """Notes a process that was just started."""
        self._processes[process.pid] = process
        self._write()

    def remove(self, pid: int) -> None:
        """Forgets a process that has ended."""
        if self._processes.pop(pid, None) is not None:
            self._write()

    def _write(self) -> None:
        content = {
            "boot": boot_id(),
            "run": self._run,
            "processes": [{"name": p.name, "pid": p.pid, "ticks": p.ticks} for p in self._processes.values()],
        }
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.write_text(json.dumps(content), encoding="utf-8")
        fresh.replace(self._path)


def stop_leftovers(path: Path, grace: float = 3.0) -> list[Recorded]:
    """Stops what a former run recorded and left behind, and waits until it is gone.

    A recorded process counts only if boot, pid and start time all match; its descendants count by
    the id of the run in their environment. Nothing else is touched.

    Args:
        path: the record of the former run; absent or unreadable means there was none.
        grace: seconds between asking and killing.

    Returns:
        What was stopped.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        recorded = [Recorded(str(p["name"]), int(p["pid"]), int(p["ticks"])) for p in content["processes"]]
        boot, run = str(content["boot"]), str(content["run"])
    except (OSError, ValueError, KeyError, TypeError):
        return []
    alive = [process for process in recorded if process.is_alive()] if boot == boot_id() else []
    known = {process.pid for process in alive}
    alive += [process for process in marked(run) if process.pid not in known]
    for number, bound in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
        for process in alive:
            if process.is_alive():
                with suppress(ProcessLookupError):
                    os.kill(process.pid, number)
        if _wait(lambda: not any(process.is_alive() for process in alive), bound):
            break
    path.unlink(missing_ok=True)
    return alive


def marked(run: str) -> list[Recorded]:
    """The processes that carry the id of a run in their environment."""
    found = []
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(RUN_VARIABLE) == run:
                ticks = start_ticks(process.pid)
                if ticks is not None:
                    found.append(Recorded(process.info["name"] or "", process.pid, ticks))
    return found


def _wait(done: Callable[[], bool], bound: float) -> bool:
    end = time.monotonic() + bound
    while not done():
        if time.monotonic() >= end:
            return False
        time.sleep(_POLL)
    return True
