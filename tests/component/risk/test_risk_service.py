"""The risk service behind real gRPC, fed by a real event log, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from trademesh.exchange.v1 import balance_pb2, fill_pb2, order_events_pb2, order_kinds_pb2, order_pb2
from trademesh.market.v1 import instrument_pb2, market_service_pb2_grpc, ticker_pb2
from trademesh.risk.v1 import decision_pb2, exposure_pb2, limits_pb2, risk_service_pb2_grpc
from trademesh.risk.v1 import risk_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from services.chassis.persistence import Database, assert_schema_current
from services.chassis.rpc.client import MeshError
from services.chassis.runtime import Binding
from services.risk.app import build
from services.risk.storage.tables import METADATA
from tests.support.application import EventLog, event_log, running
from tests.support.rpc import Serve

ACCOUNT = "accounts/paper"
BTC = "venues/sim/instruments/btc-usdt"
MIGRATIONS = "services.risk.storage.migrations"


class Market(market_service_pb2_grpc.MarketServiceServicer):
    """Knows one instrument, and quotes it while the test lets it."""

    def __init__(self) -> None:
        self.quoting = True

    async def GetInstrument(self, request: Any, context: Any) -> instrument_pb2.Instrument:  # noqa: N802 - the contract's name
        if request.name != BTC:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such instrument")
        return instrument_pb2.Instrument(name=BTC, base_asset="btc", quote_asset="usdt")

    async def GetTicker(self, request: Any, context: Any) -> ticker_pb2.Ticker:  # noqa: N802 - the contract's name
        if not self.quoting:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "stale")
        return ticker_pb2.Ticker(name=request.name, bid_price="59990", ask_price="60010")


def deposit(amount: str = "100000") -> Message:
    return order_events_pb2.TransferRecorded(
        transfer=balance_pb2.Transfer(account=ACCOUNT, venue="venues/sim", asset="usdt", amount=amount)
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
        )
    )


def changed(order_id: str, state: order_pb2.OrderState) -> Message:
    return order_events_pb2.OrderChanged(
        order=order_pb2.Order(
            name=f"{ACCOUNT}/orders/{order_id}",
            instrument=BTC,
            side=side_pb2.SIDE_BUY,
            quantity="0.1",
            limit=order_kinds_pb2.LimitOrder(price="60000"),
            state=state,
            base_asset="btc",
            quote_asset="usdt",
        )
    )


def asked(order_id: str, quantity: str = "0.1", price: str = "60000") -> pb.CheckOrderRequest:
    return pb.CheckOrderRequest(
        account=ACCOUNT,
        order_id=order_id,
        instrument=BTC,
        side=side_pb2.SIDE_BUY,
        quantity=quantity,
        limit_price=price,
    )


@dataclass
class Stage:
    """The service with its neighbours."""

    stub: "risk_service_pb2_grpc.RiskServiceAsyncStub"
    market: Market
    exchange: EventLog

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


@pytest.fixture
async def stage(serve: Serve, database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    market = Market()
    prices = Binding(
        market,
        market_service_pb2_grpc.add_MarketServiceServicer_to_server,
    )
    database = await Database.open(database_url, migrations=MIGRATIONS)
    async with (
        event_log(tmp_path / "exchange.sqlite3") as exchange,
        serve([exchange.binding]) as to_exchange,
        serve([prices]) as to_market,
        running(
            "risk", build, database=database, channels={"exchange": to_exchange, "market": to_market}
        ) as channel,
    ):
        yield Stage(risk_service_pb2_grpc.RiskServiceStub(channel), market, exchange)
    await database.close()


async def test_schema_is_what_the_code_speaks_of(database_url: str) -> None:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    await assert_schema_current(database, METADATA)
    await database.close()


async def test_an_approved_order_is_reserved_for_once(stage: Stage) -> None:
    await stage.funded()
    order_id = str(uuid4())
    first = await stage.stub.CheckOrder(asked(order_id))
    repeats = await asyncio.gather(*(stage.stub.CheckOrder(asked(order_id)) for _ in range(20)))
    assert first.decision.approved
    assert first.decision.reservation.quantity == "6012"
    assert all(repeat == first for repeat in repeats)
    seen = await stage.exposure(lambda seen: seen.open_order_count == 1)
    assert seen.assets[0].reserved_quantity == "6012"


async def test_an_order_id_with_other_terms_is_refused(stage: Stage) -> None:
    await stage.funded()
    order_id = str(uuid4())
    await stage.stub.CheckOrder(asked(order_id))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.CheckOrder(asked(order_id, quantity="0.2"))
    assert MeshError.of(refused.value).reason == "ORDER_ID_REUSED"


async def test_a_denied_order_tells_its_numbers_and_stays_denied(stage: Stage) -> None:
    await stage.funded()
    order_id = str(uuid4())
    denied = (await stage.stub.CheckOrder(asked(order_id, quantity="0.5"))).decision
    assert not denied.approved
    assert denied.checks[-1].kind == decision_pb2.CHECK_KIND_ORDER_NOTIONAL
    assert (denied.checks[-1].observed, denied.checks[-1].allowed) == ("30000", "10000")
    assert (await stage.stub.CheckOrder(asked(order_id, quantity="0.5"))).decision == denied


async def test_fills_turn_the_reservation_into_holdings_and_the_end_releases_it(stage: Stage) -> None:
    await stage.funded()
    order_id = str(uuid4())
    await stage.stub.CheckOrder(asked(order_id))
    await stage.exchange.happened(filled(order_id, "0.04", "59990"))
    partly = await stage.exposure(lambda seen: len(seen.assets) == 2)
    assert {each.asset: (each.quantity, each.reserved_quantity) for each in partly.assets} == {
        "btc": ("0.04", "0"),
        "usdt": ("97599.4", "3607.2"),
    }
    assert partly.instruments[0].quantity == "0.04"
    assert partly.instruments[0].pending_buy_quantity == "0.06"
    assert partly.gross_notional == "2400"
    await stage.exchange.happened(changed(order_id, order_pb2.ORDER_STATE_CANCELLED))
    done = await stage.exposure(lambda seen: seen.open_order_count == 0)
    assert done.assets[1].reserved_quantity == "0"


async def test_an_order_from_outside_is_set_aside_for(stage: Stage) -> None:
    await stage.funded()
    await stage.exchange.happened(changed(str(uuid4()), order_pb2.ORDER_STATE_OPEN))
    seen = await stage.exposure(lambda seen: seen.open_order_count == 1)
    assert seen.assets[0].reserved_quantity == "6000"


async def test_a_decision_after_the_order_ended_reserves_nothing(stage: Stage) -> None:
    await stage.funded()
    order_id, other = str(uuid4()), str(uuid4())
    await stage.exchange.happened(
        changed(order_id, order_pb2.ORDER_STATE_DENIED), changed(other, order_pb2.ORDER_STATE_OPEN)
    )
    await stage.exposure(lambda seen: seen.open_order_count == 1)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.CheckOrder(asked(order_id))
    assert MeshError.of(refused.value).reason == "ORDER_ENDED"


async def test_validate_only_reserves_nothing(stage: Stage) -> None:
    await stage.funded()
    request = asked("")
    request.validate_only = True
    preview = (await stage.stub.CheckOrder(request)).decision
    assert preview.approved
    assert not preview.HasField("reservation")
    assert (await stage.exposure(lambda _: True)).open_order_count == 0


async def test_halt_stops_new_orders_until_resume_and_repeats_change_nothing(stage: Stage) -> None:
    await stage.funded()
    halt = pb.HaltTradingRequest(account=ACCOUNT, request_id=str(uuid4()), reason="flood")
    first = await stage.stub.HaltTrading(halt)
    assert first.mode == exposure_pb2.TRADING_MODE_HALTED
    denied = (await stage.stub.CheckOrder(asked(str(uuid4())))).decision
    assert denied.checks[-1].kind == decision_pb2.CHECK_KIND_TRADING_HALTED
    await stage.stub.ResumeTrading(
        pb.ResumeTradingRequest(account=ACCOUNT, request_id=str(uuid4()), reason="dry")
    )
    assert (await stage.stub.CheckOrder(asked(str(uuid4())))).decision.approved
    assert await stage.stub.HaltTrading(halt) == first
    assert (await stage.stub.CheckOrder(asked(str(uuid4())))).decision.approved
    halt.reason = "another"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.HaltTrading(halt)
    assert MeshError.of(refused.value).reason == "REQUEST_ID_REUSED"


async def test_limits_change_by_mask(stage: Stage) -> None:
    await stage.funded()
    changed_limits = await stage.stub.UpdateLimits(
        pb.UpdateLimitsRequest(
            request_id=str(uuid4()),
            limits=limits_pb2.Limits(name=f"{ACCOUNT}/limits", max_order_notional="50", price_collar="0.5"),
            update_mask=FieldMask(paths=["max_order_notional"]),
        )
    )
    assert (changed_limits.max_order_notional, changed_limits.price_collar) == ("50", "0.05")
    assert changed_limits.version == 2
    denied = (await stage.stub.CheckOrder(asked(str(uuid4())))).decision
    assert denied.limits_version == 2
    assert not denied.approved
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.UpdateLimits(
            pb.UpdateLimitsRequest(
                request_id=str(uuid4()),
                limits=limits_pb2.Limits(name=f"{ACCOUNT}/limits"),
                update_mask=FieldMask(paths=["version"]),
            )
        )
    assert MeshError.of(refused.value).reason == "INVALID_UPDATE_MASK"


async def test_without_a_price_nothing_passes(stage: Stage) -> None:
    await stage.funded()
    stage.market.quoting = False
    denied = (await stage.stub.CheckOrder(asked(str(uuid4())))).decision
    assert denied.checks[-1].kind == decision_pb2.CHECK_KIND_PRICE_MISSING


async def test_unknown_names(stage: Stage) -> None:
    await stage.funded()
    request = asked(str(uuid4()))
    request.instrument = "venues/sim/instruments/doge-usdt"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.CheckOrder(request)
    assert MeshError.of(refused.value).reason == "INSTRUMENT_NOT_FOUND"
    request = asked(str(uuid4()))
    request.account = "accounts/nobody"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.CheckOrder(request)
    assert MeshError.of(refused.value).reason == "ACCOUNT_NOT_FOUND"
