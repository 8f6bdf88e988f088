"""Wires the exchange service."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog
from trademesh.exchange.v1 import exchange_service_pb2_grpc

from services.chassis.events import Retention, outbox_binding
from services.chassis.runtime import Application, Background, Binding, Runtime
from services.exchange.handlers.admit_order import AdmitOrder
from services.exchange.handlers.booking import Booking
from services.exchange.handlers.cancel_all import CancelAllOrders
from services.exchange.handlers.cancel_order import CancelOrder
from services.exchange.handlers.desks import Desk, Desks, VenueDesk
from services.exchange.handlers.expire_orders import ExpireOrders
from services.exchange.handlers.follow import Follower
from services.exchange.handlers.held_orders import HeldOrders
from services.exchange.handlers.journal import LogJournal
from services.exchange.handlers.linked_orders import LinkedOrders
from services.exchange.handlers.list_work import ListWork
from services.exchange.handlers.loops import for_ever
from services.exchange.handlers.place_order import PlaceOrder
from services.exchange.handlers.place_orders import PlaceOrders
from services.exchange.handlers.preview_order import PreviewOrder
from services.exchange.handlers.queries import Reads
from services.exchange.handlers.reconcile import Reconciler
from services.exchange.handlers.recover import Operation
from services.exchange.handlers.replace_order import ReplaceOrder
from services.exchange.handlers.requests import Requests
from services.exchange.handlers.resolve import Resolver
from services.exchange.handlers.resume_orders import ResumeOrders
from services.exchange.handlers.send_order import Outside, SendOrder
from services.exchange.handlers.timing import Timing
from services.exchange.handlers.trigger_watch import TriggerWatch
from services.exchange.handlers.watch import WatchOrders
from services.exchange.handlers.writer import Writers
from services.exchange.ports import Books, Journal, NoBooks, Prices, RiskGate, Venue
from services.exchange.ports.venues import KeepsConnections
from services.exchange.protection.guarded import GuardedVenue
from services.exchange.relay import WriterRelay
from services.exchange.servicer import ExchangeServicer, UseCases
from services.exchange.settings import ExchangeSettings, VenueSettings
from services.exchange.storage.rates import SqlRateLedger
from services.exchange.storage.store import SqlStore
from services.exchange.upstreams import MarketBooks, MarketPrices, RiskService
from services.exchange.venues.ccxt_adapter import CcxtVenue
from services.exchange.venues.simvenue import SimVenue

_log = structlog.get_logger(__name__)
_CLEANUP_S: Final = 3600.0
_CLOSE_GRACE_S: Final = 4.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What stands behind the ports.

    Attributes:
        venues: the adapters, by id.
        risk: the gate.
        prices: of the market, for triggers.
        journal: hears of each step.
        books: order books of the market, for previews.
        peers: stub of this service over the mesh, which reaches the other instances too; None where
            there are none.
    """

    venues: Mapping[str, Venue]
    risk: RiskGate
    prices: Prices
    journal: Journal
    peers: Any = None
    books: Books = field(default_factory=NoBooks)


async def build(runtime: Runtime) -> Application:
    """Make the service with the settings of its environment and the parts of the mesh."""
    settings = ExchangeSettings()
    parts = Parts(
        venues={venue.name: _adapter(runtime, venue) for venue in settings.venues},
        risk=RiskService(runtime.channel("risk")),
        prices=MarketPrices(runtime.channel("market")),
        journal=LogJournal(),
        books=MarketBooks(runtime.channel("market")),
        peers=exchange_service_pb2_grpc.ExchangeServiceStub(runtime.channel("exchange")),
    )
    return assemble(runtime, settings, parts, settings.timing())


def assemble(runtime: Runtime, settings: ExchangeSettings, parts: Parts, timing: Timing) -> Application:
    """Wire orders, their venues and their recovery.

    Args:
        runtime: of the process.
        settings: of the service.
        parts: what stands behind the ports.
        timing: the bounds that the use cases keep.
    """
    database = runtime.require_database()
    owner = runtime.settings.instance or str(runtime.ids.new())
    store = SqlStore(database, runtime.clock, owner)
    desks = _desks(runtime, settings, parts)
    booking = Booking(runtime.clock, parts.journal)
    outside = Outside(store, desks, parts.risk, parts.journal, booking, runtime.clock, runtime.ids, timing)
    requests = Requests()
    sending = SendOrder(outside)
    admission = AdmitOrder(parts.prices, runtime.clock)
    placing = PlaceOrder(outside, requests, sending, admission)
    cancelling = CancelOrder(outside, requests, sending)
    resolver = Resolver(outside, sending, cancelling)
    held = HeldOrders(outside, sending)
    triggers = TriggerWatch(outside, parts.prices, held, sending)
    expiring = ExpireOrders(outside, held, cancelling)
    writers = Writers(store, desks, timing)
    reconciler = Reconciler(outside, sending)
    sweeping = CancelAllOrders(outside, requests, cancelling, reconciler)
    resuming = ResumeOrders(outside, sending)
    follower = Follower(outside, sending)
    operation = Operation(outside, writers, reconciler, resuming, resolver, follower)
    watching = WatchOrders(store, desks, runtime.clock, timing)
    work = ListWork(outside, sending, cancelling)
    linked = LinkedOrders(outside, work)
    use_cases = UseCases(
        placing=placing,
        placing_several=PlaceOrders(outside, requests, placing, sending, linked, admission),
        previewing=PreviewOrder(outside, admission, parts.books),
        replacing=ReplaceOrder(outside, requests, sending, work, linked, admission),
        cancelling=cancelling,
        sweeping=sweeping,
        reads=Reads(store, desks),
        watching=watching,
    )
    servicer = ExchangeServicer(use_cases, WriterRelay(parts.peers))

    retention = Retention(database, runtime.clock, timedelta(days=settings.keep_events_days))

    async def forget() -> None:
        gone = await store.forget_requests(runtime.clock.now() - timedelta(seconds=timing.keep_requests))
        _log.info("requests_forgotten", count=gone)
        await asyncio.sleep(_CLEANUP_S)

    async def close() -> None:
        await requests.close(_CLOSE_GRACE_S)
        await triggers.close()
        await writers.release_all()
        for venue in parts.venues.values():
            if isinstance(venue, KeepsConnections):
                await venue.close()

    return Application(
        servicers=[
            Binding(
                servicer,
                exchange_service_pb2_grpc.add_ExchangeServiceServicer_to_server,
            ),
            outbox_binding(database),
        ],
        background=[
            _background("writer", writers.keep),
            _background("venue_health", operation.check_venues),
            _background("request_cleanup", forget),
            Background("event_retention", retention.run),
            _background("linked_orders", linked.keep),
            _background("triggers", triggers.run),
            *(each for desk in desks.all() for each in _desk_background(operation, expiring, timing, desk)),
        ],
        prepare=operation.prepare,
        close=close,
    )


def _desk_background(
    operation: Operation, expiring: ExpireOrders, timing: Timing, desk: Desk
) -> list[Background]:
    subject = f"{desk.account}@{desk.venue_id}"

    async def expire() -> None:
        await asyncio.sleep(timing.resolve)
        await expiring.sweep(desk)

    return [
        _background("expiry", expire, subject),
        _background("venue_stream", partial(operation.follow, desk), subject),
        _background("reconciliation", partial(operation.reconcile, desk), subject),
        _background("outcome_resolver", partial(operation.resolve, desk), subject),
    ]


def _background(name: str, step: Callable[[], Awaitable[None]], subject: str = "") -> Background:
    label = f"{name}_{subject}" if subject else name
    return Background(label, partial(for_ever, name, step, subject))


def _adapter(runtime: Runtime, venue: VenueSettings) -> Venue:
    if venue.ccxt is not None:
        # ccxt itself is imported when the first call is made: 100 MB that no other venue needs.
        return CcxtVenue(venue.name, venue.ccxt, runtime.clock, sandbox=venue.sandbox)
    return SimVenue(venue.name, runtime.channel(venue.adapter), runtime.clock)


def _desks(runtime: Runtime, settings: ExchangeSettings, parts: Parts) -> Desks:
    ledger = SqlRateLedger(runtime.require_database(), runtime.clock)
    venues = {}
    for venue in settings.venues:
        guarded = GuardedVenue(parts.venues[venue.name], venue.protection(), ledger, runtime.clock)
        venues[venue.name] = VenueDesk(guarded, venue.display_name or venue.name, runtime.clock)
    desks = [Desk(account.name, venues[name]) for account in settings.accounts for name in account.venues]
    return Desks(desks, list(venues.values()))
