"""Wires the risk service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from trademesh.exchange.v1 import order_events_pb2
from trademesh.risk.v1 import risk_service_pb2_grpc

from services.chassis.events import ApplyHere, Envelope, InUnits, Subscription
from services.chassis.persistence import Connection
from services.chassis.persistence.requests import Once
from services.chassis.runtime import Application, Background, Binding, Runtime
from services.risk import convert_events
from services.risk.bookings import ExchangeEvent, follow
from services.risk.domain.limits import Limits
from services.risk.handlers.check_orders import OrderChecks
from services.risk.handlers.kill_switch import KillSwitch, KillSwitchKeeper
from services.risk.handlers.measure import Measures
from services.risk.handlers.trading_modes import TradingModes
from services.risk.handlers.upkeep import EquityWatch, Forgetting
from services.risk.servicer import RiskServicer
from services.risk.settings import RiskSettings
from services.risk.storage.store import SqlRiskStore
from services.risk.storage.tables import REQUESTS
from services.risk.upstreams import ExchangeService, MarketService, SubscribedEvents


async def build(runtime: Runtime) -> Application:
    """Make the service with the settings of its environment."""
    return assemble(runtime, RiskSettings())


def assemble(runtime: Runtime, settings: RiskSettings) -> Application:
    """Wire what the exchange's events feed, and decisions on what they say."""
    database, clock = runtime.require_database(), runtime.clock
    store = SqlRiskStore(database, str(runtime.ids.new()))
    market = MarketService(runtime.channel("market"), settings.valuation_asset, settings.price_age_seconds)

    @asynccontextmanager
    async def page(connection: Connection) -> AsyncIterator[ApplyHere]:
        async with store.book(connection) as book:

            async def apply(envelope: Envelope) -> None:
                event = _event_of(envelope)
                if event is not None:
                    await follow(event, book, clock.now())
                events.applied(envelope.create_time)

            yield apply

    exchange = Subscription(
        runtime.channel("exchange"),
        source="exchange",
        database=database,
        apply=InUnits(page, wants=_has_effect),
        clock=clock,
    )
    events = SubscribedEvents(exchange, clock, timedelta(seconds=settings.max_event_lag_seconds))
    modes = TradingModes(clock, runtime.ids)
    switch = KillSwitch(store, modes, ExchangeService(runtime.channel("exchange")), clock, runtime.ids)
    keeper = KillSwitchKeeper(switch, settings.cancel_retry_seconds)
    servicer = RiskServicer(
        OrderChecks(store, market, events, clock, settings.fee_rate),
        modes,
        switch,
        store,
        market,
        Once(database, clock, REQUESTS, store.writer),
        clock,
        Measures(store, market, market),
    )
    watch = EquityWatch(store, market, clock, settings.equity_interval_seconds)
    forgetting = Forgetting(store, clock, timedelta(days=settings.keep_decisions_days))

    async def prepare() -> None:
        async with database.write() as connection:
            writer = store.writer(connection)
            for account in settings.accounts:
                await writer.open_account(account, _first_limits(settings, runtime))

    return Application(
        servicers=[
            Binding(
                servicer,
                risk_service_pb2_grpc.add_RiskServiceServicer_to_server,
            )
        ],
        background=[
            Background("events_from_exchange", exchange.run),
            Background("event_lag", events.watch),
            Background("kill_switch", keeper.run),
            Background("equity", watch.run),
            Background("old_decisions", forgetting.run),
        ],
        self_tests=[exchange.check],
        prepare=prepare,
    )


def _has_effect(envelope: Envelope) -> bool:
    """Whether an event can change what risk knows: most changes of an order on its way cannot."""
    changed = envelope.unpack(order_events_pb2.OrderChanged)
    return changed is None or convert_events.has_effect(changed.order)


def _event_of(envelope: Envelope) -> ExchangeEvent | None:
    """The event, where it is one that risk cares for."""
    changed = envelope.unpack(order_events_pb2.OrderChanged)
    if changed is not None:
        return convert_events.order_changed_from_proto(changed.order)
    recorded = envelope.unpack(order_events_pb2.FillRecorded)
    if recorded is not None:
        return convert_events.fill_from_proto(recorded.fill)
    moved = envelope.unpack(order_events_pb2.TransferRecorded)
    return None if moved is None else convert_events.transfer_from_proto(moved.transfer)


def _first_limits(settings: RiskSettings, runtime: Runtime) -> Limits:
    """The limits of an account that has none yet."""
    return Limits(
        max_order_notional=settings.max_order_notional,
        max_position_notional=settings.max_position_notional,
        max_gross_notional=settings.max_gross_notional,
        price_collar=settings.price_collar,
        max_open_orders=settings.max_open_orders,
        version=1,
        update_time=runtime.clock.now(),
    )
