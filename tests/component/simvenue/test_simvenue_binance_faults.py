"""The venue's fault script strikes those who come by the Binance door, too."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from services.simvenue.domain.faults import FaultKind, FaultRule, FaultScript
from services.simvenue.domain.terms import Side
from services.simvenue.doors import ConnectionLostError
from tests.support.binance_venue import BinanceVenue, RawClient, Reply

pytestmark = pytest.mark.asyncio(loop_scope="session")

ORDER = "/api/v3/order"
Strike = Callable[..., None]


@pytest_asyncio.fixture(loop_scope="session")
async def strike(binance: BinanceVenue) -> AsyncIterator[Strike]:
    """Let a fault strike once, at its next chance."""
    doors = binance.door.doors

    def install(kind: FaultKind, **more: float) -> None:
        doors.install(FaultScript(rules={kind: FaultRule(1, 1)}, **more))  # type: ignore[arg-type]

    yield install
    doors.install(FaultScript())
    while True:
        try:
            doors.connect()
        except ConnectionLostError:
            await asyncio.sleep(0.02)
        else:
            return


async def outcome(attempt: Awaitable[Reply]) -> int | None:
    """The status of an answer; None where there is no answer."""
    try:
        async with asyncio.timeout(0.5):
            return (await attempt).status
    except (aiohttp.ClientConnectionError, TimeoutError):
        return None


async def shown(trader: RawClient) -> Reply:
    return await trader.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="mine")


@pytest.mark.parametrize(
    ("kind", "status", "done"),
    [
        (FaultKind.LOST_REQUEST, None, False),
        (FaultKind.LOST_ACK, None, True),
        (FaultKind.ERROR_AFTER_ACCEPT, 503, True),
        (FaultKind.RATE_LIMITED, 429, False),
    ],
)
async def test_an_order_on_its_way(
    trader: RawClient, strike: Strike, kind: FaultKind, status: int | None, done: bool
) -> None:
    strike(kind)
    assert await outcome(trader.limit("BUY", "1", "100", newClientOrderId="mine")) == status
    assert ((await shown(trader)).status == 200) == done


async def test_a_limited_request_says_how_long_to_wait(trader: RawClient, strike: Strike) -> None:
    strike(FaultKind.RATE_LIMITED, retry_after_seconds=1.5)
    answer = await trader.limit("BUY", "1", "100")
    assert (answer.code, answer.headers["Retry-After"]) == (-1003, "2")


async def test_an_order_that_is_seen_late(trader: RawClient, strike: Strike) -> None:
    strike(FaultKind.LATE_VISIBILITY, hidden_seconds=0.2)
    await trader.limit("BUY", "1", "100", newClientOrderId="mine")
    assert (await shown(trader)).code == -2013
    assert (await trader.signed("GET", "/api/v3/openOrders")).body == []
    async with asyncio.timeout(5):
        while (await shown(trader)).code == -2013:
            await asyncio.sleep(0.02)
    assert len((await trader.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT")).body) == 1


async def test_trades_in_pieces(binance: BinanceVenue, trader: RawClient, strike: Strike) -> None:
    await binance.rest(Side.SELL, "2", "100")
    strike(FaultKind.PARTIAL_FILLS)
    order = (await trader.limit("BUY", "2", "100")).body
    assert len(order["fills"]) > 1
    assert sum(Decimal(fill["qty"]) for fill in order["fills"]) == Decimal(order["executedQty"]) == 2


async def test_a_fill_after_the_cancel(binance: BinanceVenue, trader: RawClient, strike: Strike) -> None:
    await trader.limit("BUY", "1", "100", newClientOrderId="mine")
    strike(FaultKind.FILL_AFTER_CANCEL, late_fill_seconds=0.1)
    gone = await trader.signed("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="mine")
    assert (gone.body["status"], gone.body["executedQty"]) == ("CANCELED", "0.00000000")
    async with asyncio.timeout(5):
        while not (trades := (await trader.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")).body):
            await asyncio.sleep(0.02)
    assert trades[0]["qty"] == (await shown(trader)).body["executedQty"]


async def key(trader: RawClient) -> str:
    return str((await trader.public("POST", "/api/v3/userDataStream")).body["listenKey"])


async def test_a_fill_is_told_twice(binance: BinanceVenue, trader: RawClient, strike: Strike) -> None:
    await trader.limit("BUY", "1", "100")
    strike(FaultKind.DUPLICATE_FILL)

    def is_trade(event: Any) -> bool:
        return bool(event.get("x") == "TRADE")

    async with binance.listening(f"/ws/{await key(trader)}") as stream:
        await binance.hit(Side.SELL, "1", "100")
        first, second = await stream.until(is_trade), await stream.until(is_trade)
    assert first == second


async def test_the_user_stream_breaks(binance: BinanceVenue, trader: RawClient, strike: Strike) -> None:
    strike(FaultKind.DROPPED_STREAM)
    async with binance.listening(f"/ws/{await key(trader)}") as stream:
        await binance.deposit(trader.account, "usdt", "1")
        assert await stream.closed() is None


async def test_every_connection_breaks(binance: BinanceVenue, trader: RawClient, strike: Strike) -> None:
    async with (
        binance.listening("/ws/btcusdt@trade") as market,
        binance.listening("/ws-api/v3") as api,
    ):
        assert (await api.ask("ping", {}))["status"] == 200
        strike(FaultKind.RESET, away_seconds=0.3)
        assert await outcome(trader.limit("BUY", "1", "100")) is None
        assert await market.closed() is None
        assert await api.closed() is None
    assert await outcome(trader.public("GET", "/api/v3/ping")) is None
    async with asyncio.timeout(5):
        while await outcome(trader.public("GET", "/api/v3/ping")) != 200:
            await asyncio.sleep(0.02)
