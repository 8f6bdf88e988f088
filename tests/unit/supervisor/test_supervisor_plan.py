from pathlib import Path

import pytest

from services.chassis.registry import Registry, load_registry, parse_registry
from services.supervisor import plan
from services.supervisor.failure import MeshError
from services.supervisor.options import MeshOptions
from services.supervisor.plan import Stage, Unit


@pytest.fixture(autouse=True)
def _every_package_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "require_packages", lambda names: None)


def _units(options: MeshOptions, registry: Registry | None = None) -> dict[str, Unit]:
    units = plan.build(registry or load_registry(), options, Path("/usr/bin/consul"), "run")
    return {unit.name: unit for unit in units}


def test_everything_of_the_registry_runs_in_order(tmp_path: Path) -> None:
    units = _units(MeshOptions(state_dir=tmp_path))
    names = list(units)
    assert names[:3] == ["consul", "controlplane", "simvenue"]
    assert names[-1] == "edge"
    assert set(names) == {"consul", *load_registry().members}
    assert [unit.stage for unit in units.values()] == sorted(unit.stage for unit in units.values())


def test_on_sqlite_a_service_with_a_database_runs_once_and_says_how_to_change_that(tmp_path: Path) -> None:
    units = _units(MeshOptions(state_dir=tmp_path))
    assert "--database-url postgresql+asyncpg://user@host/{service}" in units["risk"].single
    assert not units["market"].single


def test_on_postgresql_each_service_gets_its_own_database_and_may_run_several(tmp_path: Path) -> None:
    units = _units(MeshOptions(state_dir=tmp_path, database_url="postgresql+asyncpg://me@host/{service}"))
    assert units["risk"].environment["TRADEMESH_DATABASE_URL"] == "postgresql+asyncpg://me@host/risk"
    assert not units["risk"].single
    assert "TRADEMESH_DATABASE_URL" not in units["market"].environment


def test_a_database_url_of_the_shell_does_not_reach_the_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEMESH_DATABASE_URL", "sqlite:///all-in-one")
    units = _units(MeshOptions(state_dir=tmp_path))
    assert all("TRADEMESH_DATABASE_URL" not in unit.environment for unit in units.values())


def test_each_member_gets_its_own_token_file(tmp_path: Path) -> None:
    units = _units(MeshOptions(state_dir=tmp_path))
    files = {
        u.environment.get("TRADEMESH_CONSUL_TOKEN_FILE") for u in units.values() if u.stage > Stage.REGISTRY
    }
    assert files == {str(tmp_path / "consul" / "tokens" / name) for name in units if name != "consul"}


def test_only_some_services(tmp_path: Path) -> None:
    units = _units(MeshOptions(state_dir=tmp_path, only=("market", "simvenue")))
    assert list(units) == ["consul", "controlplane", "simvenue", "market", "edge"]
    with pytest.raises(MeshError, match="no such service: markt; there are simvenue, market"):
        _units(MeshOptions(state_dir=tmp_path, only=("markt",)))


def test_two_instances_of_one_sqlite_file_are_refused(tmp_path: Path) -> None:
    section = {
        "circuit_breaker": {
            "max_connections": 1,
            "max_pending_requests": 1,
            "max_requests": 1,
            "max_retries": 1,
        },
        "outlier_detection": {
            "consecutive_5xx": 1,
            "failure_percentage": 50,
            "minimum_hosts": 2,
            "request_volume": 1,
            "interval_ms": 1,
            "base_ejection_ms": 1,
            "max_ejection_percent": 50,
        },
        "retry": {"attempts": 1, "codes": [], "backoff_ms": 1, "max_backoff_ms": 1},
        "instances": 2,
        "database": True,
        "lb_policy": "round_robin",
        "weight": 1,
        "zone": "here",
        "calls": [],
    }
    registry = parse_registry({"defaults": section, "services": {"ledger": {}}, "infrastructure": {}})
    with pytest.raises(MeshError, match="ledger keeps its data in a SQLite file"):
        _units(MeshOptions(state_dir=tmp_path), registry)
