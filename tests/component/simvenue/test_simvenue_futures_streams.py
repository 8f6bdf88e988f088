"""The futures' streams over plain WebSockets: orders, balances and positions, books, the mark price."""

from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from services.simvenue.domain.positions import FUNDING_NS
from services.simvenue.domain.terms import Side
from tests.support.binance_venue import BinanceVenue, RawClient, binance_venue

D = Decimal
PERP = "btc-usdt-perp"
KEY = "/fapi/v1/listenKey"


@pytest_asyncio.fixture
async def binance(tmp_path: Path) -> AsyncIterator[BinanceVenue]:
    async with binance_venue(tmp_path, {"trader-1": {"usdt": D(100_000)}}, perpetuals=True) as venue:
        yield venue


@pytest.fixture
def trader(binance: BinanceVenue) -> RawClient:
    return binance.raw("trader-1")


async def private(trader: RawClient) -> str:
    return f"/private/ws?listenKey={(await trader.public('POST', KEY)).body['listenKey']}"


def is_(name: str) -> Any:
    return lambda message: message.get("e") == name


async def test_an_order_its_fill_and_what_they_do_to_the_account(
    binance: BinanceVenue, trader: RawClient
) -> None:
    async with binance.listening(await private(trader)) as stream:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTX"}
        await trader.signed(
            "POST", "/fapi/v1/order", **order, quantity="1", price="60000", newClientOrderId="mine"
        )
        new = await stream.until(is_("ORDER_TRADE_UPDATE"))
        assert (
            new["o"].items()
            >= {
                "s": "BTCUSDT",
                "c": "mine",
                "x": "NEW",
                "X": "NEW",
                "f": "GTX",
                "q": "1",
                "z": "0",
                "ps": "BOTH",
                "R": False,
            }.items()
        )
        await binance.hit(Side.SELL, "0.4", "60000", PERP)
        trade = await stream.until(is_("ORDER_TRADE_UPDATE"))
        account = await stream.until(is_("ACCOUNT_UPDATE"))
        await trader.signed("DELETE", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="mine")
        gone = await stream.until(is_("ORDER_TRADE_UPDATE"))
    assert (
        trade["o"].items()
        >= {
            "x": "TRADE",
            "X": "PARTIALLY_FILLED",
            "l": "0.4",
            "L": "60000",
            "z": "0.4",
            "ap": "60000",
            "n": "4.8",
            "N": "USDT",
            "m": True,
            "rp": "0",
        }.items()
    )
    assert account["a"]["m"] == "ORDER"
    assert account["a"]["B"] == [{"a": "USDT", "wb": "99995.2", "cw": "99995.2", "bc": "0"}]
    (position,) = account["a"]["P"]
    assert position.items() >= {"s": "BTCUSDT", "pa": "0.4", "ep": "60000", "cr": "0", "mt": "cross"}.items()
    assert (gone["o"]["x"], gone["o"]["X"], gone["o"]["c"]) == ("CANCELED", "CANCELED", "mine")


async def test_funding_is_told_with_the_balance_only(binance: BinanceVenue, trader: RawClient) -> None:
    await binance.rest(Side.SELL, "1", "60000", PERP)
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
    await trader.signed("POST", "/fapi/v1/order", **order)
    async with binance.listening(await private(trader)) as stream:
        due = (binance.door.floor.now_ns // FUNDING_NS + 1) * FUNDING_NS
        await binance.door.floor.execute(lambda venue, _: venue.advance(due))
        told = await stream.until(is_("ACCOUNT_UPDATE"))
    assert (told["a"]["m"], told["a"]["P"]) == ("FUNDING_FEE", [])
    assert told["a"]["B"] == [{"a": "USDT", "wb": "99964", "cw": "99964", "bc": "-6"}]
    income = (await trader.signed("GET", "/fapi/v1/income", incomeType="FUNDING_FEE")).body
    assert [(each["symbol"], each["income"]) for each in income] == [("BTCUSDT", "-6")]
    rates = (await trader.public("GET", "/fapi/v1/fundingRate", symbol="BTCUSDT")).body
    assert [(each["fundingTime"], each["markPrice"]) for each in rates] == [(due // 1_000_000, "60000")]


async def test_a_key_is_the_accounts_only_one(binance: BinanceVenue, trader: RawClient) -> None:
    assert (await trader.public("PUT", KEY)).code == -1125
    first = (await trader.public("POST", KEY)).body
    assert (await trader.public("POST", KEY)).body == first
    assert (await trader.public("PUT", KEY)).body == first
    async with binance.listening(f"/private/ws/{first['listenKey']}") as stream:
        assert (await trader.public("DELETE", KEY)).body == {}
        await trader.signed("GET", "/fapi/v3/balance")
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        await trader.signed("POST", "/fapi/v1/order", **order, quantity="1", price="50000")
        assert (await stream.next())["e"] == "listenKeyExpired"


async def test_books_follow_on_each_other(binance: BinanceVenue) -> None:
    async with binance.listening("/public/ws/btcusdt@depth@100ms") as stream:
        seen = []
        for price in ("59000", "59001", "59002"):
            await binance.rest(Side.BUY, "1", price, PERP)
            seen.append(await stream.until(is_("depthUpdate")))
    assert all(after["pu"] == before["u"] for before, after in pairwise(seen))
    assert seen[-1]["b"] == [["59002.00000000", "1.00000000"]]


@pytest.mark.parametrize(
    ("name", "event", "has"),
    [
        ("btcusdt@aggTrade", "aggTrade", {"a", "p", "q", "m"}),
        ("btcusdt@trade", "trade", {"t", "p", "q", "X"}),
        ("btcusdt@bookTicker", "bookTicker", {"b", "B", "a", "A", "T"}),
        ("btcusdt@depth5@100ms", "depthUpdate", {"b", "a", "pu"}),
        ("btcusdt@kline_1m", "kline", {"k"}),
        ("btcusdt@ticker", "24hrTicker", {"c", "o"}),
        ("btcusdt@markPrice@1s", "markPriceUpdate", {"p", "i", "r", "T"}),
    ],
)
async def test_streams_of_the_market(binance: BinanceVenue, name: str, event: str, has: set[str]) -> None:
    await binance.rest(Side.SELL, "1", "60000", PERP)
    async with binance.listening("/market/ws") as stream:
        assert (await stream.ask("SUBSCRIBE", [name]))["result"] is None
        await binance.hit(Side.BUY, "0.1", "60000", PERP)
        await binance.rest(Side.BUY, "1", "59000", PERP)
        told = await stream.until(is_(event))
    assert has <= told.keys()
    assert "M" not in told


async def test_there_are_no_others(binance: BinanceVenue) -> None:
    async with binance.listening("/market/stream") as stream:
        for name in ("ethbtc@trade", "btcusdt@avgPrice", "btcusdt@depth@3s", "btcusdt@forceOrder"):
            assert (await stream.ask("SUBSCRIBE", [name]))["error"]["code"] == 2
