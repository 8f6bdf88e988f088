"""What accounts hold and set aside, inside one write transaction."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

import sqlalchemy as sa

from services.chassis.persistence import Connection, Prepared, insert_if_absent
from services.risk.domain.account import AccountState
from services.risk.domain.equity import Day
from services.risk.domain.reservation import Holding, Reservation
from services.risk.domain.traded import Traded
from services.risk.domain.trades import ClosedTrade, OpenTrade
from services.risk.ports import AccountFacts, KnownOrders, StoredDecision
from services.risk.storage import rows, trade_rows
from services.risk.storage.decisions import decision_from, decision_row
from services.risk.storage.remembered import RememberedFacts
from services.risk.storage.statements import noting_end, with_ids
from services.risk.storage.tables import (
    CLOSED_TRADES,
    DAYS,
    DECISIONS,
    ENDED_ORDERS,
    HOLDINGS,
    OPEN_TRADES,
    POSITIONS,
    RESERVATIONS,
)
from services.risk.storage.writing import SqlRiskWriter

_INSERT_DECISION = Prepared(sa.insert(DECISIONS))
_DELETE_RESERVATION = Prepared(
    sa.delete(RESERVATIONS).where(RESERVATIONS.c.order_id == sa.bindparam("order_id"))
)
_TRADE_KEY = ("account", "instrument", "strategy")
_DELETE_TRADE = Prepared(
    sa.delete(OPEN_TRADES).where(*(OPEN_TRADES.c[name] == sa.bindparam(name) for name in _TRADE_KEY))
)
Key = TypeVar("Key")
Value = TypeVar("Value")
TradeKey = tuple[str, str, str]


class SqlRiskBook(SqlRiskWriter):
    """What accounts hold and set aside.

    Changes are made in memory; at the end of the transaction each row that changed is written once.

    Args:
        connection: of the transaction.
        remembered: facts in memory.
    """

    def __init__(self, connection: Connection, remembered: RememberedFacts) -> None:
        super().__init__(connection, remembered)
        self._stored: dict[str, AccountFacts] = {}
        self._ended: dict[str, datetime] = {}
        self._trades: dict[TradeKey, OpenTrade | None] = {}
        self._followed: set[TradeKey] = set()

    async def known_orders(self, order_ids: Collection[str]) -> KnownOrders:
        """What is known of order ids."""
        ids = list(order_ids)
        decided: dict[str, StoredDecision] = {}
        over = {order_id for order_id in ids if order_id in self._ended}
        for statement, these in with_ids(DECISIONS, ids):
            found = [decision_from(row) for row in await statement.rows(self._connection, these)]
            decided |= {each.order_id: each for each in found}
        for statement, these in with_ids(ENDED_ORDERS, ids):
            over |= {row["order_id"] for row in await statement.rows(self._connection, these)}
        return KnownOrders(decided, over - decided.keys())

    async def put_decisions(self, facts: AccountFacts, made: Sequence[StoredDecision]) -> None:
        """Store decisions on orders of one account, and the account after them."""
        await _INSERT_DECISION.run_many(self._connection, [decision_row(each) for each in made])
        if facts is not await self.facts(facts.account):
            self._keep(facts)

    async def put_day(self, account: str, day: Day) -> None:
        """Store how an account's day goes."""
        self._keep(replace(await self.facts(account), day=day))

    async def reserve(self, reservation: Reservation) -> None:
        """Set aside for an order that nothing is set aside for."""
        facts = await self.facts(reservation.account)
        self._keep(facts.after(facts.state.reserve(reservation)))

    async def report(
        self, account: str, order_id: str, filled: Decimal, *, ended: bool, now: datetime
    ) -> None:
        """Take in how much of an order is filled and whether it is final."""
        facts = await self.facts(account)
        if order_id in facts.state.claim_of:
            state = facts.state.reported(order_id, filled, ended=ended)
            if state is not facts.state:
                self._keep(facts.after(state))
        elif ended:
            self._ended.setdefault(order_id, now)

    async def add_holdings(self, account: str, changes: Mapping[Holding, Decimal]) -> None:
        """Change what an account holds."""
        facts = await self.facts(account)
        self._keep(facts.after(facts.state.moved(changes)))

    async def add_flow(self, account: str, today: date, held: Holding, change: Decimal) -> None:
        """Note what came in or went out today."""
        facts = await self.facts(account)
        self._keep(replace(facts, day=(facts.day or Day(today)).flowed(today, held, change)))

    async def add_position(self, account: str, traded: Traded, change: Decimal, price: Decimal) -> None:
        """Change what an account has traded of an instrument."""
        facts = await self.facts(account)
        self._keep(facts.after(facts.state.traded(traded, change, price)))

    async def open_trade(self, account: str, traded: Traded, strategy: str) -> OpenTrade | None:
        """The trade of a strategy in an instrument that goes on."""
        key = (account, str(traded.instrument), strategy)
        if key not in self._trades:
            self._trades[key] = await super().open_trade(account, traded, strategy)
        return self._trades[key]

    async def put_open_trade(
        self, account: str, traded: Traded, strategy: str, trade: OpenTrade | None
    ) -> None:
        """Store the trade that goes on, or that none does."""
        key = (account, str(traded.instrument), strategy)
        self._trades[key] = trade
        self._followed.add(key)

    async def add_closed_trade(self, trade: ClosedTrade) -> None:
        """Store a trade that is over."""
        await insert_if_absent(self._connection, CLOSED_TRADES, trade_rows.closed_trade_row(trade))

    async def write_changes(self) -> None:
        """Write what is different from what is stored."""
        for account, before in self._stored.items():
            after = self._seen[account][1]
            if after.state is not before.state:
                await self._write_state(account, before.state, after.state)
            if after.day is not None and after.day != before.day:
                await self._upsert(DAYS, {"account": account}, rows.day_row(after.day))
            await self._changed(after)
        self._stored.clear()
        ended = [{"order_id": order_id, "end_time": now} for order_id, now in self._ended.items()]
        await noting_end(self._connection.dialect.name).run_many(self._connection, ended)
        await self._write_trades()

    async def _write_state(self, account: str, before: AccountState, after: AccountState) -> None:
        holdings = [
            {"account": account, "venue": venue, "asset": asset, "quantity": quantity}
            for (venue, asset), quantity in _news(before.holdings, after.holdings)
        ]
        await self._upsert_all(HOLDINGS, ("account", "venue", "asset"), holdings)
        positions = [
            {"account": account, **rows.position_row(each)}
            for _, each in _news(before.positions, after.positions)
        ]
        await self._upsert_all(POSITIONS, ("account", "instrument"), positions)
        gone, changed = _members(before, after)
        await _DELETE_RESERVATION.run_many(self._connection, [{"order_id": each} for each in gone])
        await self._upsert_all(RESERVATIONS, ("order_id",), [rows.reservation_row(each) for each in changed])

    async def _write_trades(self) -> None:
        keys = {key: dict(zip(_TRADE_KEY, key, strict=True)) for key in self._followed}
        over = [named for key, named in keys.items() if self._trades[key] is None]
        await _DELETE_TRADE.run_many(self._connection, over)
        going = [
            {**named, **trade_rows.open_trade_row(trade)}
            for key, named in keys.items()
            if (trade := self._trades[key]) is not None
        ]
        await self._upsert_all(OPEN_TRADES, _TRADE_KEY, going)
        self._followed.clear()

    def _keep(self, facts: AccountFacts) -> None:
        """Facts that are true from now on; their rows are written at the end."""
        tokens, before = self._seen[facts.account]
        self._stored.setdefault(facts.account, before)
        self._seen[facts.account] = tokens, facts


def _news(before: Mapping[Key, Value], after: Mapping[Key, Value]) -> Iterator[tuple[Key, Value]]:
    """What came, or came to be another one. Values that did not change are the same objects."""
    return ((key, value) for key, value in after.items() if before.get(key) is not value)


def _members(before: AccountState, after: AccountState) -> tuple[Collection[str], Sequence[Reservation]]:
    """Orders that nothing is set aside for any more, and reservations that came or changed."""
    changed = dict(_news(before.claims, after.claims))
    left = [claim for key, claim in before.claims.items() if key in changed or key not in after.claims]
    old = {member.order_id: member for claim in left for member in claim.members}
    new = {member.order_id: member for claim in changed.values() for member in claim.members}
    return old.keys() - new.keys(), [member for _, member in _news(old, new)]
