"""Rows on their way into a file: kept beside it with a cursor, so that an interrupted export goes on.

``FILE.part`` has one JSON array of texts for each row. ``FILE.cursor`` says how far it is whole, and where
the next page begins; it is replaced as one after each page. Whatever stands in the part beyond it is cut off
when the export goes on, so no row is lost and none comes twice.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.supervisor.failure import ExitCode, MeshError

Texts = Sequence[str]


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far an export has come.

    Attributes:
        source: what is exported, by option.
        page_token: of the next page; empty for the first one.
        rows: rows in the part.
        size: bytes of the part that are whole.
        complete: whether the last page is in the part.
    """

    source: Mapping[str, str]
    page_token: str = ""
    rows: int = 0
    size: int = 0
    complete: bool = False


class Spool:
    """The part and the cursor of one file.

    Args:
        out: the file that is to be made.
    """

    def __init__(self, out: Path) -> None:
        self._part = out.with_name(f"{out.name}.part")
        self._cursor = out.with_name(f"{out.name}.cursor")

    def begin(self, source: Mapping[str, str], *, restart: bool) -> Cursor:
        """Where to go on: at the beginning, or where an interrupted export of the same stopped.

        Raises:
            MeshError: an export of something else was interrupted here.
        """
        found = None if restart else self._load()
        if found is None:
            self.remove()
            self._part.touch()
            return Cursor(source)
        if found.source != source:
            msg = f"{self._cursor} belongs to another export: {_told(found.source)}; --restart drops it"
            raise MeshError(msg, ExitCode.USAGE)
        os.truncate(self._part, found.size)
        return found

    def add(self, cursor: Cursor, rows: Sequence[Texts], page_token: str) -> Cursor:
        """Write a page behind what is there, then the cursor."""
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        with self._part.open("ab") as part:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
        reached = Cursor(
            cursor.source,
            page_token,
            cursor.rows + len(rows),
            cursor.size + len(content),
            complete=not page_token,
        )
        fresh = self._cursor.with_name(f"{self._cursor.name}.new")
        fresh.write_text(json.dumps(asdict(reached)))
        fresh.replace(self._cursor)
        return reached

    def rows(self) -> Iterator[Texts]:
        """Every row, one after another."""
        with self._part.open(encoding="utf-8") as part:
            for line in part:
                yield json.loads(line)

    def remove(self) -> None:
        """Drop part and cursor."""
        self._cursor.unlink(missing_ok=True)
        self._part.unlink(missing_ok=True)

    def _load(self) -> Cursor | None:
        if not self._cursor.exists() or not self._part.exists():
            return None
        try:
            stored: Mapping[str, Any] = json.loads(self._cursor.read_text())
            return Cursor(**stored)
        except (ValueError, TypeError) as error:
            raise MeshError(f"{self._cursor} cannot be read ({error}); --restart drops it") from error


def _told(source: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in source.items() if value)
