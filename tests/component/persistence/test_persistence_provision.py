"""Databases of a mesh on PostgreSQL: made where they are missing, or one line that says why not."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from services.chassis.persistence import StorageUnavailableError
from services.chassis.persistence.provision import provide
from services.cli.databases import provide_databases
from services.supervisor.failure import ExitCode, MeshError
from services.supervisor.options import MeshOptions
from tests.support.mesh import pick_ports
from tests.support.postgres import PostgresServer


@pytest.fixture
def name(postgres_server: PostgresServer) -> str:
    return f'odd "name" {uuid4().hex[:8]}'


def _url(server: PostgresServer, database: str) -> str:
    return server.url(database.replace('"', "%22").replace(" ", "%20"))


async def test_a_missing_database_is_made_once(postgres_server: PostgresServer, name: str) -> None:
    url = _url(postgres_server, name)
    made = await asyncio.gather(*(provide(url) for _ in range(4)))
    assert sum(made) == 1
    assert not await provide(url)
    quoted = name.replace('"', '""')
    assert postgres_server.sql("SELECT 1", name) == "1"
    postgres_server.sql(f'DROP DATABASE "{quoted}"')


async def test_a_user_who_may_not_make_it_is_told(postgres_server: PostgresServer) -> None:
    role, database = f"poor_{uuid4().hex[:8]}", f"wanted_{uuid4().hex[:8]}"
    postgres_server.sql(f"CREATE ROLE {role} LOGIN")
    url = postgres_server.url(database).replace("//trademesh@", f"//{role}@")
    with pytest.raises(StorageUnavailableError, match="permission denied to create database") as caught:
        await provide(url)
    assert caught.value.message.startswith(f"there is no database {database}, and it cannot be made: {role}@")
    postgres_server.sql(f"CREATE DATABASE {database}")
    assert not await provide(url)
    postgres_server.sql(f"DROP DATABASE {database}")
    postgres_server.sql(f"DROP ROLE {role}")


async def test_a_sqlite_file_needs_nothing(tmp_path: Path) -> None:
    assert not await provide(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3")
    assert not (tmp_path / "x.sqlite3").exists()


def test_up_makes_the_databases_of_the_services_it_runs(postgres_server: PostgresServer) -> None:
    prefix = f"up_{uuid4().hex[:8]}"
    options = MeshOptions(
        state_dir=Path("/nowhere"),
        database_url=postgres_server.url(f"{prefix}_{{service}}"),
        only=("market", "risk", "portfolio"),
    )
    assert sorted(provide_databases(options)) == ["portfolio", "risk"]
    assert provide_databases(options) == []
    for service in ("portfolio", "risk"):
        postgres_server.sql(f"DROP DATABASE {prefix}_{service}")


def test_a_server_that_is_away_is_one_line() -> None:
    (port,) = pick_ports(1)
    url = f"postgresql+asyncpg://somebody@127.0.0.1:{port}/{{service}}"
    with pytest.raises(MeshError) as caught:
        provide_databases(MeshOptions(state_dir=Path("/nowhere"), database_url=url, only=("risk",)))
    assert caught.value.message.startswith(
        "--database-url, for risk: the database risk cannot be used: somebody@"
    )
    assert "\n" not in caught.value.message


def test_what_is_no_url_is_wrong_usage() -> None:
    options = MeshOptions(state_dir=Path("/nowhere"), database_url="{service}", only=("risk",))
    with pytest.raises(MeshError) as caught:
        provide_databases(options)
    assert caught.value.code == ExitCode.USAGE
