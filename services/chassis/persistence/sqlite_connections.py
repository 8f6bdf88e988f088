"""The connections of a SQLite database, each kept for life, and their transactions.

Transactions are begun and ended on the driver's connection itself: through SQLAlchemy each of these
steps takes longer than all statements of a block. To SQLAlchemy a connection is in one transaction for
ever, which it neither begins nor ends.
"""

import sqlite3
from typing import Final

from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis.persistence.errors import StorageUnavailableError, from_driver, typed
from services.chassis.persistence.sqlite_driver import Connection
from services.chassis.persistence.turns import Turns

READERS: Final = 4
_READER_WAIT_S: Final = 10.0
_SAVEPOINT: Final = "block"


class SqliteReaders:
    """A few connections, made when they are first needed. See ``Readers``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._turns = Turns(READERS)
        self._idle: list[AsyncConnection] = []

    async def take(self) -> AsyncConnection:
        """See ``Readers``.

        Raises:
            StorageUnavailableError: all are in use for too long.
        """
        try:
            await self._turns.take(_READER_WAIT_S)
        except TimeoutError as error:
            raise StorageUnavailableError("no database connection became free in time") from error
        try:
            connection = self._idle.pop() if self._idle else await self._engine.connect()
        except BaseException:
            self._turns.give_back()
            raise
        try:
            _run(driver_of(connection), "BEGIN")
        except BaseException:
            await self.give_back(connection)
            raise
        return connection

    async def give_back(self, connection: AsyncConnection) -> None:
        """See ``Readers``."""
        if await _is_usable(connection):
            self._idle.append(connection)
        self._turns.give_back()

    async def close(self) -> None:
        """See ``Readers``."""
        while self._idle:
            await self._idle.pop().close()


class SqliteWriter:
    """The one connection that writes. See ``Writer``.

    No step but the commit waits for anything, so that no cancellation comes in between.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None

    async def begin(self) -> AsyncConnection:
        """See ``Writer``; begun as IMMEDIATE, so that no statement can fail for a lock later."""
        if self._connection is None:
            self._connection = await self._engine.connect()
        _run(driver_of(self._connection), "BEGIN IMMEDIATE")
        return self._connection

    async def prove_open(self) -> None:
        """See ``Writer``."""
        self._in_transaction()

    async def set_savepoint(self) -> None:
        """See ``Writer``."""
        # Outside of a transaction it would begin one of its own.
        _run(self._in_transaction(), f"SAVEPOINT {_SAVEPOINT}")

    async def release_savepoint(self) -> None:
        """See ``Writer``."""
        _run(self._in_transaction(), f"RELEASE {_SAVEPOINT}")

    async def return_to_savepoint(self) -> None:
        """See ``Writer``."""
        driver = self._in_transaction()
        _run(driver, f"ROLLBACK TO {_SAVEPOINT}")
        _run(driver, f"RELEASE {_SAVEPOINT}")

    async def commit(self) -> None:
        """See ``Writer``."""
        try:
            await self._in_transaction().commit()
        except sqlite3.Error as error:
            raise typed(from_driver(error, "COMMIT")) from error

    async def end(self) -> None:
        """See ``Writer``."""
        if self._connection is not None and not await _is_usable(self._connection):
            self._connection = None

    async def close(self) -> None:
        """See ``Writer``."""
        if self._connection is not None:
            await self._connection.close()

    def _in_transaction(self) -> Connection:
        if self._connection is None:
            raise AssertionError("no transaction was begun")
        return in_transaction(driver_of(self._connection))


def driver_of(connection: AsyncConnection) -> Connection:
    """Our driver's connection under one of SQLAlchemy.

    Raises:
        TypeError: it is of another database.
    """
    driver = reach(connection)
    if driver is None:
        raise TypeError("not a connection to SQLite")
    return driver


def reach(connection: AsyncConnection) -> Connection | None:
    """Our driver's connection under one of SQLAlchemy; None where it is of another database.

    Raises:
        sqlalchemy.exc.ResourceClosedError: it is closed.
    """
    inner = connection.sync_connection
    if inner is None:
        raise exc.ResourceClosedError("this connection is closed")
    driver = inner.connection.driver_connection
    return driver if isinstance(driver, Connection) else None


def in_transaction(driver: Connection) -> Connection:
    """The same, where it is in a transaction still.

    Raises:
        StorageUnavailableError: SQLite has taken the transaction back, as it does for a full disk. The next
            statement would commit by itself.
    """
    if not driver.in_transaction:
        raise StorageUnavailableError("the transaction was lost")
    return driver


def _run(driver: Connection, statement: str) -> None:
    try:
        driver.execute(statement)
    except sqlite3.Error as error:
        raise from_driver(error, statement) from error


async def _is_usable(connection: AsyncConnection) -> bool:
    """Take back what is not committed; a connection that cannot is closed."""
    try:
        driver_of(connection).roll_back()
    except (sqlite3.Error, exc.SQLAlchemyError):
        await connection.close()
        return False
    return True
