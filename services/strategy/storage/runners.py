"""Leases, places and new signals in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.events import outbox
from services.chassis.persistence import Database, Prepared, Row, announce, change_row, row_at
from services.kernel.names import StrategyName
from services.strategy import convert
from services.strategy.domain.signal import Signal, SignalDraft
from services.strategy.domain.strategy import Strategy, StrategyState
from services.strategy.ports import Lease, LeaseLostError, Position, StrategyChangedError
from services.strategy.storage.rows import signal_values, strategy_of
from services.strategy.storage.strategies import SIGNALS_TOPIC, STRATEGIES_TOPIC, find_strategy
from services.strategy.storage.tables import RUNNER, SIGNAL, STRATEGY

_ENABLED = Prepared(select(STRATEGY).where(STRATEGY.c.state == StrategyState.ENABLED.value))


class SqlRunnerStore:
    """What the runners keep; see :class:`services.strategy.ports.RunnerStore`.

    The lease's time only says when another instance may try. What protects the data is the fence:
    write transactions are serial, and each one of a runner checks that its fence is still the
    strategy's.

    Args:
        database: the service's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        # A SQLite file belongs to one process: whoever held the lease before is dead.
        self._alone = database.backend == "sqlite"

    async def enabled(self) -> Sequence[Strategy]:
        """All enabled strategies."""
        async with self._database.read() as connection:
            return [strategy_of(row) for row in await _ENABLED.rows(connection)]

    async def acquire(self, name: StrategyName, holder: str, now: datetime, until: datetime) -> Lease | None:
        """Take the strategy's lease where it is free or run out."""
        async with self._database.write() as connection:
            row = await _runner(connection, name)
            held = row["lease_until"] is not None and row["lease_until"] > now and row["holder"] != holder
            if held and not self._alone:
                return None
            lease = Lease(name, row["fence"] + 1)
            values = {"holder": holder, "fence": lease.fence, "lease_until": until, "update_time": now}
            await connection.execute(update(RUNNER).where(_of(name)).values(**values))
            return lease

    async def renew(self, lease: Lease, until: datetime) -> bool:
        """Keep the lease; False where somebody else has it."""
        return await self._set_lease(lease, until)

    async def release(self, lease: Lease) -> None:
        """Give the lease back."""
        await self._set_lease(lease, None)

    async def position(self, name: StrategyName) -> Position:
        """How far the strategy has come."""
        async with self._database.read() as connection:
            row = await _runner(connection, name)
        return Position(row["run"], row["last_open_time"], row["trend"])

    async def begin_run(self, lease: Lease, now: datetime) -> None:
        """Begin a new run, since the venue's clock went back.

        Raises:
            LeaseLostError: somebody else runs the strategy.
        """
        async with self._database.write() as connection:
            row = await _held(connection, lease)
            values = {"run": row["run"] + 1, "last_open_time": None, "trend": 0, "update_time": now}
            await connection.execute(update(RUNNER).where(_of(lease.strategy)).values(**values))

    async def advance(
        self,
        lease: Lease,
        strategy: Strategy,
        position: Position,
        now: datetime,
        draft: SignalDraft | None = None,
    ) -> Signal | None:
        """In one transaction: the strategy has processed a candle, and sends a signal, or none.

        Raises:
            LeaseLostError: somebody else runs the strategy.
            StrategyChangedError: it is not this strategy any more.
        """
        async with self._database.write() as connection:
            await _held(connection, lease)
            present = await find_strategy(connection, strategy.name)
            if present is None or present.etag != strategy.etag or present.state is not StrategyState.ENABLED:
                raise StrategyChangedError(str(strategy.name))
            values = {
                "last_open_time": position.last_open_time,
                "trend": position.trend,
                "update_time": now,
            }
            await change_row(connection, RUNNER, {"strategy_id": lease.strategy.strategy}, values)
            if draft is None or position.last_open_time is None:
                return None
            return await _Place(position.run, position.last_open_time).write(connection, draft, now)

    def strategies_version(self) -> int:
        """A number that changes with each change of a strategy in this process."""
        return self._database.notices.version(STRATEGIES_TOPIC)

    async def strategies_changed(self, seen: int, within: float) -> bool:
        """Wait until that number is another; False after ``within`` seconds."""
        return await self._database.notices.wait(STRATEGIES_TOPIC, seen, within)

    async def _set_lease(self, lease: Lease, until: datetime | None) -> bool:
        async with self._database.write() as connection:
            mine = _of(lease.strategy) & (RUNNER.c.fence == lease.fence)
            result = await connection.execute(update(RUNNER).where(mine).values(lease_until=until))
            return bool(result.rowcount == 1)


@dataclass(frozen=True, slots=True)
class _Place:
    """The one candle of one run that a signal belongs to."""

    run: int
    open_time: datetime

    async def write(self, connection: AsyncConnection, draft: SignalDraft, now: datetime) -> Signal | None:
        """The signal and its event; None where the candle has had its signal."""
        same = (
            (SIGNAL.c.strategy_id == draft.strategy.strategy)
            & (SIGNAL.c.run == self.run)
            & (SIGNAL.c.candle_open_time == self.open_time)
        )
        if (await connection.execute(select(SIGNAL.c.sequence).where(same))).one_or_none() is not None:
            return None
        # Write transactions are serial: nobody takes this number in between.
        last = (await connection.execute(select(func.max(SIGNAL.c.sequence)))).scalar_one_or_none()
        signal = Signal(draft, now, (last or 0) + 1)
        await connection.execute(insert(SIGNAL).values(**signal_values(signal, self.run, self.open_time)))
        await outbox.append(
            connection,
            convert.signal_to_proto(signal),
            subject=signal.name,
            now=now,
            correlation_id=draft.correlation_id,
            event_id=draft.signal_id,
        )
        announce(connection, SIGNALS_TOPIC)
        return signal


def _of(name: StrategyName) -> Any:
    return RUNNER.c.strategy_id == name.strategy


async def _runner(connection: AsyncConnection, name: StrategyName) -> Row:
    row = await row_at(connection, RUNNER, {"strategy_id": name.strategy})
    if row is None:
        msg = f"{name} has no runner"
        raise LookupError(msg)
    return row


async def _held(connection: AsyncConnection, lease: Lease) -> Row:
    row = await _runner(connection, lease.strategy)
    if row["fence"] != lease.fence:
        holder = row["holder"]
        raise LeaseLostError(f"{lease.strategy} is run by {holder}")
    return row
