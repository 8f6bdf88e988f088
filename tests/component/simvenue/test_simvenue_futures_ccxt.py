"""ccxt's own Binance classes at the futures' door: a bot for perpetuals can be tried offline."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt.pro as ccxt
import pytest
import pytest_asyncio

from services.exchange.venues.ccxt_client import redirected
from services.simvenue.domain.terms import Side
from tests.support.binance_venue import BinanceVenue, binance_venue, ccxt_config

BTC = "BTC/USDT:USDT"
PERP = "btc-usdt-perp"


@pytest_asyncio.fixture
async def binance(tmp_path: Path) -> AsyncIterator[BinanceVenue]:
    money = {"trader-1": {"usdt": Decimal(100_000)}}
    async with binance_venue(tmp_path, money, perpetuals=True, liquidation=True) as venue:
        yield venue


@pytest_asyncio.fixture(params=["binance", "binanceusdm"])
async def exchange(binance: BinanceVenue, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    config = ccxt_config("trader-1")
    config["options"] = {
        "defaultType": "swap",
        "fetchMarkets": {"types": ["linear"]},
        "fetchCurrencies": False,
        "warnOnFetchOpenOrdersWithoutSymbol": False,
    }
    made = getattr(ccxt, request.param)(config)
    made.urls["api"] = redirected(made.urls["api"], binance.url, binance.ws_url)
    try:
        yield made
    finally:
        await made.close()


async def test_a_bots_day(binance: BinanceVenue, exchange: Any) -> None:
    await exchange.set_leverage(10, BTC)
    await binance.rest(Side.SELL, "1", "60000", PERP)
    opened = await exchange.create_order(BTC, "market", "buy", 0.5)
    assert (opened["status"], opened["filled"], opened["average"]) == ("closed", 0.5, 60000)
    (held,) = await exchange.fetch_positions([BTC])
    assert (held["side"], held["contracts"], held["entryPrice"]) == ("long", 0.5, 60000)
    assert (held["marginMode"], held["initialMargin"], held["maintenanceMargin"]) == ("cross", 3000, 1500)
    closing = await exchange.create_order(
        BTC, "limit", "sell", 0.2, 61000, {"reduceOnly": True, "postOnly": True}
    )
    assert (closing["reduceOnly"], closing["postOnly"]) == (True, True)
    assert [each["id"] for each in await exchange.fetch_open_orders(BTC)] == [closing["id"]]
    assert (await exchange.cancel_order(closing["id"], BTC))["status"] == "canceled"
    balance = await exchange.fetch_balance()
    assert (balance["USDT"]["total"], balance["USDT"]["used"]) == (99985, 3000)
    (trade,) = await exchange.fetch_my_trades(BTC)
    assert (trade["fee"], trade["takerOrMaker"]) == ({"cost": 15, "currency": "USDT"} | trade["fee"], "taker")
    assert len(await exchange.fetch_orders(BTC)) == 2


async def test_orders_in_batches(exchange: Any) -> None:
    wanted = [
        {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": price}
        for price in (50000, 51000)
    ]
    placed = await exchange.create_orders(wanted)
    assert [each["price"] for each in placed] == [50000, 51000]
    gone = await exchange.cancel_orders([placed[0]["id"]], BTC)
    assert [each["status"] for each in gone] == ["canceled"]
    named = await exchange.create_order(BTC, "limit", "buy", 0.01, 52000, {"clientOrderId": "mine"})
    by_name = {"origClientOrderIdList": [named["clientOrderId"]]}
    assert [each["id"] for each in await exchange.cancel_orders([], BTC, by_name)] == [named["id"]]
    await exchange.cancel_all_orders(BTC)
    assert await exchange.fetch_open_orders(BTC) == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"amount": 100}, ccxt.InsufficientFunds),
        ({"price": 61000, "params": {"postOnly": True}}, ccxt.InvalidOrder),
        ({"params": {"reduceOnly": True}}, ccxt.InvalidOrder),
        ({"amount": 0.001, "price": 40000}, ccxt.InvalidOrder),
    ],
)
async def test_refusals_are_what_ccxt_knows(
    binance: BinanceVenue, exchange: Any, change: dict[str, Any], error: type[Exception]
) -> None:
    # ccxt knows which errors are those of the futures by the address that it calls.
    exchange.exceptions["exact"] |= exchange.exceptions["linear"]["exact"]
    await binance.rest(Side.SELL, "1", "60000", PERP)
    with pytest.raises(error):
        await exchange.create_order(BTC, "limit", "buy", **{"amount": 1, "price": 50000, **change})


async def test_market_data(binance: BinanceVenue, exchange: Any) -> None:
    await binance.rest(Side.SELL, "1", "60000", PERP)
    await binance.hit(Side.BUY, "0.4", "60000", PERP)
    book = await exchange.fetch_order_book(BTC)
    assert book["asks"] == [[60000, 0.6]]
    assert (await exchange.fetch_ticker(BTC))["last"] == 60000
    assert (await exchange.fetch_bids_asks([BTC]))[BTC]["ask"] == 60000
    assert (await exchange.fetch_ohlcv(BTC, "1m"))[-1][4] == 60000
    assert [each["amount"] for each in await exchange.fetch_trades(BTC)] == [0.4]
    rate = await exchange.fetch_funding_rate(BTC)
    assert (rate["fundingRate"], rate["markPrice"]) == (0.0001, 60000)
    assert await exchange.fetch_funding_rate_history(BTC) == []
    assert (await exchange.fetch_mark_price(BTC))["markPrice"] == 60000
    assert (await exchange.fetch_trading_fee(BTC))["taker"] == 0.0005
    assert (await exchange.fetch_position_mode(BTC))["hedged"] is False
    assert await exchange.fetch_time() > 0


async def test_streams(binance: BinanceVenue, exchange: Any) -> None:
    async def first(watching: Any) -> Any:
        async with asyncio.timeout(10):
            return await watching

    async def held() -> Any:
        while not (found := await exchange.watch_positions([BTC])):  # at first it is what is held now
            pass
        return found

    await binance.rest(Side.SELL, "2", "60000", PERP)
    watching = [
        asyncio.ensure_future(first(each))
        for each in (
            exchange.watch_orders(BTC),
            exchange.watch_my_trades(BTC),
            exchange.watch_balance(),
            held(),
            exchange.watch_order_book(BTC),
            exchange.watch_trades(BTC),
            exchange.watch_mark_price(BTC),
        )
    ]
    try:
        for _ in range(40):
            await asyncio.sleep(0.2)
            await exchange.create_order(BTC, "market", "buy", 0.01)
            if all(each.done() for each in watching):
                break
        orders, trades, balance, positions, book, public, mark = [each.result() for each in watching]
    finally:
        for each in watching:
            each.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    assert {each["symbol"] for each in (*orders, *trades, *positions, *public)} == {BTC}
    assert balance["USDT"]["total"] < 100_000
    assert positions[0]["side"] == "long"
    assert book["asks"][0][0] == 60000
    assert mark["markPrice"] == 60000
