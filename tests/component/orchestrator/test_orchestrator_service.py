"""The orchestrator behind real gRPC, between a real event log and neighbours that can fail."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf.timestamp_pb2 import Timestamp
from trademesh.exchange.v1 import exchange_service_pb2, exchange_service_pb2_grpc, order_events_pb2, order_pb2
from trademesh.orchestrator.v1 import cycle_pb2, orchestrator_service_pb2_grpc, trading_status_pb2
from trademesh.orchestrator.v1 import orchestrator_service_pb2 as pb
from trademesh.portfolio.v1 import portfolio_service_pb2, portfolio_service_pb2_grpc, position_pb2
from trademesh.risk.v1 import decision_pb2, exposure_pb2, risk_service_pb2, risk_service_pb2_grpc
from trademesh.strategy.v1 import signal_pb2
from trademesh.type.v1 import side_pb2

from services.chassis.persistence import Database, assert_schema_current
from services.chassis.rpc.client import MeshError
from services.chassis.runtime import Binding
from services.orchestrator.app import build
from services.orchestrator.storage.tables import METADATA, ORDERS_SEEN
from tests.support.application import EventLog, event_log, running
from tests.support.rpc import Serve

BTC = "venues/sim/instruments/btc-usdt"
MIGRATIONS = "services.orchestrator.storage.migrations"
FILLED, OPEN, CANCELLED = (
    order_pb2.ORDER_STATE_FILLED,
    order_pb2.ORDER_STATE_OPEN,
    order_pb2.ORDER_STATE_CANCELLED,
)


@dataclass
class Risk(risk_service_pb2_grpc.RiskServiceServicer):
    """Approves, denies or does not answer."""

    approves: bool = True
    away: bool = False
    confirms: bool = False
    modes: list[str] = field(default_factory=list)

    async def CheckOrder(self, request: Any, context: Any) -> risk_service_pb2.CheckOrderResponse:  # noqa: N802 - the contract's name
        assert request.validate_only
        await self._perhaps_away(context)
        check = decision_pb2.Check(
            kind=decision_pb2.CHECK_KIND_BALANCE, passed=self.approves, message="numbers"
        )
        return risk_service_pb2.CheckOrderResponse(
            decision=decision_pb2.Decision(approved=self.approves, checks=[check])
        )

    async def HaltTrading(self, request: Any, context: Any) -> exposure_pb2.TradingState:  # noqa: N802 - the contract's name
        await self._perhaps_away(context)
        assert request.cancel_open_orders
        self.modes.append("halted")
        return exposure_pb2.TradingState(confirmed=self.confirms)

    async def ResumeTrading(self, request: Any, context: Any) -> exposure_pb2.TradingState:  # noqa: N802 - the contract's name
        await self._perhaps_away(context)
        self.modes.append("resumed")
        return exposure_pb2.TradingState()

    async def _perhaps_away(self, context: Any) -> None:
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")


@dataclass
class Exchange(exchange_service_pb2_grpc.ExchangeServiceServicer):
    """Keeps one order for each request id, as the real one; loses answers on demand."""

    state: order_pb2.OrderState = FILLED
    lose_answers: int = 0
    cancels_confirm: bool = True
    orders: dict[str, order_pb2.Order] = field(default_factory=dict)
    requests: list[exchange_service_pb2.CreateOrderRequest] = field(default_factory=list)

    async def CreateOrder(self, request: Any, context: Any) -> order_pb2.Order:  # noqa: N802 - the contract's name
        self.requests.append(request)
        if request.request_id not in self.orders:
            order = order_pb2.Order()
            order.CopyFrom(request.order)
            order.name = f"accounts/paper/orders/{uuid4()}"
            order.state = self.state
            order.version = 3
            order.filled_quantity = order.quantity if self.state == FILLED else "0"
            self.orders[request.request_id] = order
        if self.lose_answers:
            self.lose_answers -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the connection broke")
        return self.orders[request.request_id]

    async def ListOrders(self, request: Any, context: Any) -> exchange_service_pb2.ListOrdersResponse:  # noqa: N802 - the contract's name
        orders = [order for order in self.orders.values() if order.state in request.states]
        return exchange_service_pb2.ListOrdersResponse(orders=orders)

    async def CancelOrder(self, request: Any, context: Any) -> order_pb2.Order:  # noqa: N802 - the contract's name
        order = next(order for order in self.orders.values() if order.name == request.name)
        order.state = CANCELLED if self.cancels_confirm else order_pb2.ORDER_STATE_PENDING_CANCEL
        return order


@dataclass
class Portfolio(portfolio_service_pb2_grpc.PortfolioServiceServicer):
    """Holds what the test says."""

    held: str = "0"

    async def ListPositions(self, request: Any, context: Any) -> portfolio_service_pb2.ListPositionsResponse:  # noqa: N802 - the contract's name
        position = position_pb2.Position(instrument=BTC, quantity=self.held)
        return portfolio_service_pb2.ListPositionsResponse(positions=[position])


def signal(side: side_pb2.Side = side_pb2.SIDE_BUY, age: timedelta = timedelta(0)) -> signal_pb2.Signal:
    created = Timestamp()
    created.FromDatetime(datetime.now(UTC) - age)
    return signal_pb2.Signal(
        name=f"strategies/sma-cross/signals/{uuid4()}",
        instrument=BTC,
        side=side,
        quantity="0.01",
        create_time=created,
        correlation_id=uuid4().hex,
    )


@dataclass
class Stage:
    """The orchestrator with its neighbours."""

    stub: "orchestrator_service_pb2_grpc.OrchestratorServiceAsyncStub"
    strategy: EventLog
    exchange_log: EventLog
    risk: Risk
    exchange: Exchange
    portfolio: Portfolio
    database: Database

    async def seen(self) -> list[str]:
        """Names of the orders that events told of before they were known."""
        async with self.database.read() as connection:
            return list((await connection.execute(sa.select(ORDERS_SEEN.c.name))).scalars())

    async def cycle(self, *states: str) -> cycle_pb2.Cycle:
        """The newest cycle, once it is in one of the states."""
        wanted = {cycle_pb2.CycleState.Value(f"CYCLE_STATE_{state}") for state in states}
        async with asyncio.timeout(15):
            while True:
                page = await self.stub.ListCycles(pb.ListCyclesRequest(page_size=1))
                if page.cycles and page.cycles[0].state in wanted:
                    return page.cycles[0]
                await asyncio.sleep(0.01)

    async def status(
        self, until: Callable[[trading_status_pb2.TradingStatus], bool] = lambda _: True
    ) -> trading_status_pb2.TradingStatus:
        """The status, once it is as the test says."""
        async with asyncio.timeout(15):
            while True:
                found = await self.stub.GetTradingStatus(pb.GetTradingStatusRequest())
                if until(found):
                    return found
                await asyncio.sleep(0.01)


@pytest.fixture
async def stage(serve: Serve, database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    risk, exchange, portfolio = Risk(), Exchange(), Portfolio()
    async with AsyncExitStack() as stack:
        strategy = await stack.enter_async_context(event_log(tmp_path / "strategy.sqlite3"))
        orders = await stack.enter_async_context(event_log(tmp_path / "exchange.sqlite3"))
        bindings = {
            "strategy": [strategy.binding],
            "exchange": [
                orders.binding,
                Binding(exchange, exchange_service_pb2_grpc.add_ExchangeServiceServicer_to_server),
            ],
            "risk": [Binding(risk, risk_service_pb2_grpc.add_RiskServiceServicer_to_server)],
            "portfolio": [
                Binding(portfolio, portfolio_service_pb2_grpc.add_PortfolioServiceServicer_to_server)
            ],
        }
        channels = {name: await stack.enter_async_context(serve(each)) for name, each in bindings.items()}
        database = await Database.open(database_url, migrations=MIGRATIONS)
        stack.push_async_callback(database.close)
        channel = await stack.enter_async_context(
            running("orchestrator", build, database=database, channels=channels)
        )
        stub = orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel)
        yield Stage(stub, strategy, orders, risk, exchange, portfolio, database)


async def test_schema_is_what_the_code_speaks_of(database_url: str) -> None:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    await assert_schema_current(database, METADATA)
    await database.close()


async def test_a_signal_becomes_one_filled_order(stage: Stage) -> None:
    sent = signal()
    await stage.strategy.happened(sent)
    cycle = await stage.cycle("COMPLETED")
    assert [step.state for step in cycle.steps] == [
        cycle_pb2.CYCLE_STATE_SIGNALLED,
        cycle_pb2.CYCLE_STATE_CHECKED,
        cycle_pb2.CYCLE_STATE_COMPLETED,
    ]
    assert (cycle.signal, cycle.filled_quantity, cycle.correlation_id) == (
        sent.name,
        "0.01",
        sent.correlation_id,
    )
    (request,) = stage.exchange.requests
    assert request.order.strategy == "strategies/sma-cross"
    assert request.HasField("expire_time")
    status = await stage.status()
    assert (status.cycle_count, status.filled_cycle_count, status.running_cycle_count) == (1, 1, 0)


async def test_a_lost_answer_is_asked_for_again_under_the_same_request_id(stage: Stage) -> None:
    stage.exchange.lose_answers = 2
    await stage.strategy.happened(signal())
    await stage.cycle("COMPLETED")
    assert len(stage.exchange.requests) == 3
    assert len({request.request_id for request in stage.exchange.requests}) == 1
    assert len(stage.exchange.orders) == 1


async def test_an_open_order_is_followed_to_its_end(stage: Stage) -> None:
    stage.exchange.state = OPEN
    await stage.strategy.happened(signal())
    ordered = await stage.cycle("ORDERED")
    later = order_pb2.Order(
        name=ordered.order,
        strategy="strategies/sma-cross",
        version=4,
        state=order_pb2.ORDER_STATE_PARTIALLY_FILLED,
        filled_quantity="0.004",
    )
    await stage.exchange_log.happened(order_events_pb2.OrderChanged(order=later))
    later.version, later.state = 5, CANCELLED
    await stage.exchange_log.happened(order_events_pb2.OrderChanged(order=later))
    cycle = await stage.cycle("COMPLETED")
    assert cycle.filled_quantity == "0.004"
    assert len(cycle.steps) == 5


async def test_an_event_that_is_faster_than_the_answer_counts(stage: Stage) -> None:
    stage.exchange.state, stage.exchange.lose_answers = OPEN, 1
    await stage.strategy.happened(signal())
    async with asyncio.timeout(15):
        while not stage.exchange.orders:
            await asyncio.sleep(0.01)
    (order,) = stage.exchange.orders.values()
    ended = order_pb2.Order()
    ended.CopyFrom(order)
    ended.state, ended.version, ended.filled_quantity = FILLED, 9, "0.01"
    await stage.exchange_log.happened(order_events_pb2.OrderChanged(order=ended))
    assert (await stage.cycle("COMPLETED")).filled_quantity == "0.01"


async def test_orders_that_no_cycle_waits_for_leave_nothing(stage: Stage) -> None:
    stage.exchange.state = OPEN
    await stage.strategy.happened(signal())
    ordered = await stage.cycle("ORDERED")
    followed = order_pb2.Order(
        name=ordered.order, strategy="strategies/sma-cross", version=4, state=CANCELLED, filled_quantity="0"
    )
    foreign = [
        order_pb2.Order(name=f"accounts/paper/orders/{number}", strategy=strategy, version=1, state=OPEN)
        for number, strategy in enumerate(("", "strategies/other", "strategies/sma-cross"))
    ]
    events = (order_events_pb2.OrderChanged(order=order) for order in (*foreign, followed))
    await stage.exchange_log.happened(order_events_pb2.FillRecorded(), *events)
    await stage.cycle("COMPLETED")
    assert await stage.seen() == []


async def test_what_was_seen_while_an_order_was_placed_is_forgotten_afterwards(stage: Stage) -> None:
    stage.exchange.state, stage.exchange.lose_answers = OPEN, 1_000_000
    await stage.strategy.happened(signal())
    async with asyncio.timeout(15):
        while not stage.exchange.orders:
            await asyncio.sleep(0.01)
    foreign = order_pb2.Order(
        name="accounts/paper/orders/b", strategy="strategies/sma-cross", version=1, state=OPEN
    )
    await stage.exchange_log.happened(order_events_pb2.OrderChanged(order=foreign))
    async with asyncio.timeout(15):
        while await stage.seen() != ["accounts/paper/orders/b"]:
            await asyncio.sleep(0.01)
    stage.exchange.lose_answers = 0
    await stage.cycle("ORDERED")
    assert await stage.seen() == []


async def test_a_denied_signal_makes_no_order(stage: Stage) -> None:
    stage.risk.approves = False
    await stage.strategy.happened(signal())
    assert (await stage.cycle("DENIED")).reason == "BALANCE"
    assert stage.exchange.requests == []


async def test_risk_away_delays_and_loses_nothing(stage: Stage) -> None:
    stage.risk.away = True
    await stage.strategy.happened(signal())
    await stage.cycle("SIGNALLED")
    assert stage.exchange.requests == []
    stage.risk.away = False
    await stage.cycle("COMPLETED")


async def test_a_sell_is_cut_to_what_is_held(stage: Stage) -> None:
    await stage.strategy.happened(signal(side_pb2.SIDE_SELL))
    assert (await stage.cycle("SKIPPED")).reason == "NOTHING_TO_SELL"
    stage.portfolio.held = "0.004"
    await stage.strategy.happened(signal(side_pb2.SIDE_SELL))
    assert (await stage.cycle("COMPLETED")).quantity == "0.004"


async def test_an_old_signal_is_skipped(stage: Stage) -> None:
    await stage.strategy.happened(signal(age=timedelta(minutes=5)))
    assert (await stage.cycle("SKIPPED")).reason == "SIGNAL_TOO_OLD"


async def test_stop_and_start(stage: Stage) -> None:
    stopped = await stage.stub.StopTrading(pb.StopTradingRequest(request_id=str(uuid4()), reason="lunch"))
    assert (stopped.mode, stopped.reason) == (trading_status_pb2.TRADING_MODE_STOPPED, "lunch")
    await stage.strategy.happened(signal())
    assert (await stage.cycle("SKIPPED")).reason == "TRADING_STOPPED"
    start = pb.StartTradingRequest(request_id=str(uuid4()))
    await stage.stub.StartTrading(start)
    await stage.strategy.happened(signal())
    await stage.cycle("COMPLETED")
    start.reason = "another"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.StartTrading(start)
    assert MeshError.of(refused.value).reason == "REQUEST_ID_REUSED"
    assert stage.risk.modes == []


async def test_emergency_stop_halts_and_cancels_until_confirmed(stage: Stage) -> None:
    stage.exchange.state, stage.exchange.cancels_confirm = OPEN, False
    await stage.strategy.happened(signal())
    ordered = await stage.cycle("ORDERED")
    request = pb.EmergencyStopRequest(request_id=str(uuid4()), reason="fire")
    first = await stage.stub.EmergencyStop(request)
    assert first.mode == trading_status_pb2.TRADING_MODE_EMERGENCY_STOPPED
    assert first.unconfirmed_cancels == [ordered.order]
    assert await stage.stub.EmergencyStop(request) == first
    stage.exchange.cancels_confirm = True
    await stage.status(lambda status: not status.unconfirmed_cancels)
    await stage.stub.StopTrading(pb.StopTradingRequest(request_id=str(uuid4())))
    assert (await stage.status()).mode == trading_status_pb2.TRADING_MODE_EMERGENCY_STOPPED
    await stage.stub.StartTrading(pb.StartTradingRequest(request_id=str(uuid4())))
    assert stage.risk.modes[0] == "halted"
    assert stage.risk.modes[-1] == "resumed"


async def test_emergency_stop_is_done_where_risk_has_confirmed_every_cancel(stage: Stage) -> None:
    stage.exchange.state, stage.exchange.cancels_confirm = OPEN, False
    await stage.strategy.happened(signal())
    await stage.cycle("ORDERED")
    stage.risk.confirms = True
    stopped = await stage.stub.EmergencyStop(pb.EmergencyStopRequest(request_id=str(uuid4()), reason="fire"))
    assert list(stopped.unconfirmed_cancels) == []


async def test_emergency_stop_without_risk_cancels_and_halts_as_soon_as_it_can(stage: Stage) -> None:
    stage.exchange.state = OPEN
    await stage.strategy.happened(signal())
    await stage.cycle("ORDERED")
    stage.risk.away = True
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.EmergencyStop(pb.EmergencyStopRequest(request_id=str(uuid4())))
    assert MeshError.of(refused.value).reason == "RISK_UNAVAILABLE"
    assert {order.state for order in stage.exchange.orders.values()} == {CANCELLED}
    assert (await stage.status()).mode == trading_status_pb2.TRADING_MODE_EMERGENCY_STOPPED
    stage.risk.away = False
    async with asyncio.timeout(15):
        while "halted" not in stage.risk.modes:
            await asyncio.sleep(0.01)


async def test_pages_of_cycles(stage: Stage) -> None:
    await stage.strategy.happened(*(signal() for _ in range(5)))
    await stage.status(lambda status: status.filled_cycle_count == 5)
    names: list[str] = []
    token = ""
    while True:
        page = await stage.stub.ListCycles(pb.ListCyclesRequest(page_size=2, page_token=token))
        names += [cycle.name for cycle in page.cycles]
        token = page.next_page_token
        if not token:
            break
    assert len(names) == len(set(names)) == 5
    skipped = await stage.stub.ListCycles(pb.ListCyclesRequest(states=[cycle_pb2.CYCLE_STATE_SKIPPED]))
    assert not skipped.cycles
