"""The risk service behind real gRPC, fed by a real event log, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from trademesh.exchange.v1 import order_pb2
from trademesh.risk.v1 import decision_pb2, exposure_pb2, limits_pb2
from trademesh.risk.v1 import risk_service_pb2 as pb

from services.chassis.persistence import Database, assert_schema_current
from services.chassis.rpc.client import MeshError
from services.risk.storage.tables import METADATA
from tests.support.risk_service import ACCOUNT, MIGRATIONS, Stage, asked, changed, filled, risk_stage
from tests.support.rpc import Serve


@pytest.fixture
async def stage(serve: Serve, database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with risk_stage(serve, database_url, tmp_path) as running:
        yield running


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
    partial = order_pb2.ORDER_STATE_PARTIALLY_FILLED
    await stage.exchange.happened(
        filled(order_id, "0.04", "59990"), changed(order_id, partial, filled_quantity="0.04")
    )
    partly = await stage.exposure(lambda seen: seen.assets[-1].reserved_quantity == "3607.2")
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
