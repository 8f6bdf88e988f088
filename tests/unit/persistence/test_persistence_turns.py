"""Places are taken in the order of coming, and none is ever lost."""

import asyncio
import random

import pytest

from services.chassis.persistence.turns import Turns


async def test_places_are_taken_in_the_order_of_coming() -> None:
    turns, seen = Turns(2), []

    async def use(number: int) -> None:
        await turns.take()
        seen.append(number)
        await asyncio.sleep(0)
        turns.give_back()

    await asyncio.gather(*(use(number) for number in range(20)))
    assert seen == list(range(20))


async def test_nobody_slips_in_before_the_first_in_line() -> None:
    turns = Turns(1)
    await turns.take()
    waiting = asyncio.create_task(turns.take())
    await asyncio.sleep(0)
    turns.give_back()
    with pytest.raises(TimeoutError):
        await turns.take(0.001)
    await waiting


async def test_one_who_waits_too_long_gives_up_and_takes_nothing() -> None:
    turns = Turns(1)
    await turns.take()
    with pytest.raises(TimeoutError):
        await turns.take(0.001)
    turns.give_back()
    await turns.take(0.001)


@pytest.mark.parametrize("seed", range(20))
async def test_cancelled_at_any_moment_no_place_is_lost(seed: int) -> None:
    dice, turns = random.Random(seed), Turns(3)
    busy = most = 0

    async def use() -> None:
        nonlocal busy, most
        await turns.take()
        try:
            busy += 1
            most = max(most, busy)
            for _ in range(dice.randrange(3)):
                await asyncio.sleep(0)
        finally:
            busy -= 1
            turns.give_back()

    tasks = [asyncio.create_task(use()) for _ in range(60)]
    while not all(task.done() for task in tasks):
        dice.choice(tasks).cancel()
        await asyncio.sleep(0)
    assert most == 3
    await asyncio.gather(*(turns.take(0.001) for _ in range(3)))
    with pytest.raises(TimeoutError):
        await turns.take(0.001)
