"""Two instances on one database, and a venue that is not the one we knew."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from trademesh.exchange.v1 import order_pb2

from tests.support.exchange import (
    RunningExchange,
    eventually,
    limit_order,
    market_order,
    reason_of,
    running_exchange,
)
from tests.support.exchange_venue import FakeVenue

_S = order_pb2


async def test_a_standby_reads_refuses_and_takes_over(postgres_server: Any) -> None:
    url = postgres_server.fresh_database()
    venue = FakeVenue()
    async with running_exchange(url, venue) as writer:
        order = await writer.create(limit_order("2"))
        request = market_order("2")
        async with running_exchange(url, venue) as standby:
            assert await standby.order(order.name) == order
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await standby.create(request)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            assert reason_of(caught.value) == "WRITER_FENCED"
            answer = await writer.create(request)
            # What was answered once is answered by every instance.
            assert await standby.create(request) == answer
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await standby.cancel(order.name)
            assert reason_of(caught.value) == "WRITER_FENCED"
    async with running_exchange(url, venue) as heir:
        # The writer has died without a word: its lease has to run out.
        venue.trade(order.client_order_id, "0.5")

        async def takes_over() -> Any:
            with suppress(grpc.aio.AioRpcError):
                return await heir.create(market_order("2"))
            return None

        assert (await eventually(takes_over)).state == _S.ORDER_STATE_FILLED
        assert (await heir.order(order.name)).filled_quantity == "0.5"
        assert (await heir.cancel(order.name)).state == _S.ORDER_STATE_CANCELLED
    postgres_server.drop(url)


async def test_no_order_goes_to_a_venue_that_is_not_the_one_we_knew(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"
    async with running_exchange(url) as exchange:
        order = await exchange.create(market_order("2"))
        await _followed(exchange)
    other = FakeVenue()
    async with running_exchange(url, other) as exchange:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.create(limit_order())
        assert reason_of(caught.value) == "VENUE_UNAVAILABLE"
        assert await exchange.order(order.name) == order
    assert other.sendings == []


async def _followed(exchange: RunningExchange) -> None:
    """Wait until the events of the venue's stream are booked."""

    async def cursor_saved() -> bool:
        async with exchange.database.read() as connection:
            rows = await connection.exec_driver_sql("SELECT stream FROM venue_cursor")
            return any(row[0] not in {"", "0"} for row in rows)

    await eventually(cursor_saved)
