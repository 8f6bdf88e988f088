"""A whole exchange service behind real gRPC, with a venue and a risk gate that a test holds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import grpc.aio
from google.rpc.error_details_pb2 import ErrorInfo
from trademesh.events.v1 import outbox_service_pb2, outbox_service_pb2_grpc
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import exchange_service_pb2_grpc, order_events_pb2, order_pb2
from trademesh.type.v1 import side_pb2

from services.chassis.clock import SystemClock
from services.chassis.ids import UuidSource
from services.chassis.persistence import Database
from services.chassis.registry import load_registry
from services.chassis.rpc.status import details_of
from services.chassis.runtime import Application, Runtime
from services.chassis.settings import ChassisSettings
from services.exchange.app import Parts, assemble
from services.exchange.domain.order import Order
from services.exchange.handlers.timing import Timing
from services.exchange.ports import Books, NoBooks, Prices, Step, Venue
from services.exchange.settings import ExchangeSettings
from services.kernel.clock import Clock
from tests.support.exchange_prices import FakePrices
from tests.support.exchange_venue import FakeRisk, FakeVenue
from tests.support.rpc import serving

MIGRATIONS = "services.exchange.storage.migrations"
PAPER = "accounts/paper"
BTC = "venues/sim/instruments/btc-usdt"
QUICK = Timing(
    risk=1.0,
    send=0.5,
    margin=0.1,
    quiet=0.3,
    resolve=0.05,
    reconcile=0.2,
    health=0.1,
    lease=1.0,
    recovery=0.3,
    ratchet=0.1,
    price_silence=0.3,
    heartbeat=0.3,
)
"""Short enough for tests, in the same proportions."""
PATIENT = replace(QUICK, quiet=30.0, send=3.0)
"""For tests in which nothing may be given up, however slow the machine is."""


@dataclass
class ShiftedClock:
    """The system's clock, and how far a test has put it forward.

    Attributes:
        ahead: by how much.
    """

    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead


@dataclass
class CrashingJournal:
    """Notes every step, and kills the task that reaches the one it was told."""

    crash_at: Step | None = None
    steps: list[tuple[Step, str]] = field(default_factory=list)

    def reached(self, step: Step, order: Order, **details: object) -> None:
        self.steps.append((step, order.client_order_id))
        if step is self.crash_at:
            raise asyncio.CancelledError(f"killed at {step}")

    def of(self, client_order_id: str) -> list[Step]:
        return [step for step, client_id in self.steps if client_id == client_order_id]


@dataclass
class RunningExchange:
    """An exchange that takes calls.

    Attributes:
        stub: to call it.
        channel: the same, bare.
        venue: what stands behind its venue port.
        risk: what stands behind its risk port.
        journal: the steps it took.
        database: its state.
    """

    stub: Any
    channel: grpc.aio.Channel
    venue: FakeVenue
    risk: FakeRisk
    journal: CrashingJournal
    database: Database

    async def create(self, request: pb.CreateOrderRequest, within: float = 5.0) -> order_pb2.Order:
        answer: order_pb2.Order = await self.stub.CreateOrder(request, timeout=within)
        return answer

    async def create_several(self, request: pb.CreateOrdersRequest, within: float = 10.0) -> Any:
        return await self.stub.CreateOrders(request, timeout=within)

    async def replace(self, name: str, request_id: str = "", within: float = 5.0, **change: Any) -> Any:
        request = pb.ReplaceOrderRequest(name=name, request_id=request_id or str(uuid4()), **change)
        return await self.stub.ReplaceOrder(request, timeout=within)

    async def order(self, name: str) -> order_pb2.Order:
        answer: order_pb2.Order = await self.stub.GetOrder(pb.GetOrderRequest(name=name))
        return answer

    async def cancel(self, name: str, request_id: str = "", within: float = 5.0) -> order_pb2.Order:
        request = pb.CancelOrderRequest(name=name, request_id=request_id or str(uuid4()))
        answer: order_pb2.Order = await self.stub.CancelOrder(request, timeout=within)
        return answer

    async def settled(self, name: str, *states: str) -> order_pb2.Order:
        """The order, once it is in one of these states."""

        async def look() -> order_pb2.Order | None:
            order = await self.order(name)
            return order if order_pb2.OrderState.Name(order.state) in wanted else None

        wanted = {f"ORDER_STATE_{state}" for state in states}
        order: order_pb2.Order = await eventually(look)
        return order

    async def orders(self) -> list[order_pb2.Order]:
        answer = await self.stub.ListOrders(pb.ListOrdersRequest(parent=PAPER, page_size=1000))
        return list(answer.orders)

    async def fills(self) -> list[Any]:
        answer = await self.stub.ListFills(pb.ListFillsRequest(parent=PAPER, page_size=1000))
        return list(answer.fills)

    async def events(self) -> list[Any]:
        """The payloads of the whole outbox, in order, with the proof that it has no gap."""
        stub: Any = outbox_service_pb2_grpc.OutboxServiceStub(self.channel)
        head = await stub.GetHead(outbox_service_pb2.GetHeadRequest())
        call = stub.StreamEvents(outbox_service_pb2.StreamEventsRequest())
        payloads: list[Any] = []
        while len(payloads) < head.latest_sequence:
            frame = await call.read()
            for event in frame.page.events:
                assert event.sequence == len(payloads) + 1
                payloads.append(_unpacked(event.payload))
        call.cancel()
        return payloads


async def eventually(look: Callable[[], Awaitable[Any]], within: float = 10.0) -> Any:
    """What ``look`` gives, once it gives something true."""
    async with asyncio.timeout(within):
        while not (found := await look()):
            await asyncio.sleep(0.01)
    return found


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The reason in the one ErrorInfo of an error."""
    status = details_of(error)
    assert status is not None
    info = ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "exchange.trademesh"
    return str(info.reason)


def limit_order(quantity: str = "1", price: str = "100", **more: Any) -> pb.CreateOrderRequest:
    """A limit order to buy."""
    request = market_order(quantity, **more)
    request.order.limit.price = price
    return request


def stop_order(quantity: str = "1", trigger: str = "90", **more: Any) -> pb.CreateOrderRequest:
    """A stop to sell at the market; below where the fake market stands."""
    request = market_order(quantity, **more)
    request.order.side = side_pb2.SIDE_SELL
    request.order.stop_market.trigger.price = trigger
    return request


def market_order(quantity: str = "1", request_id: str = "", strategy: str = "") -> pb.CreateOrderRequest:
    """A market order to buy."""
    request = pb.CreateOrderRequest(
        parent=PAPER,
        request_id=request_id or str(uuid4()),
        order=order_pb2.Order(instrument=BTC, side=side_pb2.SIDE_BUY, quantity=quantity, strategy=strategy),
    )
    request.order.market.SetInParent()
    return request


def several(*orders: pb.CreateOrderRequest, request_id: str = "", contingency: int = 0) -> Any:
    """A request for several orders."""
    return pb.CreateOrdersRequest(
        parent=PAPER,
        request_id=request_id or str(uuid4()),
        orders=[each.order for each in orders],
        contingency=contingency,  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class Assembled:
    """An exchange whose background runs, without a server.

    Attributes:
        application: what ``assemble`` made.
        journal: the steps it took.
        database: its state.
    """

    application: Application
    journal: CrashingJournal
    database: Database


@asynccontextmanager
async def assembled_exchange(
    database_url: str,
    venue: Venue | None = None,
    risk: FakeRisk | None = None,
    *,
    timing: Timing = QUICK,
    journal: CrashingJournal | None = None,
    books: Books | None = None,
    prices: Prices | None = None,
    clock: Clock | None = None,
    others: Mapping[str, Venue] | None = None,
    settings: ExchangeSettings | None = None,
) -> AsyncIterator[Assembled]:
    """Run an exchange without a server. It ends without a last word, as a killed process does.

    ``others`` are venues beside the one called ``sim``, as ``settings`` name them.
    """
    journal = journal or CrashingJournal()
    database = await Database.open(database_url, migrations=MIGRATIONS)
    runtime = Runtime(
        load_registry()["exchange"],
        ChassisSettings(instance=f"exchange-{uuid4().hex[:8]}"),
        clock or SystemClock(),
        UuidSource(),
        database,
        _no_channel,
    )
    parts = Parts(
        {"sim": venue or FakeVenue(), **(others or {})},
        risk or FakeRisk(),
        prices or FakePrices(),
        journal,
        books=books or NoBooks(),
    )
    application = assemble(runtime, settings or ExchangeSettings(), parts, timing)
    assert application.prepare is not None
    tasks: list[asyncio.Task[None]] = []
    try:
        await application.prepare()
        tasks = [asyncio.ensure_future(each.run()) for each in application.background]
        yield Assembled(application, journal, database)
    finally:
        left = [*tasks, *_left_over()]
        for task in left:
            task.cancel()
        if left:
            _, stuck = await asyncio.wait(left, timeout=5)
            assert not stuck, [task.get_stack() for task in stuck]
        await database.close()


@asynccontextmanager
async def running_exchange(
    database_url: str,
    venue: FakeVenue | None = None,
    risk: FakeRisk | None = None,
    *,
    crash_at: Step | None = None,
    timing: Timing = QUICK,
    adapter: Venue | None = None,
    journal: CrashingJournal | None = None,
    books: Books | None = None,
    prices: Prices | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[RunningExchange]:
    """Run an exchange behind a real server.

    Args:
        database_url: its database.
        venue: stands behind its venue port, unless ``adapter`` does.
        risk: stands behind its risk port.
        crash_at: the step at which the task that reaches it is killed.
        timing: its bounds.
        adapter: a real adapter in place of ``venue``.
        journal: hears of each step, in place of one that kills at ``crash_at``.
        books: of the market; none where it is absent.
        prices: stands behind its price port.
        clock: in place of the system's.
    """
    venue, risk = venue or FakeVenue(), risk or FakeRisk()
    journal = journal or CrashingJournal(crash_at)
    async with (
        assembled_exchange(
            database_url,
            adapter or venue,
            risk,
            timing=timing,
            journal=journal,
            books=books,
            prices=prices,
            clock=clock,
        ) as assembled,
        serving(assembled.application.servicers) as channel,
    ):
        stub: Any = exchange_service_pb2_grpc.ExchangeServiceStub(channel)
        yield RunningExchange(stub, channel, venue, risk, assembled.journal, assembled.database)


def _left_over() -> list["asyncio.Task[Any]"]:
    """The mutations that are still running: a killed process takes them with it."""
    cases = ("PlaceOrder", "PlaceOrders", "ReplaceOrder", "CancelOrder", "CancelAllOrders")
    ours = {*(f"{case}._once" for case in cases), "LinkedOrders._look"}
    return [task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__qualname__", "") in ours]


def _no_channel(service: str) -> grpc.aio.Channel:
    raise AssertionError(f"nothing here calls {service}")


def _unpacked(payload: Any) -> Any:
    for kind in (
        order_events_pb2.OrderChanged,
        order_events_pb2.FillRecorded,
        order_events_pb2.TransferRecorded,
    ):
        message = kind()
        if payload.Unpack(message):
            return message
    raise AssertionError(f"an event of a kind that nobody knows: {payload.type_url}")
