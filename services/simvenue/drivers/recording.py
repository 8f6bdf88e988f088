"""Replays recorded Binance spot messages: books from a snapshot and depth deltas, and trades.

A recording is a file per symbol, gzip or plain, one message per line: receive time in nanoseconds, a
space, JSON. Messages are played by the exchange's own event time, never by the receive time, since
the two clocks differ. Where the recording ends it begins again, with its times moved forward, so that
exchange time goes on; the crowd's book is rebuilt then, and real accounts' orders stay.
"""

import asyncio
import gzip
import heapq
import json
import zlib
from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO, cast

from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.market import Market
from services.simvenue.drivers.depth import RecordedBook
from services.simvenue.drivers.driver import Source, TimedActions

_MS = 1_000_000
_GZIP = b"\x1f\x8b"
_PAUSE = 500
"""Lines read between two chances for others to run."""

_LOOP_GAP_NS = 1_000_000_000
"""Exchange time between the end of the recording and its next beginning."""


class RecordingError(Exception):
    """The recording cannot be used; the message says which file, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """One file of a recording and the instrument it belongs to."""

    path: Path
    instrument: Instrument


def find_files(path: Path, instruments: Sequence[Instrument]) -> list[RecordedFile]:
    """The files of a recording, one per instrument, told by the venue symbol their names begin with.

    Args:
        path: a file, or a folder of files such as ``btcusdt_20240808.gz``.
        instruments: what the venue knows.

    Raises:
        RecordingError: there is nothing to play.
    """
    if not path.exists():
        raise RecordingError(f"there is no recording {path}")
    candidates = sorted(entry for entry in path.iterdir() if entry.is_file()) if path.is_dir() else [path]
    found: dict[str, RecordedFile] = {}
    for candidate in candidates:
        for instrument in instruments:
            if candidate.name.lower().startswith(instrument.venue_symbol.lower()):
                found.setdefault(instrument.symbol, RecordedFile(candidate, instrument))
    if not found:
        known = ", ".join(instrument.venue_symbol.lower() for instrument in instruments)
        raise RecordingError(f"{path} holds no file whose name begins with one of {known}")
    return list(found.values())


class RecordingDriver:
    """Plays a recording, again and again.

    Args:
        files: what to play, one file per instrument.
    """

    def __init__(self, files: Sequence[RecordedFile]) -> None:
        self._files = files

    @property
    def source(self) -> Source:
        """A recording."""
        return Source.RECORDING

    def begin_ns(self) -> int:
        """Event time of the first message.

        Raises:
            RecordingError: a file holds no message, or one that cannot be read.
        """
        return min(_first_time(file) for file in self._files)

    async def actions(self, begin_ns: int, markets: Mapping[str, Market]) -> AsyncIterator[TimedActions]:
        """The recorded actions, moved so that the first one happens at ``begin_ns``."""
        del markets  # what was recorded depends on nothing
        recorded_begin = self.begin_ns()
        shift = begin_ns - recorded_begin
        while True:
            last: int | None = None
            for number, step in enumerate(self._one_pass()):
                last = step.time_ns
                yield TimedActions(step.time_ns + shift, step.symbol, step.actions)
                if number % _PAUSE == 0:
                    await asyncio.sleep(0)
            if last is None:
                raise RecordingError(f"no file of {self._names()} holds a snapshot that its deltas follow on")
            shift += last - recorded_begin + _LOOP_GAP_NS

    def _names(self) -> str:
        return ", ".join(str(file.path) for file in self._files)

    def _one_pass(self) -> Iterator[TimedActions]:
        return heapq.merge(*(_steps(file) for file in self._files), key=_time_of)


def _time_of(step: TimedActions) -> int:
    return step.time_ns


def _first_time(file: RecordedFile) -> int:
    with closing(_messages(file.path)) as messages:
        for _, data in messages:
            if "E" in data:
                return int(data["E"]) * _MS
    raise RecordingError(f"{file.path} holds no message with an event time")


def _steps(file: RecordedFile) -> Iterator[TimedActions]:
    """The actions of one file, in its own order; times never run backwards.

    A gap in the update ids empties the book until the next snapshot. Where none comes, what was played
    since was no market, and that is said instead of played again.
    """
    instrument = file.instrument
    book = RecordedBook(_units(instrument), str(file.path))
    time_ns = _first_time(file)
    with closing(_messages(file.path)) as messages:
        for line, data in messages:
            time_ns = max(time_ns, int(data.get("E", 0)) * _MS)
            try:
                actions = book.actions(line, data)
            except (KeyError, ValueError, ArithmeticError, TypeError) as error:
                raise RecordingError(f"{file.path}:{line}: not a message of the format: {error!r}") from error
            if actions:
                yield TimedActions(time_ns, instrument.symbol, actions)
    if book.gap:
        raise RecordingError(f"{file.path}:{book.gap}, and no snapshot follows")


def _units(instrument: Instrument) -> tuple[Decimal, Decimal]:
    return instrument.tick_size, instrument.lot_size


def _messages(path: Path) -> Generator[tuple[int, dict[str, Any]], None, None]:
    """Line number and payload of each message that matters here."""
    number = 0
    try:
        with _open(path) as text:
            for number, line in enumerate(text, start=1):
                # Best prices are left out: the book is built from deltas, which come after the trades
                # that they reflect, so that a trade meets the queue it met in truth.
                if "@bookTicker" in line[:80]:
                    continue
                message = json.loads(line.partition(" ")[2])
                yield number, message.get("data", message)
    except (ValueError, AttributeError, OSError, EOFError, zlib.error) as error:
        raise RecordingError(f"{path}:{number}: cannot be read: {error}") from error


def _open(path: Path) -> TextIO:
    with path.open("rb") as raw:
        packed = raw.read(len(_GZIP)) == _GZIP
    if packed:
        return cast("TextIO", gzip.open(path, "rt", encoding="utf-8"))
    return path.open(encoding="utf-8")
