"""Wires the portfolio service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from trademesh.exchange.v1 import order_events_pb2
from trademesh.portfolio.v1 import portfolio_service_pb2_grpc

from services.chassis.events import ApplyHere, Envelope, InUnits, Subscription
from services.chassis.persistence import Connection
from services.chassis.persistence.requests import Once
from services.chassis.runtime import Application, Background, Binding, Runtime
from services.portfolio import convert
from services.portfolio.bookings import book
from services.portfolio.domain.events import Fill, Transfer
from services.portfolio.handlers import Queries
from services.portfolio.ports import BooksWriter
from services.portfolio.sampler import EquitySampler
from services.portfolio.servicer import PortfolioServicer
from services.portfolio.settings import PortfolioSettings
from services.portfolio.storage.books import SqlBooks
from services.portfolio.storage.equity import SqlEquityStore, SqlFlows, old_points
from services.portfolio.storage.tables import REQUESTS
from services.portfolio.storage.writer import SqlBooksWriter
from services.portfolio.upstreams import ExchangeVenues, MarketPrices

_log = structlog.get_logger(__name__)
_FILL = order_events_pb2.FillRecorded.DESCRIPTOR.full_name
_TRANSFER = order_events_pb2.TransferRecorded.DESCRIPTOR.full_name
_PAGE = 256
"""Most events of a transaction: a quarter of them are fills, and what a page costs is shared by those."""


async def build(runtime: Runtime) -> Application:
    """Make the service with the settings of its environment."""
    return assemble(runtime, PortfolioSettings())


def assemble(runtime: Runtime, settings: PortfolioSettings) -> Application:
    """Wire books that the exchange's events feed, and questions answered from them."""
    database = runtime.require_database()

    def writer(connection: Connection) -> BooksWriter:
        return SqlBooksWriter(connection, runtime.clock, settings.lot_method)

    @asynccontextmanager
    async def bookings(connection: Connection) -> AsyncIterator[ApplyHere]:
        """The events of one transaction share a writer, which writes at the end what they have in common."""
        books = writer(connection)

        async def apply(envelope: Envelope) -> None:
            event = _event_of(envelope)
            await book(event, transaction_id=envelope.event_id, books=books)
            kind = type(event).__name__
            _log.info("event_booked", kind=kind, source=event.name, sequence=envelope.sequence)

        yield apply
        await books.flush()

    exchange = Subscription(
        runtime.channel("exchange"),
        source="exchange",
        database=database,
        apply=InUnits(bookings, wants=_is_booked),
        clock=runtime.clock,
        batch=_PAGE,
    )
    books = SqlBooks(database, settings.lot_method)
    queries = Queries(
        books,
        MarketPrices(runtime.channel("market"), runtime.clock),
        ExchangeVenues(runtime.channel("exchange")),
        settings.valuation_asset,
    )
    equity = EquitySampler(
        books,
        queries,
        SqlEquityStore(database),
        SqlFlows(database),
        runtime.clock,
        timedelta(seconds=settings.equity_interval_seconds),
    )
    forgetting = old_points(database, runtime.clock, timedelta(days=settings.keep_equity_days))
    once: Once[BooksWriter] = Once(database, runtime.clock, REQUESTS, writer)
    servicer = PortfolioServicer(queries, exchange, once, runtime.clock, runtime.ids)
    return Application(
        servicers=[
            Binding(
                servicer,
                portfolio_service_pb2_grpc.add_PortfolioServiceServicer_to_server,
            )
        ],
        background=[
            Background("events_from_exchange", exchange.run),
            Background("equity_points", equity.run),
            Background("old_equity_points", forgetting.run),
        ],
        self_tests=[exchange.check],
    )


def _is_booked(envelope: Envelope) -> bool:
    """Whether an event changes the books. Most of the exchange's tell of orders, and do not."""
    return envelope.type in {_FILL, _TRANSFER}


def _event_of(envelope: Envelope) -> Fill | Transfer:
    """The event of one that changes the books."""
    recorded = envelope.unpack(order_events_pb2.FillRecorded)
    if recorded is not None:
        return convert.fill_from_proto(recorded.fill)
    moved = envelope.unpack(order_events_pb2.TransferRecorded)
    if moved is None:
        raise AssertionError(envelope.type)
    return convert.transfer_from_proto(moved.transfer)
