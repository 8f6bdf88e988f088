"""What risk knows, in the database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.chassis.persistence import Connection, Database
from services.risk.ports import AccountFacts
from services.risk.storage.book import SqlRiskBook
from services.risk.storage.reading import SqlRiskReader
from services.risk.storage.remembered import RememberedFacts
from services.risk.storage.writing import SqlRiskWriter


class SqlRiskStore:
    """What risk knows, in a database.

    Args:
        database: of the service.
        origin: unlike that of any other process, now or ever.
    """

    def __init__(self, database: Database, origin: str) -> None:
        self._database = database
        self._remembered = RememberedFacts(origin)

    def known(self, account: str) -> AccountFacts | None:
        """What was known last, without asking the database."""
        return self._remembered.newest(account)

    def writer(self, connection: Connection) -> SqlRiskWriter:
        """What writes at once, inside a transaction that somebody else opened."""
        return SqlRiskWriter(connection, self._remembered)

    @asynccontextmanager
    async def book(self, connection: Connection) -> AsyncIterator[SqlRiskBook]:
        """What writes at the end of the block, inside a transaction that somebody else opened."""
        book = SqlRiskBook(connection, self._remembered)
        yield book
        await book.write_changes()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlRiskReader]:
        """Open a snapshot."""
        async with self._database.read() as connection:
            yield SqlRiskReader(connection, self._remembered)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[SqlRiskBook]:
        """Open a write transaction."""
        async with self._database.write() as connection, self.book(connection) as book:
            yield book
