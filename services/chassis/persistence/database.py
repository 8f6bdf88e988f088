"""The one door to a service's database."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis.persistence import migrations as migration
from services.chassis.persistence.backends import Backend, Role
from services.chassis.persistence.errors import (
    StorageConflictError,
    StorageUnavailableError,
    translate,
)
from services.chassis.persistence.group_commit import Batch, BatchLostError
from services.chassis.persistence.notices import Notices, take_announced
from services.chassis.persistence.postgresql import PostgresqlBackend
from services.chassis.persistence.sqlite import SqliteBackend
from services.chassis.persistence.whole_steps import to_the_end

T = TypeVar("T")

WRITE_WAIT_S = 10.0
PING_TIMEOUT_S = 2.0
_CONFLICT_ATTEMPTS = 5
_CONFLICT_PAUSE_S = 0.02


class Database:
    """A service's database: migrated, with many readers and one writer at a time.

    Use :meth:`open`. Everything that fails because the database cannot be used now raises
    ``StorageUnavailableError``, and nothing of its transaction is written.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._reader = backend.engine(Role.READER)
        self._writer = backend.engine(Role.WRITER)
        self._turn = asyncio.Lock()
        self._writing: asyncio.Task[Any] | None = None
        self._batch: Batch | None = None
        self._committing: set[asyncio.Task[None]] = set()
        self.notices = Notices()

    @classmethod
    async def open(cls, url: str, *, migrations: str) -> Self:
        """Open a database and bring its schema up to date.

        Args:
            url: ``sqlite:////absolute/file`` (made with mode 0600 if absent; its directory must
                exist) or ``postgresql://user:password@host:port/name``.
            migrations: package that holds the Alembic ``versions`` folder of the service.

        Raises:
            StorageInUseError: another process has the SQLite file open.
            StorageUnavailableError: the database cannot be reached or made.
            StorageSchemaError: the schema is of a newer version of the service.
            ValueError: the URL names no database that trademesh runs on.
        """
        backend = _backend_of(url)
        backend.claim()
        try:
            async with _translated(connecting=True):
                await migration.upgrade(backend, migrations)
            database = cls(backend)
        except BaseException:
            backend.release()
            raise
        return database

    @property
    def backend(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._backend.name

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one snapshot and cannot write.

        Raises:
            StorageUnavailableError: the database cannot be used now.
        """
        async with _translated(connecting=True):
            connection = await _connected(self._reader)
        try:
            async with _translated():
                yield connection
        finally:
            await to_the_end(connection.close())

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One write transaction: commits when the block ends, rolls back when it raises.

        Write transactions of a database run one after another, over all processes that share it, so
        what the block reads cannot change before it commits. Those that stand in line share a commit
        (see ``group_commit``); each is over only after it. Keep the block short and call nothing
        outside the database in it. It may be cancelled at any point but inside the commit.

        Raises:
            StorageUnavailableError: the database cannot be used now, or the turn did not come
                within ten seconds.
            StorageConflictError: a concurrent transaction won; run the whole block again.
            RuntimeError: the task is inside :meth:`write` already.
        """
        await self._take_turn()
        try:
            batch = await self._open_batch()
            try:
                async with _translated(), batch.block() as connection:
                    yield connection
            except BatchLostError as lost:
                await self._drop(batch, lost.for_the_others())
                raise lost.reason from lost
            except BaseException:
                if batch.size == 0:
                    await self._drop(batch, StorageUnavailableError("the transaction was taken back"))
                raise
            if batch.size == 1:
                committing = asyncio.create_task(self._commit_in_turn(batch))
                self._committing.add(committing)
                committing.add_done_callback(self._committing.discard)
        finally:
            self._writing = None
            self._turn.release()
        await to_the_end(_told(batch))

    async def _open_batch(self) -> Batch:
        """The transaction that waits for its commit, or a new one. The turn is ours."""
        if self._batch is not None and self._batch.full:
            await self._commit(self._batch)
        if self._batch is None:
            async with _translated(connecting=True):
                connection = await _connected(self._writer)
            try:
                take_announced(connection)
                async with _translated():
                    await self._backend.begin_write(connection)
            except BaseException:
                await to_the_end(connection.close())
                raise
            self._batch = Batch(connection)
        return self._batch

    async def _commit_in_turn(self, batch: Batch) -> None:
        """Commit after those who stand in line now."""
        async with self._turn:
            if batch is self._batch:
                await self._commit(batch)

    async def _commit(self, batch: Batch) -> None:
        """Commit and tell everybody; a cancellation of the caller is his own affair. The turn is ours."""
        self._batch = None
        await to_the_end(self._commit_and_tell(batch))

    async def _commit_and_tell(self, batch: Batch) -> None:
        try:
            await _commit(batch.connection)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the commit raises it
            batch.fail(error)
        else:
            for topic in take_announced(batch.connection):
                self.notices.publish(topic)
            batch.succeed()
        finally:
            # Closing rolls back what was not committed.
            await batch.connection.close()

    async def _drop(self, batch: Batch, error: StorageUnavailableError) -> None:
        """Take the whole transaction back. The turn is ours."""
        self._batch = None
        batch.fail(error)
        await to_the_end(batch.connection.close())

    async def run_transaction(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run ``work`` in a write transaction, again from its start when a concurrent one won.

        Raises:
            StorageConflictError: it lost five times.
            StorageUnavailableError: as in :meth:`write`.
        """
        for attempt in range(1, _CONFLICT_ATTEMPTS + 1):
            try:
                async with self.write() as connection:
                    return await work(connection)
            except StorageConflictError:
                if attempt == _CONFLICT_ATTEMPTS:
                    raise
                await asyncio.sleep(random.uniform(0, _CONFLICT_PAUSE_S * 2**attempt))  # noqa: S311 (jitter)
        raise AssertionError  # the loop returns or raises

    async def ping(self) -> None:
        """Prove that the database answers.

        Raises:
            StorageUnavailableError: it does not, within two seconds.
        """
        try:
            async with asyncio.timeout(PING_TIMEOUT_S), self.read() as connection:
                await connection.execute(text("SELECT 1"))
        except TimeoutError as error:
            raise StorageUnavailableError(f"the database did not answer in {PING_TIMEOUT_S:g} s") from error

    async def close(self) -> None:
        """Wait for the running write, then disconnect. The last connection of SQLite is the writer."""
        async with self._turn:
            if self._batch is not None:
                await self._commit(self._batch)
            await self._reader.dispose()
            await self._writer.dispose()
            self._backend.release()

    async def _take_turn(self) -> None:
        task = asyncio.current_task()
        if self._writing is task:
            raise RuntimeError("write() inside write(): pass the connection on instead")
        try:
            async with asyncio.timeout(WRITE_WAIT_S):
                await self._turn.acquire()
        except TimeoutError as error:
            raise StorageUnavailableError(f"no turn to write within {WRITE_WAIT_S:g} s") from error
        self._writing = task


def _backend_of(url: str) -> Backend:
    parsed = make_url(url)
    kind = parsed.get_backend_name()
    if kind == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        return SqliteBackend(Path(str(parsed.database)).absolute())
    if kind == "postgresql":
        return PostgresqlBackend(parsed)
    shown = parsed.render_as_string(hide_password=True)
    raise ValueError(f"{shown} is neither a SQLite file nor a PostgreSQL database")


@asynccontextmanager
async def _translated(*, connecting: bool = False) -> AsyncIterator[None]:
    try:
        yield
    except Exception as error:
        typed = translate(error)
        if typed is None and connecting and isinstance(error, OSError | TimeoutError):
            typed = StorageUnavailableError(f"cannot reach the database: {error}")
        if typed is None:
            raise
        raise typed from error


async def _commit(connection: AsyncConnection) -> None:
    """Commit; tell a commit that surely failed from one whose end nobody saw."""
    try:
        await connection.commit()
    except Exception as error:
        typed = translate(error)
        if isinstance(typed, StorageUnavailableError) and connection.dialect.name != "sqlite":
            raise StorageUnavailableError(typed.message, outcome_unknown=True) from error
        raise typed or error from error


async def _told(batch: Batch) -> None:
    await batch.done


async def _connected(engine: AsyncEngine) -> AsyncConnection:
    """A connection; where the caller is cancelled meanwhile, it is given back, not lost."""
    made: list[AsyncConnection] = []

    async def connect() -> None:
        made.append(await engine.connect())

    try:
        await to_the_end(connect())
    except asyncio.CancelledError:
        for connection in made:
            await to_the_end(connection.close())
        raise
    return made[0]
