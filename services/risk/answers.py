"""Answers of other services that many checks share."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class SharedAnswers(Generic[Key, Value]):
    """Asks once for all who want to know the same within a short time.

    A failure is shared by those who waited for it, and not kept.

    Args:
        ask: asks the other service.
        keep_s: how long an answer is good, in seconds.
        most: how many answers are kept.
    """

    def __init__(self, ask: Callable[[Key], Awaitable[Value]], keep_s: float, *, most: int = 1000) -> None:
        self._ask = ask
        self._keep_s = keep_s
        self._most = most
        self._answers: dict[Key, tuple[float, Value]] = {}
        self._asking: dict[Key, asyncio.Task[Value]] = {}

    async def get(self, key: Key) -> Value:
        """The answer; asked now where there is none that is good."""
        kept = self._answers.get(key)
        loop = asyncio.get_running_loop()
        if kept is not None and loop.time() - kept[0] < self._keep_s:
            return kept[1]
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = loop.create_task(self._asked(key))
        # Who gives up must not take the answer from the others.
        return await asyncio.shield(task)

    def known(self, keys: Iterable[Key]) -> bool:
        """Whether all the answers are there and good."""
        now = asyncio.get_running_loop().time()
        kept = (self._answers.get(key) for key in keys)
        return all(each is not None and now - each[0] < self._keep_s for each in kept)

    async def _asked(self, key: Key) -> Value:
        try:
            value = await self._ask(key)
            if len(self._answers) >= self._most:
                self._answers.clear()
            self._answers[key] = (asyncio.get_running_loop().time(), value)
            return value
        finally:
            del self._asking[key]
