"""Follows something in Consul for as long as the process lives."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from services.chassis.discovery.agent import Answer, ConsulError

_log = structlog.get_logger(__name__)

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0
_LEAST_INTERVAL_S: Final = 0.05


class Backoff:
    """Pauses that double up to a bound, with jitter."""

    def __init__(self, first: float = FIRST_PAUSE_S, longest: float = LONGEST_PAUSE_S) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def reset(self) -> None:
        """It worked: begin again with the shortest pause."""
        self._next = self._first

    async def pause(self) -> None:
        """Wait before the next attempt."""
        await asyncio.sleep(self._next * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
        self._next = min(self._next * 2, self._longest)


class Watch:
    """A blocking query without end; what it found last stays valid while Consul is away.

    Args:
        name: for the log.
        query: asks from an index on.
        apply: takes each new answer.
    """

    def __init__(
        self,
        name: str,
        query: Callable[[int], Awaitable[Answer]],
        apply: Callable[[Answer], Awaitable[None]],
    ) -> None:
        self._name = name
        self._query = query
        self._apply = apply
        self._failing = False
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Follow for ever; logs once when Consul goes away and once when it is back."""
        backoff = Backoff()
        index = 0
        while True:
            try:
                answer = await self._query(index)
                if answer.index != index or not self.ready.is_set():
                    await self._apply(answer)
            except (ConsulError, ValueError, KeyError, OSError) as error:
                self._failed(error)
                # After an outage the index means nothing: read the whole state again.
                index = 0
                await backoff.pause()
                continue
            self._recovered()
            backoff.reset()
            self.ready.set()
            # An index that went backwards is one of a new Consul; 0 asks without waiting.
            index = answer.index if answer.index >= index else 0
            await asyncio.sleep(_LEAST_INTERVAL_S)

    def _failed(self, error: Exception) -> None:
        if not self._failing:
            self._failing = True
            _log.warning("consul_watch_lost", watch=self._name, error=str(error))

    def _recovered(self) -> None:
        if self._failing:
            self._failing = False
            _log.info("consul_watch_recovered", watch=self._name)
