"""The command as a person types it, where no mesh runs."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.show import duration
from services.supervisor.failure import ExitCode
from services.supervisor.paths import import_path


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": import_path(), "COLUMNS": "200"} | environment,
        check=False,
    )


def test_help_names_every_exit_code() -> None:
    shown = " ".join(_run("--help").stdout.split())
    for code in ExitCode:
        assert f"{code.value} " in shown
    for command in ("up", "down", "status", "logs", "scale", "restart", "doctor", "export", "version"):
        assert command in shown


@pytest.mark.parametrize(
    "arguments",
    [("up", "--speed", "fast"), ("up", "--speed", "0"), ("fly",), ("scale", "market"), ("logs",)],
)
def test_wrong_usage_is_exit_code_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    tail = ("--state-dir", str(tmp_path)) if arguments != ("fly",) else ()
    assert _run(*arguments, *tail).returncode == ExitCode.USAGE


def test_a_recording_that_is_not_there_starts_nothing(tmp_path: Path) -> None:
    refused = _run("up", "--recording", str(tmp_path / "gone"), "--state-dir", str(tmp_path / "state"))
    assert refused.returncode == ExitCode.USAGE
    assert refused.stderr == f"trademesh: there is no recording at {tmp_path / 'gone'}\n"
    assert not (tmp_path / "state" / "supervisor.log").exists()


@pytest.mark.parametrize(
    "command",
    [("status",), ("scale", "market", "2"), ("restart", "market"), ("export", "ledger", "--out", "x.csv")],
)
def test_nothing_running_is_exit_code_3(tmp_path: Path, command: tuple[str, ...]) -> None:
    refused = _run(*command, "--state-dir", str(tmp_path))
    assert refused.returncode == ExitCode.NOT_RUNNING
    assert refused.stderr == f"trademesh: no mesh runs on {tmp_path}\n"


def test_down_is_harmless_where_nothing_runs(tmp_path: Path) -> None:
    done = _run("down", "--state-dir", str(tmp_path / "never"))
    assert done.returncode == ExitCode.OK
    assert "no mesh runs" in done.stdout
    assert not (tmp_path / "never").exists()


def test_doctor_names_a_busy_port_and_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = _run("doctor", "--edge-port", str(port), "--state-dir", str(tmp_path))
    assert found.returncode != ExitCode.OK
    assert f"(pid {os.getpid()})" in found.stdout


def test_version_is_printed() -> None:
    shown = _run("version")
    assert shown.returncode == ExitCode.OK
    assert shown.stdout.startswith("trademesh ")
    assert "grpcio " in shown.stdout


def test_the_command_and_the_supervisor_never_import_grpc() -> None:
    code = (
        "import json, sys, services.cli.main, services.supervisor.daemon;"
        "print(json.dumps([name for name in sys.modules if name.split('.')[0] == 'grpc']))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": import_path()},
        check=True,
    )
    assert json.loads(shown.stdout) == []


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.9, "0s"), (59.9, "59s"), (60, "1m00s"), (3599, "59m59s"), (7800, "2h10m"), (356_400, "4d03h")],
)
def test_durations_are_short(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
