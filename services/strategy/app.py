"""Wires the strategy service."""

from datetime import timedelta

import structlog
from trademesh.strategy.v1 import strategy_service_pb2_grpc

from services.chassis.events import Retention, outbox_binding
from services.chassis.persistence.requests import Once
from services.chassis.runtime import Application, Background, Binding, Runtime
from services.kernel.names import InstrumentName, StrategyName
from services.strategy.domain.sma import SmaCross
from services.strategy.domain.strategy import Definition
from services.strategy.handlers import SignalStreams, StrategyCommands, StrategyReads
from services.strategy.metrics import StrategyMetrics
from services.strategy.pool import RunnerPool
from services.strategy.runner import RunnerLimits, RunnerParts
from services.strategy.servicer import StrategyServicer
from services.strategy.settings import StrategySettings
from services.strategy.storage.runners import SqlRunnerStore
from services.strategy.storage.strategies import SqlSession, SqlStrategyStore, old_signals
from services.strategy.storage.tables import REQUESTS
from services.strategy.upstreams import MarketCandles

_log = structlog.get_logger(__name__)


async def build(runtime: Runtime) -> Application:
    """Make the service with the settings of its environment."""
    return assemble(runtime, StrategySettings(), StrategyMetrics())


def assemble(runtime: Runtime, settings: StrategySettings, metrics: StrategyMetrics) -> Application:
    """Wire the strategies, their runners and their signals."""
    database = runtime.require_database()
    store = SqlStrategyStore(database)
    commands = StrategyCommands(store, runtime.clock, runtime.ids)
    streams = SignalStreams(store, heartbeat=settings.stream_heartbeat_seconds)
    once = Once(database, runtime.clock, REQUESTS, SqlSession)
    servicer = StrategyServicer(commands, StrategyReads(store), streams, once, runtime.clock)
    parts = RunnerParts(
        candles=MarketCandles(runtime.channel("market")),
        store=SqlRunnerStore(database),
        clock=runtime.clock,
        ids=runtime.ids,
        metrics=metrics,
        limits=limits_of(settings),
    )
    holder = runtime.settings.instance or str(runtime.ids.new())
    lease = timedelta(seconds=settings.lease_seconds)
    pool = RunnerPool(parts, holder, lease=lease, poll=settings.poll_seconds)

    forgetting = old_signals(database, runtime.clock, timedelta(days=settings.keep_signals_days))
    retention = Retention(database, runtime.clock, timedelta(days=settings.keep_events_days))

    async def prepare() -> None:
        await create_default(commands, settings)

    return Application(
        servicers=[
            Binding(servicer, strategy_service_pb2_grpc.add_StrategyServiceServicer_to_server),
            outbox_binding(database),
        ],
        background=[
            Background("runners", pool.run),
            Background("event_retention", retention.run),
            Background("old_signals", forgetting.run),
        ],
        self_tests=[database.ping],
        prepare=prepare,
        close=pool.stop,
    )


def limits_of(settings: StrategySettings) -> RunnerLimits:
    """How the runners treat time."""
    return RunnerLimits(
        max_signal_age=timedelta(seconds=settings.max_signal_age_seconds),
        clock_reset_grace=settings.clock_reset_grace_seconds,
    )


async def create_default(commands: StrategyCommands, settings: StrategySettings) -> None:
    """Give a new database its first strategy. One that was deleted does not come back."""
    if not settings.default_id:
        return
    definition = Definition(
        instrument=InstrumentName.parse(settings.default_instrument),
        candle_interval=settings.default_interval,
        quantity=settings.default_quantity,
        rule=SmaCross(settings.default_fast_period, settings.default_slow_period),
    )
    strategy = await commands.create_at_first_start(StrategyName(settings.default_id), definition)
    if strategy is not None:
        _log.info("default_strategy_created", strategy=str(strategy.name))
