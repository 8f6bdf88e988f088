"""Writers that stand in line share a commit, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from services.chassis.persistence import Database, StorageUnavailableError
from tests.support.storage import ACCOUNT, MIGRATIONS


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    yield database
    await database.close()


@pytest.fixture
def commits() -> Iterator[list[object]]:
    """Every commit of this process, as SQLAlchemy sends it."""
    seen: list[object] = []

    def note(connection: sa.Connection) -> None:
        seen.append(connection)

    sa.event.listen(Engine, "commit", note)
    yield seen
    sa.event.remove(Engine, "commit", note)


async def put(database: Database, name: str, *, failing: bool = False) -> None:
    async with database.write() as connection:
        await connection.execute(sa.insert(ACCOUNT).values(name=name, count=1))
        await asyncio.sleep(0)
        if failing:
            raise LookupError(name)


async def names(database: Database) -> set[str]:
    async with database.read() as connection:
        return set((await connection.execute(sa.select(ACCOUNT.c.name))).scalars())


async def test_those_in_line_share_a_commit(database: Database, commits: list[object]) -> None:
    commits.clear()
    await asyncio.gather(*(put(database, f"a{number}") for number in range(50)))
    assert await names(database) == {f"a{number}" for number in range(50)}
    assert 1 <= len(commits) <= 4


async def test_one_alone_commits_at_once(database: Database, commits: list[object]) -> None:
    commits.clear()
    await put(database, "a")
    assert len(commits) == 1


async def test_one_that_fails_takes_back_its_own_work_only(database: Database) -> None:
    ends = await asyncio.gather(
        *(put(database, f"a{number}", failing=number % 3 == 0) for number in range(20)),
        return_exceptions=True,
    )
    failed = {f"a{number}" for number in range(20) if number % 3 == 0}
    assert {str(end) for end in ends if end is not None} == failed
    assert await names(database) == {f"a{number}" for number in range(20)} - failed


async def test_a_broken_constraint_in_line_harms_nobody_else(database: Database) -> None:
    ends = await asyncio.gather(
        put(database, "a"), put(database, "b"), put(database, "a"), put(database, "c"), return_exceptions=True
    )
    assert [type(end) for end in ends] == [type(None), type(None), sa.exc.IntegrityError, type(None)]
    assert await names(database) == {"a", "b", "c"}


async def test_one_cancelled_in_line_harms_nobody_else(database: Database) -> None:
    tasks = [asyncio.create_task(put(database, f"a{number}")) for number in range(9)]
    while not await names(database) and not tasks[3].done():
        await asyncio.sleep(0)
        tasks[4].cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for number, end in enumerate(ends) if number != 4] == [type(None)] * 8
    assert {f"a{number}" for number in range(9) if number != 4} <= await names(database)


async def test_cancelling_the_one_that_commits_for_others_harms_nobody_else(database: Database) -> None:
    """A batch that is full is committed by the next in line, who may be cancelled in the middle of that."""
    tasks = [asyncio.create_task(put(database, f"a{number}")) for number in range(70)]

    def cancel_the_next(_: sa.Connection) -> None:
        tasks[64].cancel()

    sa.event.listen(Engine, "commit", cancel_the_next)
    try:
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        sa.event.remove(Engine, "commit", cancel_the_next)
    assert [end for number, end in enumerate(ends) if number != 64] == [None] * 69
    assert isinstance(ends[64], asyncio.CancelledError)
    assert {f"a{number}" for number in range(70) if number != 64} <= await names(database)


async def test_nobody_is_told_before_the_commit(database: Database) -> None:
    seen: list[bool] = []

    async def put_and_look(name: str) -> None:
        await put(database, name)
        seen.append(name in await names(database))

    await asyncio.gather(*(put_and_look(f"a{number}") for number in range(20)))
    assert seen == [True] * 20


async def test_a_lost_transaction_is_lost_for_everybody_in_it(database: Database) -> None:
    first_is_done = asyncio.Event()

    async def first() -> None:
        async with database.write() as connection:
            await connection.execute(sa.insert(ACCOUNT).values(name="first", count=1))
            # The second stands in line before this one is done.
            await asyncio.sleep(0.01)
            first_is_done.set()

    async def second() -> None:
        async with database.write() as connection:
            assert first_is_done.is_set()
            await connection.exec_driver_sql("ROLLBACK")
            raise LookupError

    ends = await asyncio.gather(first(), second(), return_exceptions=True)
    assert isinstance(ends[0], StorageUnavailableError)
    assert isinstance(ends[1], LookupError)
    assert await names(database) == set()
    await put(database, "after")
    assert await names(database) == {"after"}
