"""Taking turns: a few places, and one line of those who wait for one."""

import asyncio
from collections import deque


class Turns:
    """Places that are taken in the order of coming.

    A place that is given back goes straight to the first in line, so nobody can slip in before him.

    Args:
        places: how many may have one at a time.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._line: deque[asyncio.Future[None]] = deque()

    async def take(self, within: float | None = None) -> None:
        """Wait for a place.

        Args:
            within: longest wait in seconds; None waits for ever.

        Raises:
            TimeoutError: none came in time.
        """
        if self._free:
            self._free -= 1
            return
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._line.append(turn)
        expiry = None if within is None else loop.call_later(within, _expire, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.give_back()  # it came in the same moment
            raise
        finally:
            if expiry is not None:
                expiry.cancel()

    def give_back(self) -> None:
        """Let the next one have the place."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


def _expire(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(TimeoutError())
