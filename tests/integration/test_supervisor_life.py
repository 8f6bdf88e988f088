"""The supervisor with a real Consul, control plane and Envoy, through the real command."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.supervisor.failure import ExitCode
from services.supervisor.process import start_ticks
from services.supervisor.records import ProcessRecord, Recorded
from services.supervisor.status import Phase
from tests.support.mesh import MeshHarness, running_mesh, wait_until

pytestmark = pytest.mark.integration
BARE = ("--only", "edge")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeshHarness]:
    with running_mesh(tmp_path_factory.mktemp("bare"), *BARE) as mesh:
        yield mesh


def test_up_serves_and_the_second_up_is_harmless(bare: MeshHarness) -> None:
    before = bare.status()
    assert before.serving
    assert [row.service for row in before.instances] == ["consul", "controlplane", "edge"]
    again = bare.up(*BARE)
    assert again.returncode == 0
    assert "up already" in again.stdout
    assert [row.pid for row in bare.status().instances] == [row.pid for row in before.instances]


@pytest.mark.parametrize("service", ["edge", "controlplane", "consul"])
def test_what_is_killed_comes_back_by_itself(bare: MeshHarness, service: str) -> None:
    pid = bare.kill(service)
    wait_until(lambda: bare.instances(service)[0].pid not in {0, pid}, f"a new {service}")
    (row,) = bare.wait_serving(service)
    assert row.restarts >= 1
    assert row.detail == "killed by signal 9"
    wait_until(lambda: bare.status().serving, "everything serving again")


def test_status_works_with_consul_down(bare: MeshHarness) -> None:
    consul = bare.instances("consul")[0].pid
    os.kill(consul, signal.SIGSTOP)
    try:
        wait_until(lambda: not bare.status().consul_reachable, "Consul noticed as gone")
        shown = bare.run("status")
        assert shown.returncode == 0
        assert "Consul does not answer" in shown.stdout
        assert bare.instances("edge")[0].phase is Phase.SERVING
    finally:
        os.kill(consul, signal.SIGCONT)
    wait_until(lambda: bare.status().serving, "everything serving again")


def test_restart_gives_a_new_process(bare: MeshHarness) -> None:
    before = bare.instances("edge")[0]
    assert bare.run("restart", "edge").returncode == 0
    (after,) = bare.wait_serving("edge")
    assert after.pid != before.pid
    assert after.instance != before.instance
    assert after.detail == "exit code 0"


def test_what_must_be_single_is_not_scaled(bare: MeshHarness) -> None:
    refused = bare.run("scale", "edge", "2")
    assert refused.returncode == ExitCode.USAGE
    assert refused.stderr == "trademesh: the edge runs once per mesh, on a fixed port\n"
    unknown = bare.run("scale", "astrology", "2")
    assert unknown.returncode == ExitCode.USAGE
    assert "no such service: astrology" in unknown.stderr


def test_the_control_socket_is_for_the_owner_only(bare: MeshHarness) -> None:
    assert (bare.state_dir / "supervisor.sock").stat().st_mode & 0o777 == 0o600
    assert bare.state_dir.stat().st_mode & 0o077 == 0
    tokens = list((bare.state_dir / "consul" / "tokens").iterdir())
    assert {"edge", "market", "management"} <= {token.name for token in tokens}
    assert all(token.stat().st_mode & 0o777 == 0o600 for token in tokens)


def test_logs_show_what_a_process_wrote(bare: MeshHarness) -> None:
    shown = bare.run("logs", "edge", "-n", "1000")
    assert '"event": "edge_started"' in shown.stdout
    assert bare.run("logs", "--service", "controlplane").returncode == 0
    absent = bare.run("logs", "astrology")
    assert (absent.returncode, absent.stdout) == (ExitCode.USAGE, "")


def test_two_meshes_live_side_by_side(bare: MeshHarness, tmp_path: Path) -> None:
    with running_mesh(tmp_path / "other", *BARE) as other:
        assert other.status().serving
        assert bare.status().serving
        other.run("down")
        assert other.processes() == []
    assert bare.status().serving


def test_down_leaves_nothing_and_the_next_start_keeps_identity(fresh_mesh: MeshHarness) -> None:
    assert fresh_mesh.up(*BARE).returncode == 0
    token = (fresh_mesh.state_dir / "consul" / "tokens" / "edge").read_text()
    assert fresh_mesh.run("down").returncode == 0
    assert fresh_mesh.processes() == []
    assert not (fresh_mesh.state_dir / "supervisor.sock").exists()
    assert fresh_mesh.run("down").returncode == 0
    assert fresh_mesh.run("status").returncode == ExitCode.NOT_RUNNING
    assert fresh_mesh.up(*BARE).returncode == 0
    assert (fresh_mesh.state_dir / "consul" / "tokens" / "edge").read_text() == token


def test_children_do_not_outlive_a_killed_supervisor(fresh_mesh: MeshHarness) -> None:
    assert fresh_mesh.up(*BARE).returncode == 0
    old = fresh_mesh.processes()
    assert len(old) == 5  # supervisor, consul, control plane, edge, Envoy
    os.kill(fresh_mesh.status().pid, signal.SIGKILL)
    wait_until(lambda: fresh_mesh.processes() == [], "everything gone with its supervisor", 5)
    assert fresh_mesh.run("status").returncode == ExitCode.NOT_RUNNING
    again = fresh_mesh.up(*BARE)
    assert again.returncode == 0, again.stderr
    assert not {process.pid for process in old} & {process.pid for process in fresh_mesh.processes()}


def test_a_new_supervisor_stops_what_a_former_one_left(fresh_mesh: MeshHarness) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"]) as left:
        ticks = start_ticks(left.pid)
        assert ticks is not None
        fresh_mesh.supervisor.paths.make()
        record = ProcessRecord(fresh_mesh.supervisor.paths.pids, "a-former-run")
        record.add(Recorded("market-1", left.pid, ticks))
        assert fresh_mesh.up(*BARE).returncode == 0
        assert left.wait(5) == -signal.SIGTERM


@pytest.mark.parametrize("name", ["edge", "admin", "consul", "ads"])
def test_a_busy_port_is_one_line_and_nothing_runs(fresh_mesh: MeshHarness, name: str) -> None:
    port = getattr(fresh_mesh, name)
    with socket.create_server(("127.0.0.1", port)):
        refused = fresh_mesh.up(*BARE)
    assert refused.returncode == ExitCode.PORT_BUSY
    *progress, line = refused.stderr.splitlines()
    assert progress == ["trademesh: starting"]
    assert f"port {port} is in use by " in line
    assert f"(pid {os.getpid()})" in line
    assert f"--{name}-port" in line
    assert refused.stdout == ""
    assert fresh_mesh.processes() == []


def test_a_missing_tool_is_one_line_and_nothing_runs(fresh_mesh: MeshHarness) -> None:
    fresh_mesh.environment["CONSUL_BIN"] = "/nonexistent/consul"
    refused = fresh_mesh.up(*BARE)
    assert refused.returncode == ExitCode.TOOL_MISSING
    assert refused.stderr.count("\n") == 1
    assert "consul" in refused.stderr
    assert fresh_mesh.processes() == []


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell makes what it runs in the background deaf to SIGINT, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_up_stops_what_it_started(fresh_mesh: MeshHarness, number: signal.Signals) -> None:
    with fresh_mesh.open(*BARE) as command:
        wait_until(lambda: len(fresh_mesh.processes()) >= 2, "the first processes")
        command.send_signal(number)
        _, errors = command.communicate(timeout=60)
    assert command.returncode == ExitCode.INTERRUPTED
    assert errors.splitlines()[-1] == "trademesh: interrupted; nothing is left running"
    assert fresh_mesh.processes() == []


def test_what_keeps_dying_is_one_line_with_its_log(fresh_mesh: MeshHarness) -> None:
    fresh_mesh.environment["TRADEMESH_EDGE_CONCURRENCY"] = "not a number"
    refused = fresh_mesh.up(*BARE)
    assert refused.returncode == ExitCode.FAILED
    log = fresh_mesh.state_dir / "logs" / "edge-1.log"
    assert refused.stderr.splitlines()[-1] == f"trademesh: edge keeps dying (exit code 1): see {log}"
    assert "not a number" in log.read_text()
    assert fresh_mesh.processes() == []


def test_not_ready_in_time_is_one_line_and_nothing_runs(fresh_mesh: MeshHarness) -> None:
    refused = fresh_mesh.up(*BARE, "--timeout", "1")
    assert refused.returncode == ExitCode.TIMED_OUT
    assert "after the time allowed: see" in refused.stderr.splitlines()[-1]
    assert fresh_mesh.processes() == []
