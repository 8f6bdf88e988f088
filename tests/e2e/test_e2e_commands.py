"""The commands of the README on the whole mesh: up, up again, status, logs, down, and up after that."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from services.chassis.registry import load_registry
from services.supervisor.failure import ExitCode
from services.supervisor.ports import is_busy
from tests.support.account_books import pages
from tests.support.doors import Rest
from tests.support.mesh import MeshHarness
from tests.support.recorded import recorded_data
from tests.support.recorded_mesh import RecordedMesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
ROWS = ["consul", "controlplane", *load_registry().services, "edge"]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[MeshHarness]:
    mesh = MeshHarness.fresh(tmp_path / "state")
    yield mesh
    mesh.close()


def test_down_leaves_nothing_running_and_up_goes_on_from_there(own: MeshHarness) -> None:
    recording = ("--recording", str(recorded_data() / "binance_spot"))
    _check(own.up(*recording))
    first = _orders(own)
    assert first
    _check_down(own)

    again = own.up(*recording, "--json")
    _check(again)
    assert json.loads(again.stdout)["trade"]["order"] in _orders(own) - first
    assert first < _orders(own)
    _check_down(own)

    nothing = own.run("down")
    assert (nothing.returncode, nothing.stdout.split(" on ")[0]) == (0, "no mesh runs")
    assert own.run("status").returncode == ExitCode.NOT_RUNNING


def _check(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr


def _check_down(mesh: MeshHarness) -> None:
    rows = mesh.status().instances
    ports = [port for row in rows for port in row.ports.values()]
    assert len(ports) >= len(rows)
    assert all(map(is_busy, ports))
    _check(mesh.run("down"))
    assert mesh.processes() == []
    assert [row.pid for row in rows if psutil.pid_exists(row.pid)] == []
    assert [port for port in ports if is_busy(port)] == []


def _orders(mesh: MeshHarness) -> set[str]:
    return {order.name for order in pages(Rest(mesh.edge), "ExchangeService.ListOrders", "orders")}


def test_up_shows_one_table_and_the_first_trade(recorded_mesh: RecordedMesh) -> None:
    said = recorded_mesh.started.stdout
    table, trade, steps = said.strip().split("\n\n")
    header, *rows = table.splitlines()
    assert header.split() == ["service", "instances", "state", "address"]
    assert sorted(row.split()[0] for row in rows) == sorted(ROWS)
    assert all(row.split()[1:3] == ["1/1", "serving"] for row in rows)
    traded = re.compile(r"traded: (buy|sell) \S+ venues/sim/instruments/btc-usdt at [\d.]+, position \S+ ")
    assert traded.match(trade)
    assert len(steps.splitlines()) == 4


def test_up_again_is_harmless(recorded_mesh: RecordedMesh) -> None:
    mesh = recorded_mesh.harness
    before = {row.instance: row.pid for row in mesh.status().instances}
    again = mesh.up()
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("the mesh is up already")
    assert {row.instance: row.pid for row in mesh.status().instances} == before


def test_status_and_logs(recorded_mesh: RecordedMesh) -> None:
    mesh = recorded_mesh.harness
    value = json.loads(mesh.run("status", "--json").stdout)
    assert value["serving"] is True
    assert sorted(row["service"] for row in value["instances"]) == sorted(ROWS)
    for row in value["instances"]:
        assert psutil.pid_exists(row["pid"])
    for service in load_registry().services:
        lines = mesh.run("logs", service, "-n", "1000").stdout.splitlines()
        assert any(service in line for line in lines)
