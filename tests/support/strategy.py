"""A strategy service on scripted candles: everything real but the market."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from prometheus_client import CollectorRegistry
from trademesh.strategy.v1 import strategy_service_pb2_grpc

from services.chassis.events import outbox_binding
from services.chassis.ids import UuidSource
from services.chassis.persistence import Database
from services.chassis.persistence.requests import Once
from services.chassis.rpc.server import Binding
from services.kernel.names import InstrumentName, StrategyName
from services.strategy.domain.signal import ClosedCandle
from services.strategy.domain.sma import SmaCross
from services.strategy.domain.strategy import Definition, Strategy, StrategyState
from services.strategy.handlers import SignalStreams, StrategyCommands, StrategyReads
from services.strategy.metrics import StrategyMetrics
from services.strategy.pool import RunnerPool
from services.strategy.ports import MarketLostError
from services.strategy.runner import RunnerLimits, RunnerParts
from services.strategy.servicer import StrategyServicer
from services.strategy.storage.runners import SqlRunnerStore
from services.strategy.storage.strategies import SqlSession, SqlStrategyStore
from services.strategy.storage.tables import REQUESTS
from tests.support.market import SteppedClock

MIGRATIONS = "services.strategy.storage.migrations"
BTC = InstrumentName("sim", "btc-usdt")
CROSS = StrategyName("cross")
START = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
RULE = SmaCross(1, 2)
DEFINITION = Definition(BTC, "1s", Decimal("0.01"), RULE)
"""The last close against the mean of the last two: it turns with every turn of the price."""


def candle(second: int, close: str) -> ClosedCandle:
    opened = START + timedelta(seconds=second)
    return ClosedCandle(opened, opened + timedelta(seconds=1), Decimal(close))


def candles(first: int, *closes: str) -> list[ClosedCandle]:
    return [candle(second, close) for second, close in enumerate(closes, start=first)]


class ScriptedCandles:
    """A market that holds what the test put into it, and can be lost."""

    def __init__(self, past: Sequence[ClosedCandle] = ()) -> None:
        self.kept = list(past)
        self.lost = False
        self.venue_time: datetime | None = None
        self.watches = 0
        self._cuts = 0
        self._changed = asyncio.Event()

    def close(self, *more: ClosedCandle) -> None:
        """Candles that close now."""
        self.kept += more
        self._wake()

    def lose(self) -> None:
        """Cut every stream and refuse calls."""
        self.lost = True
        self._cuts += 1
        self._wake()

    def find(self) -> None:
        """Answer again."""
        self.lost = False

    def begin_anew(self, past: Sequence[ClosedCandle]) -> None:
        """A venue that starts over, with an earlier clock."""
        self.lose()
        self.kept = list(past)
        self.find()

    async def exchange_time(self, instrument: InstrumentName) -> datetime:
        self._check()
        if self.venue_time is not None:
            return self.venue_time
        return self.kept[-1].close_time if self.kept else START

    async def closed(
        self, instrument: InstrumentName, interval: str, count: int, until: datetime | None
    ) -> Sequence[ClosedCandle]:
        self._check()
        return [each for each in self.kept if until is None or each.open_time <= until][-count:]

    async def watch(
        self, instrument: InstrumentName, interval: str, after: datetime
    ) -> AsyncGenerator[ClosedCandle, None]:
        self.watches += 1
        sent, cuts = after, self._cuts
        while True:
            changed = self._changed
            self._check()
            if cuts != self._cuts:
                raise MarketLostError("cut")
            for each in [each for each in self.kept if each.open_time > sent]:
                sent = each.open_time
                yield each
            await changed.wait()

    def _check(self) -> None:
        if self.lost:
            raise MarketLostError("cut")

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


@dataclass(frozen=True, slots=True)
class ScriptedStrategies:
    """A strategy service without a server.

    Attributes:
        database: its database.
        market: the scripted market.
        clock: our time.
        commands: its mutations.
        store: its strategies and signals.
        runners: what its runners keep.
        parts: what its runners stand on.
        servicer: what to serve.
        registry: its metrics.
    """

    database: Database
    market: ScriptedCandles
    clock: SteppedClock
    commands: StrategyCommands
    store: SqlStrategyStore
    runners: SqlRunnerStore
    parts: RunnerParts
    servicer: StrategyServicer
    registry: CollectorRegistry

    @property
    def bindings(self) -> list[Binding]:
        return [
            Binding(
                self.servicer,
                strategy_service_pb2_grpc.add_StrategyServiceServicer_to_server,
            ),
            outbox_binding(self.database),
        ]

    def pool(self, holder: str = "here") -> RunnerPool:
        return RunnerPool(self.parts, holder, poll=0.02)

    async def set_state(self, state: StrategyState, name: StrategyName = CROSS) -> Strategy:
        """Enable or disable a strategy."""
        async with self.store.write() as session:
            return await self.commands.set_state(session, name, state)

    async def signals(self, name: StrategyName = CROSS) -> list[tuple[str, str]]:
        """Side and reference price of every signal, oldest first."""
        found = await self.store.signals_after(name, 0, 1000)
        return [(each.draft.side.value, str(each.draft.reference_price)) for each in found]

    async def until_signals(self, count: int) -> list[tuple[str, str]]:
        """Wait for a number of signals."""
        async with asyncio.timeout(10):
            while len(found := await self.signals()) < count:
                seen = self.store.signal_version()
                await self.store.signal_changed(seen, 0.02)
            return found

    async def until_processed(self, second: int) -> None:
        """Wait until the candle that opens then was processed."""
        async with asyncio.timeout(10):
            while (await self.runners.position(CROSS)).last_open_time != START + timedelta(seconds=second):
                await asyncio.sleep(0.005)


def wired(
    database: Database, market: ScriptedCandles | None = None, limits: RunnerLimits | None = None
) -> ScriptedStrategies:
    """The parts of a strategy service on an open database."""
    market = market or ScriptedCandles()
    clock, ids, registry = SteppedClock(START), UuidSource(), CollectorRegistry()
    store, runners = SqlStrategyStore(database), SqlRunnerStore(database)
    commands = StrategyCommands(store, clock, ids)
    limits = limits or RunnerLimits(clock_reset_grace=0.05, pause=0.001, max_pause=0.01)
    parts = RunnerParts(market, runners, clock, ids, StrategyMetrics(registry), limits)
    streams = SignalStreams(store, poll=0.02, heartbeat=0.1)
    once = Once(database, clock, REQUESTS, SqlSession)
    servicer = StrategyServicer(commands, StrategyReads(store), streams, once, clock)
    return ScriptedStrategies(database, market, clock, commands, store, runners, parts, servicer, registry)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = await Database.open(url, migrations=MIGRATIONS)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def running(pool: RunnerPool) -> AsyncIterator[RunnerPool]:
    """Let the runners run; a fault of theirs fails the test."""
    task = asyncio.create_task(pool.run())
    try:
        yield pool
    finally:
        if task.done():
            task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await pool.stop()
