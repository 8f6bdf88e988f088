"""A whole mesh for tests: the real command, a state directory of its own, free ports, stopped by pid."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil
import pytest

from services.chassis.registry import load_registry
from services.supervisor.client import Supervisor
from services.supervisor.paths import ROOT, import_path
from services.supervisor.ports import is_busy
from services.supervisor.process import start_ticks
from services.supervisor.records import RUN_VARIABLE, Recorded
from services.supervisor.status import InstanceStatus, MeshStatus, Phase

if TYPE_CHECKING:
    # Another plugin of pytest: imported here it could not be rewritten for its asserts.
    from tests.support.postgres import PostgresServer

_COMMAND_BOUND = 240.0
_POLL = 0.05
# Below the range the kernel takes outgoing ports from, so that nobody gets one by accident.
_PORTS = range(20_000, 32_000)


def pick_ports(count: int) -> list[int]:
    """So many different free ports, which stay free unless somebody asks for just them."""
    picked: list[int] = []
    while len(picked) < count:
        port = random.choice(_PORTS)
        if port not in picked and not is_busy(port):
            picked.append(port)
    return picked


def wait_until(condition: Callable[[], Any], what: str, bound: float = 30.0) -> Any:
    """Waits for a condition and returns what it returned; fails after ``bound`` seconds."""
    end = time.monotonic() + bound
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"not within {bound:g} s: {what}")
        time.sleep(_POLL)


@dataclass
class MeshHarness:
    """One mesh and the commands on it.

    Attributes:
        state_dir: its state directory.
        edge: public port.
        admin: port of Envoy's admin page.
        consul: port of Consul's HTTP API.
        ads: port of the control plane.
        environment: variables beside those of the test run.
    """

    state_dir: Path
    edge: int
    admin: int
    consul: int
    ads: int
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def fresh(cls, state_dir: Path, **environment: str) -> Self:
        """A mesh that is not started yet, on free ports."""
        edge, admin, consul, ads = pick_ports(4)
        return cls(state_dir, edge, admin, consul, ads, environment)

    @property
    def supervisor(self) -> Supervisor:
        """Its supervisor."""
        return Supervisor(self.state_dir)

    @property
    def url(self) -> str:
        """Where REST is served."""
        return f"http://127.0.0.1:{self.edge}"

    @property
    def port_options(self) -> list[str]:
        """The options of ``up`` that give it its ports."""
        ports = {"edge": self.edge, "admin": self.admin, "consul": self.consul, "ads": self.ads}
        return [word for name, port in ports.items() for word in (f"--{name}-port", str(port))]

    def run(self, *arguments: str, bound: float = _COMMAND_BOUND) -> subprocess.CompletedProcess[str]:
        """Runs a command of ``trademesh`` on this mesh."""
        command, *rest = arguments
        return subprocess.run(
            [sys.executable, "-m", "services.cli", command, *self._tail(*rest)],
            capture_output=True,
            text=True,
            timeout=bound,
            cwd=ROOT,
            env=self._environment(),
            check=False,
        )

    def open(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts ``up`` and does not wait for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "services.cli", "up", *self._tail(*self.port_options, *arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self._environment(),
        )

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs ``up`` with its ports."""
        return self.run("up", *self.port_options, *arguments)

    def status(self) -> MeshStatus:
        """What the supervisor says."""
        return self.supervisor.status()

    def instances(self, service: str) -> list[InstanceStatus]:
        """The instances of a service."""
        return [row for row in self.status().instances if row.service == service]

    def wait_serving(self, service: str, count: int = 1, bound: float = 60.0) -> list[InstanceStatus]:
        """Waits until exactly so many instances of a service are there and serve."""

        def serving() -> list[InstanceStatus]:
            rows = self.instances(service)
            return rows if len(rows) == count and all(r.phase is Phase.SERVING for r in rows) else []

        return list(wait_until(serving, f"{count} {service} serving", bound))

    def kill(self, service: str, slot: int = 1) -> int:
        """Kills one instance with -9; returns its pid."""
        row = next(row for row in self.instances(service) if row.slot == slot)
        os.kill(row.pid, signal.SIGKILL)
        return row.pid

    def get(self, path: str, bound: float = 5.0) -> dict[str, Any]:
        """One REST call through the edge, as in ``get("v1/trading/status")``.

        Raises:
            OSError: no answer, or an error status.
        """
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/{path}", timeout=bound) as answer:
            value: dict[str, Any] = json.load(answer)
        return value

    def processes(self) -> list[Recorded]:
        """Every process that belongs to this mesh and runs now, the supervisor included."""
        return processes_of(self.state_dir)

    def log(self, service: str, slot: int = 1) -> str:
        """The log of one instance so far."""
        return (self.state_dir / "logs" / f"{service}-{slot}.log").read_text(errors="replace")

    def close(self) -> None:
        """Stops it, whatever state it is in; kills by pid what would not go."""
        with suppress(Exception):
            self.supervisor.stop()
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    def _tail(self, *arguments: str) -> list[str]:
        return [*arguments, "--state-dir", str(self.state_dir)]

    def _environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": import_path()} | self.environment


def processes_of(state_dir: Path) -> list[Recorded]:
    """The processes that were told this state directory, and its supervisor."""
    found = []
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            environment = process.environ()
            ours = RUN_VARIABLE in environment and environment.get("TRADEMESH_STATE_DIR") == str(state_dir)
            supervises = process.cwd() == str(state_dir) and "services.supervisor" in process.cmdline()
            ticks = start_ticks(process.pid)
            if (ours or supervises) and ticks is not None:
                found.append(Recorded(process.info["name"] or "", process.pid, ticks))
    return found


@contextmanager
def running_mesh(state_dir: Path, *arguments: str, **environment: str) -> Iterator[MeshHarness]:
    """A mesh that is up; stopped at the end, and nothing of it may be left."""
    mesh = MeshHarness.fresh(state_dir, **environment)
    try:
        started = mesh.up(*arguments)
        assert started.returncode == 0, started.stdout + started.stderr
        yield mesh
    finally:
        mesh.close()
        assert mesh.processes() == []


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeshHarness]:
    """The whole mesh with the synthetic market, once per test run. Leave it as you found it."""
    with running_mesh(tmp_path_factory.mktemp("mesh")) as running:
        yield running


@pytest.fixture
def fresh_mesh(tmp_path: Path) -> Iterator[MeshHarness]:
    """A mesh that is not started yet; stopped at the end if the test has started it."""
    mesh = MeshHarness.fresh(tmp_path / "state")
    yield mesh
    mesh.close()


def make_databases(server: "PostgresServer", prefix: str) -> str:
    """A database for each service that has one; gives the template for ``--database-url``."""
    for spec in load_registry().services.values():
        if spec.database:
            server.sql(f'CREATE DATABASE "{prefix}_{spec.name}"')
    return server.url(f"{prefix}_{{service}}")


@pytest.fixture(scope="session")
def postgres_mesh(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: "PostgresServer"
) -> Iterator[MeshHarness]:
    """The whole mesh on PostgreSQL, once per test run. Leave it as you found it."""
    url = make_databases(postgres_server, "mesh")
    with running_mesh(tmp_path_factory.mktemp("pgmesh"), "--database-url", url) as running:
        yield running
