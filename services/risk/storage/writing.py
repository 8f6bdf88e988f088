"""What is written at once: limits, modes, locks, what the kill switch wants."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.chassis.persistence import Connection, insert_if_absent
from services.risk.domain.cancellation import Cancellation
from services.risk.domain.limits import Limits
from services.risk.domain.locks import Lock
from services.risk.domain.protections import Protections
from services.risk.domain.trading import EVERYBODY, TradingChange, TradingMode, TradingState
from services.risk.ports import AccountFacts
from services.risk.storage import rows, trade_rows
from services.risk.storage.reading import SqlRiskReader
from services.risk.storage.remembered import RememberedFacts, Tokens
from services.risk.storage.statements import upserting
from services.risk.storage.tables import (
    CANCELLATIONS,
    CLOSED_TRADES,
    DECISIONS,
    ENDED_ORDERS,
    HEADS,
    LIMITS,
    LOCKS,
    PROTECTIONS,
    RESERVATIONS,
    TRADING,
    TRADING_CHANGES,
)


class SqlRiskWriter(SqlRiskReader):
    """What risk knows, inside one write transaction; whoever opened it commits it.

    Args:
        connection: of the transaction.
        remembered: facts in memory.
    """

    def __init__(self, connection: Connection, remembered: RememberedFacts) -> None:
        super().__init__(connection, remembered)
        self._mine: set[str] = set()
        self._seen: dict[str, tuple[Tokens, AccountFacts]] = {}

    async def facts(self, account: str) -> AccountFacts:
        """All about an account; nobody else changes it while this transaction runs."""
        seen = self._seen.get(account)
        if seen is None:
            seen = self._seen[account] = await self._found(account)
        return seen[1]

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

    async def forget(self, before: datetime, size: int) -> int:
        """Remove decisions on orders that nothing is set aside for, and what else is older than that."""
        gone = 0
        for account in await self.accounts():
            old = sa.and_(DECISIONS.c.account == account, DECISIONS.c.decide_time < before)
            held = RESERVATIONS.c.order_id == DECISIONS.c.order_id
            some = sa.select(DECISIONS.c.order_id).where(old, ~sa.exists().where(held))
            some = some.order_by(DECISIONS.c.decide_time).limit(size)
            gone += await self._delete_some(DECISIONS.c.order_id, some)
            facts = await self.facts(account)
            for lock in facts.locks:
                if lock.expire_time < before:
                    await self.delete_lock(account, lock.lock_id)
        await self._connection.execute(sa.delete(CLOSED_TRADES).where(CLOSED_TRADES.c.close_time < before))
        some = sa.select(ENDED_ORDERS.c.order_id).where(ENDED_ORDERS.c.end_time < before).limit(size)
        return gone + await self._delete_some(ENDED_ORDERS.c.order_id, some)

    async def _delete_some(self, key: sa.Column[str], some: sa.Select[Any]) -> int:
        ids = list((await self._connection.execute(some)).scalars())
        await self._connection.execute(sa.delete(key.table).where(key.in_(ids)))
        return len(ids)

    async def open_account(self, account: str, limits: Limits) -> None:
        """Store the first limits and mode of an account; those it has already stay."""
        facts = await self.facts(account)
        trading = TradingState(TradingMode.ACTIVE, "", limits.update_time)
        if await insert_if_absent(self._connection, TRADING, {"account": account, **_trading_row(trading)}):
            await self._changed(replace(facts, trading=trading))
        if facts.limits is None:
            await self.put_limits(account, limits)

    async def _changed(self, facts: AccountFacts) -> None:
        """Remember new facts under a token of this transaction."""
        account = facts.account
        own, everybody = self._seen[account][0]
        if account not in self._mine:
            self._mine.add(account)
            own = self._remembered.fresh_token()
            await self._upsert(HEADS, {"account": account}, {"token": own})
        if account == EVERYBODY:
            everybody = own
            for other, (tokens, seen) in self._seen.items():
                self._seen[other] = (tokens[0], own), replace(seen, everybody=facts.trading)
        self._seen[account] = (own, everybody), facts
        self._remembered.put((own, everybody), facts)

    async def _upsert(self, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        await self._upsert_all(table, tuple(key), [{**key, **values}])

    async def _upsert_all(
        self, table: sa.Table, key: tuple[str, ...], these: Sequence[Mapping[str, Any]]
    ) -> None:
        """Store rows, all of the same columns, in place of those with the same key."""
        if these:
            columns = tuple(name for name in these[0] if name not in key)
            statement = upserting(self._connection.dialect.name, table, key, columns)
            await statement.run_many(self._connection, these)


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
