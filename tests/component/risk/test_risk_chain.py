"""The chain of checks at work: cumulative, in groups, with modes, and closed where risk cannot know."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from trademesh.exchange.v1 import balance_pb2, order_events_pb2, order_pb2
from trademesh.risk.v1 import exposure_pb2, limits_pb2
from trademesh.risk.v1 import risk_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from services.chassis.events import Subscription, SubscriptionState
from services.chassis.persistence import StorageUnavailableError
from services.chassis.rpc.client import MeshError
from services.risk.settings import RiskSettings
from services.risk.storage.tables import DAYS
from services.risk.upstreams import SubscribedEvents
from tests.support.application import CLOCK
from tests.support.risk_service import ACCOUNT, BTC, Stage, asked, changed, filled, risk_stage
from tests.support.rpc import Serve

EVERYBODY = "accounts/-"
SELL = side_pb2.SIDE_SELL


@pytest.fixture
async def stage(serve: Serve, database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with risk_stage(serve, database_url, tmp_path) as running:
        await running.funded()
        yield running


async def test_orders_count_with_those_before_them(stage: Stage) -> None:
    decisions = [await stage.decide(quantity="0.16") for _ in range(6)]
    # Each is 9600 of 50000 that the position may be.
    assert [decision.approved for decision in decisions] == [True] * 5 + [False]
    assert decisions[-1].checks[-1].observed == "57600"


async def test_concurrent_orders_never_pass_a_limit_together(stage: Stage) -> None:
    decisions = await asyncio.gather(*(stage.decide(quantity="0.16") for _ in range(20)))
    assert sum(decision.approved for decision in decisions) == 5
    seen = await stage.exposure(lambda _: True)
    assert seen.open_order_count == 5
    assert seen.instruments[0].pending_buy_quantity == "0.8"


async def test_a_batch_is_counted_together_and_reserves_nothing(stage: Stage) -> None:
    orders = [asked("", quantity="0.16", validate_only=True) for _ in range(6)]
    answer = await stage.stub.CheckOrders(pb.CheckOrdersRequest(account=ACCOUNT, orders=orders))
    assert [decision.approved for decision in answer.decisions] == [True] * 5 + [False]
    assert (await stage.exposure(lambda _: True)).open_order_count == 0
    orders[1].account = "accounts/other"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.CheckOrders(pb.CheckOrdersRequest(account=ACCOUNT, orders=orders))
    assert MeshError.of(refused.value).reason == "INVALID_REQUEST"


async def test_a_group_reserves_the_most_and_shrinks_with_its_members(stage: Stage) -> None:
    await stage.holds("btc", "1")
    group, first, second = str(uuid4()), str(uuid4()), str(uuid4())
    target = asked(first, quantity="0.1", price="70000", side=SELL, group=group)
    stop = asked(second, quantity="0.1", price="", side=SELL, group=group, trigger_price="50000")
    for leg in (target, stop):
        assert (await stage.stub.CheckOrder(leg)).decision.approved

    async def reserved(quantity: str) -> None:
        await stage.exposure(lambda seen: seen.assets[0].reserved_quantity == quantity)

    await reserved("0.1")
    partial = order_pb2.ORDER_STATE_PARTIALLY_FILLED
    await stage.exchange.happened(changed(first, partial, "0.04"))
    await reserved("0.06")
    await stage.exchange.happened(changed(first, order_pb2.ORDER_STATE_CANCELLED, "0.04"))
    await stage.exposure(lambda seen: seen.open_order_count == 1)
    await reserved("0.06")
    await stage.exchange.happened(changed(second, order_pb2.ORDER_STATE_CANCELLED, "0"))
    await reserved("0")


async def test_optional_limits_are_set_cleared_and_versioned(stage: Stage) -> None:
    await stage.update_limits(
        max_order_rate=2,
        order_rate_window=Duration(seconds=60),
        instrument_limits=[limits_pb2.InstrumentLimit(instrument=BTC, max_position_quantity="0.3")],
    )
    assert (await stage.decide()).approved
    assert (await stage.decide()).approved
    assert await stage.failed() == "ORDER_RATE"
    name = f"{ACCOUNT}/limits"
    mask = FieldMask(paths=["max_order_rate", "max_order_notional"])
    cleared = await stage.stub.UpdateLimits(
        pb.UpdateLimitsRequest(request_id=str(uuid4()), limits=limits_pb2.Limits(name=name), update_mask=mask)
    )
    assert (cleared.max_order_rate, cleared.max_order_notional, cleared.version) == (0, "", 3)
    assert cleared == await stage.stub.GetLimits(pb.GetLimitsRequest(name=name))
    assert (await stage.decide()).approved
    assert await stage.failed() == "POSITION_QUANTITY"


async def test_duplicates_within_the_window(stage: Stage) -> None:
    await stage.update_limits(duplicate_window=Duration(seconds=60))
    assert (await stage.decide()).approved
    assert await stage.failed() == "DUPLICATE_ORDER"
    assert (await stage.decide(price="59999")).approved
    assert (await stage.decide(group=str(uuid4()))).approved


async def test_losses_of_the_day_without_deposits(stage: Stage) -> None:
    await stage.update_limits(max_daily_loss="500", max_leverage="3", max_daily_drawdown="1000")
    assert (await stage.decide()).approved
    await stage.holds("btc", "1")
    await stage.exchange.happened(*_lost("600"))
    await stage.exposure(lambda seen: seen.assets[1].quantity == "99400")
    assert await stage.failed() == "DAILY_LOSS"
    assert (await stage.decide(side=SELL)).approved


def _lost(amount: str) -> list[Message]:
    kind = balance_pb2.TRANSFER_KIND_FUNDING
    paid = balance_pb2.Transfer(
        account=ACCOUNT, venue="venues/sim", asset="usdt", amount=f"-{amount}", kind=kind
    )
    return [order_events_pb2.TransferRecorded(transfer=paid)]


async def test_the_days_highest_equity_is_seen_between_orders(serve: Serve, tmp_path: Path) -> None:
    settings = RiskSettings(equity_interval_seconds=0.02, price_age_seconds=0)
    async with risk_stage(serve, f"sqlite:///{tmp_path}/risk.sqlite3", tmp_path, settings) as watched:
        await watched.funded()
        await watched.exchange.happened(filled(str(uuid4()), "1", "60000"))
        await watched.exposure(lambda seen: len(seen.assets) == 2)
        wide = "1000000"
        await watched.update_limits(
            max_daily_drawdown="5000", max_position_notional=wide, max_gross_notional=wide
        )
        watched.market.bid = watched.market.ask = "70000"
        await _peak(watched, "9999")
        watched.market.bid = watched.market.ask = "64000"
        assert await watched.failed(price="64000", quantity="0.01") == "DAILY_DRAWDOWN"
        watched.market.bid = watched.market.ask = "66000"
        assert (await watched.decide(price="66000", quantity="0.01")).approved


async def _peak(stage: Stage, amount: str) -> None:
    """Wait until the day's highest equity, deposits taken out, has been seen."""
    async with asyncio.timeout(10):
        while True:
            async with stage.database.read() as connection:
                peak = (await connection.execute(sa.select(DAYS.c.peak))).scalar()
            if peak is not None and str(peak) == amount:
                return
            await asyncio.sleep(0.01)


async def test_reducing_lets_positions_be_closed_only(stage: Stage) -> None:
    await stage.holds("btc", "0.15")
    reducing = exposure_pb2.TRADING_MODE_REDUCING
    state = await stage.stub.HaltTrading(_halt(ACCOUNT, mode=reducing))
    assert (state.mode, state.effective_mode) == (reducing, reducing)
    assert await stage.failed() == "TRADING_REDUCING"
    assert (await stage.decide(side=SELL)).approved
    assert await stage.failed(side=SELL) == "TRADING_REDUCING"
    assert (await stage.decide(side=SELL, quantity="0.05")).approved


async def test_everybody_is_halted_and_an_own_halt_outlives_it(stage: Stage) -> None:
    await stage.stub.HaltTrading(_halt(EVERYBODY))
    assert await stage.failed() == "TRADING_HALTED"
    own = await stage.stub.GetTradingState(pb.GetTradingStateRequest(name=f"{ACCOUNT}/tradingState"))
    assert own.mode == exposure_pb2.TRADING_MODE_ACTIVE
    assert own.effective_mode == exposure_pb2.TRADING_MODE_HALTED
    await stage.stub.HaltTrading(_halt(ACCOUNT))
    await stage.stub.ResumeTrading(_resume(EVERYBODY))
    assert await stage.failed() == "TRADING_HALTED"
    await stage.stub.ResumeTrading(_resume(ACCOUNT))
    assert (await stage.decide()).approved


async def test_changes_of_the_mode_are_listed_page_by_page(stage: Stage) -> None:
    for _ in range(2):
        await stage.stub.HaltTrading(_halt(ACCOUNT))
        await stage.stub.ResumeTrading(_resume(ACCOUNT))
    request = pb.ListTradingStateChangesRequest(parent=ACCOUNT, page_size=3)
    first = await stage.stub.ListTradingStateChanges(request)
    request.page_token = first.next_page_token
    second = await stage.stub.ListTradingStateChanges(request)
    modes = [change.to_mode for change in [*first.changes, *second.changes]]
    active, halted = exposure_pb2.TRADING_MODE_ACTIVE, exposure_pb2.TRADING_MODE_HALTED
    assert modes == [active, halted, active, halted]
    assert [len(first.changes), second.next_page_token] == [3, ""]
    assert first.changes[1].reason == "a test"


async def test_an_instrument_that_the_venue_halted(stage: Stage) -> None:
    stage.market.halted = True
    assert await stage.failed() == "INSTRUMENT_STATUS"


async def test_risk_that_cannot_reach_its_database_does_not_approve(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> AbstractAsyncContextManager[object]:
        raise StorageUnavailableError("the disk is gone")

    assert (await stage.decide()).approved
    with monkeypatch.context() as broken:
        broken.setattr(stage.database, "write", away)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stage.decide()
    assert MeshError.of(refused.value).reason == "STORAGE_UNAVAILABLE"
    assert (await stage.exposure(lambda _: True)).open_order_count == 1


class Behind(Subscription):
    """A subscription whose progress the test decides."""

    def __init__(self) -> None:
        self.read_all = False
        self.now_in = SubscriptionState.STREAMING

    @property
    def state(self) -> SubscriptionState:
        return self.now_in

    def caught_up(self) -> bool:
        return self.read_all


def test_events_too_far_behind_fail_closed() -> None:
    behind, bound = Behind(), timedelta(seconds=30)
    clock = Moved()
    events = SubscribedEvents(behind, clock, bound)
    events.applied(clock.now())
    assert not events.ready()
    behind.read_all = True
    assert events.ready()
    behind.read_all = False
    clock.by = bound
    assert events.ready()
    clock.by = bound + timedelta(seconds=1)
    assert not events.ready()
    events.applied(CLOCK.now() + timedelta(seconds=5))
    assert events.ready()
    behind.now_in = SubscriptionState.HALTED
    assert not events.ready()


class Moved:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.start = CLOCK.now()
        self.by = timedelta(0)

    def now(self) -> datetime:
        return self.start + self.by


async def test_what_an_older_version_stored_is_taken_over(serve: Serve, tmp_path: Path) -> None:
    """A database of the first version: limits, holdings, positions and reservations go on."""
    url = f"sqlite:///{tmp_path}/risk.sqlite3"
    _first_version(tmp_path / "risk.sqlite3")
    async with risk_stage(serve, url, tmp_path, RiskSettings()) as old:
        limits = await old.stub.GetLimits(pb.GetLimitsRequest(name=f"{ACCOUNT}/limits"))
        assert (limits.max_order_notional, limits.version) == ("5000", 3)
        seen = await old.exposure(lambda _: True)
        assert {each.asset: (each.quantity, each.reserved_quantity) for each in seen.assets} == {
            "btc": ("0.5", "0"),
            "usdt": ("1000", "600"),
        }
        assert (seen.instruments[0].quantity, seen.gross_notional) == ("0.5", "30000")
        await old.exchange.happened(changed("o1", order_pb2.ORDER_STATE_CANCELLED))
        await old.exposure(lambda now: now.open_order_count == 0)


def _halt(account: str, **more: object) -> pb.HaltTradingRequest:
    return pb.HaltTradingRequest(account=account, request_id=str(uuid4()), reason="a test", **more)  # type: ignore[arg-type]


def _resume(account: str) -> pb.ResumeTradingRequest:
    return pb.ResumeTradingRequest(account=account, request_id=str(uuid4()), reason="it is over")


def _first_version(path: Path) -> None:
    """Make a database as the first version left it."""
    first = importlib.import_module("services.risk.storage.migrations.versions.0001_first_tables")
    then = "2024-08-08T00:00:00.000000+00:00"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            first.upgrade()
        context._ensure_version_table()
        for statement in (
            "INSERT INTO alembic_version VALUES ('0001')",
            f"INSERT INTO limits VALUES ('paper', '5000', '50000', '80000', '0.05', 100, 3, '{then}')",
            f"INSERT INTO trading_states VALUES ('paper', 'active', '', '{then}')",
            "INSERT INTO holdings VALUES ('paper', 'usdt', '1000'), ('paper', 'btc', '0.5')",
            f"INSERT INTO positions VALUES ('paper', '{BTC}', '0.5')",
            f"INSERT INTO reservations VALUES ('o1', 'paper', '{BTC}', 'BUY', '0.01', 'usdt', '60000')",
        ):
            connection.execute(sa.text(statement))
    engine.dispose()
