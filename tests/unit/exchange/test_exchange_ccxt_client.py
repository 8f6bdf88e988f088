"""ccxt's exchanges as we make them: exact, redirected, quiet."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from services.exchange.venues.ccxt_client import Door, Sending, exact_type, open_door, redirected, sending

HUGE = "123456789012345678901234567890.123456789"
MARKET: dict[str, Any] = {
    "id": "BTCUSDT",
    "lowercaseId": "btcusdt",
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "baseId": "BTC",
    "quoteId": "USDT",
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
    "info": {"orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"]},
}


def binance() -> Any:
    client = open_door(
        Door(
            "binance",
            "spot",
            sandbox=False,
            key="k",
            secret="s",
            rest_url="http://127.0.0.1:1",
            ws_url="ws://x",
        )
    )
    client.set_markets([MARKET])
    return client


def test_numbers_of_json_stay_text() -> None:
    told = binance().on_json_response('{"a": 0.1, "b": 12345678901234567890.123456789, "c": 7}')
    assert told == {"a": "0.1", "b": "12345678901234567890.123456789", "c": "7"}


def test_amounts_are_sent_as_they_are() -> None:
    """ccxt would cut off what lies beyond the venue's step, and read it through its decimal context."""
    client = binance()
    for amount in (HUGE, "0.000001", "1.999999999"):
        assert client.amount_to_precision("BTC/USDT", amount) == amount
        assert client.price_to_precision("BTC/USDT", amount) == amount


def test_a_float_is_never_sent() -> None:
    with pytest.raises(TypeError, match="text"):
        binance().amount_to_precision("BTC/USDT", 0.1)


def test_an_order_leaves_with_our_numbers_and_our_id() -> None:
    client = binance()
    request = client.create_order_request(
        "BTC/USDT", "limit", "buy", "0.00001", "61234.5678901234567", {"clientOrderId": "tm-1"}
    )
    assert (request["quantity"], request["price"]) == ("0.00001", "61234.5678901234567")
    assert (request["newClientOrderId"], request["timeInForce"]) == ("tm-1", "GTC")


def test_orders_are_read_without_a_float() -> None:
    told = binance().parse_order(
        {
            "symbol": "BTCUSDT",
            "orderId": "28",
            "clientOrderId": "tm-1",
            "price": "0.10000000000000000001",
            "origQty": HUGE,
            "executedQty": "0.3",
            "cummulativeQuoteQty": "0.03",
            "status": "PARTIALLY_FILLED",
            "timeInForce": "GTC",
            "type": "LIMIT",
            "side": "BUY",
        }
    )
    assert (told["price"], told["amount"], told["filled"]) == ("0.10000000000000000001", HUGE, "0.3")
    assert Decimal(told["amount"]) == Decimal(HUGE)


def test_messages_of_a_websocket_are_read_without_a_float() -> None:
    async def heard() -> list[Any]:
        client = binance()
        seen: list[Any] = []
        client.handle_message = lambda _, message: seen.append(message)
        socket = client.client("ws://127.0.0.1:1/ws")
        socket.handle_text_or_binary_message('{"E": 5, "p": 0.1}')
        socket.handle_text_or_binary_message(b"ping")
        await client.close()
        return seen

    assert asyncio.run(heard()) == [{"E": 5, "p": "0.1"}, "ping"]


def test_every_address_can_be_led_elsewhere() -> None:
    urls = {
        "a": "https://api.binance.com/api/v3",
        "ws": {"b": "wss://stream.binance.com:9443/ws?x=1"},
        "n": None,
    }
    assert redirected(urls, "http://127.0.0.1:1", "ws://127.0.0.1:2") == {
        "a": "http://127.0.0.1:1/api/v3",
        "ws": {"b": "ws://127.0.0.1:2/ws?x=1"},
        "n": None,
    }
    assert redirected(urls, "", "") == urls


def test_a_local_venue_is_never_left() -> None:
    text = json.dumps(binance().urls["api"])
    assert "binance.com" not in text
    assert "https" not in text


@pytest.mark.parametrize("exchange", ["binance", "binanceusdm", "bybit", "cryptocom"])
def test_the_sandbox_is_another_place(exchange: str) -> None:
    market = "swap" if exchange == "binanceusdm" else "spot"
    live, sandbox = (open_door(Door(exchange, market, sandbox=each)) for each in (False, True))
    private = {"binanceusdm": "fapiPrivate", "binance": "private", "bybit": "private", "cryptocom": "v1"}[
        exchange
    ]
    assert live.urls["api"][private] != sandbox.urls["api"][private]


def test_a_key_shows_in_no_representation() -> None:
    door = Door("binance", "spot", sandbox=False, key="the-key", secret="the-secret")
    assert "the-key" not in repr(door)
    assert "the-secret" not in repr(door)
    assert "the-secret" not in repr(open_door(door))


def test_an_exchange_that_ccxt_does_not_have() -> None:
    with pytest.raises(ValueError, match="no exchange"):
        exact_type("nowhere")


async def test_departure_is_told_for_the_sending_only(unused_tcp_port: int) -> None:
    client = open_door(
        Door(
            "binance", "spot", sandbox=False, rest_url=f"http://127.0.0.1:{unused_tcp_port}", ws_url="ws://x"
        )
    )
    ours = Sending()
    token = sending.set(ours)
    try:
        assert not ours.departed
        with pytest.raises(Exception, match="binance"):
            await client.fetch_time()
        assert ours.departed
    finally:
        sending.reset(token)
        await client.close()
