"""Wires the risk service."""

from trademesh.exchange.v1 import order_events_pb2
from trademesh.risk.v1 import risk_service_pb2_grpc

from services.chassis.events import Envelope, Subscription
from services.chassis.persistence import Connection, Database
from services.chassis.persistence.requests import Once
from services.chassis.runtime import Application, Background, Binding, Runtime
from services.kernel.clock import Clock
from services.risk import convert
from services.risk.bookings import ExchangeEvent, follow
from services.risk.domain.limits import Limits, TradingMode, TradingState
from services.risk.handlers import OrderChecks
from services.risk.servicer import RiskServicer
from services.risk.settings import RiskSettings
from services.risk.storage.store import SqlRiskStore, SqlRiskWriter
from services.risk.storage.tables import REQUESTS
from services.risk.upstreams import MarketService, SubscribedEvents


async def build(runtime: Runtime) -> Application:
    """Make the service with the settings of its environment."""
    return assemble(runtime, RiskSettings())


def assemble(runtime: Runtime, settings: RiskSettings) -> Application:
    """Wire what the exchange's events feed, and decisions on what they say."""
    database = runtime.require_database()
    market = MarketService(runtime.channel("market"))
    exchange = Subscription(
        runtime.channel("exchange"), source="exchange", database=database, apply=_apply, clock=runtime.clock
    )
    store = SqlRiskStore(database)
    checks = OrderChecks(store, market, SubscribedEvents(exchange), runtime.clock, settings.fee_rate)
    once = Once(database, runtime.clock, REQUESTS, SqlRiskWriter)
    servicer = RiskServicer(checks, store, market, once, runtime.clock)

    async def prepare() -> None:
        await _open_accounts(database, settings, runtime.clock)

    return Application(
        servicers=[
            Binding(
                servicer,
                risk_service_pb2_grpc.add_RiskServiceServicer_to_server,
            )
        ],
        background=[Background("events_from_exchange", exchange.run)],
        self_tests=[exchange.check],
        prepare=prepare,
    )


async def _apply(connection: Connection, envelope: Envelope) -> None:
    event = _event_of(envelope)
    if event is not None:
        await follow(event, SqlRiskWriter(connection))


def _event_of(envelope: Envelope) -> ExchangeEvent | None:
    """The event, where it is one that risk cares for."""
    changed = envelope.unpack(order_events_pb2.OrderChanged)
    if changed is not None:
        return convert.order_changed_from_proto(changed.order)
    recorded = envelope.unpack(order_events_pb2.FillRecorded)
    if recorded is not None:
        return convert.fill_from_proto(recorded.fill)
    moved = envelope.unpack(order_events_pb2.TransferRecorded)
    return None if moved is None else convert.transfer_from_proto(moved.transfer)


async def _open_accounts(database: Database, settings: RiskSettings, clock: Clock) -> None:
    """Give every configured account its first limits."""
    now = clock.now()
    limits = Limits(
        max_order_notional=settings.max_order_notional,
        max_position_notional=settings.max_position_notional,
        max_gross_notional=settings.max_gross_notional,
        price_collar=settings.price_collar,
        max_open_orders=settings.max_open_orders,
        version=1,
        update_time=now,
    )
    async with database.write() as connection:
        for account in settings.accounts:
            await SqlRiskWriter(connection).open_account(
                account, limits, TradingState(TradingMode.ACTIVE, "", now)
            )
