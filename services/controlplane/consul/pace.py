"""Keeps a loop from running hot, without delaying the single change."""

import asyncio
import random
from collections.abc import Callable
from time import monotonic
from typing import Final

BURST: Final = 20
RATE_PER_S: Final = 20.0
_JITTER: Final = 0.5


class Pace:
    """A token bucket: ``burst`` rounds at once, then ``rate`` rounds per second with jitter.

    Args:
        burst: rounds that may follow each other without a pause.
        rate: rounds per second in the long run.
        now: monotonic clock, in seconds.
    """

    def __init__(
        self, *, burst: int = BURST, rate: float = RATE_PER_S, now: Callable[[], float] = monotonic
    ) -> None:
        self._burst = burst
        self._rate = rate
        self._now = now
        self._tokens = float(burst)
        self._at = now()

    def delay(self) -> float:
        """Take one round; seconds to wait before it."""
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        self._tokens -= 1
        return 0.0 if self._tokens >= 0 else -self._tokens / self._rate

    async def wait(self) -> None:
        """Take one round, and wait for it."""
        if (delay := self.delay()) > 0:
            await asyncio.sleep(delay * (1 + random.uniform(0, _JITTER)))  # noqa: S311 - jitter, no secret
