"""WatchOrders through real gRPC: resumes without a gap or a repeat, also across a restart."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import order_pb2

from tests.support.exchange import PAPER, RunningExchange, limit_order, market_order, running_exchange
from tests.support.exchange_venue import FakeVenue


def watch(exchange: RunningExchange, cursor: str = "") -> Any:
    return exchange.stub.WatchOrders(pb.WatchOrdersRequest(parent=PAPER, cursor=cursor))


async def frames(call: Any, kind: str, count: int) -> list[Any]:
    """The next ``count`` frames of a kind."""
    found: list[Any] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            frame = await call.read()
            assert frame is not grpc.aio.EOF
            if frame.WhichOneof("event") == kind:
                found.append(frame)
    return found


async def test_begins_with_open_orders_and_goes_on_with_each_change(database_url: str) -> None:
    async with running_exchange(database_url) as exchange:
        resting = await exchange.create(limit_order())
        await exchange.create(market_order("2"))
        call = watch(exchange)
        first = await call.read()
        assert first.order == resting
        assert not first.cursor
        beat = await call.read()
        assert beat.WhichOneof("event") == "heartbeat"
        assert beat.cursor
        order = await exchange.create(market_order("2"))
        changes = await frames(call, "order", 3)
        assert [change.order.version for change in changes] == [1, 2, 3]
        assert changes[-1].order.name == order.name
        call.cancel()


async def test_resumes_anywhere_without_a_gap_or_a_repeat(database_url: str) -> None:
    venue = FakeVenue()
    async with running_exchange(database_url, venue) as exchange:
        call = watch(exchange)
        begin = (await frames(call, "heartbeat", 1))[0].cursor
        call.cancel()
        await exchange.create(market_order("2"))
        await exchange.create(market_order("2"))
        whole = watch(exchange, begin)
        every: list[Any] = []
        last = (await exchange.orders())[0]
        while not every or every[-1].order != last:
            frame = await whole.read()
            if frame.WhichOneof("event") in {"order", "fill"}:
                every.append(frame)
        whole.cancel()
    async with running_exchange(database_url, venue) as exchange:
        for number, frame in enumerate(every[:-1]):
            call = watch(exchange, frame.cursor)
            assert await call.read() != grpc.aio.EOF  # the heartbeat that opens every stream
            assert await call.read() == every[number + 1]
            call.cancel()


async def test_a_quiet_stream_beats(tmp_path: Path) -> None:
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as exchange:
        call = watch(exchange)
        beats = await frames(call, "heartbeat", 3)
        assert beats[0].cursor == beats[-1].cursor
        call.cancel()


@pytest.mark.parametrize("cursor", ["x", "x.1", "1", ".", "x.99999999999999999999", "\u00b2.\u00b2"])
async def test_a_cursor_of_another_log_is_refused(tmp_path: Path, cursor: str) -> None:
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as exchange:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await watch(exchange, cursor).read()
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_other_accounts_are_not_shown(tmp_path: Path) -> None:
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as exchange:
        request = pb.WatchOrdersRequest(parent="accounts/pape")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.stub.WatchOrders(request).read()
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert order_pb2.ORDER_STATE_OPEN
