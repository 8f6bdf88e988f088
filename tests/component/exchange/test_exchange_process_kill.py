"""The exchange as a process, killed by SIGKILL at each named point under load, on a real simulated venue.

The points stand before and after each commit of an order, before and after the sending, in the middle of a
fill, and in the middle of an outbox row and its sequence.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import exchange_service_pb2_grpc, order_pb2
from trademesh.type.v1 import side_pb2

from services.exchange.ports import Step
from tests.support.crash_points import SqlPoint
from tests.support.exchange import PAPER, eventually, limit_order, market_order
from tests.support.exchange_process import address_of
from tests.support.order_books import check_orders, check_portfolio, no_gap_in_events
from tests.support.simvenue import running_venue, simvenue_settings, sqlite_url

ROOT = Path(__file__).resolve().parents[3]
_STEPS = [
    Step.INTENT_COMMITTED,
    Step.RESERVED,
    Step.SUBMITTED,
    Step.VENUE_ANSWERED,
    Step.ACKNOWLEDGED,
    Step.FILL_BOOKED,
]
_TURN = 5
_GIVE_UP_S = 60.0
_AGAIN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.DEADLINE_EXCEEDED}
_UNSETTLED = {
    order_pb2.ORDER_STATE_PENDING,
    order_pb2.ORDER_STATE_SUBMITTED,
    order_pb2.ORDER_STATE_UNKNOWN,
    order_pb2.ORDER_STATE_PENDING_CANCEL,
}


@asynccontextmanager
async def exchange_process(
    url: str, venue: str, point: str = "", turn: int = 1
) -> AsyncIterator[tuple[asyncio.subprocess.Process, grpc.aio.Channel]]:
    """A running process and a channel to it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.exchange_process", url, venue, point, str(turn)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/gen/python"},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            line = b" "
            while not line.startswith(b"127.0.0.1:"):
                line = await process.stdout.readline()
                assert line, "the process ended before it served"
        async with grpc.aio.insecure_channel(line.decode().strip()) as channel:
            yield process, channel
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _load() -> list[pb.CreateOrderRequest]:
    """Orders that fill, rest, expire and are refused, each with a request_id of its own."""
    killed = [limit_order("0.01", "1000") for _ in range(2)]
    for request in killed:
        request.order.limit.time_in_force = side_pb2.TIME_IN_FORCE_IOC
    sold = [market_order("0.01") for _ in range(3)]
    for request in sold:
        request.order.side = side_pb2.SIDE_SELL
    bought = [market_order("0.02") for _ in range(6)]
    return [*bought, *(limit_order("0.01", "1000") for _ in range(4)), *killed, *sold, market_order("500")]


async def _answered(stub: Any, request: pb.CreateOrderRequest) -> order_pb2.Order:
    """The answer of a request that is repeated until it has one."""
    async with asyncio.timeout(_GIVE_UP_S):
        while True:
            try:
                answer: order_pb2.Order = await stub.CreateOrder(request, timeout=10)
            except grpc.aio.AioRpcError as error:
                if error.code() not in _AGAIN:
                    raise
                await asyncio.sleep(0.1)
            else:
                return answer


@pytest.mark.parametrize("point", [*_STEPS, *SqlPoint])
async def test_killed_under_load_every_order_is_there_once(tmp_path: Path, point: Step | SqlPoint) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/exchange.sqlite3"
    requests = _load()
    async with running_venue(sqlite_url(tmp_path), simvenue_settings()) as venue:
        address = address_of(venue.channel)
        async with exchange_process(url, address, point, _TURN) as (process, channel):
            stub = exchange_service_pb2_grpc.ExchangeServiceStub(channel)
            calls = [stub.CreateOrder(request, timeout=20) for request in requests]
            first = await asyncio.gather(*calls, return_exceptions=True)
            assert await process.wait() == -9
        told = {
            request.request_id: answer
            for request, answer in zip(requests, first, strict=True)
            if not isinstance(answer, BaseException)
        }
        assert len(told) < len(requests), "nothing was under way"
        async with exchange_process(url, address) as (_, channel):
            stub = exchange_service_pb2_grpc.ExchangeServiceStub(channel)
            again = await asyncio.gather(*(_answered(stub, request) for request in requests))
            answers = {request.request_id: order for request, order in zip(requests, again, strict=True)}
            assert {request_id: answers[request_id] for request_id in told} == told
            names = {request_id: order.name for request_id, order in answers.items()}
            await _settled(stub)
            await check_orders(channel, venue, names)
            await no_gap_in_events(channel)
            await check_portfolio(channel, venue, tmp_path)


async def _settled(stub: Any) -> None:
    """Wait until no outcome is unknown any more."""

    async def known() -> bool:
        orders = (await stub.ListOrders(pb.ListOrdersRequest(parent=PAPER))).orders
        return all(order.state not in _UNSETTLED for order in orders)

    await eventually(known, within=_GIVE_UP_S)
