"""Steps that a cancellation must not cut in half."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any


async def to_the_end(step: Coroutine[Any, Any, None]) -> None:
    """Run a step that must not be cut in half; a cancellation takes effect after it, also where it fails."""
    await outlast(asyncio.ensure_future(step))


async def outlast(ending: asyncio.Future[None]) -> None:
    """Wait for an end that others may wait for too; a cancellation takes effect after it."""
    cancelled = False
    while not ending.done():
        # A future of our own: to cancel it cancels nothing else.
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ending.add_done_callback(partial(_wake, woken))
        try:
            await woken
        except asyncio.CancelledError:
            cancelled = True
    if ending.cancelled():
        raise asyncio.CancelledError
    error = ending.exception()
    if cancelled:
        raise asyncio.CancelledError from error
    if error is not None:
        raise error


def _wake(waiting: asyncio.Future[None], _: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
