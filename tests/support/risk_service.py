"""The risk service behind real gRPC, fed by a real event log, with stand-ins for its neighbours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from trademesh.exchange.v1 import (
    balance_pb2,
    exchange_service_pb2,
    exchange_service_pb2_grpc,
    fill_pb2,
    order_events_pb2,
    order_kinds_pb2,
    order_pb2,
)
from trademesh.market.v1 import (
    candle_pb2,
    instrument_pb2,
    market_service_pb2,
    market_service_pb2_grpc,
    ticker_pb2,
)
from trademesh.risk.v1 import decision_pb2, exposure_pb2, limits_pb2, risk_service_pb2_grpc
from trademesh.risk.v1 import risk_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from services.chassis.persistence import Database
from services.chassis.rpc.timestamps import to_timestamp
from services.chassis.runtime import Binding
from services.risk.app import assemble
from services.risk.settings import RiskSettings
from tests.support.application import CLOCK, EventLog, event_log, runtime_of, serving_application
from tests.support.rpc import Serve

ACCOUNT = "accounts/paper"
BTC = "venues/sim/instruments/btc-usdt"
MIGRATIONS = "services.risk.storage.migrations"


class Market(market_service_pb2_grpc.MarketServiceServicer):
    """Knows one instrument, and quotes it while the test lets it."""

    def __init__(self) -> None:
        self.quoting = True
        self.halted = False
        self.closes: list[str] = []
        self.bid, self.ask = "59990", "60010"

    async def GetInstrument(self, request: Any, context: Any) -> instrument_pb2.Instrument:  # noqa: N802 - the contract's name
        if request.name != BTC:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such instrument")
        return self._instrument()

    async def ListInstruments(self, request: Any, context: Any) -> market_service_pb2.ListInstrumentsResponse:  # noqa: N802
        return market_service_pb2.ListInstrumentsResponse(instruments=[self._instrument()])

    async def GetTicker(self, request: Any, context: Any) -> ticker_pb2.Ticker:  # noqa: N802 - the contract's name
        if not self.quoting:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "stale")
        return ticker_pb2.Ticker(name=request.name, bid_price=self.bid, ask_price=self.ask)

    async def ListCandles(self, request: Any, context: Any) -> market_service_pb2.ListCandlesResponse:  # noqa: N802 - the contract's name
        candles = [
            candle_pb2.Candle(open_time=Timestamp(seconds=60 * number), close_price=price, closed=True)
            for number, price in enumerate(self.closes)
        ]
        return market_service_pb2.ListCandlesResponse(candles=candles)

    def _instrument(self) -> instrument_pb2.Instrument:
        state = (
            instrument_pb2.INSTRUMENT_STATE_HALTED if self.halted else instrument_pb2.INSTRUMENT_STATE_TRADING
        )
        return instrument_pb2.Instrument(
            name=BTC, base_asset="btc", quote_asset="usdt", tick_size="0.01", lot_size="0.00001", state=state
        )


class Exchange(exchange_service_pb2_grpc.ExchangeServiceServicer):
    """Cancels all orders as the test says.

    Attributes:
        open_orders: full names of those that it does not get cancelled.
        silent: whether it does not answer.
        asked: accounts whose orders were to be cancelled.
        when_asked: called first.
    """

    def __init__(self) -> None:
        self.open_orders: list[str] = []
        self.silent = False
        self.asked: list[str] = []
        self.when_asked: Callable[[], Awaitable[None]] | None = None

    async def CancelAllOrders(  # noqa: N802 - the contract's name
        self, request: Any, context: Any
    ) -> exchange_service_pb2.CancelAllOrdersResponse:
        self.asked.append(request.parent)
        if self.when_asked is not None:
            await self.when_asked()
        if self.silent:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        still = [
            order_pb2.Order(name=name, state=order_pb2.ORDER_STATE_PENDING_CANCEL)
            for name in self.open_orders
        ]
        done = order_pb2.Order(name=f"{ACCOUNT}/orders/done", state=order_pb2.ORDER_STATE_CANCELLED)
        return exchange_service_pb2.CancelAllOrdersResponse(orders=[done, *still], complete=not still)


def deposit(amount: str = "100000", asset: str = "usdt") -> Message:
    return order_events_pb2.TransferRecorded(
        transfer=balance_pb2.Transfer(account=ACCOUNT, venue="venues/sim", asset=asset, amount=amount)
    )


def filled(order_id: str, quantity: str, price: str) -> Message:
    return order_events_pb2.FillRecorded(
        fill=fill_pb2.Fill(
            name=f"{ACCOUNT}/fills/{uuid4()}",
            order=f"{ACCOUNT}/orders/{order_id}",
            instrument=BTC,
            side=side_pb2.SIDE_BUY,
            price=price,
            quantity=quantity,
            fee="1",
            fee_asset="usdt",
            base_asset="btc",
            quote_asset="usdt",
            exchange_time=to_timestamp(CLOCK.now()),
        )
    )


def changed(order_id: str, state: order_pb2.OrderState, filled_quantity: str = "") -> Message:
    return order_events_pb2.OrderChanged(
        order=order_pb2.Order(
            name=f"{ACCOUNT}/orders/{order_id}",
            instrument=BTC,
            side=side_pb2.SIDE_BUY,
            quantity="0.1",
            limit=order_kinds_pb2.LimitOrder(price="60000"),
            state=state,
            filled_quantity=filled_quantity,
            base_asset="btc",
            quote_asset="usdt",
        )
    )


def asked(order_id: str, quantity: str = "0.1", price: str = "60000", **more: Any) -> pb.CheckOrderRequest:
    more.setdefault("side", side_pb2.SIDE_BUY)
    return pb.CheckOrderRequest(
        account=ACCOUNT,
        order_id=order_id,
        instrument=BTC,
        quantity=quantity,
        limit_price=price,
        **more,
    )


@dataclass
class Stage:
    """The service with its neighbours."""

    stub: "risk_service_pb2_grpc.RiskServiceAsyncStub"
    market: Market
    exchange: EventLog
    database: Database
    orders: Exchange

    async def exposure(self, until: Callable[[exposure_pb2.Exposure], bool]) -> exposure_pb2.Exposure:
        """The exposure, once it is as the test says."""
        async with asyncio.timeout(10):
            while True:
                found = await self.stub.GetExposure(pb.GetExposureRequest(name=f"{ACCOUNT}/exposure"))
                if until(found):
                    return found
                await asyncio.sleep(0.01)

    async def funded(self) -> None:
        """Deposit, and wait until risk has seen it."""
        await self.exchange.happened(deposit())
        await self.exposure(lambda seen: len(seen.assets) == 1)

    async def holds(self, asset: str, amount: str) -> None:
        """Deposit of an asset that the account had none of, and wait until risk has seen it."""
        before = len((await self.exposure(lambda _: True)).assets)
        await self.exchange.happened(deposit(amount, asset))
        await self.exposure(lambda seen: len(seen.assets) == before + 1)

    async def update_limits(self, **limits: Any) -> None:
        """Change the named limits."""
        await self.stub.UpdateLimits(
            pb.UpdateLimitsRequest(
                request_id=str(uuid4()), limits=limits_pb2.Limits(name=f"{ACCOUNT}/limits", **limits)
            )
        )

    async def decide(self, **order: Any) -> decision_pb2.Decision:
        """The decision on a new order."""
        return (await self.stub.CheckOrder(asked(str(uuid4()), **order))).decision

    async def failed(self, **order: Any) -> str:
        """The name of the check that a new order fails."""
        check = (await self.decide(**order)).checks[-1]
        assert not check.passed, check
        return decision_pb2.CheckKind.Name(check.kind).removeprefix("CHECK_KIND_")


@asynccontextmanager
async def risk_stage(
    serve: Serve, database_url: str, folder: Path, settings: RiskSettings | None = None
) -> AsyncIterator[Stage]:
    """The service, running.

    Args:
        serve: serves a stand-in.
        database_url: of its database.
        folder: for the files of the stand-ins.
        settings: its settings.
    """
    market = Market()
    prices = Binding(
        market,
        market_service_pb2_grpc.add_MarketServiceServicer_to_server,
    )
    orders = Exchange()
    cancelling = Binding(orders, exchange_service_pb2_grpc.add_ExchangeServiceServicer_to_server)
    database = await Database.open(database_url, migrations=MIGRATIONS)
    async with (
        event_log(folder / "exchange.sqlite3") as exchange,
        serve([exchange.binding, cancelling]) as to_exchange,
        serve([prices]) as to_market,
    ):
        channels = {"exchange": to_exchange, "market": to_market}
        application = assemble(runtime_of("risk", channels, database), settings or RiskSettings())
        async with serving_application(application) as channel:
            yield Stage(risk_service_pb2_grpc.RiskServiceStub(channel), market, exchange, database, orders)
    await database.close()
