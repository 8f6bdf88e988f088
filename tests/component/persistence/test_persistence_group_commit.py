"""Writers that stand in line share a commit, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.chassis.persistence import Database, StorageUnavailableError
from services.chassis.persistence.postgresql import PostgresqlWriter
from services.chassis.persistence.sqlite_connections import SqliteWriter
from tests.support.storage import ACCOUNT, ENTRY, MIGRATIONS


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    yield database
    await database.close()


@pytest.fixture
def at_commit(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What to do at the beginning of every commit of this process."""
    calls: list[Callable[[], None]] = []
    for writer in (SqliteWriter, PostgresqlWriter):

        async def told(self: Any, commit: Any = writer.commit) -> None:
            for call in calls:
                call()
            await commit(self)

        monkeypatch.setattr(writer, "commit", told)
    return calls


@pytest.fixture
def commits(at_commit: list[Callable[[], None]]) -> list[None]:
    """Every commit of this process."""
    seen: list[None] = []
    at_commit.append(lambda: seen.append(None))
    return seen


async def put(database: Database, name: str, *, failing: bool = False) -> None:
    async with database.write() as connection:
        await connection.execute(sa.insert(ACCOUNT).values(name=name, count=1))
        await asyncio.sleep(0)
        if failing:
            raise LookupError(name)


async def names(database: Database) -> set[str]:
    async with database.read() as connection:
        return set((await connection.execute(sa.select(ACCOUNT.c.name))).scalars())


async def test_those_in_line_share_a_commit(database: Database, commits: list[None]) -> None:
    commits.clear()
    await asyncio.gather(*(put(database, f"a{number}") for number in range(50)))
    assert await names(database) == {f"a{number}" for number in range(50)}
    assert 1 <= len(commits) <= 4


async def test_one_alone_commits_at_once(database: Database, commits: list[None]) -> None:
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


async def test_who_swallows_an_error_is_told_whether_it_is_written(database: Database) -> None:
    """SQLite goes on behind a broken constraint; PostgreSQL writes nothing of the transaction any more."""
    told = True
    try:
        async with database.write() as connection:
            await connection.execute(sa.insert(ACCOUNT).values(name="a", count=1))
            with suppress(sa.exc.IntegrityError):
                await connection.execute(sa.insert(ACCOUNT).values(name="a", count=1))
    except StorageUnavailableError:
        told = False
    assert await names(database) == ({"a"} if told else set())
    await put(database, "b")
    assert "b" in await names(database)


async def test_one_cancelled_in_line_harms_nobody_else(database: Database) -> None:
    tasks = [asyncio.create_task(put(database, f"a{number}")) for number in range(9)]
    while not await names(database) and not tasks[3].done():
        await asyncio.sleep(0)
        tasks[4].cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for number, end in enumerate(ends) if number != 4] == [type(None)] * 8
    assert {f"a{number}" for number in range(9) if number != 4} <= await names(database)


async def test_cancelling_the_one_that_commits_for_others_harms_nobody_else(
    database: Database, at_commit: list[Callable[[], None]]
) -> None:
    """A batch that is full is committed by the next in line, who may be cancelled in the middle of that."""
    tasks = [asyncio.create_task(put(database, f"a{number}")) for number in range(70)]

    def cancel_the_next() -> None:
        tasks[64].cancel()

    at_commit.append(cancel_the_next)
    ends = await asyncio.gather(*tasks, return_exceptions=True)
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


async def test_a_transaction_that_is_gone_is_nobodys_success(tmp_path: Path) -> None:
    """SQLite took it back and the block did not care: nobody in it is told of success."""
    database = await Database.open(f"sqlite:///{tmp_path}/own.sqlite3", migrations=MIGRATIONS)

    async def careless(name: str) -> None:
        async with database.write() as connection:
            await connection.execute(sa.insert(ACCOUNT).values(name=name, count=1))
            await connection.exec_driver_sql("ROLLBACK")

    ends = await asyncio.gather(
        put(database, "before"), careless("a"), put(database, "after"), return_exceptions=True
    )
    assert isinstance(ends[0], StorageUnavailableError)
    assert isinstance(ends[1], StorageUnavailableError)
    assert ends[2] is None
    with pytest.raises(StorageUnavailableError):
        await careless("alone")
    assert await names(database) == {"after"}
    await database.close()


async def test_a_commit_that_fails_is_everybodys_failure(tmp_path: Path) -> None:
    """A reference that is checked at the commit."""
    database = await Database.open(f"sqlite:///{tmp_path}/own.sqlite3", migrations=MIGRATIONS)

    async def refer(name: str) -> None:
        async with database.write() as connection:
            await connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            await connection.execute(sa.insert(ENTRY).values(id=1, account=name))

    ends = await asyncio.gather(put(database, "a"), refer("nobody"), return_exceptions=True)
    assert [type(end) for end in ends] == [sa.exc.IntegrityError] * 2
    assert await names(database) == set()
    await asyncio.gather(put(database, "b"), refer("b"))
    assert await names(database) == {"b"}
    await database.close()


async def test_cancelled_in_the_commit_it_is_written_first(database: Database) -> None:
    async def write_and_tell() -> None:
        async with database.write() as connection:
            await connection.execute(sa.insert(ACCOUNT).values(name="a", count=1))

    task = asyncio.create_task(write_and_tell())
    while not database._line._committing:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names(database) == {"a"}


async def test_a_full_disk_is_everybodys_failure_and_nothing_is_written(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/own.sqlite3", migrations=MIGRATIONS)
    async with database.write() as connection:
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
        await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")

    async def fill() -> None:
        async with database.write() as connection:
            for number in range(1000):
                await connection.execute(sa.insert(ACCOUNT).values(name=f"{number}" * 50, count=number))

    ends = await asyncio.gather(put(database, "a"), fill(), put(database, "b"), return_exceptions=True)
    assert [type(end) for end in ends] == [StorageUnavailableError, StorageUnavailableError, type(None)]
    assert await names(database) == {"b"}
    await database.close()


async def test_readers_that_are_cancelled_in_line_leave_their_places(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/own.sqlite3", migrations=MIGRATIONS)
    go = asyncio.Event()

    async def look() -> None:
        async with database.read():
            await go.wait()

    tasks = [asyncio.create_task(look()) for _ in range(12)]
    await asyncio.sleep(0)
    for task in tasks[2:9]:
        task.cancel()
    go.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [task.cancelled() for task in tasks] == [2 <= number < 9 for number in range(12)]
    async with asyncio.timeout(5):
        await asyncio.gather(*(names(database) for _ in range(20)))
    await database.close()
