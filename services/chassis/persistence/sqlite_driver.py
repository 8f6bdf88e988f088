"""The connection that SQLAlchemy's asynchronous SQLite dialect gets from us.

Its statements run where they are called: on the event loop. A statement of a service touches a few
pages that are in memory, and takes some ten microseconds; the dialect's usual driver hands each of
three or four steps of a statement to a thread and back, which takes twenty times as long. What can wait
for the disk, the commit, still goes to a thread of its own.

The dialect asks for the interface of aiosqlite, so the names here are aiosqlite's.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final, Self, TypeAlias

from services.chassis.persistence.whole_steps import outlast

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]
_STATEMENTS_KEPT: Final = 512


class Connection:
    """One connection to a SQLite file.

    Args:
        path: the file.
        arguments: of ``sqlite3.connect``.
    """

    def __init__(self, path: str, **arguments: Any) -> None:
        self._connection: sqlite3.Connection | None = sqlite3.connect(
            path, check_same_thread=False, cached_statements=_STATEMENTS_KEPT, **arguments
        )
        self._disk = _Disk()

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
            await outlast(self._disk.run(self._open.commit))

    async def rollback(self) -> None:
        """As of aiosqlite."""
        self.roll_back()

    def roll_back(self) -> None:
        """Forget the open transaction, if there is one."""
        self._open.rollback()

    async def close(self) -> None:
        """Close it. The last connection of a file writes the log back into it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await outlast(self._disk.run(connection.close))
            finally:
                self._disk.stop()

    def stop(self) -> None:
        """Close it at once, where nobody can wait."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._disk.post(connection.close)
            self._disk.stop()

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
        return self._connection


class _Disk:
    """A thread that does one step after another, for steps that wait for the disk.

    An executor does the same at three times the cost: it answers by a future of threads, of which one
    of the event loop has to be made.
    """

    def __init__(self) -> None:
        self._steps: SimpleQueue[tuple[Callable[[], None], asyncio.Future[None] | None] | None]
        self._steps = SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(self, step: Callable[[], None]) -> asyncio.Future[None]:
        """Begin a step; the future is done when it is."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.post(step, done)
        return done

    def post(self, step: Callable[[], None], done: asyncio.Future[None] | None = None) -> None:
        """Begin a step that nobody may be able to wait for."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="sqlite-disk", daemon=True)
            self._thread.start()
        self._steps.put((step, done))

    def stop(self) -> None:
        """End the thread after the steps that were begun."""
        self._steps.put(None)

    def _work(self) -> None:
        while (item := self._steps.get()) is not None:
            step, done = item
            error: Exception | None = None
            try:
                step()
            except Exception as raised:  # noqa: BLE001 - whoever waits for the step raises it
                error = raised
            if done is not None:
                with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    done.get_loop().call_soon_threadsafe(_settle, done, error)


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)


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
