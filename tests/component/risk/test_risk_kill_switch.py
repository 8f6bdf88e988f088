"""The kill switch: block first, cancel then, confirmed by the venue's word only, and never given up."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from trademesh.risk.v1 import exposure_pb2
from trademesh.risk.v1 import risk_service_pb2 as pb

from services.risk.settings import RiskSettings
from tests.support.risk_service import ACCOUNT, Stage, risk_stage
from tests.support.rpc import Serve

SETTINGS = RiskSettings(cancel_retry_seconds=0.05)
STUCK = f"{ACCOUNT}/orders/stuck"
EVERYBODY = "accounts/-"


@pytest.fixture
async def stage(serve: Serve, database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with risk_stage(serve, database_url, tmp_path, SETTINGS) as running:
        await running.funded()
        yield running


def thrown(account: str = ACCOUNT) -> pb.HaltTradingRequest:
    return pb.HaltTradingRequest(
        account=account, request_id=str(uuid4()), reason="a test", cancel_open_orders=True
    )


async def confirmed(stage: Stage, account: str = ACCOUNT) -> exposure_pb2.TradingState:
    """The state once the cancel is confirmed; it is tried again by itself."""
    request = pb.GetTradingStateRequest(name=f"{account}/tradingState")
    async with asyncio.timeout(10):
        while not (state := await stage.stub.GetTradingState(request)).confirmed:
            await asyncio.sleep(0.01)
    return state


async def test_new_orders_are_blocked_before_the_open_ones_are_cancelled(stage: Stage) -> None:
    failed: list[str] = []

    async def ask_for_an_order() -> None:
        failed.append(await stage.failed())

    stage.orders.when_asked = ask_for_an_order
    state = await stage.stub.HaltTrading(thrown())
    assert (state.mode, state.confirmed) == (exposure_pb2.TRADING_MODE_HALTED, True)
    assert set(failed) == {"TRADING_HALTED"}
    assert not state.open_orders


async def test_only_the_venues_word_confirms_and_it_is_tried_until_then(stage: Stage) -> None:
    stage.orders.open_orders = [STUCK]
    request = thrown()
    first = await stage.stub.HaltTrading(request)
    assert (first.confirmed, list(first.open_orders)) == (False, [STUCK])
    stage.orders.open_orders = []
    done = await confirmed(stage)
    assert not done.open_orders
    asked = len(stage.orders.asked)
    repeat = await stage.stub.HaltTrading(request)
    assert (repeat.confirmed, len(stage.orders.asked)) == (True, asked)


async def test_an_exchange_that_is_away_is_no_confirmation(stage: Stage) -> None:
    stage.orders.silent = True
    state = await stage.stub.HaltTrading(thrown())
    assert (state.mode, state.confirmed) == (exposure_pb2.TRADING_MODE_HALTED, False)
    assert await stage.failed() == "TRADING_HALTED"
    stage.orders.silent = False
    assert (await confirmed(stage)).mode == exposure_pb2.TRADING_MODE_HALTED


async def test_everybody_is_every_account(stage: Stage) -> None:
    state = await stage.stub.HaltTrading(thrown(EVERYBODY))
    assert (state.account, state.confirmed) == (EVERYBODY, True)
    assert set(stage.orders.asked) == {ACCOUNT}


async def test_resuming_ends_a_cancel_that_still_goes_on(stage: Stage) -> None:
    stage.orders.open_orders = [STUCK]
    await stage.stub.HaltTrading(thrown())
    resumed = await stage.stub.ResumeTrading(
        pb.ResumeTradingRequest(account=ACCOUNT, request_id=str(uuid4()), reason="it is over")
    )
    assert not resumed.cancel_requested
    assert (await stage.decide()).approved
    # Halted again without a cancel, nothing is cancelled: what is asked for from now on is a new intent.
    await stage.stub.HaltTrading(
        pb.HaltTradingRequest(account=ACCOUNT, request_id=str(uuid4()), reason="again")
    )
    state = await stage.stub.GetTradingState(pb.GetTradingStateRequest(name=f"{ACCOUNT}/tradingState"))
    assert (state.cancel_requested, list(state.open_orders)) == (False, [])


async def test_a_restart_goes_on_cancelling(serve: Serve, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/risk.sqlite3"
    async with risk_stage(serve, url, tmp_path, SETTINGS) as before:
        before.orders.silent = True
        assert not (await before.stub.HaltTrading(thrown())).confirmed
    async with risk_stage(serve, url, tmp_path, SETTINGS) as after:
        assert (await confirmed(after)).confirmed
