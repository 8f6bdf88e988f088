from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.logs import Follower, last_lines, log_files
from services.supervisor.failure import MeshError
from services.supervisor.logfile import RotatingFile
from services.supervisor.paths import StatePaths


@pytest.fixture
def paths(tmp_path: Path) -> StatePaths:
    paths = StatePaths(tmp_path)
    paths.make()
    for name in ("market-1", "market-2", "market-10", "market-maker-1", "risk-1"):
        (paths.logs / f"{name}.log").write_text(f"{name}\n")
    return paths


def test_a_service_an_instance_or_the_supervisor(paths: StatePaths) -> None:
    paths.log.write_text("")
    assert [file.stem for file in log_files(paths, "market")] == ["market-1", "market-2", "market-10"]
    assert [file.stem for file in log_files(paths, "market-2")] == ["market-2"]
    assert log_files(paths, "supervisor") == [paths.log]


def test_an_unknown_name_says_what_there_is(paths: StatePaths) -> None:
    with pytest.raises(
        MeshError, match="no log of astrology: there are market, market-maker, risk, supervisor"
    ):
        log_files(paths, "astrology")


@given(lines=st.lists(st.text("ab", max_size=5), max_size=20), count=st.integers(0, 25))
def test_last_lines_are_the_last(
    lines: list[str], count: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("log") / "x.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    assert (
        last_lines(path, count)
        == [f"{line}\n".encode() for line in lines][len(lines) - min(count, len(lines)) :]
    )


def test_following_loses_nothing_when_the_file_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "market-1.log"
    log = RotatingFile(path, limit=30, keep=1)
    follower = Follower.at_end(path)
    seen = []
    for number in range(12):
        log.write(f"line {number:02d}\n".encode())
        seen += list(follower.lines())
    log.close()
    follower.file.close()
    assert seen == [f"line {number:02d}\n".encode() for number in range(12)]


def test_a_line_is_shown_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "market-1.log"
    log = RotatingFile(path)
    follower = Follower.at_end(path)
    log.write(b"half ")
    assert list(follower.lines()) == []
    log.write(b"a line\n")
    assert list(follower.lines()) == [b"half a line\n"]
    log.close()
    follower.file.close()
