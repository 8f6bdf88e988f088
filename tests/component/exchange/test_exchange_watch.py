"""WatchOrders through real gRPC: resumes without a gap or a repeat, also across a restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import grpc
import pytest
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import order_pb2

from services.chassis.clock import SystemClock
from services.chassis.events.retention import forget
from services.chassis.persistence import Database
from services.exchange.domain.order import Order
from services.exchange.handlers.desks import Desks
from services.exchange.handlers.timing import Timing
from services.exchange.handlers.watch import WatchOrders
from services.exchange.storage.store import SqlStore
from services.exchange.views import End, Frame
from tests.component.exchange.test_exchange_store import new_order
from tests.support.exchange import (
    MIGRATIONS,
    PAPER,
    RunningExchange,
    limit_order,
    market_order,
    running_exchange,
)
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


async def test_a_cursor_older_than_what_is_kept_is_refused_rather_than_passed_over(tmp_path: Path) -> None:
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as exchange:
        call = watch(exchange)
        begin = (await frames(call, "heartbeat", 1))[0].cursor
        call.cancel()
        await exchange.create(market_order("2"))
        async with exchange.database.write() as connection:
            assert await forget(connection, SystemClock().now(), newest=2) > 0
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await watch(exchange, begin).read()
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "older than what is kept" in (caught.value.details() or "")


async def test_other_accounts_are_not_shown(tmp_path: Path) -> None:
    async with running_exchange(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as exchange:
        request = pb.WatchOrdersRequest(parent="accounts/pape")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.stub.WatchOrders(request).read()
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert order_pb2.ORDER_STATE_OPEN


async def test_goes_on_after_a_disconnect_in_the_middle(database_url: str) -> None:
    """A caller that loses its stream again and again sees every change once, in order."""
    async with running_exchange(database_url) as exchange:
        call = watch(exchange)
        cursor = (await frames(call, "heartbeat", 1))[0].cursor
        call.cancel()
        orders = [await exchange.create(market_order("2")) for _ in range(3)]
        end = await exchange.settled(orders[-1].name, "FILLED")
        last = ("order", end.name, end.version)
        seen: list[Any] = []
        while last not in seen:
            call = watch(exchange, cursor)
            # Two frames and gone, with whatever the server had sent meanwhile.
            for _ in range(3):
                frame = await call.read()
                kind = frame.WhichOneof("event")
                if kind == "heartbeat":
                    continue
                told = frame.order if kind == "order" else frame.fill
                seen.append((kind, told.name, told.version if kind == "order" else 0))
                cursor = frame.cursor
                if seen[-1] == last:
                    break
            call.cancel()
        assert len(seen) == len(set(seen))
        versions = {order.name: [v for kind, name, v in seen if name == order.name] for order in orders}
        assert all(told == list(range(1, len(told) + 1)) for told in versions.values())
        assert len([kind for kind, *_ in seen if kind == "fill"]) == len(await exchange.fills())


async def test_a_caller_that_does_not_read_is_let_go_and_resumes(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3", migrations=MIGRATIONS)
    store = SqlStore(database, SystemClock(), "one")
    assert await store.take_writer("paper", 60)
    timing = Timing(slow_consumer=0.05, heartbeat=0.05)
    watching = WatchOrders(store, Desks([_AnyDesk()], []), SystemClock(), timing)  # type: ignore[list-item]
    async with aclosing(watching.watch("paper", "")) as stream:  # type: ignore[type-var]
        begin = await anext(stream)
        orders = [new_order() for _ in range(3)]
        async with store.writing("paper") as transaction:
            for order in orders:
                await transaction.record_order(order)
        first = await _next_order(stream)
        # Longer than a frame may take.
        await asyncio.sleep(0.2)
        last = [frame async for frame in stream]
    assert (begin.cursor, first.event) == (begin.cursor, orders[0])
    assert [frame.event for frame in last] == [
        End("SLOW_CONSUMER", "the frames were not taken in time"),
    ]
    async with aclosing(watching.watch("paper", first.cursor)) as stream:  # type: ignore[type-var]
        assert [(await _next_order(stream)).event for _ in range(2)] == orders[1:]
    await database.close()


class _AnyDesk:
    """As much of a desk as the stream asks for: whose it is."""

    account, venue_id = "paper", "sim"


async def _next_order(stream: AsyncIterator[Frame]) -> Frame:
    while True:
        frame = await anext(stream)
        if isinstance(frame.event, Order):
            return frame
