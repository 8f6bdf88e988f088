"""A log file that stays small: rotated at a line's end, nothing lost."""

from pathlib import Path
from typing import BinaryIO


class RotatingFile:
    """Appends bytes to a file and moves it aside (``.1``, ``.2`` ...) when it is full.

    Args:
        path: the file.
        limit: bytes from which it is moved aside at the next line's end.
        keep: how many old files stay.
    """

    def __init__(self, path: Path, *, limit: int = 16 * 1024 * 1024, keep: int = 2) -> None:
        self._path = path
        self._limit = limit
        self._keep = keep
        self._file: BinaryIO = path.open("ab", buffering=0)
        self._size = self._file.tell()

    def write(self, data: bytes) -> None:
        """Appends; a full file is first completed to the end of its line."""
        if self._size + len(data) > self._limit:
            end = data.find(b"\n") + 1
            if end:
                self._append(data[:end])
                data = data[end:]
                self._rotate()
        self._append(data)

    def close(self) -> None:
        """Closes the file; writing afterwards is an error."""
        self._file.close()

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = self._file.write(view) or 0
            self._size += written
            view = view[written:]

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._keep, 0, -1):
            older = self._path if number == 1 else self._numbered(number - 1)
            if older.exists():
                older.replace(self._numbered(number))
        self._file = self._path.open("ab", buffering=0)
        self._size = self._file.tell()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
