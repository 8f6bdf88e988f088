"""Reads the logs of a mesh, running or not."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from services.supervisor.failure import ExitCode, MeshError
from services.supervisor.paths import StatePaths

_POLL = 0.2
_CHUNK = 1 << 20


def log_files(paths: StatePaths, service: str) -> list[Path]:
    """The log files of a service (``market``), an instance (``market-2``) or the ``supervisor``.

    Raises:
        MeshError: there is none.
    """
    if service == "supervisor":
        found = [paths.log] if paths.log.exists() else []
    else:
        named = paths.logs / f"{service}.log"
        found = [named] if named.exists() else _slots(paths, service)
    if not found:
        known = sorted({path.stem.rpartition("-")[0] for path in paths.logs.glob("*-*.log")})
        hint = f"there are {', '.join(known)}, supervisor" if known else "nothing has run here yet"
        raise MeshError(f"no log of {service}: {hint}", ExitCode.USAGE)
    return found


def _slots(paths: StatePaths, service: str) -> list[Path]:
    files = [
        path
        for path in paths.logs.glob(f"{service}-*.log")
        if path.stem.removeprefix(f"{service}-").isdigit()
    ]
    return sorted(files, key=lambda path: int(path.stem.rpartition("-")[2]))


def last_lines(path: Path, count: int) -> list[bytes]:
    """The last lines of a file, without reading all of it."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        data = b""
        while end > 0 and data.count(b"\n") <= count:
            start = max(0, end - _CHUNK)
            file.seek(start)
            data = file.read(end - start) + data
            end = start
    return data.splitlines(keepends=True)[-count:] if count else []


@dataclass(slots=True)
class Follower:
    """Reads what is appended to a file, also after it was rotated.

    Attributes:
        path: the file.
        file: the open file.
        inode: which file that is.
        rest: a line whose end is not written yet.
    """

    path: Path
    file: BinaryIO
    inode: int
    rest: bytes = field(default=b"")

    @classmethod
    def at_end(cls, path: Path) -> "Follower":
        """Begins after what is there now."""
        file = path.open("rb")
        file.seek(0, 2)
        return cls(path, file, path.stat().st_ino)

    def lines(self) -> Iterator[bytes]:
        """The whole lines that have come since."""
        yield from self._read()
        try:
            inode = self.path.stat().st_ino
        except FileNotFoundError:
            return
        if inode != self.inode:
            yield from self._read()
            self.file.close()
            self.file, self.inode = self.path.open("rb"), inode
            yield from self._read()

    def _read(self) -> Iterator[bytes]:
        data = self.rest + self.file.read()
        *whole, self.rest = data.split(b"\n")
        yield from (line + b"\n" for line in whole)


def print_logs(files: Sequence[Path], *, count: int, follow: bool) -> None:
    """Writes the last lines, and goes on as they come if asked; each with its instance if several."""
    followers = [Follower.at_end(path) for path in files]
    for path in files:
        for line in last_lines(path, count):
            _write(path, line, named=len(files) > 1)
    while follow:
        for follower in followers:
            for line in follower.lines():
                _write(follower.path, line, named=len(files) > 1)
        sys.stdout.flush()
        time.sleep(_POLL)


def _write(path: Path, line: bytes, *, named: bool) -> None:
    if named:
        sys.stdout.buffer.write(f"{path.stem} | ".encode())
    sys.stdout.buffer.write(line if line.endswith(b"\n") else line + b"\n")
    sys.stdout.buffer.flush()
