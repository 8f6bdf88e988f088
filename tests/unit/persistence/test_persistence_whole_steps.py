"""A step that must not be cut in half, and the cancellation that waits for its end."""

import asyncio

import pytest

from services.chassis.persistence.whole_steps import to_the_end


async def test_a_cancellation_is_not_lost_where_the_step_fails() -> None:
    """A loop that was told to end would go on for ever if the step's failure took its place."""
    go = asyncio.Event()

    async def step() -> None:
        await go.wait()
        raise OSError("the connection is gone")

    task = asyncio.create_task(to_the_end(step()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert isinstance(caught.value.__cause__, OSError)


async def test_a_failure_is_told_where_nobody_cancelled() -> None:
    async def step() -> None:
        raise OSError("the connection is gone")

    with pytest.raises(OSError, match="gone"):
        await to_the_end(step())


async def test_a_cancellation_takes_effect_after_the_step() -> None:
    go, ended = asyncio.Event(), asyncio.Event()

    async def step() -> None:
        await go.wait()
        ended.set()

    task = asyncio.create_task(to_the_end(step()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
