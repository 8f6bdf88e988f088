"""Old events go, without a gap, and whoever is behind them is told."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from services.chassis.events import Retention, SubscriptionState, outbox
from services.chassis.events.retention import LEAST, forget
from services.chassis.persistence import Database
from services.kernel.errors import DomainError
from tests.support.eventlog import (
    BOUND_S,
    CLOCK,
    add_events,
    effects,
    open_database,
    served,
    subscribed,
    until,
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await open_database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def taker(tmp_path: Path) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite+aiosqlite:///{tmp_path}/taker.sqlite3")
    yield database
    await database.close()


class Later:
    """A clock that is ahead."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return CLOCK.now() + self._by


async def kept(database: Database) -> list[int]:
    """The sequences that are there."""
    async with database.read() as connection:
        head = await outbox.head(connection)
        events = (await outbox.page(connection, 0, 1000, head.log_id)).events
        assert await outbox.first_sequence(connection) == (
            events[0].sequence if events else head.latest_sequence + 1
        )
    return [event.sequence for event in events]


async def test_young_events_and_the_newest_stay(database: Database) -> None:
    await add_events(database, "a", "b", "c", "d")
    assert await Retention(database, CLOCK, LEAST, newest=0).once() == 0
    late = Later(LEAST + timedelta(hours=1))
    assert await Retention(database, late, LEAST, newest=4).once() == 0
    assert await Retention(database, late, LEAST, newest=3).once() == 1
    assert await kept(database) == [2, 3, 4]
    assert await Retention(database, late, LEAST, newest=0).once() == 3
    assert await kept(database) == []
    # The numbers go on.
    assert await add_events(database, "e") == 5
    assert await kept(database) == [5]


async def test_an_old_event_behind_a_young_one_stays_so_that_there_is_no_gap(database: Database) -> None:
    ages = [timedelta(days=9), timedelta(days=1), timedelta(days=9), timedelta(0)]
    async with database.write() as connection:
        for age in ages:
            moment = CLOCK.now() - age
            await outbox.append(connection, StringValue(value="x"), subject="things/x", now=moment)
    assert await Retention(database, CLOCK, LEAST, newest=0).once() == 1
    assert await kept(database) == [2, 3, 4]


async def test_they_go_in_parts(database: Database) -> None:
    await add_events(database, *"abcde")
    async with database.write() as connection:
        assert await forget(connection, CLOCK.now() + timedelta(1), newest=0, most=2) == 2
    assert await kept(database) == [3, 4, 5]


async def test_a_consumer_in_step_does_not_notice(database: Database, taker: Database) -> None:
    await add_events(database, "a", "b", "c")
    async with served(database) as channel:
        async with subscribed(channel, taker) as subscription:
            await subscription.wait_for(3, BOUND_S)
        await Retention(database, Later(timedelta(days=8)), LEAST, newest=1).once()
        await add_events(database, "d")
        async with subscribed(channel, taker) as subscription:
            await subscription.wait_for(4, BOUND_S)
    assert await effects(taker) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("applied", [0, 1])
async def test_a_consumer_that_is_behind_halts_and_says_why(
    database: Database, taker: Database, applied: int
) -> None:
    await add_events(database, *["a"][:applied])
    async with served(database) as channel:
        async with subscribed(channel, taker) as subscription:
            await until(lambda: subscription.state is SubscriptionState.STREAMING)
            await subscription.wait_for(applied, BOUND_S)
        await add_events(database, "b", "c", "d")
        await Retention(database, Later(timedelta(days=8)), LEAST, newest=1).once()
        async with subscribed(channel, taker) as subscription:
            await until(lambda: subscription.state is SubscriptionState.HALTED)
            with pytest.raises(DomainError, match="nothing is applied"):
                await subscription.check()
    assert await effects(taker) == ["a"][:applied]


def test_no_age_below_a_week_is_taken() -> None:
    with pytest.raises(ValueError, match="7 days"):
        Retention(None, CLOCK, timedelta(days=6))  # type: ignore[arg-type]
