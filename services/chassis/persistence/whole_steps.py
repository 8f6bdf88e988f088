"""Steps that a cancellation must not cut in half."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def to_the_end(step: Coroutine[Any, Any, None]) -> None:
    """Run a step that must not be cut in half; a cancellation takes effect after it, also where it fails."""
    task = asyncio.ensure_future(step)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
            cancelled = True
        except BaseException:  # noqa: BLE001, S110 (raised by result() below)
            pass
    error = task.exception()
    if cancelled:
        raise asyncio.CancelledError from error
    if error is not None:
        raise error
