from pathlib import Path

import pytest

from services.supervisor.failure import ExitCode, MeshError
from services.supervisor.options import MeshOptions


def test_options_survive_the_trip_to_the_supervisor(tmp_path: Path) -> None:
    options = MeshOptions(
        state_dir=tmp_path,
        edge_port=18080,
        database_url="postgresql+asyncpg://me@host/{service}",
        recording=tmp_path / "binance",
        speed=2.5,
        only=("market",),
    )
    assert MeshOptions.from_json(options.to_json()) == options


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"state_dir": 7}'])
def test_unreadable_options_are_one_line(text: str) -> None:
    with pytest.raises(MeshError, match="options of the mesh"):
        MeshOptions.from_json(text)


def test_one_database_for_all_services_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MeshError, match=r"\{service\}") as refusal:
        MeshOptions(state_dir=tmp_path, database_url="postgresql+asyncpg://me@host/all")
    assert refusal.value.code is ExitCode.USAGE


def test_a_state_directory_too_long_for_a_socket_is_refused() -> None:
    with pytest.raises(MeshError, match="too long"):
        MeshOptions(state_dir=Path("/" + "x" * 100))
