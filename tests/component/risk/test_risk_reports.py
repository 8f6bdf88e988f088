"""Decisions, protections and measures of the service behind real gRPC, on both databases."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from trademesh.exchange.v1 import order_pb2
from trademesh.risk.v1 import metrics_pb2, protection_pb2
from trademesh.risk.v1 import risk_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from services.chassis.rpc.client import MeshError
from services.risk.handlers.upkeep import Forgetting
from services.risk.storage.store import SqlRiskStore
from tests.support.application import CLOCK
from tests.support.risk_service import ACCOUNT, BTC, Stage, asked, changed, filled, risk_stage
from tests.support.rpc import Serve

NAME = f"{ACCOUNT}/protections"
HOUR = Duration(seconds=3600)


@pytest.fixture
async def stage(serve: Serve, database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with risk_stage(serve, database_url, tmp_path) as running:
        await running.funded()
        yield running


async def protect(stage: Stage, **rules: object) -> protection_pb2.Protections:
    protections = protection_pb2.Protections(name=NAME, **rules)  # type: ignore[arg-type]
    request = pb.UpdateProtectionsRequest(request_id=str(uuid4()), protections=protections)
    return await stage.stub.UpdateProtections(request)


async def trade(stage: Stage, buy: str, sell: str, *, stop: bool = False) -> None:
    """Buy and sell 0.1; the sale by a stop where the test wants it."""
    first, second = str(uuid4()), str(uuid4())
    await stage.stub.CheckOrder(asked(first))
    await _done(stage, filled(first, "0.1", buy), changed(first, order_pb2.ORDER_STATE_FILLED, "0.1"))
    sale = asked(second, price="", side=side_pb2.SIDE_SELL, trigger_price=sell if stop else "")
    assert (await stage.stub.CheckOrder(sale)).decision.approved
    sold = filled(second, "0.1", sell)
    sold.fill.side = side_pb2.SIDE_SELL  # type: ignore[attr-defined]
    await _done(stage, sold, changed(second, order_pb2.ORDER_STATE_FILLED, "0.1"))


async def _done(stage: Stage, *events: object) -> None:
    await stage.exchange.happened(*events)  # type: ignore[arg-type]
    await stage.exposure(lambda seen: seen.open_order_count == 0)


async def locks(stage: Stage) -> list[protection_pb2.Lock]:
    return list((await stage.stub.ListLocks(pb.ListLocksRequest(parent=ACCOUNT))).locks)


async def test_a_decision_is_kept_with_what_it_was_made_of(stage: Stage) -> None:
    order_id = str(uuid4())
    answer = await stage.stub.CheckOrder(asked(order_id, strategy="strategies/sma"))
    name = f"{ACCOUNT}/decisions/{order_id}"
    kept = await stage.stub.GetDecision(pb.GetDecisionRequest(name=name))
    assert kept.decision == answer.decision
    assert (kept.order.quantity, kept.order.limit_price, kept.order.strategy) == (
        "0.1",
        "60000",
        "strategies/sma",
    )
    assert dict(kept.inputs) == {
        "ask": "60010",
        "bid": "59990",
        "mode": "active",
        "open_orders": "0",
        "position": "0",
    }
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.GetDecision(pb.GetDecisionRequest(name=f"accounts/other/decisions/{order_id}"))
    assert MeshError.of(refused.value).reason == "DECISION_NOT_FOUND"


async def test_decisions_are_listed_newest_first_page_by_page(stage: Stage) -> None:
    ids = [str(uuid4()) for _ in range(5)]
    for number, order_id in enumerate(ids):
        await stage.stub.CheckOrder(asked(order_id, quantity="0.5" if number == 2 else "0.01"))
    request = pb.ListDecisionsRequest(parent=ACCOUNT, page_size=2)
    names: list[str] = []
    while True:
        page = await stage.stub.ListDecisions(request)
        names += [each.name.rpartition("/")[2] for each in page.decisions]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert names == list(reversed(ids))
    denied = await stage.stub.ListDecisions(pb.ListDecisionsRequest(parent=ACCOUNT, denied_only=True))
    assert [each.name.rpartition("/")[2] for each in denied.decisions] == [ids[2]]


async def test_old_decisions_are_forgotten_but_for_those_that_hold_something(stage: Stage) -> None:
    kept, gone = str(uuid4()), str(uuid4())
    for order_id in (kept, gone):
        await stage.stub.CheckOrder(asked(order_id))
    await stage.exchange.happened(changed(gone, order_pb2.ORDER_STATE_CANCELLED))
    await stage.exposure(lambda seen: seen.open_order_count == 1)
    store = SqlRiskStore(stage.database, "a test")
    assert await Forgetting(store, CLOCK, timedelta(days=1)).forget() == 0
    assert await Forgetting(store, CLOCK, timedelta(0)).forget() == 1
    left = await stage.stub.ListDecisions(pb.ListDecisionsRequest(parent=ACCOUNT))
    assert [each.name.rpartition("/")[2] for each in left.decisions] == [kept]


async def test_protections_are_set_switched_off_and_versioned(stage: Stage) -> None:
    empty = await stage.stub.GetProtections(pb.GetProtectionsRequest(name=NAME))
    assert empty == protection_pb2.Protections(name=NAME)
    rule = protection_pb2.MaxDrawdown(
        lookback=HOUR, trade_limit=2, max_drawdown_amount="10.5", lock_duration=HOUR
    )
    first = await protect(stage, cooldown=protection_pb2.Cooldown(lock_duration=HOUR), max_drawdown=rule)
    assert (first.version, first.max_drawdown) == (1, rule)
    off = pb.UpdateProtectionsRequest(
        request_id=str(uuid4()),
        protections=protection_pb2.Protections(name=NAME),
        update_mask=FieldMask(paths=["cooldown"]),
    )
    second = await stage.stub.UpdateProtections(off)
    assert (second.HasField("cooldown"), second.max_drawdown, second.version) == (False, rule, 2)
    assert await stage.stub.GetProtections(pb.GetProtectionsRequest(name=NAME)) == second


async def test_a_closed_trade_locks_its_instrument_until_the_lock_is_removed(stage: Stage) -> None:
    await protect(stage, cooldown=protection_pb2.Cooldown(lock_duration=Duration(seconds=30 * 86400)))
    await trade(stage, "60000", "60005")
    (lock,) = await locks(stage)
    assert (lock.instrument, lock.source) == (BTC, "cooldown")
    assert await stage.failed() == "LOCKED"
    request = pb.DeleteLockRequest(name=lock.name, request_id=str(uuid4()))
    await stage.stub.DeleteLock(request)
    await stage.stub.DeleteLock(request)
    assert await locks(stage) == []
    assert (await stage.decide()).approved
    request.request_id = str(uuid4())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.DeleteLock(request)
    assert MeshError.of(refused.value).reason == "LOCK_NOT_FOUND"


async def test_stops_that_lose_lock_the_account(stage: Stage) -> None:
    guard = protection_pb2.StopLossGuard(lookback=HOUR, trade_limit=2, lock_duration=HOUR)
    await protect(stage, stop_loss_guard=guard)
    await trade(stage, "60000", "59900", stop=True)
    await trade(stage, "60000", "59900")
    assert await locks(stage) == []
    await trade(stage, "60000", "59900", stop=True)
    (lock,) = await locks(stage)
    assert (lock.instrument, lock.source) == ("", "stop_loss_guard")
    assert await stage.failed() == "LOCKED"


async def test_measures_of_a_position(stage: Stage) -> None:
    await stage.exchange.happened(filled(str(uuid4()), "0.5", "60000"))
    await stage.exposure(lambda seen: len(seen.instruments) == 1)
    stage.market.closes = ["60000", "57000", "62700", "62700"]
    parameters = metrics_pb2.MetricsParameters(confidence="0.5", interval="1m")
    request = pb.GetRiskMetricsRequest(name=f"{ACCOUNT}/riskMetrics", parameters=parameters)
    found = await stage.stub.GetRiskMetrics(request)
    assert (found.gross_notional, found.net_notional, found.sample_count) == ("30000", "30000", 3)
    # Losses of 1500, -3000 and 0: the middle one, and the mean of the worst one and a half.
    assert (found.value_at_risk_amount, found.expected_shortfall_amount) == ("0", "1000")
    assert (found.venues[0].venue, found.instruments[0].share) == ("venues/sim", "1")
    assert found.equity_amount == "99999"
    stage.market.closes = []
    without = await stage.stub.GetRiskMetrics(request)
    assert (without.value_at_risk_amount, list(without.missing_prices)) == ("", [BTC])
    request.parameters.confidence = "1.5"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.GetRiskMetrics(request)
    assert MeshError.of(refused.value).reason == "INVALID_REQUEST"


async def test_stress_and_what_if(stage: Stage) -> None:
    await stage.exchange.happened(filled(str(uuid4()), "0.5", "60000"))
    await stage.exposure(lambda seen: len(seen.instruments) == 1)
    stage.market.closes = ["60000", "57000"]
    shock = metrics_pb2.Shock(asset="btc", price_change="-0.1")
    stressed = await stage.stub.RunStress(
        pb.RunStressRequest(account=ACCOUNT, scenarios=["crash-50"], shocks=[shock])
    )
    assert [(each.scenario, each.profit_amount) for each in stressed.results] == [
        ("crash-50", "-15000"),
        ("given", "-3000"),
    ]
    assert stressed.results[1].equity_amount == "96999"
    every = await stage.stub.RunStress(pb.RunStressRequest(account=ACCOUNT))
    assert len(every.results) == 5
    sale = asked("", quantity="0.25", price="", side=side_pb2.SIDE_SELL, validate_only=True)
    preview = await stage.stub.PreviewExposure(
        pb.PreviewExposureRequest(
            account=ACCOUNT, orders=[sale], parameters=metrics_pb2.MetricsParameters(interval="1m")
        )
    )
    assert (preview.before.gross_notional, preview.after.gross_notional) == ("30000", "15000")
    assert (preview.before.value_at_risk_amount, preview.after.value_at_risk_amount) == ("1500", "750")
    assert (await stage.exposure(lambda _: True)).open_order_count == 0
