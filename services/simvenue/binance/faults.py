"""Faults of the way between a bot and the venue, for tests: each is used up as often as it says."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, Protocol

_GOING_AWAY: Final = 1001


class FaultKind(Enum):
    """What goes wrong."""

    BUSY = auto()  # nothing is done, and the answer says so: 503, -1008
    LOST_ANSWER = auto()  # it is done, and the answer is that nobody knows: 503, -1007
    HANG = auto()  # it is done, and no answer comes
    DROP_BEFORE = auto()  # nothing is done, and the connection breaks
    DROP_AFTER = auto()  # it is done, and the connection breaks
    LIMITED = auto()  # nothing is done: 429, and the minute's weight counts as used up
    BANNED = auto()  # nothing is done: 418, and the address is banned


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        kind: what.
        method: HTTP method of the endpoint, whichever way it is asked.
        path: HTTP path of the endpoint.
        times: how often.
    """

    kind: FaultKind
    method: str
    path: str
    times: int = 1


class Breakable(Protocol):
    """An open WebSocket."""

    def abort(self) -> None:
        """Break it without a word."""
        ...

    async def close(self, code: int, why: str) -> None:
        """Say goodbye."""
        ...


class Faults:
    """The faults that wait to happen, and the ways to break what is open."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._closed = asyncio.Event()
        self._open: set[Breakable] = set()

    def add(self, fault: Fault) -> None:
        """Let something go wrong, after the faults for the same endpoint that wait already."""
        self._waiting.append(fault)

    def take(self, method: str, path: str) -> FaultKind | None:
        """What goes wrong with this request, if anything does."""
        for place, fault in enumerate(self._waiting):
            if (fault.method, fault.path) == (method, path):
                left = replace(fault, times=fault.times - 1)
                self._waiting[place : place + 1] = [left] if left.times else []
                return fault.kind
        return None

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._waiting.clear()

    async def hang(self) -> None:
        """Wait until the venue closes."""
        await self._closed.wait()

    def close(self) -> None:
        """Let everything go that hangs."""
        self._closed.set()

    def watch(self, connection: "Breakable") -> Callable[[], None]:
        """Name an open WebSocket; answers how to forget it."""
        self._open.add(connection)
        return lambda: self._open.discard(connection)

    def drop_sockets(self) -> None:
        """Break every open WebSocket without a word."""
        for connection in list(self._open):
            connection.abort()

    async def close_sockets(self) -> None:
        """Say goodbye to every open WebSocket: the venue closes."""
        for connection in list(self._open):
            await connection.close(_GOING_AWAY, "the venue closes")
