"""Ends the streams of a server that is going away, so that their readers go on elsewhere."""

import asyncio
from datetime import timedelta
from typing import Any

from services.chassis.rpc.interceptor import Call, Context, Method
from services.kernel.errors import DomainError, ErrorKind

_RETRY_AFTER = timedelta(milliseconds=100)


class DrainInterceptor:
    """Knows the open streams. Unary calls are left to run to their end.

    A stream lives for hours: without this, each stop would wait out its whole grace.
    """

    def __init__(self) -> None:
        self._open: set[asyncio.Task[Any]] = set()
        self._ended: set[asyncio.Task[Any]] = set()
        self._draining = False

    def wrap(self, method: Method, call: Call) -> Call:
        """The call that ends with UNAVAILABLE once the server drains."""
        if not method.response_streaming:
            return call

        async def streaming(request: Any, context: Context) -> Any:
            if self._draining:
                raise _refusal()
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - gRPC runs every call in a task
            self._open.add(task)
            try:
                return await call(request, context)
            except asyncio.CancelledError:
                if context.cancelled() or task not in self._ended:
                    raise
                task.uncancel()
                raise _refusal() from None
            finally:
                self._open.discard(task)
                self._ended.discard(task)

        return streaming

    async def settle(self, seconds: float) -> None:
        """Wait until the streams that are open have ended by themselves, but no longer."""
        if self._open and seconds > 0:
            await asyncio.wait(set(self._open), timeout=seconds)

    def end_streams(self) -> None:
        """Answer every open stream, and every new one, with UNAVAILABLE; readers resume elsewhere."""
        self._draining = True
        self._ended |= self._open
        for task in self._ended:
            task.cancel()


def _refusal() -> DomainError:
    msg = "this instance is going away; resume the stream at another"
    return DomainError("SERVER_DRAINING", msg, kind=ErrorKind.UNAVAILABLE, retry_after=_RETRY_AFTER)
