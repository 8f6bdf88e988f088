"""Makes mutations safe to repeat: calls with one request_id share one run and one answer."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from services.exchange.domain.errors import request_in_progress
from services.kernel.errors import DomainError, ErrorKind, request_id_reused

_log = structlog.get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Running:
    fingerprint: str
    task: "asyncio.Task[Any]"


class Requests:
    """The mutations that run in this process.

    Each runs in a task of its own, to its end, whatever becomes of the call that began it.
    """

    def __init__(self) -> None:
        self._running: dict[tuple[str, str], _Running] = {}
        self._closing = False

    async def run(
        self,
        account: str,
        request_id: str,
        fingerprint: str,
        work: Callable[[], Coroutine[Any, Any, T]],
        within: float,
    ) -> T:
        """Run ``work``, or join the run that has this request_id.

        Args:
            account: the account, within which request ids are unique.
            request_id: the caller's id.
            fingerprint: of the body.
            work: does it, and answers the stored first answer where there is one.
            within: seconds this call can wait.

        Raises:
            DomainError: REQUEST_ID_REUSED, REQUEST_IN_PROGRESS, SERVER_DRAINING, or what the work
                raised.
        """
        key = (account, request_id)
        running = self._running.get(key)
        if running is None:
            running = self._start(key, fingerprint, work)
        elif running.fingerprint != fingerprint:
            raise request_id_reused(request_id)
        done, _ = await asyncio.wait({running.task}, timeout=within)
        if not done:
            raise request_in_progress(request_id)
        if running.task.cancelled():
            raise _draining()
        # One fingerprint, one kind of mutation, one type of answer.
        answer: T = running.task.result()
        return answer

    async def close(self, grace: float) -> None:
        """Take nothing new, let what runs end, cut it off after ``grace`` seconds."""
        self._closing = True
        tasks = [running.task for running in self._running.values()]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _start(
        self, key: tuple[str, str], fingerprint: str, work: Callable[[], Coroutine[Any, Any, Any]]
    ) -> _Running:
        if self._closing:
            raise _draining()
        task = asyncio.create_task(work())
        self._running[key] = running = _Running(fingerprint, task)

        def ended(task: "asyncio.Task[Any]") -> None:
            del self._running[key]
            # Looked at here, since the caller may be gone.
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, DomainError):
                _log.error("request_failed", request_id=key[1], error=repr(error))

        task.add_done_callback(ended)
        return running


async def poll(look: Callable[[], Awaitable[T | None]], within: float, pause: float) -> T | None:
    """Look again and again until there is something, for ``within`` seconds at most."""
    end = asyncio.get_running_loop().time() + within
    found = await look()
    while found is None and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(pause)
        found = await look()
    return found


def _draining() -> DomainError:
    return DomainError("SERVER_DRAINING", "the server is going down; try again", kind=ErrorKind.UNAVAILABLE)
