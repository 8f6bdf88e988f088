"""What risk knows, as one connection sees it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from services.chassis.persistence import Connection, Prepared, find_row, row_at
from services.risk.domain.account import AccountState
from services.risk.domain.cancellation import Cancellation
from services.risk.domain.limits import Limits
from services.risk.domain.locks import Lock
from services.risk.domain.order import OrderTerms
from services.risk.domain.protections import Protections
from services.risk.domain.question import Recent
from services.risk.domain.traded import Traded
from services.risk.domain.trades import ClosedTrade, OpenTrade
from services.risk.domain.trading import EVERYBODY, TradingChange, TradingMode, TradingState
from services.risk.ports import AccountFacts, DecisionFilter, StoredDecision
from services.risk.storage import rows, trade_rows
from services.risk.storage.decisions import decision_from
from services.risk.storage.remembered import RememberedFacts, Tokens
from services.risk.storage.tables import (
    CANCELLATIONS,
    CLOSED_TRADES,
    DAYS,
    DECISIONS,
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

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_ACTIVE = TradingState(TradingMode.ACTIVE, "", _NEVER)

# What is read with every order or event is prepared.
_TOKENS = Prepared(
    sa.select(HEADS.c.account, HEADS.c.token).where(
        sa.or_(HEADS.c.account == sa.bindparam("own"), HEADS.c.account == sa.bindparam("everybody"))
    )
)
_PASSED = sa.and_(
    DECISIONS.c.account == sa.bindparam("account"),
    DECISIONS.c.decide_time > sa.bindparam("since"),
    DECISIONS.c.approved.is_(True),
)
_COUNT = Prepared(sa.select(sa.func.count().label("orders")).select_from(DECISIONS).where(_PASSED))
_EQUAL = Prepared(
    sa.select(DECISIONS.c.order_id)
    .where(
        _PASSED,
        DECISIONS.c.instrument == sa.bindparam("instrument"),
        DECISIONS.c.side == sa.bindparam("side"),
        DECISIONS.c.quantity == sa.bindparam("quantity"),
        DECISIONS.c.limit_price.is_not_distinct_from(sa.bindparam("limit_price")),
        DECISIONS.c.trigger_price.is_not_distinct_from(sa.bindparam("trigger_price")),
        DECISIONS.c.reduce_only.is_(False),
        DECISIONS.c.order_group == "",
    )
    .limit(1)
)


class SqlRiskReader:
    """What risk knows, as one connection sees it.

    Args:
        connection: of a snapshot or of a write transaction.
        remembered: facts in memory.
    """

    def __init__(self, connection: Connection, remembered: RememberedFacts) -> None:
        self._connection = connection
        self._remembered = remembered

    async def facts(self, account: str) -> AccountFacts:
        """All about an account; read whole only where something changed behind our back."""
        return (await self._found(account))[1]

    async def accounts(self) -> Sequence[str]:
        """Ids of the accounts that have limits."""
        found = await self._connection.execute(sa.select(LIMITS.c.account).distinct().order_by("account"))
        return list(found.scalars())

    async def trading(self, account: str) -> TradingState:
        """Mode of an account, or of all together."""
        row = await find_row(self._connection, sa.select(TRADING).where(TRADING.c.account == account))
        return _ACTIVE if row is None else rows.trading_from(row)

    async def trading_changes(
        self, account: str, after: tuple[str, ...] | None, size: int
    ) -> Sequence[tuple[str, TradingChange]]:
        """Changes of a mode, newest first: their ids are made in the order of time."""
        column = TRADING_CHANGES.c.change_id
        query = sa.select(TRADING_CHANGES).where(TRADING_CHANGES.c.account == account)
        if after is not None:
            query = query.where(column < after[0])
        found = await self._connection.execute(query.order_by(column.desc()).limit(size))
        return [(row["change_id"], rows.trading_change_from(row)) for row in _plain(found)]

    async def cancellation(self, cancellation_id: str) -> Cancellation | None:
        """One intent to cancel."""
        found = await self._cancellations(CANCELLATIONS.c.cancellation_id == cancellation_id)
        return found[0] if found else None

    async def newest_cancellation(self, account: str) -> Cancellation | None:
        """The newest intent to cancel of an account."""
        found = await self._cancellations(CANCELLATIONS.c.account == account)
        return found[-1] if found else None

    async def wanted_cancellations(self) -> Sequence[Cancellation]:
        """The intents that are neither confirmed nor ended, oldest first."""
        columns = CANCELLATIONS.c
        return await self._cancellations(columns.confirmed.is_(False), columns.ended.is_(False))

    async def _cancellations(self, *those: sa.ColumnElement[bool]) -> Sequence[Cancellation]:
        query = sa.select(CANCELLATIONS).where(*those).order_by(CANCELLATIONS.c.create_time)
        return [rows.cancellation_from(row) for row in _plain(await self._connection.execute(query))]

    async def decision(self, order_id: str) -> StoredDecision | None:
        """The decision on an order."""
        row = await find_row(self._connection, sa.select(DECISIONS).where(DECISIONS.c.order_id == order_id))
        return None if row is None else decision_from(row)

    async def decisions(
        self, wanted: DecisionFilter, after: tuple[str, ...] | None, size: int
    ) -> Sequence[StoredDecision]:
        """Decisions, newest first; two of the same time in the order of their ids."""
        columns = DECISIONS.c
        those = [columns.account == wanted.account]
        if wanted.denied_only:
            those.append(columns.approved.is_(False))
        if wanted.instrument:
            those.append(columns.instrument == wanted.instrument)
        if wanted.start_time is not None:
            those.append(columns.decide_time >= wanted.start_time)
        if wanted.end_time is not None:
            those.append(columns.decide_time < wanted.end_time)
        if after is not None:
            at, order_id = datetime.fromisoformat(after[0]), after[1]
            earlier = columns.decide_time < at
            those.append(sa.or_(earlier, sa.and_(columns.decide_time == at, columns.order_id < order_id)))
        query = sa.select(DECISIONS).where(*those)
        query = query.order_by(columns.decide_time.desc(), columns.order_id.desc()).limit(size)
        return [decision_from(row) for row in _plain(await self._connection.execute(query))]

    async def open_trade(self, account: str, traded: Traded, strategy: str) -> OpenTrade | None:
        """The trade of a strategy in an instrument that goes on."""
        key = {"account": account, "instrument": str(traded.instrument), "strategy": strategy}
        row = await row_at(self._connection, OPEN_TRADES, key)
        return None if row is None else trade_rows.open_trade_from(row, traded)

    async def closed_trades(self, account: str, since: datetime) -> Sequence[ClosedTrade]:
        """Trades of an account that closed at that time or later, oldest first."""
        columns = CLOSED_TRADES.c
        query = sa.select(CLOSED_TRADES).where(columns.account == account, columns.close_time >= since)
        found = await self._connection.execute(query.order_by(columns.close_time))
        return [trade_rows.closed_trade_from(row) for row in _plain(found)]

    async def recent(self, order: OrderTerms, limits: Limits, now: datetime) -> Recent:
        """What the account did shortly before, as far as the limits ask."""
        orders, duplicate = 0, ""
        if limits.max_order_rate:
            orders = await self._orders_since(order, now - limits.order_rate_window)
        if limits.duplicate_window and not order.reduce_only and not order.group:
            duplicate = await self._duplicate_since(order, now - limits.duplicate_window)
        return Recent(orders, duplicate)

    async def _orders_since(self, order: OrderTerms, since: datetime) -> int:
        return int(await _COUNT.value(self._connection, {"account": order.account, "since": since}))

    async def _duplicate_since(self, order: OrderTerms, since: datetime) -> str:
        names = ("account", "quantity", "limit_price", "trigger_price")
        alike = {"instrument": str(order.instrument), "side": order.side.name, "since": since}
        alike |= {name: getattr(order, name) for name in names}
        return await _EQUAL.value(self._connection, alike) or ""

    async def _found(self, account: str) -> tuple[Tokens, AccountFacts]:
        found = await _TOKENS.rows(self._connection, {"own": account, "everybody": EVERYBODY})
        tokens = {row["account"]: row["token"] for row in found}
        key = (tokens.get(account, ""), tokens.get(EVERYBODY, ""))
        return key, await self._under(key, account)

    async def _under(self, key: Tokens, account: str) -> AccountFacts:
        """The facts under these tokens, which the database holds now."""
        facts = self._remembered.find(account, key)
        if facts is None:
            facts = await self._load(account)
            self._remembered.put(key, facts)
        return facts

    async def _load(self, account: str) -> AccountFacts:
        limits = await find_row(
            self._connection,
            sa.select(LIMITS).where(LIMITS.c.account == account).order_by(LIMITS.c.version.desc()).limit(1),
        )
        day = await find_row(self._connection, sa.select(DAYS).where(DAYS.c.account == account))
        return AccountFacts(
            account=account,
            limits=None if limits is None else rows.limits_from(limits),
            trading=await self.trading(account),
            everybody=await self.trading(EVERYBODY),
            state=await self._state(account),
            day=None if day is None else rows.day_from(day),
            locks=await self._locks(account),
            protections=await self._protections(account),
        )

    async def _locks(self, account: str) -> tuple[Lock, ...]:
        columns = LOCKS.c
        query = sa.select(LOCKS).where(columns.account == account).order_by(columns.create_time.desc())
        return tuple(trade_rows.lock_from(row) for row in _plain(await self._connection.execute(query)))

    async def _protections(self, account: str) -> Protections:
        columns = PROTECTIONS.c
        query = sa.select(PROTECTIONS).where(columns.account == account)
        row = await find_row(self._connection, query.order_by(columns.version.desc()).limit(1))
        return Protections() if row is None else trade_rows.protections_from(row)

    async def _state(self, account: str) -> AccountState:
        holdings, positions, reservations = [
            _plain(await self._connection.execute(sa.select(table).where(table.c.account == account)))
            for table in (HOLDINGS, POSITIONS, RESERVATIONS)
        ]
        return AccountState.of(
            {(row["venue"], row["asset"]): row["quantity"] for row in holdings},
            (rows.position_from(row) for row in positions),
            (rows.reservation_from(row) for row in reservations),
        )


def _plain(result: sa.CursorResult[Any]) -> Sequence[Mapping[str, Any]]:
    return [{str(column): value for column, value in row.items()} for row in result.mappings()]
