import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.supervisor.process import start_ticks
from services.supervisor.records import RUN_VARIABLE, ProcessRecord, Recorded, boot_id, stop_leftovers

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def _sleeper(run: str = "") -> subprocess.Popen[bytes]:
    return subprocess.Popen(SLEEP, env=os.environ | {RUN_VARIABLE: run})


def _ticks(process: subprocess.Popen[bytes]) -> int:
    ticks = start_ticks(process.pid)
    assert ticks is not None
    return ticks


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pids.json"


def test_a_recorded_process_is_stopped(path: Path) -> None:
    with _sleeper() as left:
        ProcessRecord(path, "run-a").add(Recorded("market-1", left.pid, _ticks(left)))
        assert [process.name for process in stop_leftovers(path)] == ["market-1"]
        assert left.wait(5) != 0
    assert not path.exists()


def test_another_process_with_the_same_pid_is_left_alone(path: Path) -> None:
    with _sleeper() as stranger:
        ProcessRecord(path, "run-a").add(Recorded("market-1", stranger.pid, _ticks(stranger) - 1))
        assert stop_leftovers(path) == []
        assert stranger.poll() is None
        stranger.kill()


def test_a_record_of_another_boot_is_worth_nothing(path: Path) -> None:
    with _sleeper() as stranger:
        ProcessRecord(path, "run-a").add(Recorded("market-1", stranger.pid, _ticks(stranger)))
        content = json.loads(path.read_text())
        assert content["boot"] == boot_id()
        path.write_text(json.dumps(content | {"boot": "some other"}))
        assert stop_leftovers(path) == []
        assert stranger.poll() is None
        stranger.kill()


def test_a_descendant_is_found_by_its_run(path: Path) -> None:
    with _sleeper("run-a") as ours, _sleeper("run-b") as theirs:
        ProcessRecord(path, "run-a").add(Recorded("edge-1", 1, 1))
        assert [process.pid for process in stop_leftovers(path)] == [ours.pid]
        assert theirs.poll() is None
        theirs.kill()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"processes": [{}]}'])
def test_an_unreadable_record_stops_nothing(path: Path, content: str) -> None:
    path.write_text(content)
    assert stop_leftovers(path) == []


def test_what_has_ended_is_forgotten(path: Path) -> None:
    record = ProcessRecord(path, "run-a")
    record.add(Recorded("market-1", 10, 1))
    record.add(Recorded("market-2", 11, 1))
    record.remove(10)
    assert [p["pid"] for p in json.loads(path.read_text())["processes"]] == [11]
