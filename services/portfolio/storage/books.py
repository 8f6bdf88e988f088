"""The books in the database."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.persistence import Database, put_row, row_at
from services.chassis.telemetry import correlation
from services.kernel.clock import Clock
from services.kernel.decimals import EXACT
from services.portfolio.domain.equity import EquityPoint
from services.portfolio.domain.events import Fill
from services.portfolio.domain.ledger import EQUITY, Transaction
from services.portfolio.domain.lots import Lot, LotMethod, Matched
from services.portfolio.domain.position import Position
from services.portfolio.ports import (
    BookedEntry,
    BookedGain,
    EntryQuery,
    GainQuery,
    LedgerSum,
    LotQuery,
    PointQuery,
    Record,
)
from services.portfolio.storage import equity, lots
from services.portfolio.storage.journal import contract_columns, contract_of, event_columns
from services.portfolio.storage.statements import ADD_ENTRIES, ADD_TO_JOURNAL, LOT_METHOD, SUMS, put
from services.portfolio.storage.tables import (
    ACCOUNT_SETTINGS,
    JOURNAL,
    LEDGER_ENTRIES,
    LEDGER_SUMS,
    POSITIONS,
    STRATEGY_POSITIONS,
)

_POSITION = ("account", "venue", "instrument", "base_asset", "quote_asset", "quantity", "cost")
_POSITION_MORE = ("realized_pnl", "fill_count", "last_fill_time")


class SqlBooksWriter:
    """The books inside one write transaction.

    Args:
        connection: the transaction; whoever opened it commits it.
        clock: gives the time of booking.
        lot_method: of accounts that were not set to another.
    """

    def __init__(self, connection: AsyncConnection, clock: Clock, lot_method: LotMethod) -> None:
        self._connection = connection
        self._clock = clock
        self._lot_method = lot_method

    async def record(self, record: Record) -> None:
        """Add a transaction to journal and ledger, with its sums."""
        transaction = record.transaction
        shared = {
            "account": transaction.account,
            "transaction_id": record.transaction_id,
            "kind": transaction.kind.value,
            "strategy": transaction.strategy,
            "source": transaction.source,
            "reason": transaction.reason,
            "exchange_time": transaction.exchange_time,
            "create_time": self._clock.now(),
            "correlation_id": correlation.correlation_id.get(),
        }
        method = "" if record.lot_method is None else record.lot_method.value
        await self._connection.execute(
            ADD_TO_JOURNAL, {**event_columns(record.event), **shared, "lot_method": method}
        )
        rows = [
            {
                **shared,
                "line": line,
                "ledger_account": entry.ledger_account,
                "asset": entry.asset,
                "amount": entry.amount,
            }
            for line, entry in enumerate(transaction.entries, start=1)
        ]
        if rows:
            await self._connection.execute(ADD_ENTRIES, rows)
            await self._add_to_sums(transaction)
        if any(entry.ledger_account.startswith(EQUITY) for entry in transaction.entries):
            equity.announce_flow(self._connection)

    async def entries(self, account: str, transaction_id: str) -> Sequence[BookedEntry]:
        """The lines of a transaction of an account, in order; empty where it has none of this id."""
        columns = LEDGER_ENTRIES.c
        query = (
            _entries()
            .where(columns.transaction_id == transaction_id, columns.account == account)
            .order_by(columns.line)
        )
        return [BookedEntry(*row) for row in await self._connection.execute(query)]

    async def knows(self, account: str) -> bool:
        """Whether anything was ever booked for an account."""
        query = select(JOURNAL.c.number).where(JOURNAL.c.account == account).limit(1)
        return (await self._connection.execute(query)).first() is not None

    async def reversed_by(self, transaction_id: str) -> str | None:
        """Name of the correction that reversed a transaction; None where none did."""
        query = select(JOURNAL.c.source).where(JOURNAL.c.reverses == transaction_id)
        return (await self._connection.execute(query)).scalar_one_or_none()

    async def position(self, fill: Fill, *, strategy: str | None = None) -> Position | None:
        """The position that a fill changes, or None before its first fill."""
        key = {"account": fill.account, "venue": fill.venue, "instrument": fill.instrument}
        if strategy is not None:
            key["strategy"] = strategy
        row = await row_at(self._connection, _positions(strategy), key)
        return None if row is None else position_of(row)

    async def put_position(self, position: Position, *, strategy: str | None = None) -> None:
        """Store a position in place of the one before."""
        row = {name: getattr(position, name) for name in (*_POSITION, *_POSITION_MORE)}
        row |= contract_columns(position.contract)
        if strategy is not None:
            row["strategy"] = strategy
        await self._connection.execute(put(_positions(strategy), self._connection.dialect.name), row)

    async def lot_method(self, account: str) -> LotMethod:
        """Which lots a closing of the account takes from first, now."""
        return await _lot_method(self._connection, account, self._lot_method)

    async def set_lot_method(self, account: str, method: LotMethod) -> None:
        """Set the method of later closings."""
        values = {"lot_method": method.value, "update_time": self._clock.now()}
        await put_row(self._connection, ACCOUNT_SETTINGS, {"account": account}, values)

    async def open_lots(self, fill: Fill, method: LotMethod) -> Sequence[Lot]:
        """The lots that a fill may close, in the order of the method; enough for its quantity."""
        return await lots.load_open(self._connection, fill, method)

    async def put_lots(self, matched: Matched) -> None:
        """Store what a fill did to the lots."""
        await lots.store(self._connection, matched)

    async def _add_to_sums(self, transaction: Transaction) -> None:
        """Add the entries to the sums: one question and one write, however many entries there are."""
        sums = await self._sums_before(transaction)
        for entry in transaction.entries:
            key = (entry.ledger_account, entry.asset)
            sums[key] = EXACT.add(sums[key], entry.amount)
        touched = {(entry.ledger_account, entry.asset) for entry in transaction.entries}
        await self._connection.execute(
            put(LEDGER_SUMS, self._connection.dialect.name),
            [
                {
                    "account": transaction.account,
                    "strategy": transaction.strategy,
                    "ledger_account": ledger_account,
                    "asset": asset,
                    "amount": sums[ledger_account, asset],
                }
                for ledger_account, asset in sorted(touched)
            ],
        )

    async def _sums_before(self, transaction: Transaction) -> defaultdict[tuple[str, str], Decimal]:
        asked = {
            "account": transaction.account,
            "strategy": transaction.strategy,
            "ledger_accounts": sorted({entry.ledger_account for entry in transaction.entries}),
        }
        sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for ledger_account, asset, amount in await self._connection.execute(SUMS, asked):
            sums[ledger_account, asset] = amount
        return sums


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
        table = _positions(strategy)
        query = _of(table, account, strategy).order_by(table.c.venue, table.c.instrument)
        return [position_of(row) for row in (await self._connection.execute(query)).mappings()]

    async def entries(self, query: EntryQuery) -> Sequence[BookedEntry]:
        """Ledger entries, newest or oldest first."""
        columns = LEDGER_ENTRIES.c
        order = (columns.exchange_time, columns.number) if query.timed else (columns.number,)
        statement = (
            _entries()
            .where(columns.account == query.account)
            .order_by(*(column if query.oldest_first else column.desc() for column in order))
            .limit(query.limit)
        )
        if query.strategy is not None:
            statement = statement.where(columns.strategy == query.strategy)
        if query.beyond is not None:
            place = (
                (query.beyond.exchange_time, query.beyond.number) if query.timed else (query.beyond.number,)
            )
            statement = statement.where(_beyond(order, place, ascending=query.oldest_first))
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
        return await _lot_method(self._connection, account, self._lot_method)

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


async def _lot_method(connection: AsyncConnection, account: str, default: LotMethod) -> LotMethod:
    found = (await connection.execute(LOT_METHOD, {"account": account})).scalar_one_or_none()
    return default if found is None else LotMethod(found)


def _beyond(order: Sequence[Any], place: Sequence[Any], *, ascending: bool) -> ColumnElement[bool]:
    """Whether a row comes after a place in an order of one or two columns."""
    first, *rest = order
    further: ColumnElement[bool] = first > place[0] if ascending else first < place[0]
    if not rest:
        return further
    # The first bound stands alone too: it is the one that an index serves on every backend.
    edge = first >= place[0] if ascending else first <= place[0]
    return and_(edge, or_(further, _beyond(rest, place[1:], ascending=ascending)))


def _entries() -> Select[Any]:
    return select(*(LEDGER_ENTRIES.c[name] for name in BookedEntry.__dataclass_fields__))


def _positions(strategy: str | None) -> Table:
    return POSITIONS if strategy is None else STRATEGY_POSITIONS


def _of(table: Table, account: str, strategy: str | None) -> Select[Any]:
    query = select(table).where(table.c.account == account)
    return query if strategy is None else query.where(table.c.strategy == strategy)


def position_of(row: Mapping[Any, Any]) -> Position:
    """The position of a row."""
    return Position(**{name: row[name] for name in (*_POSITION, *_POSITION_MORE)}, contract=contract_of(row))
