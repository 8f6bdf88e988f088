"""Wires the orchestrator service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from trademesh.exchange.v1 import order_events_pb2
from trademesh.orchestrator.v1 import orchestrator_service_pb2_grpc
from trademesh.strategy.v1 import signal_pb2

from services.chassis.events import Apply, ApplyHere, Envelope, InUnits, Subscription
from services.chassis.persistence import Connection
from services.chassis.persistence.requests import FirstAnswers
from services.chassis.runtime import Application, Background, Binding, Runtime
from services.kernel.names import AccountName
from services.orchestrator import convert
from services.orchestrator.control import Control, StopKeeper
from services.orchestrator.cycles import CycleDriver, take_signal
from services.orchestrator.domain.trading import TradingMode
from services.orchestrator.following import Follower
from services.orchestrator.servicer import OrchestratorServicer
from services.orchestrator.settings import OrchestratorSettings
from services.orchestrator.storage.store import SqlStore, SqlWriter, old_cycles
from services.orchestrator.storage.tables import REQUESTS
from services.orchestrator.upstreams import ExchangeService, PortfolioService, RiskService


async def build(runtime: Runtime) -> Application:
    """Make the service with the settings of its environment."""
    return assemble(runtime, OrchestratorSettings())


def assemble(runtime: Runtime, settings: OrchestratorSettings) -> Application:
    """Wire signals in, cycles driven, orders followed."""
    database, clock = runtime.require_database(), runtime.clock
    account = AccountName(settings.account)
    store = SqlStore(database, settings.account)
    max_age = timedelta(seconds=settings.max_signal_age)
    risk = RiskService(runtime.channel("risk"), account)
    exchange = ExchangeService(runtime.channel("exchange"), account)
    portfolio = PortfolioService(runtime.channel("portfolio"), account)
    control = Control(store, risk, exchange, clock)
    driver = CycleDriver(
        store, risk, exchange, portfolio, clock, max_age=max_age, retry_pause=settings.retry_pause
    )
    keeper = StopKeeper(control, store, pause=settings.retry_pause)

    async def apply_signal(connection: Connection, envelope: Envelope) -> None:
        message = envelope.unpack(signal_pb2.Signal)
        if message is not None:
            writer = SqlWriter(connection, settings.account)
            await take_signal(convert.signal_from_proto(message), writer, clock.now(), max_age)

    @asynccontextmanager
    async def following(connection: Connection) -> AsyncIterator[ApplyHere]:
        follower = Follower(SqlWriter(connection, settings.account))

        async def apply(envelope: Envelope) -> None:
            changed = envelope.unpack(order_events_pb2.OrderChanged)
            if changed is not None:
                view = convert.order_from_proto(changed.order)
                await follower.follow(view, strategy=changed.order.strategy, now=clock.now())

        yield apply

    forgetting = old_cycles(database, clock, timedelta(days=settings.keep_cycles_days))

    def subscribe(source: str, apply: Apply | InUnits) -> Subscription:
        return Subscription(
            runtime.channel(source), source=source, database=database, apply=apply, clock=clock
        )

    async def prepare() -> None:
        mode = TradingMode.RUNNING if settings.start_trading else TradingMode.STOPPED
        async with store.write() as writer:
            await writer.begin(mode, clock.now())

    signals, orders = (
        subscribe("strategy", apply_signal),
        subscribe("exchange", InUnits(following, wants=_is_of_strategy)),
    )
    servicer = OrchestratorServicer(control, store, FirstAnswers(database, clock, REQUESTS), account)
    return Application(
        servicers=[
            Binding(
                servicer,
                orchestrator_service_pb2_grpc.add_OrchestratorServiceServicer_to_server,
            )
        ],
        background=[
            Background("signals_from_strategy", signals.run),
            Background("orders_from_exchange", orders.run),
            Background("cycles", driver.run),
            Background("emergency_stop", keeper.run),
            Background("old_cycles", forgetting.run),
        ],
        self_tests=[signals.check, orders.check],
        prepare=prepare,
    )


def _is_of_strategy(envelope: Envelope) -> bool:
    """Whether an event tells of an order that a strategy placed: only such a one can be a cycle's."""
    changed = envelope.unpack(order_events_pb2.OrderChanged)
    return changed is not None and changed.order.strategy != ""
