"""Tools are found where people say, refused where they do not fit, and installed once."""

import json
import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

from services.toolchain import Tool, ToolMissing, ensure, environment, find, golang, version
from services.toolchain.places import ROOT, placed


def program(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which nothing is installed."""
    for name in ("CONSUL_BIN", "ENVOY_BIN", "BUF_BIN", "POSTGRES_BIN_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("TRADEMESH_TOOLS_DIR", str(tmp_path / "tools"))
    return tmp_path


def test_consul_chosen_by_variable_wins_over_path(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(empty / "path" / "consul", "Consul v1.9.0")
    chosen = program(empty / "own" / "consul", "Consul v1.15.2")
    assert find(Tool.CONSUL) == empty / "path" / "consul"
    monkeypatch.setenv("CONSUL_BIN", str(chosen))
    assert find(Tool.CONSUL) == chosen
    assert version(Tool.CONSUL, chosen) == "1.15.2"


@pytest.mark.parametrize("says", ["Consul v1.8.6", "Consul v1.7.14", "something else"])
def test_consul_that_is_too_old_is_refused(says: str, empty: Path) -> None:
    program(empty / "path" / "consul", says)
    with pytest.raises(ToolMissing, match=r"1\.8\.7 or newer"):
        ensure(Tool.CONSUL)


@pytest.mark.parametrize(
    ("tool", "variable"), [(Tool.CONSUL, "CONSUL_BIN"), (Tool.ENVOY, "ENVOY_BIN"), (Tool.BUF, "BUF_BIN")]
)
def test_variable_that_names_nothing_is_an_error(
    tool: Tool, variable: str, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(empty / "nothing"))
    with pytest.raises(ToolMissing, match=f"{variable}=.* is not a program"):
        ensure(tool)


def test_machine_without_apt_gets_one_clear_line(empty: Path) -> None:
    with pytest.raises(ToolMissing) as missing:
        ensure(Tool.CONSUL)
    assert str(missing.value) == (
        "consul: this machine has no apt-get; install the vendor's package `consul` (1.8.7 or newer)"
        " or set CONSUL_BIN to its path"
    )


def test_machine_without_go_gets_one_clear_line(empty: Path) -> None:
    with pytest.raises(ToolMissing, match="there is no `go` on the PATH"):
        ensure(Tool.GRPCURL)


def test_find_installs_nothing(empty: Path) -> None:
    with pytest.raises(ToolMissing, match="make tools"):
        find(Tool.GRPCURL)
    assert not (empty / "tools").exists()


def test_wheels_carry_envoy_and_buf() -> None:
    for tool in (Tool.ENVOY, Tool.BUF):
        assert version(tool, find(tool)).count(".") == 2


def test_finding_envoy_does_not_import_it() -> None:
    code = (
        "import sys; from services.toolchain import Tool, find; find(Tool.ENVOY);"
        "sys.exit(any(name.split('.')[0] in {'envoy', 'grpc', 'google'} for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_postgres_needs_initdb_beside_it(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = program(empty / "pg" / "postgres", "postgres (PostgreSQL) 15.1 (Debian 15.1-1)")
    monkeypatch.setenv("POSTGRES_BIN_DIR", str(server.parent))
    with pytest.raises(ToolMissing, match="holds no postgres and initdb"):
        find(Tool.POSTGRES)
    program(empty / "pg" / "initdb", "")
    assert find(Tool.POSTGRES) == server
    assert version(Tool.POSTGRES, server) == "15.1"
    assert environment(Tool.POSTGRES, server) == {}


def test_unpacked_postgres_brings_its_libraries(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/before")
    root = empty / "tools" / "postgresql"
    (root / "usr/lib/x86_64-linux-gnu").mkdir(parents=True)
    server = root / "usr/lib/postgresql/15/bin/postgres"
    assert environment(Tool.POSTGRES, server) == {
        "LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu:/before"
    }


def test_go_tools_are_named_after_their_pins() -> None:
    assert golang.pinned_version(Tool.GRPCURL).count(".") == 2
    assert golang.pinned_version(Tool.PROTOC_GEN_OPENAPI).count(".") == 2
    assert len(golang.pins()) == 12


def test_placed_leaves_nothing_of_a_failed_build(empty: Path) -> None:
    def fails(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        placed("thing", fails)
    assert [path.name for path in (empty / "tools").iterdir()] == [".thing.lock"]


def _build_and_count(folder: Path) -> None:
    with (folder.parent / "builds").open("a") as log:
        log.write("x")
    (folder / "done").touch()


def _place() -> None:
    assert (placed("thing", _build_and_count) / "done").exists()


def test_two_processes_build_once(empty: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    builders = [spawn.Process(target=_place) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join(30)
    assert [builder.exitcode for builder in builders] == [0, 0]
    assert (empty / "tools" / "builds").read_text() == "x"


def test_command_prints_json(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSUL_BIN", str(program(empty / "own" / "consul", "Consul v1.8.7+dfsg1")))
    command = [sys.executable, "-m", "services.toolchain", "--json", "consul", "grpcurl"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    consul, grpcurl = json.loads(done.stdout)
    assert done.returncode == 1
    assert (consul["version"], consul["path"]) == ("1.8.7", str(empty / "own" / "consul"))
    assert grpcurl["problem"].startswith("grpcurl: not installed yet")
