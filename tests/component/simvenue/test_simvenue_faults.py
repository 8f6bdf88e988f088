"""Each fault through the real doors does what it says, and no refusal is ever a lie."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.rpc import error_details_pb2
from trademesh.simvenue.v1 import account_pb2, order_pb2, simvenue_service_pb2_grpc
from trademesh.simvenue.v1 import fault_service_pb2 as faults_pb
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from services.chassis.rpc.status import details_of
from tests.support.simvenue import (
    RunningVenue,
    SupervisedVenue,
    running_venue,
    simvenue_settings,
    sqlite_url,
    supervised_venue,
)

D = Decimal
ROOT = Path(__file__).resolve().parents[3]
BUY, SELL = side_pb2.SIDE_BUY, side_pb2.SIDE_SELL
UNAVAILABLE, DEADLINE = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[RunningVenue]:
    settings = simvenue_settings(synthetic_warmup_seconds=5, heartbeat_seconds=0.2)
    async with running_venue(sqlite_url(tmp_path), settings) as running:
        yield running


async def strike(venue: Any, *kinds: str, limit: int = 1, rate: str = "1", **times: float) -> None:
    rules = [faults_pb.FaultRule(kind=f"FAULT_KIND_{kind}", rate=rate, limit=limit) for kind in kinds]
    lengths = {name: timedelta(seconds=seconds) for name, seconds in times.items()}
    script = faults_pb.FaultScript(seed=7, rules=rules, **lengths)
    await venue.faults.InstallFaultScript(faults_pb.InstallFaultScriptRequest(script=script))


def limit(key: str, price: str = "50000", side: Any = BUY, quantity: str = "0.01") -> pb.PlaceOrderRequest:
    return pb.PlaceOrderRequest(
        account="paper",
        symbol="btc-usdt",
        client_order_id=key,
        side=side,
        quantity=quantity,
        limit=order_pb2.LimitTerms(price=price),
    )


def market(key: str, quantity: str = "0.01") -> pb.PlaceOrderRequest:
    request = limit(key, quantity=quantity)
    request.market.SetInParent()
    return request


def asked(key: str) -> pb.GetOrderRequest:
    return pb.GetOrderRequest(account="paper", client_order_id=key)


def cancel(key: str) -> pb.CancelOrderRequest:
    return pb.CancelOrderRequest(account="paper", client_order_id=key)


async def failure(call: Any) -> tuple[grpc.StatusCode, str]:
    """Status of a call that fails, and the reason that the venue gave; empty where it gave none."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    reason = ""
    status = details_of(failed.value)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            reason = info.reason
    return failed.value.code(), reason


async def status_of(call: Any) -> grpc.StatusCode:
    """How a call ends."""
    answer = (await asyncio.gather(call, return_exceptions=True))[0]
    if isinstance(answer, grpc.aio.AioRpcError):
        return answer.code()
    assert not isinstance(answer, BaseException)
    return grpc.StatusCode.OK


async def read_on(stream: Any, frames: list[Any]) -> None:
    """Read a stream to its end."""
    while (frame := await stream.read()) is not grpc.aio.EOF:
        frames.append(frame)


async def told(venue: Any, until: int, after: int = 0) -> list[account_pb2.AccountEvent]:
    """Events of the account's stream until one with that sequence came, and the frame behind it."""
    found: list[account_pb2.AccountEvent] = []
    stream = venue.stub.StreamAccount(pb.StreamAccountRequest(account="paper", after_sequence=after))
    async for frame in stream:
        found.append(frame)
        if any(each.sequence == until for each in found[:-1]):
            break
    stream.cancel()
    return [frame for frame in found if frame.sequence]


async def last_sequence(venue: Any) -> int:
    answer = await venue.stub.GetBalances(pb.GetBalancesRequest(account="paper"))
    return int(answer.sequence)


async def test_a_lost_acknowledgement_is_silence_or_a_broken_connection_and_the_order_stands(
    venue: RunningVenue,
) -> None:
    await strike(venue, "LOST_ACK", limit=0)
    calls = [venue.stub.PlaceOrder(limit(f"o{number}"), timeout=0.5) for number in range(8)]
    answers = [await failure(call) for call in calls]
    assert set(answers) == {(UNAVAILABLE, ""), (DEADLINE, "")}
    for number in range(8):
        found = await venue.stub.GetOrder(asked(f"o{number}"))
        assert found.status == order_pb2.ORDER_STATUS_OPEN
    assert await failure(venue.stub.CancelOrder(cancel("o0"), timeout=0.5)) in answers
    assert (await venue.stub.GetOrder(asked("o0"))).status == order_pb2.ORDER_STATUS_CANCELLED


async def test_what_is_refused_is_refused_whatever_the_script_says(venue: RunningVenue) -> None:
    await strike(venue, "LOST_ACK", "ERROR_AFTER_ACCEPT", "LATE_VISIBILITY", "PARTIAL_FILLS", limit=0)
    dear = limit("dear", quantity="100")
    assert await failure(venue.stub.PlaceOrder(dear)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "INSUFFICIENT_BALANCE",
    )
    assert await failure(venue.stub.GetOrder(asked("dear"))) == (grpc.StatusCode.NOT_FOUND, "ORDER_NOT_FOUND")


async def test_a_lost_request_never_arrives(venue: RunningVenue) -> None:
    await strike(venue, "LOST_REQUEST")
    assert await failure(venue.stub.PlaceOrder(limit("lost"))) == (UNAVAILABLE, "")
    assert (await failure(venue.stub.GetOrder(asked("lost"))))[1] == "ORDER_NOT_FOUND"
    await venue.stub.PlaceOrder(limit("lost"))


async def test_an_error_after_accept_is_internal_without_a_word(venue: RunningVenue) -> None:
    await strike(venue, "ERROR_AFTER_ACCEPT")
    assert await failure(venue.stub.PlaceOrder(limit("a"))) == (grpc.StatusCode.INTERNAL, "")
    assert (await venue.stub.GetOrder(asked("a"))).status == order_pb2.ORDER_STATUS_OPEN
    assert (await failure(venue.stub.PlaceOrder(limit("a"))))[1] == "DUPLICATE_CLIENT_ORDER_ID"


async def test_a_rate_limit_is_definite_and_says_when_to_come_again(venue: RunningVenue) -> None:
    await strike(venue, "RATE_LIMITED", limit=2, retry_after=0.25)
    with pytest.raises(grpc.aio.AioRpcError) as limited:
        await venue.stub.PlaceOrder(limit("a"))
    status = details_of(limited.value)
    assert status is not None
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in status.details)
    assert retry.retry_delay.ToMilliseconds() == 250
    exhausted = (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert await failure(venue.stub.GetOrder(asked("a"))) == exhausted
    assert (await failure(venue.stub.GetOrder(asked("a"))))[1] == "ORDER_NOT_FOUND"


async def test_an_order_is_seen_late(venue: RunningVenue) -> None:
    await strike(venue, "LATE_VISIBILITY", hidden=0.3)
    placed = await venue.stub.PlaceOrder(limit("a"))
    assert placed.status == order_pb2.ORDER_STATUS_OPEN
    listing = pb.ListOpenOrdersRequest(account="paper")
    assert not (await venue.stub.ListOpenOrders(listing)).orders
    by_number = pb.GetOrderRequest(account="paper", venue_order_id=placed.venue_order_id)
    assert (await failure(venue.stub.GetOrder(by_number)))[1] == "ORDER_NOT_FOUND"
    assert (await failure(venue.stub.GetOrder(asked("a"))))[1] == "ORDER_NOT_FOUND"
    async with asyncio.timeout(5):
        while not (await venue.stub.ListOpenOrders(listing)).orders:
            await asyncio.sleep(0.05)
    assert await venue.stub.GetOrder(asked("a")) == placed


async def test_trades_come_in_several_fills_that_add_up(venue: RunningVenue) -> None:
    await strike(venue, "PARTIAL_FILLS")
    whole = await venue.stub.PlaceOrder(market("a"))
    assert whole.status == order_pb2.ORDER_STATUS_FILLED
    assert len(whole.fills) > 1
    assert len({fill.trade_id for fill in whole.fills}) == len(whole.fills)
    assert sum(D(fill.quantity) for fill in whole.fills) == D("0.01")
    assert sum(D(fill.fee) for fill in whole.fills) == D(whole.fees)
    listed = await venue.stub.ListFills(pb.ListFillsRequest(account="paper"))
    assert list(listed.fills) == list(whole.fills)


async def test_a_cancelled_order_fills_a_moment_later_and_stays_cancelled(venue: RunningVenue) -> None:
    await strike(venue, "FILL_AFTER_CANCEL", late_fill=0.1)
    await venue.stub.PlaceOrder(limit("a"))
    closed = await venue.stub.CancelOrder(cancel("a"))
    assert (closed.status, closed.filled_quantity) == (order_pb2.ORDER_STATUS_CANCELLED, "0")
    since = await last_sequence(venue)
    events = await told(venue, since + 2, since)
    report = events[0].execution_report
    assert report.order.status == order_pb2.ORDER_STATUS_CANCELLED
    assert 0 < D(report.fill.quantity) <= D("0.01")
    assert D(report.fill.price) == 50000
    found = await venue.stub.GetOrder(asked("a"))
    assert (found.status, D(found.filled_quantity)) == (closed.status, D(report.fill.quantity))
    money = await venue.stub.GetBalances(pb.GetBalancesRequest(account="paper"))
    balances = {each.currency: (D(each.free), D(each.locked)) for each in money.balances}
    paid = D(report.fill.quantity) * 50000 * D("1.0008")
    assert balances == {"btc": (D(report.fill.quantity), D(0)), "usdt": (100000 - paid, D(0))}


async def test_the_stream_tells_fills_twice_and_out_of_order(venue: RunningVenue) -> None:
    begin = await last_sequence(venue)
    for number in range(3):
        await venue.stub.PlaceOrder(market(f"m{number}"))
    end = await last_sequence(venue)
    true = await told(venue, end, begin)
    assert [event.sequence for event in true] == list(range(begin + 1, end + 1))

    await strike(venue, "DUPLICATE_FILL", limit=0)
    doubled = await told(venue, end, begin)
    fills = [event for event in true if event.execution_report.HasField("fill")]
    assert sorted(event.sequence for event in doubled) == sorted(event.sequence for event in [*true, *fills])
    await strike(venue, "REORDERED_FILL", limit=0)
    mixed = await told(venue, end, begin)
    assert [event.sequence for event in mixed] != [event.sequence for event in true]
    assert sorted(mixed, key=lambda event: event.sequence) == true


async def test_a_dropped_stream_breaks_without_a_word_and_can_be_resumed(venue: RunningVenue) -> None:
    await venue.stub.PlaceOrder(market("a"))
    end = await last_sequence(venue)
    await strike(venue, "DROPPED_STREAM", rate="0.5", limit=3)
    seen: list[int] = []
    breaks = 0
    while not seen or seen[-1] < end:
        after, frames = seen[-1] if seen else 0, list[Any]()
        stream = venue.stub.StreamAccount(pb.StreamAccountRequest(account="paper", after_sequence=after))
        reading = asyncio.ensure_future(read_on(stream, frames))
        async with asyncio.timeout(5):
            while not reading.done() and not any(frame.sequence == end for frame in frames):
                await asyncio.sleep(0.01)
        if reading.done():
            assert await failure(reading) == (UNAVAILABLE, "")
            breaks += 1
        stream.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        seen += [frame.sequence for frame in frames if frame.sequence]
    assert seen == list(range(1, end + 1))
    assert breaks == 3


async def test_a_reset_breaks_every_connection_for_a_while(venue: RunningVenue) -> None:
    stream = venue.stub.StreamAccount(pb.StreamAccountRequest(account="paper"))
    public = venue.stub.StreamMarketData(pb.StreamMarketDataRequest(symbols=["btc-usdt"]))
    assert await stream.read()
    assert await public.read()
    await strike(venue, "RESET", away=0.4)
    assert await failure(venue.stub.PlaceOrder(limit("a"))) == (UNAVAILABLE, "")
    for each in (stream, public):
        assert await failure(read_on(each, [])) == (UNAVAILABLE, "")
    assert await failure(venue.stub.GetOrder(asked("a"))) == (UNAVAILABLE, "")
    async with asyncio.timeout(5):
        while (await failure(venue.stub.GetOrder(asked("none"))))[0] is UNAVAILABLE:
            await asyncio.sleep(0.05)


async def test_the_script_is_counted_and_cleared(venue: RunningVenue) -> None:
    await strike(venue, "LOST_REQUEST", limit=2)
    codes = [await status_of(venue.stub.PlaceOrder(limit(f"o{number}"))) for number in range(4)]
    assert codes == [UNAVAILABLE] * 2 + [grpc.StatusCode.OK] * 2
    state = await venue.faults.GetFaultScript(faults_pb.GetFaultScriptRequest())
    assert (state.script.seed, state.script.rules[0].rate) == (7, "1")
    assert state.script.hidden.ToMilliseconds() == 500
    assert [(each.kind, each.count) for each in state.struck] == [(faults_pb.FAULT_KIND_LOST_REQUEST, 2)]
    await strike(venue, "LOST_REQUEST", limit=0)
    cleared = await venue.faults.ClearFaultScript(faults_pb.ClearFaultScriptRequest())
    assert not cleared.struck
    await venue.stub.PlaceOrder(limit("o9"))


async def test_the_same_seed_strikes_the_same_calls(tmp_path: Path) -> None:
    outcomes = []
    for run, seed in enumerate((3, 3, 4)):
        folder = tmp_path / str(run)
        folder.mkdir()
        settings = simvenue_settings(
            synthetic_warmup_seconds=0, faults=f"seed={seed} lost_request=0.3 rate_limited=0.2"
        )
        async with running_venue(sqlite_url(folder), settings) as venue:
            outcomes.append(
                [await status_of(venue.stub.PlaceOrder(limit(f"o{number}"))) for number in range(25)]
            )
    assert outcomes[0] == outcomes[1] != outcomes[2]
    assert len(set(outcomes[0])) == 3


async def test_a_venue_that_ends_by_its_script_comes_again_with_all_it_said(database_url: str) -> None:
    settings = simvenue_settings(synthetic_warmup_seconds=0, faults="seed=5 restart=0.4:1")
    async with supervised_venue(database_url, settings) as venue:
        said = []
        for number in range(12):
            code = await status_of(venue.stub.PlaceOrder(limit(f"o{number}"), timeout=5))
            assert code in {grpc.StatusCode.OK, UNAVAILABLE}
            if code is grpc.StatusCode.OK:
                said.append(f"o{number}")
            else:
                await _back(venue)
        assert venue.restarts > 0
        assert said
        for key in said:
            assert (await venue.stub.GetOrder(asked(key))).status == order_pb2.ORDER_STATUS_OPEN


async def test_a_restart_ends_the_process_without_a_word(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.simvenue_process", sqlite_url(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT}/gen/python",
            "TRADEMESH_SIMVENUE_SYNTHETIC_WARMUP_SECONDS": "0",
            "TRADEMESH_SIMVENUE_FAULTS": "seed=2 restart=1",
        },
    )
    assert process.stdout is not None
    address = b""
    while not address.startswith(b"127.0.0.1:"):
        address = await process.stdout.readline()
        assert address, "the process ended before it served"
    async with grpc.aio.insecure_channel(address.decode().strip()) as channel:
        stub: Any = simvenue_service_pb2_grpc.SimvenueServiceStub(channel)
        assert await status_of(stub.PlaceOrder(limit("a"))) is UNAVAILABLE
    assert await process.wait() == 1

    async with running_venue(sqlite_url(tmp_path), simvenue_settings(synthetic_warmup_seconds=0)) as venue:
        found = await status_of(venue.stub.GetOrder(asked("a")))
        again = await status_of(venue.stub.PlaceOrder(limit("a")))
        ok = grpc.StatusCode.OK
        assert (found, again) in {
            (ok, grpc.StatusCode.ALREADY_EXISTS),
            (grpc.StatusCode.NOT_FOUND, ok),
        }


async def _back(venue: SupervisedVenue) -> None:
    """Wait until the venue answers again."""
    async with asyncio.timeout(10):
        while await status_of(venue.stub.GetTime(pb.GetTimeRequest())) is UNAVAILABLE:
            await asyncio.sleep(0.05)
