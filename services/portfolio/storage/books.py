"""The books in the database."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.persistence import Database, add_exactly, find_row, put_row
from services.chassis.telemetry import correlation
from services.kernel.clock import Clock
from services.portfolio.domain.ledger import Entry, Transaction
from services.portfolio.domain.position import Position
from services.portfolio.ports import BookedEntry, EntryQuery, LedgerSum
from services.portfolio.storage.tables import LEDGER_ENTRIES, LEDGER_SUMS, POSITIONS


class SqlBooksWriter:
    """The books inside one write transaction.

    Args:
        connection: the transaction; whoever opened it commits it.
        clock: gives the time of booking.
    """

    def __init__(self, connection: AsyncConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    async def post(self, transaction_id: str, transaction: Transaction) -> None:
        """Add a transaction and its sums."""
        now = self._clock.now()
        rows = [
            {
                "account": transaction.account,
                "transaction_id": transaction_id,
                "line": line,
                "kind": transaction.kind.value,
                "ledger_account": entry.ledger_account,
                "asset": entry.asset,
                "amount": entry.amount,
                "source": transaction.source,
                "exchange_time": transaction.exchange_time,
                "create_time": now,
                "correlation_id": correlation.correlation_id.get(),
            }
            for line, entry in enumerate(transaction.entries, start=1)
        ]
        if rows:
            await self._connection.execute(insert(LEDGER_ENTRIES), rows)
        for entry in transaction.entries:
            await self._add_to_sum(transaction.account, entry)

    async def position(self, account: str, venue: str, instrument: str) -> Position | None:
        """The position, or None before its first fill."""
        columns = POSITIONS.c
        query = select(POSITIONS).where(
            columns.account == account, columns.venue == venue, columns.instrument == instrument
        )
        row = await find_row(self._connection, query)
        return None if row is None else Position(**row)

    async def put_position(self, position: Position) -> None:
        """Store a position in place of the one before."""
        values = asdict(position)
        key = {name: values.pop(name) for name in ("account", "venue", "instrument")}
        await put_row(self._connection, POSITIONS, key, values)

    async def _add_to_sum(self, account: str, entry: Entry) -> None:
        key = {"account": account, "ledger_account": entry.ledger_account, "asset": entry.asset}
        await add_exactly(self._connection, LEDGER_SUMS, key, "amount", entry.amount)


class SqlBooksReader:
    """One snapshot of the books."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def sums(self, account: str) -> Sequence[LedgerSum]:
        """The sum of every ledger account, by name."""
        columns = LEDGER_SUMS.c
        rows = await self._connection.execute(
            select(columns.ledger_account, columns.asset, columns.amount)
            .where(columns.account == account)
            .order_by(columns.ledger_account, columns.asset)
        )
        return [LedgerSum(*row) for row in rows]

    async def positions(self, account: str) -> Sequence[Position]:
        """All positions, by venue and instrument."""
        columns = POSITIONS.c
        rows = await self._connection.execute(
            select(POSITIONS).where(columns.account == account).order_by(columns.venue, columns.instrument)
        )
        return [Position(**row) for row in rows.mappings()]

    async def entries(self, query: EntryQuery) -> Sequence[BookedEntry]:
        """Entries, newest first."""
        columns = LEDGER_ENTRIES.c
        statement = (
            select(*(columns[name] for name in BookedEntry.__dataclass_fields__))
            .where(columns.account == query.account)
            .order_by(columns.number.desc())
            .limit(query.limit)
        )
        if query.before is not None:
            statement = statement.where(columns.number < query.before)
        if query.start_time is not None:
            statement = statement.where(columns.exchange_time >= query.start_time)
        if query.end_time is not None:
            statement = statement.where(columns.exchange_time < query.end_time)
        return [BookedEntry(*row) for row in await self._connection.execute(statement)]


class SqlBooks:
    """The books of all accounts in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlBooksReader]:
        """Open a snapshot."""
        async with self._database.read() as connection:
            yield SqlBooksReader(connection)
