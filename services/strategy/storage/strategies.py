"""Strategies and signals in the database."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.persistence import Database, announce, insert_if_absent, put_row, row_at
from services.chassis.persistence.age_limit import AgeLimit
from services.kernel.clock import Clock
from services.kernel.names import StrategyName
from services.strategy.domain.signal import Signal
from services.strategy.domain.strategy import Strategy
from services.strategy.storage.rows import (
    signal_of,
    strategy_of,
    strategy_values,
)
from services.strategy.storage.tables import RUNNER, SIGNAL, STRATEGY

STRATEGIES_TOPIC = "strategies"
SIGNALS_TOPIC = "signals"


class SqlSession:
    """One write transaction on the strategies; see :class:`services.strategy.ports.Session`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def strategy(self, name: StrategyName) -> Strategy | None:
        """The strategy, if there is one."""
        return await find_strategy(self._connection, name)

    async def put(self, strategy: Strategy) -> None:
        """Create or replace a strategy."""
        key = {"strategy_id": strategy.name.strategy}
        await put_row(self._connection, STRATEGY, key, strategy_values(strategy))
        row = {
            "strategy_id": strategy.name.strategy,
            "holder": "",
            "fence": 0,
            "lease_until": None,
            "run": 1,
            "last_open_time": None,
            "trend": 0,
            "update_time": strategy.update_time,
        }
        await insert_if_absent(self._connection, RUNNER, row)
        announce(self._connection, STRATEGIES_TOPIC)

    async def delete(self, name: StrategyName) -> None:
        """Remove a strategy. Its signals and its place stay."""
        await self._connection.execute(delete(STRATEGY).where(STRATEGY.c.strategy_id == name.strategy))
        announce(self._connection, STRATEGIES_TOPIC)

    async def begin_anew(self, name: StrategyName, now: datetime) -> None:
        """Forget how far the strategy has come."""
        await self._connection.execute(
            update(RUNNER)
            .where(RUNNER.c.strategy_id == name.strategy)
            .values(last_open_time=None, trend=0, update_time=now)
        )

    async def ever_known(self, name: StrategyName) -> bool:
        """Whether there is or was such a strategy."""
        query = select(RUNNER.c.strategy_id).where(RUNNER.c.strategy_id == name.strategy)
        return (await self._connection.execute(query)).one_or_none() is not None


class SqlStrategyStore:
    """The strategies and their signals; see :class:`services.strategy.ports.StrategyStore`.

    Args:
        database: the service's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def write(self) -> AsyncIterator[SqlSession]:
        """One write transaction."""
        async with self._database.write() as connection:
            yield SqlSession(connection)

    async def strategy(self, name: StrategyName) -> Strategy | None:
        """The strategy, if there is one."""
        async with self._database.read() as connection:
            return await find_strategy(connection, name)

    async def strategies(self, after: str, limit: int) -> Sequence[Strategy]:
        """Strategies by id, after an id."""
        query = select(STRATEGY).where(STRATEGY.c.strategy_id > after)
        query = query.order_by(STRATEGY.c.strategy_id).limit(limit)
        async with self._database.read() as connection:
            return [strategy_of(row) for row in (await connection.execute(query)).mappings()]

    async def signals_before(self, name: StrategyName, before: int | None, limit: int) -> Sequence[Signal]:
        """Signals of a strategy, newest first, before a sequence."""
        query = select(SIGNAL).where(SIGNAL.c.strategy_id == name.strategy)
        if before is not None:
            query = query.where(SIGNAL.c.sequence < before)
        query = query.order_by(SIGNAL.c.sequence.desc()).limit(limit)
        async with self._database.read() as connection:
            return [signal_of(row) for row in await connection.execute(query)]

    async def signals_after(self, name: StrategyName, after: int, limit: int) -> Sequence[Signal]:
        """Signals of a strategy, oldest first, after a sequence."""
        query = select(SIGNAL).where(SIGNAL.c.strategy_id == name.strategy, SIGNAL.c.sequence > after)
        query = query.order_by(SIGNAL.c.sequence).limit(limit)
        async with self._database.read() as connection:
            return [signal_of(row) for row in await connection.execute(query)]

    def signal_version(self) -> int:
        """A number that changes with each new signal of this process."""
        return self._database.notices.version(SIGNALS_TOPIC)

    async def signal_changed(self, seen: int, within: float) -> bool:
        """Wait until that number is another; False after ``within`` seconds."""
        return await self._database.notices.wait(SIGNALS_TOPIC, seen, within)

    def wake_signal_readers(self) -> None:
        """Change that number without a signal."""
        self._database.notices.publish(SIGNALS_TOPIC)


def old_signals(database: Database, clock: Clock, keep: timedelta) -> AgeLimit:
    """Forgets signals older than that, but never the newest: the next one takes the number after it."""
    newest = select(func.max(SIGNAL.c.sequence)).scalar_subquery()
    return AgeLimit(
        database, clock, keep, table=SIGNAL, time=SIGNAL.c.create_time, stays=SIGNAL.c.sequence == newest
    )


async def find_strategy(connection: AsyncConnection, name: StrategyName) -> Strategy | None:
    """The strategy, if there is one."""
    row = await row_at(connection, STRATEGY, {"strategy_id": name.strategy})
    return None if row is None else strategy_of(row)
