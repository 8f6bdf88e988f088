"""The orchestrator's state, in the database."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.chassis.persistence import Connection, Database, Prepared, announce, insert_if_absent
from services.chassis.persistence.age_limit import AgeLimit
from services.kernel.clock import Clock
from services.orchestrator.domain.cycle import FINAL, ZERO, Cycle, CycleState
from services.orchestrator.domain.order import OrderPhase, OrderView
from services.orchestrator.domain.trading import Trading, TradingMode
from services.orchestrator.ports import CycleQuery, NumberedCycle, Tally, Watched
from services.orchestrator.storage.rows import cycle_from, cycle_row
from services.orchestrator.storage.tables import CYCLES, ORDERS_SEEN, PENDING_CANCELS, TRADING

CHANGED = "orchestrator"
_FINAL = tuple(state.name for state in FINAL)
_SIGNALLED, _CHECKED, _ORDERED = (
    CYCLES.c.state == state.name for state in (CycleState.SIGNALLED, CycleState.CHECKED, CycleState.ORDERED)
)

_TRADING = Prepared(sa.select(TRADING).where(TRADING.c.account == sa.bindparam("account")))
_CYCLE = Prepared(sa.select(CYCLES).where(CYCLES.c.cycle_id == sa.bindparam("cycle_id")))
_CYCLE_OF_ORDER = Prepared(sa.select(CYCLES).where(CYCLES.c.order_name == sa.bindparam("order_name")))
_UNPLACED = Prepared(sa.select(CYCLES).where(sa.or_(_SIGNALLED, _CHECKED)).order_by(CYCLES.c.number))
_WATCHED = Prepared(sa.select(CYCLES.c.order_name, CYCLES.c.strategy).where(sa.or_(_CHECKED, _ORDERED)))
_PUT_CYCLE = Prepared(sa.update(CYCLES).where(CYCLES.c.cycle_id == sa.bindparam("put_cycle_id")))
_ORDER_SEEN = Prepared(sa.select(ORDERS_SEEN).where(ORDERS_SEEN.c.name == sa.bindparam("name")))
# What was seen serves only a cycle whose order is being placed.
_FORGET_ORDERS_SEEN = Prepared(
    sa.delete(ORDERS_SEEN).where(
        sa.or_(ORDERS_SEEN.c.name == sa.bindparam("order_name"), ~sa.exists().where(_CHECKED))
    )
)


class SqlReader:
    """The state as one connection sees it.

    Args:
        connection: the connection.
        account: id of the account that is traded.
    """

    def __init__(self, connection: Connection, account: str) -> None:
        self._connection = connection
        self._account = account

    async def trading(self) -> Trading:
        """The mode.

        Raises:
            LookupError: :meth:`SqlWriter.begin` was never called: a fault of ours.
        """
        row = await _TRADING.row(self._connection, {"account": self._account})
        if row is None:
            msg = f"no trading mode is stored for {self._account}"
            raise LookupError(msg)
        return Trading(TradingMode(row["mode"]), row["reason"], row["update_time"])

    async def cycle(self, cycle_id: UUID) -> Cycle | None:
        """One cycle."""
        row = await _CYCLE.row(self._connection, {"cycle_id": str(cycle_id)})
        return None if row is None else cycle_from(row)

    async def cycle_of_order(self, order: str) -> Cycle | None:
        """The cycle that placed an order."""
        row = await _CYCLE_OF_ORDER.row(self._connection, {"order_name": order})
        return None if row is None else cycle_from(row)

    async def unplaced(self) -> Sequence[Cycle]:
        """Cycles that have no order yet and are not final, oldest first."""
        return [cycle_from(row) for row in await _UNPLACED.rows(self._connection)]

    async def watched(self) -> Watched:
        """What the cycles want to hear of orders."""
        rows = await _WATCHED.rows(self._connection)
        return Watched(
            orders=frozenset(row["order_name"] for row in rows if row["order_name"]),
            placing=frozenset(row["strategy"] for row in rows if not row["order_name"]),
        )

    async def cycles(self, query: CycleQuery) -> Sequence[NumberedCycle]:
        """Cycles, newest first."""
        statement = sa.select(CYCLES).order_by(CYCLES.c.number.desc()).limit(query.limit)
        if query.before is not None:
            statement = statement.where(CYCLES.c.number < query.before)
        if query.states:
            statement = statement.where(CYCLES.c.state.in_([state.name for state in query.states]))
        rows = await self._connection.execute(statement)
        return [NumberedCycle(row["number"], cycle_from(row)) for row in rows.mappings()]

    async def tally(self) -> Tally:
        """Counts."""
        total, filled, running = (
            await self._connection.execute(
                sa.select(
                    sa.func.count(),
                    sa.func.count().filter(CYCLES.c.filled_quantity != ZERO),
                    sa.func.count().filter(CYCLES.c.state.not_in(_FINAL)),
                ).select_from(CYCLES)
            )
        ).one()
        newest = await self.cycles(CycleQuery(before=None, states=(), limit=1))
        return Tally(total, filled, running, newest[0].cycle if newest else None)

    async def pending_cancels(self) -> Sequence[str]:
        """Orders whose cancel the venue has not confirmed."""
        rows = await self._connection.execute(
            sa.select(PENDING_CANCELS.c.order_name).order_by(PENDING_CANCELS.c.order_name)
        )
        return [row.order_name for row in rows]

    async def order_seen(self, order: str) -> OrderView | None:
        """The newest version of an order that the exchange has reported."""
        row = await _ORDER_SEEN.row(self._connection, {"name": order})
        return None if row is None else OrderView(**{**row, "phase": OrderPhase(row["phase"])})


class SqlWriter(SqlReader):
    """The state inside one write transaction; whoever opened it commits it."""

    async def begin(self, mode: TradingMode, now: datetime) -> None:
        """Store the first mode; one that is there already stays."""
        await insert_if_absent(
            self._connection,
            TRADING,
            {"account": self._account, "mode": mode.value, "reason": "first start", "update_time": now},
        )

    async def put_trading(self, trading: Trading) -> None:
        """Store the mode."""
        values = {**asdict(trading), "mode": trading.mode.value}
        await self._connection.execute(
            sa.update(TRADING).where(TRADING.c.account == self._account).values(**values)
        )
        announce(self._connection, CHANGED)

    async def add_cycle(self, cycle: Cycle) -> bool:
        """Store a new cycle; False where the signal has one."""
        announce(self._connection, CHANGED)
        return await insert_if_absent(self._connection, CYCLES, cycle_row(cycle))

    async def put_cycle(self, cycle: Cycle) -> None:
        """Store a cycle in place of its former state."""
        await _PUT_CYCLE.run(self._connection, {"put_cycle_id": str(cycle.id), **cycle_row(cycle)})
        if cycle.state is not CycleState.CHECKED:
            await _FORGET_ORDERS_SEEN.run(self._connection, {"order_name": cycle.order})

    async def put_order_seen(self, order: OrderView) -> None:
        """Remember an order, unless a newer version is known."""
        values: Mapping[str, Any] = {**asdict(order), "phase": order.phase.value}
        if not await insert_if_absent(self._connection, ORDERS_SEEN, values):
            older = (ORDERS_SEEN.c.name == order.name) & (ORDERS_SEEN.c.version < order.version)
            await self._connection.execute(sa.update(ORDERS_SEEN).where(older).values(**values))

    async def put_pending_cancels(self, orders: Sequence[str]) -> None:
        """Replace the orders whose cancel is not confirmed."""
        await self._connection.execute(sa.delete(PENDING_CANCELS))
        if orders:
            await self._connection.execute(
                sa.insert(PENDING_CANCELS), [{"order_name": order} for order in orders]
            )


class SqlStore:
    """The state in a database.

    Args:
        database: the database.
        account: id of the account that is traded.
    """

    def __init__(self, database: Database, account: str) -> None:
        self._database = database
        self._account = account

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlReader]:
        """Open a snapshot."""
        async with self._database.read() as connection:
            yield SqlReader(connection, self._account)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[SqlWriter]:
        """Open a write transaction."""
        async with self._database.write() as connection:
            yield SqlWriter(connection, self._account)

    def changes(self) -> int:
        """Number of commits so far that changed a cycle or the mode."""
        return self._database.notices.version(CHANGED)

    async def wait_for_change(self, seen: int, timeout: float) -> None:  # noqa: ASYNC109 - waits at most so long, and says nothing
        """Wait until :meth:`changes` is above ``seen``, or ``timeout`` seconds are over."""
        await self._database.notices.wait(CHANGED, seen, timeout)


def old_cycles(database: Database, clock: Clock, keep: timedelta) -> AgeLimit:
    """Forgets cycles that are final and began longer ago than that."""
    return AgeLimit(
        database, clock, keep, table=CYCLES, time=CYCLES.c.create_time, stays=CYCLES.c.state.not_in(_FINAL)
    )
