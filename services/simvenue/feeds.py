"""Hands events to any number of readers, each at its own pace, out of one bounded memory.

Nothing is kept per reader: a reader is a cursor. One that falls out of the memory is told so.
"""

import asyncio
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar


class Numbered(Protocol):
    """Anything with a gapless sequence."""

    @property
    def sequence(self) -> int:
        """One more than that of the event before."""
        ...


E = TypeVar("E", bound=Numbered)


class Signal:
    """Wakes everybody who waits, each time it is given."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.halted = False

    @property
    def next(self) -> asyncio.Event:
        """Set when the signal is given next. Take it before looking, so that none is missed."""
        return self._event

    def give(self) -> None:
        """Wake everybody."""
        self._event.set()
        self._event = asyncio.Event()

    def halt(self) -> None:
        """Wake everybody for the last time: nothing will come any more."""
        self.halted = True
        self.give()


class Memory(Generic[E]):
    """The last events of one sequence.

    Args:
        sequence: of the last event so far.
        kept: events kept at least.
    """

    def __init__(self, sequence: int, kept: int) -> None:
        self.last = sequence
        self._kept = kept
        self._events: list[E] = []

    def add(self, event: E) -> None:
        """Keep the next event, and forget old ones from time to time."""
        self.last = event.sequence
        self._events.append(event)
        if len(self._events) >= 2 * self._kept:
            del self._events[: -self._kept]

    def after(self, sequence: int) -> Sequence[E] | None:
        """Events after a sequence; None where some of them are forgotten."""
        missing = self.last - sequence
        if missing <= 0:
            return ()
        return self._events[-missing:] if missing <= len(self._events) else None
