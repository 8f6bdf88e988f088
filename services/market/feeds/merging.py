"""Several streams as one."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")
_QUEUE = 256
"""Most items that wait; a slow reader slows the streams down instead of filling the memory."""


async def merged(streams: Sequence[AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
    """The items of all streams, as they come; those of one stream stay in order.

    It ends when the first stream ends.

    Raises:
        Exception: what the first stream raised that failed; the others are closed.
    """
    queue: asyncio.Queue[T | asyncio.Task[None]] = asyncio.Queue(_QUEUE)

    async def read(stream: AsyncGenerator[T, None]) -> None:
        async with aclosing(stream) as items:
            async for item in items:
                await queue.put(item)

    async def report(task: "asyncio.Task[None]") -> None:
        await asyncio.wait([task])
        await queue.put(task)

    readers = [asyncio.create_task(read(stream)) for stream in streams]
    reports = [asyncio.create_task(report(reader)) for reader in readers]
    try:
        while True:
            item = await queue.get()
            if isinstance(item, asyncio.Task):
                item.result()
                return
            yield item
    finally:
        for task in (*readers, *reports):
            task.cancel()
        await asyncio.gather(*readers, *reports, return_exceptions=True)
