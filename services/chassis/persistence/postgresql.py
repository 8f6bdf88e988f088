"""PostgreSQL: any number of processes, one write transaction at a time per database.

Write transactions run at READ COMMITTED and take one advisory lock as their first statement. Every
later statement then sees all that earlier write transactions committed, so write transactions are
serial, exactly as they are on SQLite: the same repository code is right on both, without retries,
write skew or deadlocks between writers. SERIALIZABLE was the other choice; there the counter of the
outbox, which every transaction with an event moves, would make concurrent writers fail and try again
instead of waiting their turn. Readers never wait: they read a snapshot (REPEATABLE READ, read only).
"""

import asyncio
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from services.chassis.persistence.backends import Role
from services.chassis.persistence.errors import StorageUnavailableError, typed
from services.chassis.persistence.whole_steps import to_the_end

READERS = 8
CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 30.0
_POOL_WAIT_S = 10.0
_SAVEPOINT = "block"
_WRITE_LOCK = text("SELECT pg_advisory_xact_lock(8420461753)")
_SERVER_SETTINGS = {
    "timezone": "UTC",
    "jit": "off",
    "lock_timeout": "10s",
    # A client that vanished inside a transaction must not hold the write lock for ever.
    "idle_in_transaction_session_timeout": "30s",
}


class PostgresqlBackend:
    """A database on a PostgreSQL server."""

    name = "postgresql"

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+asyncpg")

    def claim(self) -> None:
        """Nothing to do: the server arbitrates."""

    def release(self) -> None:
        """Nothing to do."""

    def engine(self, role: Role) -> AsyncEngine:
        """See ``Backend``."""
        arguments: dict[str, Any] = {"timeout": CONNECT_TIMEOUT_S, "server_settings": _SERVER_SETTINGS}
        if role is Role.MIGRATION:
            return create_async_engine(self._url, poolclass=NullPool, connect_args=arguments)
        arguments["command_timeout"] = COMMAND_TIMEOUT_S
        reader = role is Role.READER
        engine = create_async_engine(
            self._url,
            connect_args=arguments,
            pool_size=READERS if reader else 1,
            max_overflow=0,
            pool_timeout=_POOL_WAIT_S,
            pool_pre_ping=True,
        )
        if reader:
            return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return engine

    def readers(self) -> "PostgresqlReaders":
        """See ``Backend``."""
        return PostgresqlReaders(self.engine(Role.READER))

    def writer(self) -> "PostgresqlWriter":
        """See ``Backend``."""
        return PostgresqlWriter(self)

    async def begin_write(self, connection: AsyncConnection) -> None:
        """Begin a transaction and take the write lock of the database."""
        await connection.begin()
        await connection.execute(_WRITE_LOCK)


class PostgresqlReaders:
    """Connections of SQLAlchemy's pool. See ``Readers``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def take(self) -> AsyncConnection:
        """See ``Readers``."""
        return await _connected(self._engine)

    async def give_back(self, connection: AsyncConnection) -> None:
        """See ``Readers``."""
        await to_the_end(connection.close())

    async def close(self) -> None:
        """See ``Readers``."""
        await self._engine.dispose()


class PostgresqlWriter:
    """A connection of SQLAlchemy's pool for each transaction. See ``Writer``."""

    def __init__(self, backend: PostgresqlBackend) -> None:
        self._backend = backend
        self._engine = backend.engine(Role.WRITER)
        self._connection: AsyncConnection | None = None
        self._failed: str | None = None
        event.listen(self._engine.sync_engine, "handle_error", self._note)

    async def begin(self) -> AsyncConnection:
        """See ``Writer``."""
        connection = await _connected(self._engine)
        try:
            await self._backend.begin_write(connection)
        except BaseException:
            await to_the_end(connection.close())
            raise
        self._connection, self._failed = connection, None
        return connection

    async def prove_open(self) -> None:
        """Behind a statement that failed, the server takes a commit for a rollback, and does not say so."""
        if self._failed is not None:
            raise StorageUnavailableError(f"the transaction was lost: {self._failed}")

    async def set_savepoint(self) -> None:
        """See ``Writer``."""
        await to_the_end(self._run(f"SAVEPOINT {_SAVEPOINT}"))

    async def release_savepoint(self) -> None:
        """See ``Writer``."""
        await to_the_end(self._run(f"RELEASE SAVEPOINT {_SAVEPOINT}"))

    async def return_to_savepoint(self) -> None:
        """See ``Writer``."""
        await to_the_end(self._run(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}", f"RELEASE SAVEPOINT {_SAVEPOINT}"))

    async def commit(self) -> None:
        """Commit; a commit whose end nobody saw is told from one that surely failed."""
        try:
            await self._open.commit()
        except Exception as error:
            told = typed(error)
            if isinstance(told, StorageUnavailableError):
                raise StorageUnavailableError(told.message, outcome_unknown=True) from error
            raise told from error

    async def end(self) -> None:
        """See ``Writer``; closing rolls back what was not committed."""
        connection, self._connection = self._open, None
        await to_the_end(connection.close())

    async def close(self) -> None:
        """See ``Writer``."""
        await self._engine.dispose()

    @property
    def _open(self) -> AsyncConnection:
        if self._connection is None:
            raise AssertionError("no transaction was begun")
        return self._connection

    def _note(self, context: ExceptionContext) -> None:
        if isinstance(context.sqlalchemy_exception, DBAPIError):
            self._failed = str(context.original_exception)

    async def _run(self, *statements: str) -> None:
        for statement in statements:
            await self._open.exec_driver_sql(statement)


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
