"""The connection that SQLAlchemy's asynchronous SQLite dialect gets from us.

Its statements run where they are called: on the event loop. A statement of a service touches a few
pages that are in memory, and takes some ten microseconds; the dialect's usual driver hands each of
three or four steps of a statement to a thread and back, which takes twenty times as long. What can wait
for the disk, the commit, still goes to a thread of its own.

The dialect asks for the interface of aiosqlite, so the names here are aiosqlite's.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeAlias

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]


class Connection:
    """One connection to a SQLite file.

    Args:
        path: the file.
        arguments: of ``sqlite3.connect``.
    """

    def __init__(self, path: str, **arguments: Any) -> None:
        self._connection: sqlite3.Connection | None = sqlite3.connect(
            path, check_same_thread=False, **arguments
        )
        self._disk = ThreadPoolExecutor(1, "sqlite-commit")

    @property
    def isolation_level(self) -> str | None:
        """As of ``sqlite3``: None, transactions are begun by statements only."""
        return self._open.isolation_level

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._open.in_transaction

    def cursor(self) -> "Cursor":
        """A cursor, closed like the dialect closes aiosqlite's."""
        return Cursor(self._open.cursor())

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a statement, without SQLAlchemy."""
        return self._open.execute(statement, parameters)

    def executemany(self, statement: str, many: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each set of parameters, without SQLAlchemy."""
        self._open.executemany(statement, many)

    async def create_function(self, *arguments: Any, **options: Any) -> None:
        """As of ``sqlite3``."""
        self._open.create_function(*arguments, **options)

    async def commit(self) -> None:
        """Commit, and wait until the disk has it."""
        if self._open.in_transaction:
            await self._on_disk(self._open.commit)

    async def rollback(self) -> None:
        """Forget the open transaction, if there is one."""
        self._open.rollback()

    async def close(self) -> None:
        """Close it. The last connection of a file writes the log back into it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await self._on_disk(connection.close)
            finally:
                self._disk.shutdown(wait=False)

    def stop(self) -> None:
        """Close it at once, where nobody can wait."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._disk.submit(connection.close)
            self._disk.shutdown(wait=False)

    async def _on_disk(self, step: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._disk, step)

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
        return self._connection


class Cursor:
    """A cursor whose coroutines never wait."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._cursor.close()

    async def execute(self, statement: str, parameters: Parameters = ()) -> Self:
        """Run a statement."""
        self._cursor.execute(statement, parameters)
        return self

    async def executemany(self, statement: str, many: Iterable[Parameters]) -> Self:
        """Run a statement once for each set of parameters."""
        self._cursor.executemany(statement, many)
        return self

    async def fetchall(self) -> list[Any]:
        """All rows that are left."""
        return self._cursor.fetchall()

    async def fetchmany(self, size: int = 1) -> list[Any]:
        """At most so many rows."""
        return self._cursor.fetchmany(size)

    async def fetchone(self) -> Any:
        """The next row, or None."""
        return self._cursor.fetchone()

    async def close(self) -> None:
        """Free the statement."""
        self._cursor.close()

    @property
    def description(self) -> Any:
        """Names of the columns, as of ``sqlite3``."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """Rows that were changed."""
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """Row id of the last insert."""
        return self._cursor.lastrowid

    @property
    def arraysize(self) -> int:
        """As of ``sqlite3``."""
        return self._cursor.arraysize


async def connect(path: str, **arguments: Any) -> Connection:
    """Open a file; a creator for ``create_async_engine``."""
    return Connection(path, **arguments)
