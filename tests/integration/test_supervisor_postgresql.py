"""Services with a database run several instances on PostgreSQL."""

from pathlib import Path

import pytest

from tests.support.mesh import make_databases, running_mesh
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.integration


def test_a_service_with_a_database_is_scaled_on_postgresql(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    url = make_databases(postgres_server, "scaled")
    only = [word for name in ("simvenue", "market", "risk") for word in ("--only", name)]
    with running_mesh(tmp_path / "state", *only, "--database-url", url) as mesh:
        done = mesh.run("scale", "risk", "2")
        assert done.returncode == 0, done.stderr
        mesh.wait_serving("risk", 2)
        assert mesh.run("scale", "risk", "1").returncode == 0
        assert [row.slot for row in mesh.instances("risk")] == [1]
        assert list((mesh.state_dir / "data").glob("risk*")) == []
    assert postgres_server.sql("SELECT count(*) FROM alembic_version", "scaled_risk") == "1"
