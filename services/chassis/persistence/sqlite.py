"""SQLite: one file, one process, one writing connection.

SQLite before 3.51.3 can corrupt a write-ahead log that two connections write. So the file belongs to
one process (an operating system lock on a file beside it), and in that process to one writer. Readers
are separate connections that cannot write; each sees the snapshot of its first statement.
"""

import asyncio
import fcntl
import os
from pathlib import Path

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import ExceptionContext, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.engine.url import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from services.chassis.persistence import sqlite_driver
from services.chassis.persistence.backends import Role
from services.chassis.persistence.errors import StorageInUseError, StorageUnavailableError
from services.chassis.persistence.sqlite_connections import SqliteReaders, SqliteWriter, in_transaction
from services.chassis.persistence.sqlite_driver import Connection

BUSY_TIMEOUT_S = 5.0


class SqliteBackend:
    """A database in one file."""

    name = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: int | None = None

    def claim(self) -> None:
        """Take the lock, and make the file where there is none."""
        if not self._path.parent.is_dir():
            raise StorageUnavailableError(
                f"{self._path.parent} is not a directory: cannot make a database in it"
            )
        try:
            self._lock = _lock_beside(self._path)
            # Made here, since SQLite itself would make it readable for everybody.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            self.release()
            raise StorageUnavailableError(f"cannot open {self._path}: {error.strerror}") from error

    def release(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def engine(self, role: Role) -> AsyncEngine:
        """See ``Backend``."""
        engine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(self._path)),
            async_creator=self._connect,
            poolclass=NullPool,  # each connection is kept by those who use it
        )

        def set_pragmas(dbapi_connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
            cursor = dbapi_connection.cursor()
            for pragma in _pragmas(role):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        event.listen(engine.sync_engine, "connect", set_pragmas)
        if role is Role.MIGRATION:
            event.listen(engine.sync_engine, "begin", _begin)
        else:
            event.listen(engine.sync_engine, "before_cursor_execute", _refuse_outside_of_a_transaction)
        event.listen(engine.sync_engine, "handle_error", _keep_after_cancellation)
        return engine

    async def _connect(self) -> Connection:
        # None: the driver starts no transaction by itself, the listener above does.
        return await sqlite_driver.connect(str(self._path), isolation_level=None, timeout=BUSY_TIMEOUT_S)

    def readers(self) -> SqliteReaders:
        """See ``Backend``."""
        return SqliteReaders(self.engine(Role.READER))

    def writer(self) -> SqliteWriter:
        """See ``Backend``."""
        return SqliteWriter(self.engine(Role.WRITER))

    async def begin_write(self, connection: AsyncConnection) -> None:
        """Begin; the listener of the migrations' engine says ``BEGIN IMMEDIATE``."""
        await connection.begin()


def _begin(connection: SyncConnection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _refuse_outside_of_a_transaction(connection: SyncConnection, *_: object) -> None:
    # Readers and the writer are in a transaction when SQLAlchemy sees them.
    driver = connection.connection.driver_connection
    if isinstance(driver, Connection):
        in_transaction(driver)


def _keep_after_cancellation(context: ExceptionContext) -> None:
    """A cancelled call does not break the connection.

    The driver's thread ends the statement that was begun and runs the rollback after it, in this
    order. Thrown away instead, the connection would keep its lock on the file until it is collected.
    """
    if isinstance(context.original_exception, asyncio.CancelledError):
        context.is_disconnect = False


def _pragmas(role: Role) -> tuple[str, ...]:
    if role is Role.READER:
        return ("query_only = ON",)
    durable = ("journal_mode = WAL", "synchronous = FULL")
    if role is Role.MIGRATION:
        # It may rebuild a table that others refer to; it checks the references at its end.
        return (*durable, "foreign_keys = OFF")
    # What a savepoint would take back is kept in memory; in a file it takes exchange 50 writes an order.
    return (*durable, "foreign_keys = ON", "temp_store = MEMORY")


def _lock_beside(path: Path) -> int:
    """Take the operating system's lock on ``<path>.lock``; it goes with the process, however that ends."""
    lock_path = path.with_name(path.name + ".lock")
    descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
    except BlockingIOError as error:
        owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise StorageInUseError(
            f"{path} is already open in process {owner}: one process at a time may use a SQLite database"
        ) from error
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
