"""What risk knows, in the database."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.chassis.persistence import Connection, Database, insert_if_absent
from services.risk.domain.account import AccountState
from services.risk.domain.cancellation import Cancellation
from services.risk.domain.equity import Day
from services.risk.domain.limits import Limits
from services.risk.domain.locks import Lock
from services.risk.domain.protections import Protections
from services.risk.domain.reservation import Claim, Holding, Reservation
from services.risk.domain.traded import Traded
from services.risk.domain.trades import ClosedTrade, OpenTrade
from services.risk.domain.trading import EVERYBODY, TradingChange, TradingMode, TradingState
from services.risk.ports import AccountFacts, KnownOrders, StoredDecision
from services.risk.storage import rows, trade_rows
from services.risk.storage.decisions import decision_row
from services.risk.storage.reading import SqlRiskReader
from services.risk.storage.remembered import RememberedFacts, Tokens
from services.risk.storage.tables import (
    CANCELLATIONS,
    CLOSED_TRADES,
    DAYS,
    DECISIONS,
    ENDED_ORDERS,
    HEADS,
    HOLDINGS,
    LIMITS,
    LOCKS,
    OPEN_TRADES,
    POSITIONS,
    PROTECTIONS,
    RESERVATIONS,
    TRADING,
    TRADING_CHANGES,
)

# Statements of every order are made once: making them takes longer than running them.
_INSERT_DECISION = sa.insert(DECISIONS)
_INSERT_RESERVATION = sa.insert(RESERVATIONS)
_ASKED = sa.select(
    sa.exists().where(DECISIONS.c.order_id == sa.bindparam("order_id")),
    sa.exists().where(ENDED_ORDERS.c.order_id == sa.bindparam("order_id")),
)


@cache
def _upsert_statement(
    dialect: str, table: sa.Table, key: tuple[str, ...], columns: tuple[str, ...]
) -> sa.Executable:
    insert = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    return insert.on_conflict_do_update(
        index_elements=list(key), set_={name: insert.excluded[name] for name in columns}
    )


class SqlRiskWriter(SqlRiskReader):
    """What risk knows, inside one write transaction; whoever opened it commits it."""

    def __init__(self, connection: Connection, remembered: RememberedFacts) -> None:
        super().__init__(connection, remembered)
        self._mine: set[str] = set()
        self._seen: dict[str, tuple[Tokens, AccountFacts]] = {}

    async def facts(self, account: str) -> AccountFacts:
        """All about an account; nobody else changes it while this transaction runs."""
        if account not in self._seen:
            self._seen[account] = await self._found(account)
        return self._seen[account][1]

    async def known_orders(self, order_ids: Collection[str]) -> KnownOrders:
        """What is known of order ids."""
        known: dict[str, StoredDecision] = {}
        over: set[str] = set()
        for order_id in order_ids:
            decided, ended = (await self._connection.execute(_ASKED, {"order_id": order_id})).one()
            if decided and (stored := await self.decision(order_id)) is not None:
                known[order_id] = stored
            elif ended:
                over.add(order_id)
        return KnownOrders(known, over)

    async def put_limits(self, account: str, limits: Limits) -> None:
        """Store a version of the limits of an account."""
        facts = await self.facts(account)
        await self._connection.execute(sa.insert(LIMITS).values(**_limits_row(account, limits)))
        await self._changed(replace(facts, limits=limits))

    async def put_trading(self, change_id: str, change: TradingChange) -> None:
        """Store the mode of an account, with the change in its history."""
        facts = await self.facts(change.account)
        await self._upsert(TRADING, {"account": change.account}, _trading_row(change.after))
        await self._connection.execute(
            sa.insert(TRADING_CHANGES).values(**rows.trading_change_row(change_id, change))
        )
        await self._changed(replace(facts, trading=change.after))

    async def put_cancellation(self, cancellation: Cancellation) -> None:
        """Store an intent to cancel."""
        key = {"cancellation_id": cancellation.cancellation_id}
        await self._upsert(CANCELLATIONS, key, rows.cancellation_row(cancellation))

    async def end_cancellations(self, account: str) -> None:
        """Want no intent of an account any more."""
        mine = CANCELLATIONS.c.account == account
        await self._connection.execute(sa.update(CANCELLATIONS).where(mine).values(ended=True))

    async def put_protections(self, account: str, protections: Protections) -> None:
        """Store a version of the protections of an account."""
        facts = await self.facts(account)
        row = {
            "account": account,
            "version": protections.version,
            "document": trade_rows.protections_document(protections),
            "update_time": protections.update_time,
        }
        await self._connection.execute(sa.insert(PROTECTIONS).values(**row))
        await self._changed(replace(facts, protections=protections))

    async def put_lock(self, lock: Lock) -> None:
        """Store a lock; one that is there already stays."""
        facts = await self.facts(lock.account)
        if await insert_if_absent(self._connection, LOCKS, trade_rows.lock_row(lock)):
            await self._changed(replace(facts, locks=(lock, *facts.locks)))

    async def delete_lock(self, account: str, lock_id: str) -> bool:
        """Remove a lock; whether it was there."""
        facts = await self.facts(account)
        left = tuple(lock for lock in facts.locks if lock.lock_id != lock_id)
        if left == facts.locks:
            return False
        await self._connection.execute(sa.delete(LOCKS).where(LOCKS.c.lock_id == lock_id))
        await self._changed(replace(facts, locks=left))
        return True

    async def put_open_trade(
        self, account: str, traded: Traded, strategy: str, trade: OpenTrade | None
    ) -> None:
        """Store the trade that goes on, or that none does."""
        key = {"account": account, "instrument": str(traded.instrument), "strategy": strategy}
        if trade is not None:
            await self._upsert(OPEN_TRADES, key, trade_rows.open_trade_row(trade))
            return
        mine = [OPEN_TRADES.c[name] == value for name, value in key.items()]
        await self._connection.execute(sa.delete(OPEN_TRADES).where(*mine))

    async def add_closed_trade(self, trade: ClosedTrade) -> None:
        """Store a trade that is over."""
        await insert_if_absent(self._connection, CLOSED_TRADES, trade_rows.closed_trade_row(trade))

    async def forget(self, before: datetime, size: int) -> int:
        """Remove decisions on orders that nothing is set aside for, and trades, older than that."""
        old, held = DECISIONS.c.decide_time < before, RESERVATIONS.c.order_id == DECISIONS.c.order_id
        some = sa.select(DECISIONS.c.order_id).where(old, ~sa.exists().where(held)).limit(size)
        ids = list((await self._connection.execute(some)).scalars())
        await self._connection.execute(sa.delete(DECISIONS).where(DECISIONS.c.order_id.in_(ids)))
        await self._connection.execute(sa.delete(CLOSED_TRADES).where(CLOSED_TRADES.c.close_time < before))
        return len(ids)

    async def put_decisions(self, facts: AccountFacts, made: Sequence[StoredDecision]) -> None:
        """Store decisions on orders of one account, with their reservations."""
        await self._connection.execute(_INSERT_DECISION, [decision_row(each) for each in made])
        members = [facts.state.reservation(each.order_id) for each in made if each.decision.approved]
        reserved = [rows.reservation_row(each) for each in members if each is not None]
        if reserved:
            await self._connection.execute(_INSERT_RESERVATION, reserved)
            await self._changed(facts)

    async def put_day(self, account: str, day: Day) -> None:
        """Store how an account's day goes."""
        facts = await self.facts(account)
        await self._upsert(DAYS, {"account": account}, rows.day_row(day))
        await self._changed(replace(facts, day=day))

    async def reserve(self, reservation: Reservation) -> None:
        """Set aside for an order that nothing is set aside for."""
        facts = await self.facts(reservation.account)
        state = facts.state.reserve(reservation)
        await self._put_members(facts.state, state, reservation.claim)
        await self._changed(replace(facts, state=state))

    async def report(self, account: str, order_id: str, filled: Decimal, *, ended: bool) -> None:
        """Take in how much of an order is filled and whether it is final."""
        facts = await self.facts(account)
        key = facts.state.claim_of.get(order_id)
        if key is not None:
            state = facts.state.reported(order_id, filled, ended=ended)
            if state.claims.get(key) != facts.state.claims[key]:
                await self._put_members(facts.state, state, key)
                await self._changed(replace(facts, state=state))
        elif ended and not (await self.known_orders((order_id,))).decided:
            await insert_if_absent(self._connection, ENDED_ORDERS, {"order_id": order_id})

    async def add_holdings(self, account: str, changes: Mapping[Holding, Decimal]) -> None:
        """Change what an account holds."""
        facts = await self.facts(account)
        state = facts.state
        for (venue, asset), change in changes.items():
            state = state.held(venue, asset, change)
        for venue, asset in changes:
            key = {"account": account, "venue": venue, "asset": asset}
            await self._upsert(HOLDINGS, key, {"quantity": state.holdings[venue, asset]})
        await self._changed(replace(facts, state=state))

    async def add_flow(self, account: str, today: date, held: Holding, change: Decimal) -> None:
        """Note what came in or went out today."""
        facts = await self.facts(account)
        await self.put_day(account, (facts.day or Day(today)).flowed(today, held, change))

    async def add_position(self, account: str, traded: Traded, change: Decimal, price: Decimal) -> None:
        """Change what an account has traded of an instrument."""
        facts = await self.facts(account)
        state = facts.state.traded(traded, change, price)
        position = state.positions[traded.instrument]
        values = {**rows.traded_row(traded), "quantity": position.quantity, "cost": position.cost}
        key = {"account": account, "instrument": values.pop("instrument")}
        await self._upsert(POSITIONS, key, values)
        await self._changed(replace(facts, state=state))

    async def open_account(self, account: str, limits: Limits) -> None:
        """Store the first limits and mode of an account; those it has already stay."""
        facts = await self.facts(account)
        trading = TradingState(TradingMode.ACTIVE, "", limits.update_time)
        await insert_if_absent(self._connection, TRADING, {"account": account, **_trading_row(trading)})
        if facts.limits is None:
            await self.put_limits(account, limits)

    async def _put_members(self, before: AccountState, after: AccountState, key: str) -> None:
        """Store a claim: the members that changed, or none where it is over."""
        old, new = before.claims.get(key, Claim()), after.claims.get(key, Claim())
        if not new.members:
            ids = [member.order_id for member in old.members]
            await self._connection.execute(sa.delete(RESERVATIONS).where(RESERVATIONS.c.order_id.in_(ids)))
        known = {member.order_id: member for member in old.members}
        for member in new.members:
            row = rows.reservation_row(member)
            if member.order_id not in known:
                await self._connection.execute(_INSERT_RESERVATION, row)
            elif known[member.order_id] != member:
                mine = RESERVATIONS.c.order_id == row.pop("order_id")
                await self._connection.execute(sa.update(RESERVATIONS).where(mine).values(**row))

    async def _changed(self, facts: AccountFacts) -> None:
        """Remember new facts under a token of this transaction."""
        account = facts.account
        own, everybody = self._seen[account][0]
        if account not in self._mine:
            self._mine.add(account)
            own = self._remembered.fresh_token()
            await self._upsert(HEADS, {"account": account}, {"token": own})
        if account == EVERYBODY:
            self._seen.clear()
            everybody = own
        self._seen[account] = ((own, everybody), facts)
        self._remembered.put((own, everybody), facts)

    async def _upsert(self, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        statement = _upsert_statement(self._connection.dialect.name, table, tuple(key), tuple(values))
        await self._connection.execute(statement, {**key, **values})


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
        """What writes inside a transaction that somebody else opened."""
        return SqlRiskWriter(connection, self._remembered)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlRiskReader]:
        """Open a snapshot."""
        async with self._database.read() as connection:
            yield SqlRiskReader(connection, self._remembered)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[SqlRiskWriter]:
        """Open a write transaction."""
        async with self._database.write() as connection:
            yield self.writer(connection)


def _limits_row(account: str, limits: Limits) -> dict[str, Any]:
    return {
        "account": account,
        "version": limits.version,
        "document": rows.limits_document(limits),
        "update_time": limits.update_time,
    }


def _trading_row(trading: TradingState) -> dict[str, Any]:
    return {
        "mode": trading.mode.value,
        "reason": trading.reason,
        "update_time": trading.update_time,
        "changed_by": trading.changed_by,
    }
