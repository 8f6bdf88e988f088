"""Writes log lines from a thread, many at a time.

The log of a process is a pipe to the supervisor. A write to it costs a system call and wakes the supervisor,
and blocks while the pipe is full: none of that belongs on the event loop.
"""

import threading
from collections import deque
from contextlib import suppress
from typing import Final, TextIO

_LINGER_S: Final = 0.05
_MOST_LINES: Final = 50_000
_PIECE_BYTES: Final = 32 * 1024
"""Half of what a pipe holds, so that it is seldom full and hardly ever takes half a line."""


class LineWriter:
    """Takes lines at once, and writes them within 50 ms, whole and in order.

    What a process that is killed took in its last 50 ms is lost. While the pipe is stuck 50,000 lines wait;
    more are dropped, and their number is written afterwards. A pipe that is closed takes nothing.

    Args:
        file: where to; lines are ASCII.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._wake = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._closed = threading.Event()
        self._thread.start()

    def write(self, line: str) -> None:
        """Take a line, without its end."""
        if len(self._lines) >= _MOST_LINES:
            self._dropped += 1
            return
        self._lines.append(line)
        if not self._wake.is_set():
            self._wake.set()

    debug = info = warning = error = critical = write

    def flush(self) -> None:
        """Write what was taken so far; blocks while the pipe is full."""
        with self._writing, suppress(OSError, ValueError):  # whoever read it is gone
            while piece := self._piece():
                self._file.write(piece)
                self._file.flush()

    def close(self) -> None:
        """End the thread and write what is left; blocks while the pipe is full."""
        self._closed.set()
        self._wake.set()
        self._thread.join()
        self.flush()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.wait()
            self._closed.wait(_LINGER_S)  # more lines come meanwhile, and go in one write
            self._wake.clear()
            self.flush()

    def _piece(self) -> str:
        """Whole lines for one write; at least one line, empty where there is none."""
        lines: list[str] = []
        size = 0
        while self._lines and (not lines or size + len(self._lines[0]) < _PIECE_BYTES):
            lines.append(self._lines.popleft())
            size += len(lines[-1]) + 1
        if not self._lines and self._dropped:
            dropped, self._dropped = self._dropped, 0
            lines.append(f'{{"level": "warning", "event": "log_lines_dropped", "count": {dropped}}}')
        return "\n".join([*lines, ""]) if lines else ""
