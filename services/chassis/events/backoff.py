"""Pauses between attempts."""

import asyncio
import random

_FIRST_S = 0.05
_LONGEST_S = 5.0


class Backoff:
    """Ever longer pauses with jitter: from 50 ms, doubling, to 5 s.

    The jitter keeps the consumers of a service that comes back from all calling it at once.
    """

    def __init__(self) -> None:
        self._next = _FIRST_S

    def reset(self) -> None:
        """Begin anew: something worked."""
        self._next = _FIRST_S

    async def pause(self) -> None:
        """Wait, and wait longer the next time."""
        await asyncio.sleep(self._next * random.uniform(0.5, 1.0))  # noqa: S311 (jitter)
        self._next = min(self._next * 2, _LONGEST_S)
