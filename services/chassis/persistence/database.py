"""The one door to a service's database."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.persistence import migrations as migration
from services.chassis.persistence.backends import Backend, Readers
from services.chassis.persistence.errors import StorageUnavailableError, typed
from services.chassis.persistence.group_commit import Batch, WriteLine
from services.chassis.persistence.notices import Notices
from services.chassis.persistence.postgresql import PostgresqlBackend
from services.chassis.persistence.prepared import Prepared
from services.chassis.persistence.sqlite import SqliteBackend

WRITE_WAIT_S = 10.0
PING_TIMEOUT_S = 2.0
_PING: Final = Prepared(text("SELECT 1"))


class Database:
    """A service's database: migrated, with many readers and one writer at a time.

    Use :meth:`open`. Everything that fails because the database cannot be used now raises
    ``StorageUnavailableError``, and nothing of its transaction is written.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.notices = Notices()
        self._readers = backend.readers()
        self._line = WriteLine(backend.writer(), self.notices)

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
            await migration.upgrade(backend, migrations)
            return cls(backend)
        except BaseException as error:
            backend.release()
            if (told := typed(error, connecting=True)) is not error:
                raise told from error
            raise

    @property
    def backend(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._backend.name

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection that sees one snapshot and cannot write.

        Raises:
            StorageUnavailableError: the database cannot be used now.
        """
        return _Reading(self._readers)

    def write(self) -> AbstractAsyncContextManager[AsyncConnection]:
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
        return _Writing(self._line)

    async def ping(self) -> None:
        """Prove that the database answers.

        Raises:
            StorageUnavailableError: it does not, within two seconds.
        """
        try:
            async with asyncio.timeout(PING_TIMEOUT_S), self.read() as connection:
                await _PING.value(connection)
        except TimeoutError as error:
            raise StorageUnavailableError(f"the database did not answer in {PING_TIMEOUT_S:g} s") from error

    async def close(self) -> None:
        """Wait for the running write, then disconnect. The last connection of SQLite is the writer."""
        await self._readers.close()
        await self._line.close()
        self._backend.release()


class _Reading(AbstractAsyncContextManager[AsyncConnection, None]):
    """See :meth:`Database.read`."""

    __slots__ = ("_connection", "_readers")

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __aenter__(self) -> AsyncConnection:
        try:
            self._connection = await self._readers.take()
        except Exception as error:
            raise typed(error, connecting=True) from error
        return self._connection

    async def __aexit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._readers.give_back(self._connection)
        if error is not None:
            _raise_typed(error)


class _Writing(AbstractAsyncContextManager[AsyncConnection, None]):
    """See :meth:`Database.write`."""

    __slots__ = ("_batch", "_line")
    _batch: Batch

    def __init__(self, line: WriteLine) -> None:
        self._line = line

    async def __aenter__(self) -> AsyncConnection:
        self._batch = await self._line.begin(WRITE_WAIT_S)
        return self._batch.connection

    async def __aexit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._line.end(self._batch, error)
        if error is not None:
            _raise_typed(error)


def _raise_typed(error: BaseException) -> None:
    told = typed(error)
    if told is not error:
        raise told from error


def _backend_of(url: str) -> Backend:
    parsed = make_url(url)
    kind = parsed.get_backend_name()
    if kind == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        return SqliteBackend(Path(str(parsed.database)).absolute())
    if kind == "postgresql":
        return PostgresqlBackend(parsed)
    shown = parsed.render_as_string(hide_password=True)
    raise ValueError(f"{shown} is neither a SQLite file nor a PostgreSQL database")
