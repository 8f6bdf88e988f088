"""Messages of the venues' private streams, as documented, through ccxt.pro's own handlers."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from services.exchange.domain.evidence import VenueStatus
from services.exchange.ports import VenueUnreachableError
from services.exchange.venues import ccxt_convert as convert
from services.exchange.venues.ccxt_client import Door, open_door
from services.exchange.venues.ccxt_dialects import DIALECTS
from services.exchange.venues.ccxt_stream import Stream

MARKET: dict[str, Any] = {
    "id": "BTCUSDT",
    "lowercaseId": "btcusdt",
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "settle": None,
    "type": "spot",
    "spot": True,
    "swap": False,
    "contract": False,
    "linear": None,
    "inverse": None,
    "option": False,
    "future": False,
    "precision": {"amount": "0.00001", "price": "0.01"},
    "limits": {"amount": {}, "price": {}, "cost": {}},
    "info": {},
}
SWAP = {
    **MARKET,
    "symbol": "BTC/USDT:USDT",
    "settle": "USDT",
    "type": "swap",
    "spot": False,
    "swap": True,
    "contract": True,
    "linear": True,
    "inverse": False,
    "contractSize": "1",
}

BYBIT_ORDER: dict[str, Any] = {
    "topic": "order",
    "creationTime": 1760000000000,
    "data": [
        {
            "category": "spot",
            "symbol": "BTCUSDT",
            "orderId": "15",
            "orderLinkId": "tm-1",
            "side": "Buy",
            "orderType": "Limit",
            "price": "50000.01",
            "qty": "0.010000",
            "timeInForce": "IOC",
            "orderStatus": "Cancelled",
            "cumExecQty": "0.004000",
            "cumExecValue": "200.00004",
            "cumExecFee": "0",
            "avgPrice": "",
            "rejectReason": "EC_NoError",
            "triggerPrice": "",
            "reduceOnly": False,
            "createdTime": "1760000000000",
            "updatedTime": "1760000000001",
        }
    ],
}
BYBIT_TRADE = {
    "topic": "execution",
    "creationTime": 1760000000000,
    "data": [
        {
            "category": "spot",
            "symbol": "BTCUSDT",
            "execId": "exec-1",
            "orderId": "15",
            "orderLinkId": "tm-1",
            "side": "Buy",
            "orderType": "Limit",
            "execPrice": "50000.01",
            "execQty": "0.004000",
            "execFee": "0.000004000000000001",
            "feeCurrency": "BTC",
            "execType": "Trade",
            "execTime": "1760000000001",
            "isMaker": False,
        }
    ],
}
CRYPTOCOM_ORDER = {
    "id": 1,
    "method": "subscribe",
    "code": 0,
    "result": {
        "instrument_name": "BTCUSDT",
        "subscription": "user.order.BTCUSDT",
        "channel": "user.order.BTCUSDT",
        "data": [
            {
                "order_id": "15",
                "client_oid": "tm-1",
                "order_type": "LIMIT",
                "time_in_force": "GOOD_TILL_CANCEL",
                "side": "BUY",
                "exec_inst": ["POST_ONLY"],
                "quantity": "0.0100",
                "limit_price": "50000.01",
                "avg_price": "0",
                "cumulative_quantity": "0",
                "cumulative_value": "0",
                "cumulative_fee": "0",
                "status": "ACTIVE",
                "instrument_name": "BTCUSDT",
                "fee_instrument_name": "USDT",
                "create_time": 1760000000000,
                "update_time": 1760000000001,
            }
        ],
    },
}
CRYPTOCOM_TRADE = {
    "id": 1,
    "method": "subscribe",
    "code": 0,
    "result": {
        "instrument_name": "BTCUSDT",
        "subscription": "user.trade.BTCUSDT",
        "channel": "user.trade.BTCUSDT",
        "data": [
            {
                "side": "BUY",
                "instrument_name": "BTCUSDT",
                "fees": "-0.000004000000000001",
                "trade_id": "exec-1",
                "trade_match_id": "7",
                "create_time": 1760000000001,
                "traded_price": "50000.01",
                "traded_quantity": "0.004000",
                "fee_instrument_name": "BTC",
                "client_oid": "tm-1",
                "taker_side": "TAKER",
                "order_id": "15",
            }
        ],
    },
}
USDM_UPDATE = {
    "e": "ORDER_TRADE_UPDATE",
    "E": 1760000000001,
    "T": 1760000000001,
    "o": {
        "s": "BTCUSDT",
        "c": "tm-1",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTX",
        "q": "0.010",
        "p": "50000.1",
        "ap": "50000.1",
        "sp": "0",
        "x": "TRADE",
        "X": "PARTIALLY_FILLED",
        "i": 15,
        "l": "0.004",
        "z": "0.004",
        "L": "50000.1",
        "N": "USDT",
        "n": "0.040000000000000001",
        "T": 1760000000001,
        "t": 99,
        "b": "0",
        "a": "0",
        "m": True,
        "R": False,
        "ps": "BOTH",
        "rp": "0",
    },
}


@pytest.fixture
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Any, Stream, Any]]:
    """A client with its stream, and a WebSocket client that nothing is connected to."""
    exchange = request.param
    market = "swap" if exchange == "binanceusdm" else "spot"
    dialect = DIALECTS[exchange]
    door = Door(exchange, market, sandbox=False, key="k", secret="s", options=dialect.options(market))
    client = open_door(door)
    client.set_markets([SWAP if market == "swap" else MARKET])
    stream = Stream(dialect, market, client)
    yield client, stream, client.client("ws://127.0.0.1:1/private")
    await stream.close()


async def told(stream: Stream, number: int) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    async with asyncio.timeout(2):
        async for each in stream.until_catching_up():
            found.append(each)
            if len(found) == number:
                break
    return found


@pytest.mark.parametrize(
    ("opened", "messages"),
    [
        ("bybit", [BYBIT_ORDER, BYBIT_TRADE]),
        ("cryptocom", [CRYPTOCOM_ORDER, CRYPTOCOM_TRADE]),
    ],
    indirect=["opened"],
)
async def test_orders_and_trades_come_in_their_order(
    opened: tuple[Any, Stream, Any], messages: list[Any]
) -> None:
    client, stream, socket = opened
    for message in messages:
        client.handle_message(socket, message)
    (kind, order), (other, trade) = await told(stream, 2)
    assert (kind, other) == ("order", "trade")
    read = convert.order_of(order)
    assert (read.client_order_id, read.venue_order_id, read.quantity) == ("tm-1", "15", Decimal("0.01"))
    fill = convert.fill_of(trade, client_id(client, trade), by_symbol=False)
    assert (fill.client_order_id, fill.quantity, fill.fee_asset) == ("tm-1", Decimal("0.004"), "btc")
    assert fill.fee == Decimal("0.000004000000000001")


@pytest.mark.parametrize("opened", ["binanceusdm"], indirect=True)
async def test_a_perpetuals_update_is_a_trade_and_an_order(opened: tuple[Any, Stream, Any]) -> None:
    client, stream, socket = opened
    client.handle_message(socket, USDM_UPDATE)
    heard = dict(await told(stream, 2))
    order = convert.order_of(heard["order"])
    assert (order.instrument, order.status, order.client_order_id) == (
        "btc-usdt-perp",
        VenueStatus.OPEN,
        "tm-1",
    )
    fill = convert.fill_of(heard["trade"], client_id(client, heard["trade"]), by_symbol=True)
    assert (fill.venue_trade_id, fill.client_order_id) == ("btc-usdt-perp:99", "tm-1")
    assert (fill.quantity, fill.fee) == (Decimal("0.004"), Decimal("0.040000000000000001"))


@pytest.mark.parametrize("opened", ["bybit"], indirect=True)
async def test_two_changes_between_two_looks_are_two_events(opened: tuple[Any, Stream, Any]) -> None:
    """ccxt's own cache keeps one entry for each order."""
    client, stream, socket = opened
    first = {**BYBIT_ORDER, "data": [{**BYBIT_ORDER["data"][0], "orderStatus": "New"}]}
    client.handle_message(socket, first)
    client.handle_message(socket, BYBIT_ORDER)
    statuses = [convert.order_of(order).status for _, order in await told(stream, 2)]
    assert statuses == [VenueStatus.OPEN, VenueStatus.EXPIRED]


@pytest.mark.parametrize("opened", ["binance"], indirect=True)
async def test_a_stream_to_nobody_is_unreachable(opened: tuple[Any, Stream, Any]) -> None:
    client, stream, _ = opened
    client.urls["api"]["ws"]["ws-api"]["spot"] = "ws://127.0.0.1:1/ws-api/v3"
    with pytest.raises(VenueUnreachableError):
        await stream.open()


def client_id(client: Any, trade: Any) -> str:
    return DIALECTS[client.id].client_order_id(trade)
