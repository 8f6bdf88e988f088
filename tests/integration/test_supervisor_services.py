"""The supervisor with services that register: scaling, dying, leaving the registry."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from services.supervisor.failure import ExitCode
from tests.support.mesh import MeshHarness, running_mesh, wait_until

pytestmark = pytest.mark.integration
TICKER = "v1/venues/sim/instruments/btc-usdt/ticker"


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeshHarness]:
    only = [word for name in ("simvenue", "market", "risk") for word in ("--only", name)]
    with running_mesh(tmp_path_factory.mktemp("some"), *only) as mesh:
        yield mesh


def _registered(mesh: MeshHarness, service: str) -> dict[str, str]:
    """State of every instance that Consul knows of a service, by id."""
    token = (mesh.state_dir / "consul" / "tokens" / "management").read_text()
    request = urllib.request.Request(
        f"http://127.0.0.1:{mesh.consul}/v1/health/service/{service}", headers={"X-Consul-Token": token}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
        entries = json.load(answer)
    return {
        entry["Service"]["ID"]: max((check["Status"] for check in entry["Checks"]), default="none")
        for entry in entries
    }


def test_status_shows_every_instance_with_its_ports(some: MeshHarness) -> None:
    (market,) = some.instances("market")
    assert set(market.ports) == {"grpc", "metrics"}
    assert market.instance in _registered(some, "market")
    value = json.loads(some.run("status", "--json").stdout)
    assert value["serving"] is True
    assert [row["service"] for row in value["instances"]] == [
        "consul",
        "controlplane",
        "simvenue",
        "market",
        "risk",
        "edge",
    ]


def test_scaling_there_and_back_drains_the_newest(some: MeshHarness) -> None:
    first = some.instances("market")[0]
    up = some.run("scale", "market", "3")
    assert up.returncode == 0, up.stderr
    rows = some.wait_serving("market", 3)
    assert rows[0].pid == first.pid
    wait_until(lambda: len(_registered(some, "market")) == 3, "three registered")
    assert some.get(TICKER)["name"] == "venues/sim/instruments/btc-usdt/ticker"
    back = some.run("scale", "market", "1")
    assert back.returncode == 0, back.stderr
    assert [row.pid for row in some.instances("market")] == [first.pid]
    assert set(_registered(some, "market")) == {first.instance}
    assert '"event": "drain_started"' in some.log("market", 3)


def test_a_killed_instance_leaves_the_registry_at_once_and_a_new_one_comes(some: MeshHarness) -> None:
    dead = some.instances("market")[0]
    some.kill("market")
    wait_until(lambda: dead.instance not in _registered(some, "market"), "the dead one deregistered", 3)
    (fresh,) = some.wait_serving("market")
    assert fresh.instance != dead.instance
    assert not (some.state_dir / "run" / dead.instance).exists()
    wait_until(lambda: list(_registered(some, "market").values()) == ["passing"], "the new one passing")
    wait_until(lambda: _answers(some), "the new one answers")


def test_a_service_on_sqlite_is_not_scaled(some: MeshHarness) -> None:
    refused = some.run("scale", "risk", "2")
    assert refused.returncode == ExitCode.USAGE
    assert refused.stderr == (
        "trademesh: risk keeps its data in a SQLite file, which one instance may write; to run several, "
        "start the mesh on PostgreSQL: trademesh up --database-url postgresql+asyncpg://user@host/{service}\n"
    )
    assert len(some.instances("risk")) == 1


def test_a_token_is_worth_no_more_than_its_service(some: MeshHarness) -> None:
    token = (some.state_dir / "consul" / "tokens" / "market").read_text()
    for path in ("v1/acl/tokens", "v1/agent/connect/ca/leaf/risk"):
        request = urllib.request.Request(
            f"http://127.0.0.1:{some.consul}/{path}", headers={"X-Consul-Token": token}
        )
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5)
        refusal.value.close()
        assert refusal.value.code == 403


def test_a_name_that_is_no_service_is_one_line(fresh_mesh: MeshHarness) -> None:
    refused = fresh_mesh.up("--only", "astrology")
    assert refused.returncode == ExitCode.USAGE
    assert "no such service: astrology" in refused.stderr.splitlines()[-1]
    assert fresh_mesh.processes() == []


def _answers(mesh: MeshHarness) -> bool:
    try:
        return bool(mesh.get(TICKER))
    except OSError:
        return False
