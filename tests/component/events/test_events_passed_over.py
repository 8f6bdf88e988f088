"""Events that a consumer does not want cost it no transaction, and nothing is lost or done twice for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.events import ApplyHere, Envelope, InUnits, inbox
from services.chassis.persistence import Database
from tests.support.eventlog import (
    BOUND_S,
    add_events,
    effects,
    note_effect,
    open_database,
    served,
    subscribed,
)


@pytest.fixture
async def databases(new_database_url: Callable[[], str]) -> AsyncIterator[tuple[Database, Database]]:
    """The producer's database and the consumer's."""
    maker, taker = await open_database(new_database_url()), await open_database(new_database_url())
    yield maker, taker
    await maker.close()
    await taker.close()


def only_wanted(opened: list[int]) -> InUnits:
    """Effects of the events whose text begins with "wanted"; notes how many each unit had."""

    @asynccontextmanager
    async def unit(connection: AsyncConnection) -> AsyncIterator[ApplyHere]:
        opened.append(0)

        async def apply(envelope: Envelope) -> None:
            opened[-1] += 1
            await note_effect(connection, envelope)

        yield apply

    return InUnits(unit, wants=lambda envelope: envelope.subject.startswith("things/wanted"))


async def stored(database: Database) -> int:
    async with database.read() as connection:
        cursor = await inbox.load_cursor(connection, "maker")
    return cursor.sequence if cursor else 0


async def test_only_wanted_events_open_a_unit_and_silence_stores_the_rest(
    databases: tuple[Database, Database],
) -> None:
    maker, taker = databases
    opened: list[int] = []
    async with served(maker) as channel, subscribed(channel, taker, only_wanted(opened)) as subscription:
        await subscription.wait_for(await add_events(maker, "wanted-1", "a"), BOUND_S)
        for text in ("b", "c", "d"):
            await subscription.wait_for(await add_events(maker, text), BOUND_S)
        assert opened == [1]
        async with asyncio.timeout(BOUND_S):
            while await stored(taker) < 5:
                await asyncio.sleep(0.01)
        await subscription.wait_for(await add_events(maker, "e", "wanted-2", "f"), BOUND_S)
    assert opened == [1, 1]
    assert await effects(taker) == ["wanted-1", "wanted-2"]


async def test_a_restart_behind_events_that_were_passed_over(databases: tuple[Database, Database]) -> None:
    maker, taker = databases
    opened: list[int] = []
    texts = [f"wanted-{number}" if number % 5 == 0 else f"other-{number}" for number in range(60)]
    async with served(maker) as channel:
        for start in range(0, len(texts), 4):
            async with subscribed(channel, taker, only_wanted(opened)) as subscription:
                await subscription.wait_for(await add_events(maker, *texts[start : start + 4]), BOUND_S)
    assert await effects(taker) == [text for text in texts if text.startswith("wanted")]


async def test_two_instances_pass_over_and_apply_each_event_once(
    databases: tuple[Database, Database],
) -> None:
    maker, taker = databases
    texts = [f"wanted-{number}" if number % 7 == 0 else f"other-{number}" for number in range(400)]
    async with (
        served(maker) as channel,
        subscribed(channel, taker, only_wanted([]), batch=3) as one,
        subscribed(channel, taker, only_wanted([]), batch=5) as other,
    ):
        last = 0
        for start in range(0, len(texts), 3):
            last = await add_events(maker, *texts[start : start + 3])
        await one.wait_for(last, BOUND_S)
        await other.wait_for(last, BOUND_S)
    assert await effects(taker) == [text for text in texts if text.startswith("wanted")]
