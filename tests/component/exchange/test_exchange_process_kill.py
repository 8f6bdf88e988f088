"""The exchange as a process, killed by SIGKILL at each named point, on a real simulated venue."""

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
from trademesh.simvenue.v1 import simvenue_service_pb2 as venue_pb

from services.exchange.ports import Step
from tests.support.exchange import PAPER, market_order
from tests.support.exchange_process import address_of
from tests.support.simvenue import running_venue, simvenue_settings, sqlite_url

ROOT = Path(__file__).resolve().parents[3]
_POINTS = [
    Step.INTENT_COMMITTED,
    Step.RESERVED,
    Step.SUBMITTED,
    Step.VENUE_ANSWERED,
    Step.ACKNOWLEDGED,
    Step.FILL_BOOKED,
]


@asynccontextmanager
async def exchange_process(url: str, venue: str, step: str = "") -> AsyncIterator[tuple[Any, Any]]:
    """A running process and a stub to it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.exchange_process", url, venue, step),
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
            yield process, exchange_service_pb2_grpc.ExchangeServiceStub(channel)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("point", _POINTS)
async def test_killed_at_a_point_there_is_one_order_at_the_venue(tmp_path: Path, point: Step) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/exchange.sqlite3"
    request = market_order("0.05")
    async with running_venue(sqlite_url(tmp_path), simvenue_settings()) as venue:
        address = address_of(venue.channel)
        async with exchange_process(url, address, point) as (process, stub):
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.CreateOrder(request, timeout=10)
            assert await process.wait() == -9
        async with exchange_process(url, address) as (_, stub):
            order = await stub.CreateOrder(request, timeout=10)
            assert order.state == order_pb2.ORDER_STATE_FILLED
            assert order == await stub.CreateOrder(request, timeout=10)
            orders = (await stub.ListOrders(pb.ListOrdersRequest(parent=PAPER))).orders
            fills = (await stub.ListFills(pb.ListFillsRequest(parent=PAPER))).fills
        assert len(orders) == 1
        told = (await venue.stub.ListFills(venue_pb.ListFillsRequest(account="paper"))).fills
        assert {each.client_order_id for each in told} == {order.client_order_id}
        assert sorted(each.venue_trade_id for each in fills) == sorted(str(each.trade_id) for each in told)
