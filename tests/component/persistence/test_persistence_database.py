"""Database on both backends: transactions, snapshots, turns, failures."""

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.chassis.persistence import (
    Database,
    StorageInUseError,
    StorageSchemaError,
    StorageUnavailableError,
    assert_schema_current,
    insert_if_absent,
)
from tests.support.storage import ACCOUNT, METADATA, MIGRATIONS, amounts


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    yield database
    await database.close()


async def put(database: Database, name: str, count: int) -> None:
    async with database.write() as connection:
        await connection.execute(sa.insert(ACCOUNT).values(name=name, count=count))


async def count_of(database: Database, name: str) -> int | None:
    async with database.read() as connection:
        query = sa.select(ACCOUNT.c.count).where(ACCOUNT.c.name == name)
        return (await connection.execute(query)).scalar_one_or_none()


async def test_a_write_is_there_afterwards(database: Database) -> None:
    await put(database, "a", 1)
    assert await count_of(database, "a") == 1


async def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as connection:
            await connection.execute(sa.insert(ACCOUNT).values(name="a", count=1))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await count_of(database, "a") is None
    await put(database, "b", 2)
    assert await count_of(database, "b") == 2


async def test_a_cancelled_block_leaves_nothing_and_the_next_writer_gets_its_turn(database: Database) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with database.write() as connection:
            await connection.execute(sa.insert(ACCOUNT).values(name="a", count=1))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await put(database, "b", 2)
    assert await count_of(database, "a") is None


async def test_cancelled_at_any_moment_a_write_is_whole_or_absent(database: Database) -> None:
    async def write(turn: int) -> None:
        async with database.write() as connection:
            await connection.execute(sa.insert(ACCOUNT).values(name=f"{turn}-a", count=1))
            await connection.execute(sa.insert(ACCOUNT).values(name=f"{turn}-b", count=1))

    for turn in range(40):
        task = asyncio.create_task(write(turn))
        for _ in range(turn):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await count_of(database, f"{turn}-a") == await count_of(database, f"{turn}-b")
    await put(database, "last", 1)


async def test_readers_see_one_snapshot_and_never_wait_for_the_writer(database: Database) -> None:
    await put(database, "a", 1)
    query = sa.select(ACCOUNT.c.count).where(ACCOUNT.c.name == "a")
    async with database.read() as reader, database.write() as writer:
        assert (await reader.execute(query)).scalar_one() == 1
        await writer.execute(sa.update(ACCOUNT).values(count=2))
        assert (await reader.execute(query)).scalar_one() == 1
    assert await count_of(database, "a") == 2
    async with database.read() as reader:
        assert (await reader.execute(query)).scalar_one() == 2
        async with database.write() as writer:
            await writer.execute(sa.update(ACCOUNT).values(count=3))
        assert (await reader.execute(query)).scalar_one() == 2


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises((StorageUnavailableError, sa.exc.DBAPIError)):
        async with database.read() as connection:
            await connection.execute(sa.insert(ACCOUNT).values(name="a", count=1))
    assert await count_of(database, "a") is None


async def test_fifty_writers_lose_no_update(database: Database) -> None:
    await put(database, "a", 0)

    async def add_one() -> None:
        async with database.write() as connection:
            count = (await connection.execute(sa.select(ACCOUNT.c.count))).scalar_one()
            await connection.execute(sa.update(ACCOUNT).values(count=count + 1))

    await asyncio.gather(*(add_one() for _ in range(50)))
    assert await count_of(database, "a") == 50


async def test_write_inside_write_is_an_error_not_a_deadlock(database: Database) -> None:
    async with database.write():
        with pytest.raises(RuntimeError, match="inside"):
            async with database.write():
                pass
    await put(database, "a", 1)


async def test_a_broken_constraint_passes_unchanged_and_leaves_nothing(database: Database) -> None:
    await put(database, "a", 1)

    async def put_two() -> None:
        async with database.write() as connection:
            await connection.execute(sa.insert(ACCOUNT).values(name="b", count=1))
            await connection.execute(sa.insert(ACCOUNT).values(name="a", count=1))

    with pytest.raises(sa.exc.IntegrityError):
        await put_two()
    assert await count_of(database, "b") is None


async def test_a_reference_to_nothing_is_refused(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        async with database.write() as connection:
            await connection.execute(sa.text("INSERT INTO entry (id, account) VALUES (1, 'nobody')"))


async def test_insert_if_absent_tells_whether_the_row_is_new(database: Database) -> None:
    async with database.write() as connection:
        assert await insert_if_absent(connection, ACCOUNT, {"name": "a", "count": 1})
        assert not await insert_if_absent(connection, ACCOUNT, {"name": "a", "count": 2})
    assert await count_of(database, "a") == 1


async def test_ping(database: Database) -> None:
    await database.ping()


async def test_the_migrated_schema_is_the_one_of_the_metadata(database: Database) -> None:
    await assert_schema_current(database, METADATA)


async def test_a_schema_that_differs_is_told(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(sa.text("ALTER TABLE account ADD COLUMN extra TEXT"))
    with pytest.raises(AssertionError, match="extra"):
        await assert_schema_current(database, METADATA)


async def test_opening_again_keeps_the_data(database_url: str) -> None:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    await put(database, "a", 1)
    await database.close()
    database = await Database.open(database_url, migrations=MIGRATIONS)
    assert await count_of(database, "a") == 1
    await database.close()


async def test_a_schema_of_a_newer_program_is_refused(database_url: str) -> None:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    async with database.write() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    with pytest.raises(StorageSchemaError):
        await Database.open(database_url, migrations=MIGRATIONS)


@pytest.mark.parametrize("url", ["sqlite+aiosqlite://", "mysql://x/y"])
async def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        await Database.open(url, migrations=MIGRATIONS)


def sqlite_url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder}/own.sqlite3"


async def test_sqlite_files_are_private_and_durable(tmp_path: Path) -> None:
    database = await Database.open(sqlite_url(tmp_path), migrations=MIGRATIONS)
    await put(database, "a", 1)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}  # noqa: ASYNC240
    assert "own.sqlite3-wal" in modes
    assert set(modes.values()) == {0o600}
    async with database.write() as connection:
        assert (await connection.execute(sa.text("PRAGMA synchronous"))).scalar_one() == 2
        assert (await connection.execute(sa.text("PRAGMA journal_mode"))).scalar_one() == "wal"
    await database.close()


async def test_a_second_opening_of_a_sqlite_file_is_refused(tmp_path: Path) -> None:
    database = await Database.open(sqlite_url(tmp_path), migrations=MIGRATIONS)
    with pytest.raises(StorageInUseError, match=f"process {os.getpid()}"):
        await Database.open(sqlite_url(tmp_path), migrations=MIGRATIONS)
    await database.close()


async def test_a_second_process_on_a_sqlite_file_is_refused(tmp_path: Path) -> None:
    database = await Database.open(sqlite_url(tmp_path), migrations=MIGRATIONS)
    script = (
        "import asyncio; from services.chassis.persistence import Database; "
        f"asyncio.run(Database.open({sqlite_url(tmp_path)!r}, migrations={MIGRATIONS!r}))"
    )
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stderr=subprocess.PIPE)
    _, errors = await asyncio.wait_for(other.communicate(), 30)
    assert other.returncode != 0
    assert f"already open in process {os.getpid()}".encode() in errors
    await database.close()


async def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailableError, match="not a directory"):
        await Database.open(sqlite_url(tmp_path / "absent"), migrations=MIGRATIONS)


async def test_a_full_disk_is_unavailable_and_writes_nothing(tmp_path: Path) -> None:
    database = await Database.open(sqlite_url(tmp_path), migrations=MIGRATIONS)
    async with database.write() as connection:
        pages = (await connection.execute(sa.text("PRAGMA page_count"))).scalar_one()
        await connection.execute(sa.text(f"PRAGMA max_page_count = {pages + 2}"))

    async def fill() -> None:
        async with database.write() as connection:
            for number in range(1000):
                await connection.execute(sa.insert(ACCOUNT).values(name=f"{number}" * 50, count=number))

    with pytest.raises(StorageUnavailableError, match="full"):
        await fill()
    async with database.read() as connection:
        assert (await connection.execute(sa.select(sa.func.count()).select_from(ACCOUNT))).scalar_one() == 0
    await put(database, "small", 1)
    await database.close()


async def test_amounts_and_moments_come_back(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(
            sa.insert(ACCOUNT).values(
                name="a", count=1, **amounts("61837.630", "2026-01-02T03:04:05.6+01:00")
            )
        )
    async with database.read() as connection:
        row = (await connection.execute(sa.select(ACCOUNT.c.balance, ACCOUNT.c.moment))).one()
    assert str(row.balance) == "61837.63"
    assert row.moment.isoformat() == "2026-01-02T02:04:05.600000+00:00"
