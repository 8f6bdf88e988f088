"""What the strategy service keeps, on both databases."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from trademesh.strategy.v1 import signal_pb2

from services.chassis.events import outbox
from services.chassis.persistence import assert_schema_current
from services.strategy.domain.signal import SignalDraft, drafted
from services.strategy.domain.sma import Crossing, Side
from services.strategy.domain.strategy import Strategy, StrategyState
from services.strategy.ports import Lease, LeaseLostError, Position, StrategyChangedError
from services.strategy.storage.tables import METADATA
from tests.support.strategy import CROSS, DEFINITION, START, ScriptedStrategies, candle, opened, wired

_LATER = START + timedelta(seconds=10)


async def _enabled(made: ScriptedStrategies) -> Strategy:
    strategy = await made.commands.create_at_first_start(CROSS, DEFINITION)
    assert strategy is not None
    return strategy


def _draft(strategy: Strategy, second: int = 1) -> SignalDraft:
    crossing = Crossing(Side.BUY, Decimal("100.12345678"), Decimal(99))
    return drafted(strategy, candle(second, "100"), crossing, uuid4(), f"cause-{second}")


def _position(second: int = 1, run: int = 1) -> Position:
    return Position(run, START + timedelta(seconds=second), 1)


async def _lease(made: ScriptedStrategies, holder: str = "here") -> Lease:
    lease = await made.runners.acquire(CROSS, holder, made.clock.now(), _LATER)
    assert lease is not None
    return lease


async def test_migrations_make_the_tables_that_the_code_speaks_of(database_url: str) -> None:
    async with opened(database_url) as database:
        await assert_schema_current(database, METADATA)


async def test_a_signal_its_event_and_the_place_are_one(database_url: str) -> None:
    async with opened(database_url) as database:
        made = wired(database)
        strategy, lease = await _enabled(made), await _lease(made)
        draft = _draft(strategy)
        signal = await made.runners.advance(lease, strategy, _position(), START, draft)
        assert signal is not None
        assert signal.sequence == 1
        assert await made.store.signals_after(CROSS, 0, 9) == [signal]
        assert await made.runners.position(CROSS) == _position()
        async with database.read() as connection:
            (event,) = (await outbox.page(connection, 0, 9, "")).events
        payload = signal_pb2.Signal()
        assert event.payload.Unpack(payload)
        assert (payload.name, payload.sequence, payload.fast_average) == (signal.name, 1, "100.12345678")
        assert (event.subject, event.correlation_id) == (signal.name, "cause-1")


async def test_a_candle_has_one_signal_in_a_run(database_url: str) -> None:
    async with opened(database_url) as database:
        made = wired(database)
        strategy, lease = await _enabled(made), await _lease(made)
        assert await made.runners.advance(lease, strategy, _position(), START, _draft(strategy))
        assert await made.runners.advance(lease, strategy, _position(), START, _draft(strategy)) is None
        await made.runners.begin_run(lease, START)
        assert await made.runners.position(CROSS) == Position(2, None, 0)
        again = await made.runners.advance(lease, strategy, _position(run=2), START, _draft(strategy))
        assert again is not None
        assert again.sequence == 2


async def test_an_owner_that_lost_its_lease_writes_nothing(database_url: str) -> None:
    async with opened(database_url) as database:
        made = wired(database)
        strategy, old = await _enabled(made), await _lease(made)
        made.clock.move(11)
        new = await _lease(made, "there")
        assert new.fence == old.fence + 1
        assert not await made.runners.renew(old, _LATER)
        with pytest.raises(LeaseLostError):
            await made.runners.advance(old, strategy, _position(), START, _draft(strategy))
        with pytest.raises(LeaseLostError):
            await made.runners.begin_run(old, START)
        assert await made.signals() == []
        assert await made.runners.advance(new, strategy, _position(), START, _draft(strategy))


async def test_a_lease_is_free_when_given_back_or_run_out(database_url: str) -> None:
    async with opened(database_url) as database:
        made = wired(database)
        await _enabled(made)
        lease = await _lease(made)
        taken = await made.runners.acquire(CROSS, "there", made.clock.now(), _LATER)
        # A SQLite file has one process, so whoever else held the lease is dead.
        assert (taken is None) == (database.backend == "postgresql")
        if taken is None:
            await made.runners.release(lease)
            assert await made.runners.acquire(CROSS, "there", made.clock.now(), _LATER)


@pytest.mark.parametrize("state", StrategyState)
async def test_a_strategy_that_was_changed_sends_nothing(database_url: str, state: StrategyState) -> None:
    async with opened(database_url) as database:
        made = wired(database)
        strategy, lease = await _enabled(made), await _lease(made)
        await made.set_state(StrategyState.DISABLED)
        if state is StrategyState.ENABLED:
            await made.set_state(StrategyState.ENABLED)
        with pytest.raises(StrategyChangedError):
            await made.runners.advance(lease, strategy, _position(), START, _draft(strategy))
        assert await made.signals() == []


async def test_the_default_does_not_come_back_after_a_delete(database_url: str) -> None:
    async with opened(database_url) as database:
        made = wired(database)
        await _enabled(made)
        await made.set_state(StrategyState.DISABLED)
        async with made.store.write() as session:
            await made.commands.delete(session, CROSS, "")
        assert await made.commands.create_at_first_start(CROSS, DEFINITION) is None
