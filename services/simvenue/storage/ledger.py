"""The ledger in a database."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Row, Table, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.persistence import Database, Prepared, insert_if_absent
from services.simvenue.domain.account import AccountState
from services.simvenue.domain.orders import (
    AccountEvent,
    BalanceUpdate,
    ExecutionReport,
    Fill,
    PositionUpdate,
    Transfer,
)
from services.simvenue.ports import EncodedEvent, Marks, StoredVenue, VenueFencedError
from services.simvenue.storage import rows
from services.simvenue.storage.rows import Values
from services.simvenue.storage.tables import (
    ACCOUNT_EVENT,
    BALANCE,
    FILL,
    ORDERS,
    POSITION,
    TRANSFER,
    VENUE,
)

_MINE = (VENUE.c.venue == bindparam("me")) & (VENUE.c.epoch == bindparam("mine"))
_HELD = Prepared(select(VENUE.c.epoch).where(_MINE))

_OWNER: BindParameter[str] = bindparam("owner")
_FIRST_EVENT = Prepared(
    select(func.min(ACCOUNT_EVENT.c.sequence).label("sequence")).where(ACCOUNT_EVENT.c.account == _OWNER)
)
_FORGET_ORDER = Prepared(delete(ORDERS).where(ORDERS.c.venue_order_id == bindparam("gone")))
_FORGET_FILLS = Prepared(
    delete(FILL).where(
        FILL.c.account == _OWNER,
        FILL.c.time_ns < bindparam("before"),
        FILL.c.venue_order_id.not_in(select(ORDERS.c.venue_order_id)),
    )
)
_FORGET_EVENTS = Prepared(
    delete(ACCOUNT_EVENT).where(
        ACCOUNT_EVENT.c.account == _OWNER, ACCOUNT_EVENT.c.sequence <= bindparam("last")
    )
)


class SqlLedger:
    """Keeps a venue's ledger; see :class:`services.simvenue.ports.Ledger`.

    Args:
        database: opened and migrated.
        venue: id of the venue.
    """

    def __init__(self, database: Database, venue: str) -> None:
        self._database = database
        self._venue = venue
        self._epoch = 0

    async def claim(self) -> StoredVenue:
        """Take the ledger over from any other process, and read it."""
        async with self._database.write() as connection:
            fresh = {"epoch": 0, "time_ns": 0, "trade_id": 0, "order_id": 0, "transfer_id": 0}
            new = await insert_if_absent(connection, VENUE, {"venue": self._venue, **fresh})
            row = (await connection.execute(select(VENUE).where(VENUE.c.venue == self._venue))).one()
            self._epoch = row.epoch + 1
            await connection.execute(
                update(VENUE).where(VENUE.c.venue == self._venue).values(epoch=self._epoch)
            )
            accounts = await _accounts(connection)
        marks = None if new else Marks(row.time_ns, row.trade_id, row.order_id, row.transfer_id)
        return StoredVenue(marks, accounts, self._epoch - 1)

    async def save(
        self, facts: Sequence[AccountEvent], events: Sequence[EncodedEvent], marks: Marks | None
    ) -> None:
        """Make facts durable, all or none.

        Raises:
            VenueFencedError: another process has taken the ledger over.
        """
        async with self._database.write() as connection:
            await self._check_epoch(connection, marks)
            changes = _Changes(facts)
            await _upsert(connection, ORDERS, changes.orders)
            await _upsert(connection, BALANCE, changes.balances)
            await _upsert(connection, POSITION, changes.positions)
            await _insert(connection, FILL, changes.fills)
            await _insert(connection, TRANSFER, changes.transfers)
            await _insert(
                connection,
                ACCOUNT_EVENT,
                [
                    {"account": event.account, "sequence": event.sequence, "payload": event.payload}
                    for event in events
                ],
            )

    async def fills(self, account: str, after_trade_id: int, limit: int) -> Sequence[Fill]:
        """Fills of an account, by trade id."""
        found = await self._page(FILL, FILL.c.trade_id, account, after_trade_id, limit)
        return [rows.fill_of(row) for row in found]

    async def transfers(self, account: str, after_transfer_id: int, limit: int) -> Sequence[Transfer]:
        """Transfers of an account, by transfer id."""
        found = await self._page(TRANSFER, TRANSFER.c.transfer_id, account, after_transfer_id, limit)
        return [rows.transfer_of(row) for row in found]

    async def events(self, account: str, after_sequence: int, limit: int) -> Sequence[EncodedEvent]:
        """Events of an account, by sequence."""
        found = await self._page(ACCOUNT_EVENT, ACCOUNT_EVENT.c.sequence, account, after_sequence, limit)
        return [EncodedEvent(row.account, row.sequence, row.payload) for row in found]

    async def first_event(self, account: str) -> int:
        """Sequence of an account's oldest event that is kept; 0 where it has none."""
        async with self._database.read() as connection:
            return await _FIRST_EVENT.value(connection, {"owner": account}) or 0

    async def forget(self, account: str, orders: Sequence[int], before_ns: int, events: int) -> None:
        """Remove what is old; see :meth:`services.simvenue.ports.Ledger.forget`."""
        mine = {"owner": account, "before": before_ns, "last": events}
        async with self._database.write() as connection:
            await self._check_epoch(connection, None)
            await _FORGET_ORDER.run_many(connection, [{"gone": each} for each in orders])
            await _FORGET_FILLS.run(connection, mine)
            await _FORGET_EVENTS.run(connection, mine)

    async def _page(self, table: Table, key: Any, account: str, after: int, limit: int) -> Sequence[Row[Any]]:
        question = select(table).where(table.c.account == account, key > after).order_by(key).limit(limit)
        async with self._database.read() as connection:
            return (await connection.execute(question)).all()

    async def _check_epoch(self, connection: AsyncConnection, marks: Marks | None) -> None:
        me = {"me": self._venue, "mine": self._epoch}
        if marks is None:
            held = await _HELD.value(connection, me) is not None
        else:
            values = {
                "time_ns": marks.time_ns,
                "trade_id": marks.trade_id,
                "order_id": marks.order_id,
                "transfer_id": marks.transfer_id,
            }
            moved = await connection.execute(update(VENUE).where(_MINE).values(values), me)
            held = moved.rowcount == 1
        if not held:
            raise VenueFencedError(f"another process has taken over the ledger of venue {self._venue}")


class _Changes:
    """What a list of facts leaves behind: the last state of what changes, all of what only grows."""

    def __init__(self, facts: Sequence[AccountEvent]) -> None:
        orders: dict[int, Values] = {}
        balances: dict[tuple[str, str], Values] = {}
        positions: dict[tuple[str, str], Values] = {}
        self.fills: list[Values] = []
        self.transfers: list[Values] = []
        for fact in facts:
            match fact.body:
                case ExecutionReport(order, fill):
                    orders[order.venue_order_id] = rows.order_values(order)
                    if fill is not None:
                        self.fills.append(rows.fill_values(fill))
                case BalanceUpdate(changed):
                    for entry in changed:
                        balances[fact.account, entry.currency] = rows.balance_values(fact.account, entry)
                case PositionUpdate(position):
                    positions[fact.account, position.symbol] = rows.position_values(fact.account, position)
                case Transfer():
                    self.transfers.append(rows.transfer_values(fact.body))
        self.orders = list(orders.values())
        self.balances = list(balances.values())
        self.positions = list(positions.values())


async def _insert(connection: AsyncConnection, table: Table, values: Sequence[Values]) -> None:
    await _insert_of(table).run_many(connection, values)


async def _upsert(connection: AsyncConnection, table: Table, values: Sequence[Values]) -> None:
    await _upsert_of(table, connection.dialect.name).run_many(connection, values)


@cache
def _insert_of(table: Table) -> Prepared:
    return Prepared(table.insert())


@cache
def _upsert_of(table: Table, dialect: str) -> Prepared:
    statement = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    keys = [column.name for column in table.primary_key]
    rest = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    return Prepared(statement.on_conflict_do_update(index_elements=keys, set_=rest))


async def _accounts(connection: AsyncConnection) -> list[AccountState]:
    last = select(ACCOUNT_EVENT.c.account, func.max(ACCOUNT_EVENT.c.sequence).label("sequence")).group_by(
        ACCOUNT_EVENT.c.account
    )
    sequences = {row.account: row.sequence for row in await connection.execute(last)}
    balances, orders, fills = defaultdict(list), defaultdict(list), defaultdict(list)
    positions = defaultdict(list)
    for row in await connection.execute(select(POSITION).order_by(POSITION.c.symbol)):
        positions[row.account].append(rows.position_of(row))
    for row in await connection.execute(select(BALANCE)):
        balances[row.account].append(rows.balance_of(row))
    for row in await connection.execute(select(ORDERS).order_by(ORDERS.c.venue_order_id)):
        orders[row.account].append(rows.order_of(row))
    for row in await connection.execute(select(FILL).order_by(FILL.c.trade_id)):
        fills[row.account].append(rows.fill_of(row))
    return [
        AccountState(
            account,
            sequence,
            tuple(balances[account]),
            tuple(orders[account]),
            tuple(fills[account]),
            tuple(positions[account]),
        )
        for account, sequence in sorted(sequences.items())
    ]
