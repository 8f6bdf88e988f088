from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.supervisor.logfile import RotatingFile


def _kept(path: Path, keep: int) -> bytes:
    files = [path.with_name(f"{path.name}.{n}") for n in range(keep, 0, -1)] + [path]
    return b"".join(file.read_bytes() for file in files if file.exists())


@given(chunks=st.lists(st.binary(min_size=1, max_size=40), max_size=30))
def test_loses_nothing_while_old_files_are_kept(
    chunks: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("log") / "market-1.log"
    log = RotatingFile(path, limit=64, keep=100)
    for chunk in chunks:
        log.write(chunk)
    log.close()
    assert _kept(path, 100) == b"".join(chunks)


def test_rotates_at_a_line_end_and_forgets_the_oldest(tmp_path: Path) -> None:
    path = tmp_path / "market-1.log"
    log = RotatingFile(path, limit=20, keep=2)
    for number in range(20):
        log.write(f"line {number:02d}\n".encode())
    log.close()
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["market-1.log", "market-1.log.1", "market-1.log.2"]
    assert all(file.read_bytes().endswith(b"\n") for file in tmp_path.iterdir())
    assert _kept(path, 2).endswith(b"line 18\nline 19\n")


def test_goes_on_in_the_file_of_the_run_before(tmp_path: Path) -> None:
    path = tmp_path / "market-1.log"
    for word in (b"one\n", b"two\n"):
        log = RotatingFile(path)
        log.write(word)
        log.close()
    assert path.read_bytes() == b"one\ntwo\n"
