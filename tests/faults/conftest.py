"""Meshes that are there to be hurt: one per module, never the ones that other tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hurt_mesh import HurtMesh, hurt_mesh
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Iterator[HurtMesh]:
    """The whole mesh on PostgreSQL, two instances of every service but the venue."""
    folder = tmp_path_factory.mktemp("pair")
    # The databases are not made here: that is the work of `up`.
    url = postgres_server.url(f"{folder.name}_{{service}}")
    with hurt_mesh(folder / "state", "--database-url", url) as mesh:
        mesh.double()
        yield mesh


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HurtMesh]:
    """The whole mesh as it comes: SQLite, one instance of each service."""
    folder: Path = tmp_path_factory.mktemp("lone")
    with hurt_mesh(folder / "state") as mesh:
        yield mesh
