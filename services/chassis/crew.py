"""The background work of a process: when one part fails, the process ends."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

_log = structlog.get_logger(__name__)


class Crew:
    """Tasks that must run as long as the process."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.failed = asyncio.Event()

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Begin a task; where it ends or raises, ``failed`` is set."""
        self._tasks.add(asyncio.create_task(self._watched(name, run), name=name))

    async def stop(self) -> None:
        """Cancel all tasks and wait for them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _watched(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        try:
            await run()
        except Exception:  # noqa: BLE001 - whatever it is, the process ends
            _log.exception("background_crashed", task=name)
        else:
            _log.error("background_ended", task=name)
        self.failed.set()
