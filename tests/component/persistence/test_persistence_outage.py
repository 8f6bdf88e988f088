"""A PostgreSQL server that crashes and comes back, and writers that wait in vain."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
import sqlalchemy as sa

from services.chassis.persistence import Database, StorageConflictError, StorageUnavailableError, database
from tests.support.eventlog import BOUND_S, add_events, effects, open_database, served, subscribed
from tests.support.postgres import PostgresPrograms, PostgresServer, make_server
from tests.support.storage import ACCOUNT, MIGRATIONS

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def crashable_server(postgres_programs: PostgresPrograms) -> Iterator[PostgresServer]:
    server = make_server(postgres_programs, durable=True)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture
def own_server(crashable_server: PostgresServer) -> PostgresServer:
    if not crashable_server.running:
        crashable_server.start()
    return crashable_server


@pytest.fixture
async def store(own_server: PostgresServer) -> AsyncIterator[Database]:
    opened = await open_database(own_server.fresh_database())
    yield opened
    await opened.close()


async def count_accounts(store: Database) -> int:
    async with store.read() as connection:
        return int((await connection.execute(sa.select(sa.func.count()).select_from(ACCOUNT))).scalar_one())


async def crash(server: PostgresServer) -> None:
    await asyncio.to_thread(server.stop, signal.SIGQUIT)


async def test_a_crash_of_the_server_is_unavailable_and_over_when_it_is_back(
    own_server: PostgresServer, store: Database
) -> None:
    async def write_through_a_crash() -> None:
        async with store.write() as connection:
            await connection.execute(sa.insert(ACCOUNT).values(name="a", count=1))
            await crash(own_server)
            await connection.execute(sa.insert(ACCOUNT).values(name="b", count=1))

    with pytest.raises(StorageUnavailableError) as lost:
        await write_through_a_crash()
    assert lost.value.reason == "STORAGE_UNAVAILABLE"
    assert not lost.value.outcome_unknown
    with pytest.raises(StorageUnavailableError):
        await store.ping()
    with pytest.raises(StorageUnavailableError):
        await count_accounts(store)
    with pytest.raises(StorageUnavailableError):
        await write_through_a_crash()
    await asyncio.to_thread(own_server.start)
    assert await count_accounts(store) == 0
    async with store.write() as connection:
        await connection.execute(sa.insert(ACCOUNT).values(name="c", count=1))
    assert await count_accounts(store) == 1


async def test_a_connection_lost_in_the_commit_is_an_unknown_outcome(
    own_server: PostgresServer, store: Database
) -> None:
    async def commit_into_a_crash() -> None:
        async with store.write() as connection:
            await connection.execute(sa.insert(ACCOUNT).values(name="a", count=1))
            await crash(own_server)

    with pytest.raises(StorageUnavailableError) as lost:
        await commit_into_a_crash()
    assert lost.value.outcome_unknown
    await asyncio.to_thread(own_server.start)


async def test_an_absent_server_is_unavailable_at_the_opening(own_server: PostgresServer) -> None:
    url = own_server.fresh_database()
    await crash(own_server)
    with pytest.raises(StorageUnavailableError):
        await Database.open(url, migrations=MIGRATIONS)


async def test_events_survive_a_crash_of_the_server(own_server: PostgresServer) -> None:
    maker = await open_database(own_server.fresh_database())
    taker = await open_database(own_server.fresh_database())
    async with served(maker) as channel, subscribed(channel, taker) as subscription:
        await subscription.wait_for(await add_events(maker, "a", "b"), BOUND_S)
        await crash(own_server)
        with pytest.raises(StorageUnavailableError):
            await add_events(maker, "lost")
        await asyncio.to_thread(own_server.start)
        assert await add_events(maker, "c") == 3
        await subscription.wait_for(3, BOUND_S)
    assert await effects(taker) == ["a", "b", "c"]
    await maker.close()
    await taker.close()


async def test_a_turn_that_does_not_come_is_unavailable(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WRITE_WAIT_S", 0.1)
    store = await open_database(database_url)

    async def write() -> None:
        async with store.write():
            pass

    async with store.write():
        with pytest.raises(StorageUnavailableError, match="no turn"):
            await asyncio.create_task(write())
    await write()
    await store.close()


async def test_a_lost_conflict_is_told_and_nothing_is_written(postgres_server: PostgresServer) -> None:
    url = postgres_server.fresh_database()
    store = await open_database(url)

    async def lose() -> None:
        async with store.write() as connection:
            await connection.execute(sa.insert(ACCOUNT).values(name="a", count=1))
            await connection.execute(
                sa.text("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = 'serialization_failure'; END $$")
            )

    with pytest.raises(StorageConflictError):
        await lose()
    assert await count_accounts(store) == 0
    await store.close()
    postgres_server.drop(url)
