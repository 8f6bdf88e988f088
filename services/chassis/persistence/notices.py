"""Tells waiting coroutines of this process that something was committed."""

import asyncio
from collections import defaultdict

from sqlalchemy.ext.asyncio import AsyncConnection

_KEY = "trademesh.notices"


class Notices:
    """Counters by topic: each committed transaction that touched a topic raises its counter by one."""

    def __init__(self) -> None:
        self._versions: defaultdict[str, int] = defaultdict(int)
        self._events: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def version(self, topic: str) -> int:
        """How often the topic was announced. Read it before looking at the data, then wait on it."""
        return self._versions[topic]

    def publish(self, topic: str) -> None:
        """Announce a change of the topic."""
        self._versions[topic] += 1
        self._events.pop(topic, asyncio.Event()).set()

    async def wait(self, topic: str, seen: int, within: float) -> bool:
        """Wait until the counter differs from ``seen``.

        Args:
            topic: what to wait for.
            seen: the counter as :meth:`version` gave it.
            within: longest wait in seconds.

        Returns:
            Whether it changed in time.
        """
        if self._versions[topic] != seen:
            return True
        event = self._events[topic]
        try:
            async with asyncio.timeout(within):
                await event.wait()
        except TimeoutError:
            return False
        return True


def announce(connection: AsyncConnection, topic: str) -> None:
    """Publish the topic once the transaction of ``connection`` has committed; never before, never if not."""
    connection.info.setdefault(_KEY, set()).add(topic)


def take_announced(connection: AsyncConnection) -> frozenset[str]:
    """The topics announced on this connection since the last call."""
    return frozenset(connection.info.pop(_KEY, ()))
