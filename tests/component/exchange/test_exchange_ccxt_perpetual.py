"""The whole exchange service over ccxt's USD-M perpetuals, at a local venue with Binance's wire format."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from trademesh.exchange.v1 import balance_pb2, order_pb2
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from services.chassis.clock import SystemClock
from services.exchange.venues.ccxt_adapter import CcxtVenue
from services.exchange.venues.ccxt_settings import CcxtSettings, KeySettings
from services.simvenue.binance.faults import Fault, FaultKind
from services.simvenue.domain.terms import Side
from tests.support.binance_venue import BinanceVenue, binance_venue, key_of, secret_of
from tests.support.exchange import (
    PAPER,
    PATIENT,
    RunningExchange,
    eventually,
    limit_order,
    market_order,
    running_exchange,
)

D = Decimal
PERP = "btc-usdt-perp"
INSTRUMENT = f"venues/sim/instruments/{PERP}"
_S = order_pb2


@dataclass
class Trading:
    exchange: RunningExchange
    venue: BinanceVenue

    async def sold(self, request: pb.CreateOrderRequest, *, reduce: bool = False) -> Any:
        request.order.side = side_pb2.SIDE_SELL
        request.order.reduce_only = reduce
        return await self.bought(request)

    async def bought(self, request: pb.CreateOrderRequest) -> Any:
        request.order.instrument = INSTRUMENT
        return await self.exchange.create(request)

    async def position(self) -> str:
        listed = await self.exchange.stub.ListPositions(pb.ListPositionsRequest(parent=PAPER))
        return next((each.quantity for each in listed.positions), "0")


@pytest.fixture
async def trading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Trading]:
    monkeypatch.setenv("PAPER_KEY", key_of("paper"))
    monkeypatch.setenv("PAPER_SECRET", secret_of("paper"))
    money = {"paper": {"usdt": D(10_000)}}
    async with binance_venue(tmp_path, money, perpetuals=True, liquidation=True) as venue:
        settings = CcxtSettings(
            exchange="binanceusdm",
            market="swap",
            instruments=(PERP,),
            keys={"paper": KeySettings(key_env="PAPER_KEY", secret_env="PAPER_SECRET")},
            rest_url=venue.url,
            ws_url=venue.ws_url,
        )
        adapter = CcxtVenue("sim", settings, SystemClock())
        database = f"sqlite+aiosqlite:///{tmp_path}/exchange.sqlite3"
        try:
            async with running_exchange(database, adapter=adapter, timing=PATIENT) as exchange:
                yield Trading(exchange, venue)
        finally:
            await adapter.close()


async def test_a_position_is_opened_and_closed_by_reduce_only(trading: Trading) -> None:
    await trading.venue.rest(Side.SELL, "1", "60000", PERP)
    opened = await trading.bought(market_order("1"))
    await trading.exchange.settled(opened.name, "FILLED")
    assert await trading.position() == "1"
    closing = await trading.sold(limit_order("1", "61000"), reduce=True)
    await trading.exchange.settled(closing.name, "OPEN")
    await trading.venue.hit(Side.BUY, "1", "61000", PERP)
    await trading.exchange.settled(closing.name, "FILLED")
    assert await trading.position() == "0"
    fees = {each.fee for each in await trading.exchange.fills()}
    assert fees == {"30", "12.2"}


async def test_a_lost_answer_is_resolved_and_no_order_is_doubled(trading: Trading) -> None:
    await trading.venue.rest(Side.SELL, "5", "60000", PERP)
    trading.venue.door.faults.add(Fault(FaultKind.LOST_ANSWER, "POST", "/fapi/v1/order"))
    order = await trading.bought(market_order("0.5"))
    await trading.exchange.settled(order.name, "FILLED")
    assert [each.quantity for each in await trading.exchange.fills()] == ["0.5"]
    assert await trading.position() == "0.5"


async def test_a_liquidation_at_binance_is_adopted(trading: Trading) -> None:
    await trading.venue.rest(Side.SELL, "1", "60000", PERP)
    opened = await trading.bought(market_order("1"))
    await trading.exchange.settled(opened.name, "FILLED")
    await trading.venue.rest(Side.BUY, "5", "52000", PERP)
    await trading.venue.hit(Side.SELL, "0.01", "52000", PERP)

    async def adopted() -> Any:
        found = await trading.exchange.orders()
        named = [each for each in found if each.client_order_id.startswith("autoclose-")]
        return named[0] if named and named[0].state == _S.ORDER_STATE_FILLED else None

    order = await eventually(adopted)
    assert (order.side, order.filled_quantity, order.reduce_only) == (side_pb2.SIDE_SELL, "1", True)
    assert await trading.position() == "0"

    async def paid() -> Any:
        told = [
            each for each in await trading.exchange.events() if each.DESCRIPTOR.name == "TransferRecorded"
        ]
        kinds = {each.transfer.kind: each.transfer.amount for each in told}
        return kinds.get(balance_pb2.TRANSFER_KIND_CORRECTION)

    # A fee of 1.25 % of 52000, of which 1944 - 26 were there.
    assert await eventually(paid) == "-650"
