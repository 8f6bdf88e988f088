"""The use cases of the strategy service."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass

from services.kernel.clock import Clock, IdSource
from services.kernel.names import StrategyName
from services.strategy.domain.signal import Signal
from services.strategy.domain.strategy import Definition, Strategy, StrategyState, exists
from services.strategy.ports import Session, StrategyStore


class StrategyCommands:
    """The mutations, each in a write transaction of whoever calls.

    Args:
        store: the strategies.
        clock: our time.
        ids: fresh identifiers.
    """

    def __init__(self, store: StrategyStore, clock: Clock, ids: IdSource) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def create(self, session: Session, name: StrategyName, definition: Definition) -> Strategy:
        """A new strategy, disabled."""
        if await session.strategy(name) is not None:
            raise exists(name)
        strategy = self._fresh(name, definition, StrategyState.DISABLED)
        await session.put(strategy)
        await session.begin_anew(name, strategy.create_time)
        return strategy

    async def update(
        self, session: Session, name: StrategyName, etag: str, redefine: Callable[[Definition], Definition]
    ) -> Strategy:
        """Another definition for a disabled strategy."""
        present = await _present(session, name)
        present.check_etag(etag)
        changed = present.redefined(redefine(present.definition), self._etag(), self._clock.now())
        await session.put(changed)
        return changed

    async def set_state(self, session: Session, name: StrategyName, state: StrategyState) -> Strategy:
        """Enable or disable; what is so already stays as it is."""
        present = await _present(session, name)
        now = self._clock.now()
        changed = present.in_state(state, self._etag(), now)
        if changed is not present:
            await session.put(changed)
            await session.begin_anew(name, now)
        return changed

    async def delete(self, session: Session, name: StrategyName, etag: str) -> None:
        """Remove a disabled strategy; its signals stay."""
        present = await _present(session, name)
        present.check_etag(etag)
        present.check_disabled()
        await session.delete(name)

    async def create_at_first_start(self, name: StrategyName, definition: Definition) -> Strategy | None:
        """The strategy that a new database begins with, enabled.

        Returns:
            None where there is or ever was one of this name.
        """
        async with self._store.write() as session:
            if await session.ever_known(name):
                return None
            strategy = self._fresh(name, definition, StrategyState.ENABLED)
            await session.put(strategy)
            return strategy

    def _fresh(self, name: StrategyName, definition: Definition, state: StrategyState) -> Strategy:
        now = self._clock.now()
        return Strategy(name, definition, state, self._etag(), now, now)

    def _etag(self) -> str:
        return self._ids.new().hex


class StrategyReads:
    """The reads.

    Args:
        store: the strategies and their signals.
    """

    def __init__(self, store: StrategyStore) -> None:
        self._store = store

    async def strategy(self, name: StrategyName) -> Strategy:
        """One strategy."""
        found = await self._store.strategy(name)
        if found is None:
            raise name.not_found()
        return found

    async def strategies(self, limit: int, after: str | None = None) -> tuple[Sequence[Strategy], bool]:
        """A page of strategies by id, after an id, and whether there are more."""
        found = await self._store.strategies(after or "", limit + 1)
        return found[:limit], len(found) > limit

    async def signals(
        self, name: StrategyName, limit: int, before: int | None = None
    ) -> tuple[Sequence[Signal], bool]:
        """A page of a strategy's signals, newest first, before a sequence, and whether there are more."""
        found = await self._store.signals_before(name, before, limit + 1)
        if not found and before is None:
            # The signals of a deleted strategy stay; without any, it must be there.
            await self.strategy(name)
        return found[:limit], len(found) > limit


@dataclass(frozen=True, slots=True)
class Beat:
    """Nothing happened for a while."""


@dataclass(frozen=True, slots=True)
class Drained:
    """The server ends the stream."""


Frame = Signal | Beat | Drained
_PAGE = 500


class SignalStreams:
    """WatchSignals: from the store, so that it does not matter which instance wrote a signal.

    Args:
        store: the signals.
        poll: seconds after which the store is read again, for signals of other instances.
        heartbeat: longest silence in seconds.
    """

    def __init__(self, store: StrategyStore, *, poll: float = 0.5, heartbeat: float = 5.0) -> None:
        self._store = store
        self._poll = poll
        self._heartbeat = heartbeat
        self._draining = False

    async def watch(self, name: StrategyName, after: int) -> AsyncGenerator[Frame, None]:
        """Every signal after a sequence, then each new one, until the caller goes.

        Raises:
            DomainError: STRATEGY_NOT_FOUND.
        """
        if not await self._store.signals_after(name, 0, 1) and await self._store.strategy(name) is None:
            raise name.not_found()
        loop = asyncio.get_running_loop()
        quiet_until = loop.time() + self._heartbeat
        while True:
            seen = self._store.signal_version()
            page = await self._store.signals_after(name, after, _PAGE)
            for signal in page:
                yield signal
                after = signal.sequence
            if page:
                quiet_until = loop.time() + self._heartbeat
                continue
            if self._draining:
                yield Drained()
                return
            if loop.time() >= quiet_until:
                yield Beat()
                quiet_until = loop.time() + self._heartbeat
            await self._store.signal_changed(seen, min(self._poll, self._heartbeat))

    def drain(self) -> None:
        """End every stream after what is there."""
        self._draining = True
        self._store.wake_signal_readers()


async def _present(session: Session, name: StrategyName) -> Strategy:
    found = await session.strategy(name)
    if found is None:
        raise name.not_found()
    return found
