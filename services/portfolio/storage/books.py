"""The books as they are read."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.persistence import Database
from services.kernel.decimals import EXACT
from services.portfolio.domain.equity import EquityPoint
from services.portfolio.domain.lots import Lot, LotMethod
from services.portfolio.domain.position import Position
from services.portfolio.ports import (
    BookedEntry,
    BookedGain,
    EntryQuery,
    GainQuery,
    LedgerSum,
    LotQuery,
    PointQuery,
)
from services.portfolio.storage import equity, lots
from services.portfolio.storage.rows import (
    entry_rows,
    in_order,
    load_lot_method,
    position_of,
    positions_table,
)
from services.portfolio.storage.tables import LEDGER_ENTRIES, LEDGER_SUMS


class SqlBooksReader:
    """One snapshot of the books."""

    def __init__(self, connection: AsyncConnection, lot_method: LotMethod) -> None:
        self._connection = connection
        self._lot_method = lot_method

    async def sums(self, account: str, strategy: str | None = None) -> Sequence[LedgerSum]:
        """The sum of every ledger account, by name."""
        columns = LEDGER_SUMS.c
        query = select(columns.ledger_account, columns.asset, columns.amount).where(
            columns.account == account
        )
        if strategy is not None:
            query = query.where(columns.strategy == strategy)
        totals: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for ledger_account, asset, amount in await self._connection.execute(query):
            totals[ledger_account, asset] = EXACT.add(totals[ledger_account, asset], amount)
        return [LedgerSum(*key, amount) for key, amount in sorted(totals.items())]

    async def positions(self, account: str, strategy: str | None = None) -> Sequence[Position]:
        """All positions of an account or of one of its strategies, by venue and instrument."""
        table = positions_table(strategy)
        query = _of(table, account, strategy).order_by(table.c.venue, table.c.instrument)
        return [position_of(row) for row in (await self._connection.execute(query)).mappings()]

    async def entries(self, query: EntryQuery) -> Sequence[BookedEntry]:
        """Ledger entries, newest or oldest first."""
        columns = LEDGER_ENTRIES.c
        statement = entry_rows().where(columns.account == query.account).limit(query.limit)
        order = (columns.exchange_time, columns.number) if query.timed else (columns.number,)
        statement = in_order(statement, order, query.beyond, ascending=query.oldest_first)
        if query.strategy is not None:
            statement = statement.where(columns.strategy == query.strategy)
        if query.start_time is not None:
            statement = statement.where(columns.exchange_time >= query.start_time)
        if query.end_time is not None:
            statement = statement.where(columns.exchange_time < query.end_time)
        return [BookedEntry(*row) for row in await self._connection.execute(statement)]

    async def lots(self, query: LotQuery) -> Sequence[Lot]:
        """Tax lots in the order of booking."""
        return await lots.list_lots(self._connection, query)

    async def gains(self, query: GainQuery) -> Sequence[BookedGain]:
        """Realised gains in the order of booking."""
        return await lots.list_gains(self._connection, query)

    async def lot_method(self, account: str) -> LotMethod:
        """Which lots a closing of the account takes from first, now."""
        return await load_lot_method(self._connection, account, self._lot_method)

    async def accounts(self) -> Sequence[str]:
        """Ids of all accounts that something was ever booked for."""
        column = LEDGER_SUMS.c.account
        return (await self._connection.execute(select(column).distinct().order_by(column))).scalars().all()

    async def last_point(self, account: str, *, complete_in: str | None = None) -> EquityPoint | None:
        """The newest point of the equity curve, of the complete ones in an asset where that is given."""
        return await equity.load_last(self._connection, account, complete_in)

    async def points(self, query: PointQuery) -> Sequence[EquityPoint]:
        """Points of the equity curve, oldest first."""
        return await equity.list_points(self._connection, query)


class SqlBooks:
    """The books of all accounts in a database.

    Args:
        database: of the service.
        lot_method: of accounts that were not set to another.
    """

    def __init__(self, database: Database, lot_method: LotMethod) -> None:
        self._database = database
        self._lot_method = lot_method

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlBooksReader]:
        """Open a snapshot."""
        async with self._database.read() as connection:
            yield SqlBooksReader(connection, self._lot_method)


def _of(table: Table, account: str, strategy: str | None) -> Select[Any]:
    query = select(table).where(table.c.account == account)
    return query if strategy is None else query.where(table.c.strategy == strategy)
