"""Knows the calls whose handlers have not ended yet."""

import asyncio
from typing import Any

from services.chassis.rpc.interceptor import Call, Context, Method


class RunningCalls:
    """The outermost interceptor: a call counts until the last thing inside it is done.

    gRPC's own stop cuts calls off and does not wait for their handlers. One that is still unwinding
    when the last connection is closed would use what is gone, and wait for ever for an answer.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def wrap(self, method: Method, call: Call) -> Call:  # noqa: ARG002 - an interceptor's shape
        """The call that is known until its task is over."""
        tasks = self._tasks

        async def known(request: Any, context: Context) -> Any:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - gRPC runs every call in a task
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            return await call(request, context)

        return known

    async def ended(self, seconds: float) -> int:
        """Wait until all have ended, but no longer; how many have not."""
        if not self._tasks:
            return 0
        _, left = await asyncio.wait(set(self._tasks), timeout=seconds)
        return len(left)
