"""Books of the venues' public streams, as documented, through ccxt.pro's own handlers."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from services.market.feeds import ccxt_convert as convert
from services.market.feeds.ccxt_exchange import BookTap, TradeTap, open_exchange
from services.market.feeds.ccxt_feed import CcxtFeedSettings
from services.market.settings import MarketSettings

MARKET: dict[str, Any] = {
    "id": "BTCUSDT",
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
BYBIT = [
    {
        "topic": "orderbook.50.BTCUSDT",
        "type": "snapshot",
        "ts": 1760000000000,
        "data": {
            "s": "BTCUSDT",
            "b": [["50000.10", "0.100000000000000001"], ["49999.90", "2"]],
            "a": [["50000.20", "3"]],
            "u": 1,
            "seq": 7,
        },
    },
    {
        "topic": "orderbook.50.BTCUSDT",
        "type": "delta",
        "ts": 1760000000020,
        "data": {"s": "BTCUSDT", "b": [["49999.90", "0"]], "a": [["50000.30", "0.3"]], "u": 2, "seq": 8},
    },
]
CRYPTOCOM = [
    {
        "id": 1,
        "method": "subscribe",
        "code": 0,
        "result": {
            "instrument_name": "BTCUSDT",
            "subscription": "book.BTCUSDT.50",
            "channel": "book",
            "depth": 50,
            "data": [
                {
                    "bids": [["50000.10", "0.100000000000000001", "2"], ["49999.90", "2", "1"]],
                    "asks": [["50000.20", "3", "1"]],
                    "t": 1760000000000,
                    "u": 1,
                }
            ],
        },
    },
    {
        "id": -1,
        "method": "subscribe",
        "code": 0,
        "result": {
            "instrument_name": "BTCUSDT",
            "subscription": "book.BTCUSDT.50",
            "channel": "book.update",
            "depth": 50,
            "data": [
                {
                    "update": {"bids": [["49999.90", "0", "0"]], "asks": [["50000.30", "0.3", "1"]]},
                    "t": 1760000000020,
                    "u": 2,
                    "pu": 1,
                }
            ],
        },
    },
]


@pytest.fixture
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Any, Any, list[int]]]:
    """An exchange, a WebSocket client of it, and the wakings."""
    woken: list[int] = []
    client = open_exchange(
        request.param,
        "spot",
        sandbox=False,
        rest_url="",
        ws_url="",
        options={},
        wake=lambda: woken.append(1),
    )
    client.set_markets([MARKET])
    yield client, client.client("ws://127.0.0.1:1/v5/public/spot"), woken
    await client.close()


@pytest.mark.parametrize(
    ("opened", "messages"), [("bybit", BYBIT), ("cryptocom", CRYPTOCOM)], indirect=["opened"]
)
async def test_a_snapshot_and_a_change_are_noted_exactly(
    opened: tuple[Any, Any, list[int]], messages: list[Any]
) -> None:
    client, socket, woken = opened
    whole, delta = messages
    client.handle_message(socket, whole)
    book = client.orderbooks["BTC/USDT"]
    assert isinstance(book, BookTap)
    assert woken
    assert book.take() == (
        True,
        [(Decimal("50000.10"), Decimal("0.100000000000000001")), (Decimal("49999.90"), Decimal(2))],
        [(Decimal("50000.20"), Decimal(3))],
    )
    assert not book.noted
    client.handle_message(socket, delta)
    assert book.take() == (
        False,
        [(Decimal("49999.90"), Decimal(0))],
        [(Decimal("50000.30"), Decimal("0.3"))],
    )
    assert int(book["timestamp"]) == 1760000000020


@pytest.mark.parametrize("opened", ["binance"], indirect=True)
async def test_a_float_never_becomes_a_level(opened: tuple[Any, Any, list[int]]) -> None:
    client, _, _ = opened
    with pytest.raises(TypeError, match="float"):
        client.handle_delta(client.order_book({})["bids"], [0.1, "1"])


def test_trades_wait_until_they_are_taken() -> None:
    woken: list[int] = []
    tap = TradeTap(lambda: woken.append(1))
    tap.append("one")
    tap.append("two")
    assert (tap.take(), tap.take(), len(woken)) == (["one", "two"], [], 2)


@pytest.mark.parametrize("value", [0.1, True, None, "NaN", "x", b"1"])
def test_what_is_no_text_is_no_amount(value: Any) -> None:
    with pytest.raises(ValueError, match="amount"):
        convert.number(value)


@pytest.mark.parametrize(
    "settings",
    [
        {"instruments": []},
        {"instruments": ["btcusdt"]},
        {"instruments": ["btc-usdt-perp"]},
        {"exchange": "kraken"},
        {"name": "Not An Id"},
    ],
)
def test_settings_that_cannot_be_meant(settings: dict[str, Any]) -> None:
    whole = {"name": "a", "exchange": "binance", "instruments": ["btc-usdt"], **settings}
    with pytest.raises(ValidationError):
        CcxtFeedSettings.model_validate(whole)


@pytest.mark.parametrize("names", [("a", "a"), ("sim",)])
def test_two_feeds_of_one_name(names: tuple[str, ...]) -> None:
    feeds = tuple(
        CcxtFeedSettings(name=name, exchange="binance", instruments=("btc-usdt",)) for name in names
    )
    with pytest.raises(ValidationError, match="name"):
        MarketSettings(feeds=feeds)
