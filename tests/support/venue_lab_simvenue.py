"""The lab of the simulated venue: the real one, over real gRPC, without its crowd."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import grpc.aio
from prometheus_client import CollectorRegistry
from trademesh.simvenue.v1 import fault_service_pb2 as faults_pb
from trademesh.simvenue.v1 import fault_service_pb2_grpc, simvenue_service_pb2_grpc
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from services.chassis.clock import SystemClock
from services.chassis.persistence import Database
from services.chassis.rpc.server import build_server
from services.exchange.domain.assets import Side
from services.exchange.ports import Venue
from services.exchange.venues.simvenue import SimVenue
from services.simvenue.app import assemble
from tests.support.application import runtime_of
from tests.support.simvenue import MIGRATIONS, simvenue_settings, sqlite_url
from tests.support.tcp_gate import gate_before
from tests.support.venue_lab import BTC, FUNDS, MARGIN, PERPETUAL, SPOT, Feature, Reached

T = TypeVar("T")
OTHERS = "others"
ACCOUNTS = 200
_RECENT = 8
"""Accounts used last, whose orders may still be in the book."""
_SIDES = {Side.BUY: side_pb2.SIDE_BUY, Side.SELL: side_pb2.SIDE_SELL}
QUICK_RECONNECT = [
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 100),
]


class QuietVenue:
    """The simulated venue's own side: its accounts, and the other traders there.

    Args:
        port: where it listens.
        stub: to call it.
    """

    names: Mapping[str, str] = SPOT

    def __init__(self, port: int, stub: Any) -> None:
        self.port = port
        self.stub = stub
        self._unused = count(1)
        self._used: deque[str] = deque(maxlen=_RECENT)

    def unused_account(self) -> str:
        """An account that no test used before."""
        number = next(self._unused)
        assert number <= ACCOUNTS, "the lab has no unused account left"
        self._used.append(account_name(number))
        return self._used[-1]

    async def rest(self, side: Side, quantity: str, price: str, instrument: str = BTC) -> None:
        """See :class:`tests.support.venue_lab.VenueLab`."""
        await self.stub.PlaceOrder(_request(side, quantity, price, self.names[instrument]))

    async def hit(self, side: Side, quantity: str, price: str, instrument: str = BTC) -> None:
        """See :class:`tests.support.venue_lab.VenueLab`."""
        request = _request(side, quantity, price, self.names[instrument])
        request.limit.time_in_force = side_pb2.TIME_IN_FORCE_IOC
        await self.stub.PlaceOrder(request)

    async def clean(self) -> None:
        """See :class:`tests.support.venue_lab.VenueLab`."""
        accounts = (OTHERS, *self._used)
        open_orders = [self.stub.ListOpenOrders(pb.ListOpenOrdersRequest(account=each)) for each in accounts]
        for listed in await asyncio.gather(*open_orders):
            for order in listed.orders:
                await self.stub.CancelOrder(
                    pb.CancelOrderRequest(account=order.account, venue_order_id=order.venue_order_id)
                )


class SimvenueLab(QuietVenue):
    """``VenueLab`` of the simulated venue."""

    name = "simvenue"
    features = frozenset(
        {
            Feature.STREAMS,
            Feature.STREAMS_TRANSFERS,
            Feature.SEVERAL_ACCOUNTS,
            Feature.UNKNOWN_ACCOUNT,
            Feature.RATE_LIMIT,
            Feature.REFUSES_USED_IDS,
            Feature.COINS,
        }
    )
    maker_rate = Decimal("0.0008")
    taker_rate = Decimal("0.001")
    funds: Mapping[str, Decimal] = FUNDS

    def __init__(self, port: int, channel: grpc.aio.Channel) -> None:
        super().__init__(port, simvenue_service_pb2_grpc.SimvenueServiceStub(channel))
        self.venue: Venue = SimVenue("sim", channel, SystemClock())
        self._faults: Any = fault_service_pb2_grpc.SimvenueFaultServiceStub(channel)

    async def account(self) -> str:
        """See :class:`tests.support.venue_lab.VenueLab`."""
        return self.unused_account()

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Reached]:
        """See :class:`tests.support.venue_lab.VenueLab`."""
        async with (
            gate_before(self.port) as gate,
            grpc.aio.insecure_channel(f"127.0.0.1:{gate.port}", QUICK_RECONNECT) as channel,
        ):
            yield Reached(SimVenue("sim", channel, SystemClock(), silence=4.0), gate)

    async def rate_limited(self, act: Callable[[Venue], Awaitable[T]]) -> T:
        """See :class:`tests.support.venue_lab.VenueLab`."""
        await self.venue.instruments()
        rule = faults_pb.FaultRule(kind=faults_pb.FAULT_KIND_RATE_LIMITED, rate="1")
        script = faults_pb.FaultScript(rules=[rule])
        await self._faults.InstallFaultScript(faults_pb.InstallFaultScriptRequest(script=script))
        try:
            return await act(self.venue)
        finally:
            await self._faults.ClearFaultScript(faults_pb.ClearFaultScriptRequest())


class SimvenuePerpetualLab(SimvenueLab):
    """``VenueLab`` of the simulated venue's perpetuals."""

    name = "simvenue-perpetual"
    features = SimvenueLab.features - {Feature.COINS} | {Feature.CONTRACTS}
    maker_rate = Decimal("0.0002")
    taker_rate = Decimal("0.0005")
    names = PERPETUAL
    funds = MARGIN


@asynccontextmanager
async def quiet_venue(
    folder: Path, funds: Mapping[str, Decimal] = FUNDS, **more: Any
) -> AsyncIterator[tuple[int, grpc.aio.Channel]]:
    """Run the simulated venue with funded accounts and no crowd; its port, and a channel to it."""
    accounts = dict.fromkeys((OTHERS, *map(account_name, range(1, ACCOUNTS + 1))), funds)
    settings = simvenue_settings(crowd=False, synthetic_warmup_seconds=0, accounts=accounts, **more)
    database = await Database.open(sqlite_url(folder), migrations=MIGRATIONS)
    application = await assemble(runtime_of("simvenue", database=database), settings)
    assert application.prepare is not None
    await application.prepare()
    tasks = [asyncio.ensure_future(each.run()) for each in application.background]
    server = await build_server(application.servicers, registry=CollectorRegistry())
    try:
        await server.start()
        await server.serving()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", QUICK_RECONNECT) as channel:
            yield server.port, channel
    finally:
        await server.stop(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await database.close()


@asynccontextmanager
async def simvenue_lab(folder: Path) -> AsyncIterator[SimvenueLab]:
    """A lab whose venue's books are empty."""
    async with quiet_venue(folder) as (port, channel):
        yield SimvenueLab(port, channel)


@asynccontextmanager
async def simvenue_perpetual_lab(folder: Path) -> AsyncIterator[SimvenueLab]:
    """The same with perpetuals."""
    async with quiet_venue(folder, MARGIN, perpetuals=True, liquidation=True) as (port, channel):
        yield SimvenuePerpetualLab(port, channel)


def account_name(number: int) -> str:
    """Name of the lab's n-th account."""
    return f"trader-{number}"


def _request(side: Side, quantity: str, price: str, instrument: str) -> pb.PlaceOrderRequest:
    request = pb.PlaceOrderRequest(
        account=OTHERS,
        client_order_id=uuid4().hex,
        symbol=instrument,
        side=_SIDES[side],
        quantity=quantity,
    )
    request.limit.price = price
    return request
