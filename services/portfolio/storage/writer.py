"""The books inside one write transaction."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.persistence import Prepared, put_row, row_at
from services.chassis.telemetry import correlation
from services.kernel.clock import Clock
from services.kernel.decimals import EXACT
from services.portfolio.domain.events import Fill, Transfer
from services.portfolio.domain.ledger import EQUITY, Transaction, position_account
from services.portfolio.domain.lots import Lot, LotMethod, Matched
from services.portfolio.domain.position import Position
from services.portfolio.ports import BookedEntry, Record
from services.portfolio.storage import equity
from services.portfolio.storage.held_lots import HeldLots
from services.portfolio.storage.journal import contract_columns, event_columns
from services.portfolio.storage.rows import (
    POSITION_COLUMNS,
    entry_rows,
    load_lot_method,
    position_of,
    positions_table,
)
from services.portfolio.storage.statements import (
    ADD_ENTRIES,
    ADD_TO_JOURNAL,
    LATER_ENTRIES,
    SUM_NAMES,
    SUMS,
    SUMS_BY_STRATEGY,
    put,
)
from services.portfolio.storage.tables import ACCOUNT_SETTINGS, JOURNAL, LEDGER_ENTRIES, LEDGER_SUMS

_SumKey = tuple[str, str, str, str]
_PositionKey = tuple[str | None, str, str, str]


class SqlBooksWriter:
    """The books inside one write transaction.

    Events that share the transaction mostly change the same sums, positions and lots. So all of them are
    read at most once, changed in memory, and written together by :meth:`flush`, each row once.

    Args:
        connection: the transaction; whoever opened it flushes and commits.
        clock: gives the time of booking.
        lot_method: of accounts that were not set to another.
    """

    def __init__(self, connection: AsyncConnection, clock: Clock, lot_method: LotMethod) -> None:
        self._connection = connection
        self._clock = clock
        self._lot_method = lot_method
        self._journal: list[dict[str, Any]] = []
        self._entries: list[dict[str, Any]] = []
        self._sums: dict[_SumKey, Decimal] = {}
        self._known_sums: set[tuple[str, str, str]] = set()
        self._changed_sums: set[_SumKey] = set()
        self._positions: dict[_PositionKey, Position | None] = {}
        self._changed_positions: set[_PositionKey] = set()
        self._methods: dict[str, LotMethod] = {}
        self._lots = HeldLots(connection)

    async def flush(self) -> None:
        """Write what is held back."""
        connection = self._connection
        await ADD_TO_JOURNAL.run_many(connection, self._journal)
        await ADD_ENTRIES.run_many(connection, self._entries)
        sums = [self._sum_row(key) for key in sorted(self._changed_sums)]
        await self._put(LEDGER_SUMS).run_many(connection, sums)
        for of_strategies in (False, True):
            changed = [key for key in self._changed_positions if (key[0] is not None) is of_strategies]
            table = positions_table("" if of_strategies else None)
            await self._put(table).run_many(connection, [self._position_row(key) for key in changed])
        await self._lots.flush()
        self._journal, self._entries = [], []
        self._changed_sums.clear()
        self._changed_positions.clear()

    async def record(self, record: Record) -> None:
        """Add an event to the journal and its transactions to the ledger, with their sums."""
        first = record.transactions[0]
        shared = {
            "account": first.account,
            "transaction_id": record.transaction_id,
            "kind": first.kind.value,
            "source": first.source,
            "reason": first.reason,
            "exchange_time": first.exchange_time,
            "create_time": self._clock.now(),
            "correlation_id": correlation.correlation_id.get(),
        }
        method = "" if record.lot_method is None else record.lot_method.value
        self._journal.append({**event_columns(record.event), **shared, "lot_method": method})
        line = 0
        for transaction in record.transactions:
            for entry in transaction.entries:
                line += 1
                self._entries.append(
                    {
                        **shared,
                        "line": line,
                        "strategy": transaction.strategy,
                        "ledger_account": entry.ledger_account,
                        "asset": entry.asset,
                        "amount": entry.amount,
                    }
                )
            await self._add_to_sums(transaction)
        if any(entry.ledger_account.startswith(EQUITY) for entry in first.entries):
            equity.announce_flow(self._connection)

    async def contracts(self, payment: Transfer) -> Mapping[str, Decimal]:
        """What each strategy held of a perpetual when it was paid for, by the fills that are booked."""
        await self.flush()
        asked = {
            "account": payment.account,
            "ledger_account": position_account(payment.venue, payment.instrument),
        }
        rows = await SUMS_BY_STRATEGY.rows(self._connection, asked)
        held: dict[str, Decimal] = {row["strategy"]: row["amount"] for row in rows}
        later = {**asked, "after_time": payment.exchange_time}
        for row in await LATER_ENTRIES.rows(self._connection, later):
            held[row["strategy"]] = EXACT.subtract(held[row["strategy"]], row["amount"])
        return held

    async def entries(self, account: str, transaction_id: str) -> Sequence[BookedEntry]:
        """The lines of a transaction of an account, in order; empty where it has none of this id."""
        await self.flush()
        columns = LEDGER_ENTRIES.c
        query = (
            entry_rows()
            .where(columns.transaction_id == transaction_id, columns.account == account)
            .order_by(columns.line)
        )
        return [BookedEntry(*row) for row in await self._connection.execute(query)]

    async def knows(self, account: str) -> bool:
        """Whether anything was ever booked for an account."""
        await self.flush()
        query = select(JOURNAL.c.number).where(JOURNAL.c.account == account).limit(1)
        return (await self._connection.execute(query)).first() is not None

    async def reversed_by(self, transaction_id: str) -> str | None:
        """Name of the correction that reversed a transaction; None where none did."""
        await self.flush()
        query = select(JOURNAL.c.source).where(JOURNAL.c.reverses == transaction_id)
        return (await self._connection.execute(query)).scalar_one_or_none()

    async def position(self, fill: Fill, *, strategy: str | None = None) -> Position | None:
        """The position that a fill changes, or None before its first fill."""
        place = (strategy, fill.account, fill.venue, fill.instrument)
        if place not in self._positions:
            key = {"account": fill.account, "venue": fill.venue, "instrument": fill.instrument}
            if strategy is not None:
                key["strategy"] = strategy
            row = await row_at(self._connection, positions_table(strategy), key)
            self._positions[place] = None if row is None else position_of(row)
        return self._positions[place]

    async def put_position(self, position: Position, *, strategy: str | None = None) -> None:
        """Store a position in place of the one before."""
        place = (strategy, position.account, position.venue, position.instrument)
        self._positions[place] = position
        self._changed_positions.add(place)

    async def lot_method(self, account: str) -> LotMethod:
        """Which lots a closing of the account takes from first, now."""
        if account not in self._methods:
            self._methods[account] = await load_lot_method(self._connection, account, self._lot_method)
        return self._methods[account]

    async def set_lot_method(self, account: str, method: LotMethod) -> None:
        """Set the method of later closings."""
        await self.flush()
        values = {"lot_method": method.value, "update_time": self._clock.now()}
        await put_row(self._connection, ACCOUNT_SETTINGS, {"account": account}, values)
        self._methods[account] = method

    async def open_lots(self, fill: Fill, method: LotMethod) -> Sequence[Lot]:
        """The lots that a fill may close, in the order of the method; enough for its quantity."""
        return await self._lots.open(fill, method)

    async def put_lots(self, matched: Matched) -> None:
        """Store what a fill did to the lots."""
        await self._lots.put(matched)

    async def _add_to_sums(self, transaction: Transaction) -> None:
        await self._load_sums(transaction)
        for entry in transaction.entries:
            key = (transaction.account, transaction.strategy, entry.ledger_account, entry.asset)
            self._sums[key] = EXACT.add(self._sums.get(key, Decimal(0)), entry.amount)
            self._changed_sums.add(key)

    async def _load_sums(self, transaction: Transaction) -> None:
        """Read the sums that the transaction changes and that are not known yet."""
        owner = (transaction.account, transaction.strategy)
        touched = {(*owner, entry.ledger_account) for entry in transaction.entries}
        fresh = touched - self._known_sums
        if not fresh:
            return
        names = sorted(ledger_account for *_, ledger_account in fresh)
        for start in range(0, len(names), len(SUM_NAMES)):
            some = names[start : start + len(SUM_NAMES)]
            # A statement has one text for any number of names: the last one stands in the places left over.
            asked = dict(zip_longest(SUM_NAMES, some, fillvalue=some[-1]))
            rows = await SUMS.rows(self._connection, {"account": owner[0], "strategy": owner[1], **asked})
            for row in rows:
                self._sums[(*owner, row["ledger_account"], row["asset"])] = row["amount"]
        self._known_sums |= fresh

    def _sum_row(self, key: _SumKey) -> dict[str, Any]:
        names = ("account", "strategy", "ledger_account", "asset")
        return {**dict(zip(names, key, strict=True)), "amount": self._sums[key]}

    def _position_row(self, key: _PositionKey) -> dict[str, Any]:
        position = self._positions[key]
        row = {name: getattr(position, name) for name in POSITION_COLUMNS}
        strategy = {} if key[0] is None else {"strategy": key[0]}
        return row | contract_columns(None if position is None else position.contract) | strategy

    def _put(self, table: Table) -> Prepared:
        return put(table, self._connection.dialect.name)
