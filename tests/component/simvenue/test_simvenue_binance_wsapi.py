"""The Binance door's WebSocket API over plain WebSockets, and real ccxt.pro code over all of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import ccxt.pro as ccxt
import pytest
import pytest_asyncio

from services.simvenue.binance.faults import Fault, FaultKind
from services.simvenue.domain.terms import Side
from tests.support.binance_venue import BinanceVenue, Listener, ccxt_config, now_ms, point_at

pytestmark = pytest.mark.asyncio(loop_scope="session")

BTC = "BTC/USDT"
USER = "userDataStream"
LIMIT: dict[str, object] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "100",
}


@pytest_asyncio.fixture(loop_scope="session")
async def api(binance: BinanceVenue) -> AsyncIterator[Listener]:
    async with binance.listening("/ws-api/v3") as listener:
        yield listener


async def test_requests_are_answered_with_the_limits(api: Listener) -> None:
    told = await api.ask("ping", {})
    time = await api.ask("v3/time", {"returnRateLimits": False})
    weight = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}
    (used,) = told.pop("rateLimits")
    assert told == {"id": 1, "status": 200, "result": {}}
    assert used == {**weight, "count": used["count"]}
    assert used["count"] >= 1
    assert set(time) == {"id", "status", "result"}
    assert abs(time["result"]["serverTime"] - now_ms()) < 10_000


async def test_limits_are_hidden_for_a_whole_connection(binance: BinanceVenue) -> None:
    async with binance.listening("/ws-api/v3?returnRateLimits=false") as api:
        assert "rateLimits" not in await api.ask("ping", {})
        assert "rateLimits" in await api.ask("ping", {"returnRateLimits": True})


async def test_an_order_by_the_websocket_api(binance: BinanceVenue, api: Listener) -> None:
    trader = binance.account()
    placed = await api.signed(trader, "order.place", **LIMIT, newClientOrderId="mine")
    shown = await api.signed(trader, "order.status", symbol="BTCUSDT", origClientOrderId="mine")
    opened = await api.signed(trader, "openOrders.status")
    gone = await api.signed(trader, "order.cancel", symbol="BTCUSDT", orderId=placed["result"]["orderId"])
    again = await api.signed(trader, "order.cancel", symbol="BTCUSDT", orderId=placed["result"]["orderId"])
    assert placed["status"] == 200
    assert [each["rateLimitType"] for each in placed["rateLimits"]] == ["ORDERS", "ORDERS", "REQUEST_WEIGHT"]
    assert shown["result"]["status"] == "NEW"
    assert [each["clientOrderId"] for each in opened["result"]] == ["mine"]
    assert gone["result"]["status"] == "CANCELED"
    assert (again["status"], again["error"]) == (400, {"code": -2011, "msg": "Unknown order sent."})


async def test_who_may_ask(binance: BinanceVenue, api: Listener) -> None:
    trader = binance.account()
    unsigned = await api.ask("account.status", {"apiKey": "key-of-trader-1", "timestamp": now_ms()})
    unknown = await api.signed("nobody", "account.status")
    stale = await api.signed(trader, "account.status", timestamp=now_ms() - 60_000)
    logon = await api.signed(trader, "session.logon")
    session = await api.ask(f"{USER}.subscribe", {})
    nowhere = await api.ask("order.explode", {})
    assert unsigned["error"]["code"] == -1102
    assert (unknown["status"], unknown["error"]["code"]) == (401, -2015)
    assert stale["error"]["code"] == -1021
    assert logon["error"] == {"code": -4056, "msg": "HMAC_SHA256 API key is not supported."}
    assert session["error"]["code"] == -2015
    assert (nowhere["status"], nowhere["error"]["code"]) == (404, -5000)


async def test_what_cannot_be_understood(api: Listener) -> None:
    await api.socket.send_str('{"id": 7}')
    no_method = await api.next()
    await api.socket.send_str('{"id": 8, "method": "ping", "params": [1]}')
    no_params = await api.next()
    await api.socket.send_str("{")
    assert (no_method["id"], no_method["error"]["code"]) == (7, -1135)
    assert no_params["error"]["code"] == -1135
    assert await api.closed() == aiohttp.WSCloseCode.INVALID_TEXT


async def test_the_user_stream_by_signature(binance: BinanceVenue, api: Listener) -> None:
    trader, other = binance.account(), binance.account()
    first = await api.signed(trader, f"{USER}.subscribe.signature")
    second = await api.signed(other, f"{USER}.subscribe.signature")
    twice = await api.signed(trader, f"{USER}.subscribe.signature")
    listed = await api.ask("session.subscriptions", {})
    status = await api.ask("session.status", {})
    await binance.deposit(other, "btc", "1")
    event = await api.next()
    gone = await api.ask(f"{USER}.unsubscribe", {"subscriptionId": 1})
    again = await api.ask(f"{USER}.unsubscribe", {"subscriptionId": 1})
    await binance.deposit(other, "btc", "1")
    await binance.deposit(trader, "btc", "2")
    left = await api.until(lambda message: message["event"]["e"] == "balanceUpdate")
    assert (first["result"], second["result"]) == ({"subscriptionId": 0}, {"subscriptionId": 1})
    assert twice["error"] == {"code": -2035, "msg": "User Data Stream subscription already active."}
    assert listed["result"] == [{"subscriptionId": 0}, {"subscriptionId": 1}]
    assert status["result"]["userDataStream"] is True
    assert (event["subscriptionId"], event["event"]["e"]) == (1, "balanceUpdate")
    assert gone["result"] == {}
    assert again["error"] == {"code": -2036, "msg": "User Data Stream subscription not active."}
    assert (left["subscriptionId"], left["event"]["d"]) == (0, "2.00000000")


async def test_listen_keys_by_the_websocket_api(binance: BinanceVenue, api: Listener) -> None:
    key = {"apiKey": f"key-of-{binance.account()}"}
    made = (await api.ask(f"{USER}.start", key))["result"]["listenKey"]
    assert (await api.ask(f"{USER}.ping", {**key, "listenKey": made}))["result"] == {}
    assert (await api.ask(f"{USER}.stop", {**key, "listenKey": made}))["result"] == {}
    assert (await api.ask(f"{USER}.ping", {**key, "listenKey": made}))["error"]["code"] == -1125


@pytest.mark.parametrize(
    ("kind", "status", "done"),
    [(FaultKind.BUSY, 503, False), (FaultKind.LOST_ANSWER, 503, True), (FaultKind.LIMITED, 429, False)],
)
async def test_faults_with_an_answer(
    binance: BinanceVenue, api: Listener, kind: FaultKind, status: int, done: bool
) -> None:
    trader = binance.account()
    binance.door.faults.add(Fault(kind, "POST", "/api/v3/order"))
    answer = await api.signed(trader, "order.place", **LIMIT)
    if kind is FaultKind.LIMITED:
        data = answer["error"]["data"]
        assert 0 < data["retryAfter"] - data["serverTime"] <= 60_000
    binance.door.limits.pardon()
    opened = await api.signed(trader, "openOrders.status")
    assert answer["status"] == status
    assert len(opened["result"]) == int(done)


async def test_no_answer_and_a_broken_socket(binance: BinanceVenue, api: Listener) -> None:
    trader = binance.account()
    binance.door.faults.add(Fault(FaultKind.HANG, "POST", "/api/v3/order"))
    binance.door.faults.add(Fault(FaultKind.DROP_AFTER, "POST", "/api/v3/order"))
    await api.socket.send_json({"id": "lost", "method": "ping"})
    assert (await api.next())["id"] == "lost"
    hung = asyncio.ensure_future(api.signed(trader, "order.place", **LIMIT))
    async with binance.listening("/ws-api/v3") as other:
        while not (await other.signed(trader, "openOrders.status"))["result"]:
            pass
        dropped = asyncio.ensure_future(other.signed(trader, "order.place", **LIMIT))
        with pytest.raises(aiohttp.WSMessageTypeError):
            await dropped
    hung.cancel()
    raw = binance.raw(trader)
    assert len((await raw.signed("GET", "/api/v3/openOrders")).body) == 2


@pytest_asyncio.fixture(loop_scope="session")
async def exchange(binance: BinanceVenue) -> AsyncIterator[Any]:
    """ccxt.pro's Binance as an account that only this test uses."""
    exchange = ccxt.binance(ccxt_config(binance.account()))
    point_at(exchange, binance)
    await exchange.load_markets()
    yield exchange
    await exchange.close()


async def subscribed(exchange: Any) -> None:
    """Wait until ccxt listens to its account."""
    await exchange.authenticate({"type": "spot"})


async def test_ccxt_watches_its_account(binance: BinanceVenue, exchange: Any) -> None:
    await subscribed(exchange)
    orders = asyncio.ensure_future(exchange.watch_orders(BTC))
    balance = asyncio.ensure_future(exchange.watch_balance())
    trades = asyncio.ensure_future(exchange.watch_my_trades(BTC))
    placed = await exchange.create_order(BTC, "limit", "buy", 1, 100, {"clientOrderId": "mine"})
    assert [each["status"] for each in await orders] == ["open"]
    assert (await balance)["USDT"]["used"] == 100.1
    orders = asyncio.ensure_future(exchange.watch_orders(BTC))
    await binance.hit(Side.SELL, "0.4", "100")
    (trade,) = await trades
    (order,) = await orders
    assert (trade["order"], trade["amount"], trade["price"]) == (placed["id"], 0.4, 100)
    assert (trade["fee"]["cost"], trade["takerOrMaker"]) == (0.032, "maker")
    assert (order["clientOrderId"], order["filled"], order["status"]) == ("mine", 0.4, "open")
    orders = asyncio.ensure_future(exchange.watch_orders(BTC))
    await exchange.cancel_order(placed["id"], BTC)
    (order,) = await orders
    assert (order["clientOrderId"], order["status"]) == ("mine", "canceled")


async def test_ccxt_comes_back_after_a_broken_socket(binance: BinanceVenue, exchange: Any) -> None:
    await subscribed(exchange)
    orders = asyncio.ensure_future(exchange.watch_orders(BTC))
    await asyncio.sleep(0)
    binance.door.faults.drop_sockets()
    with pytest.raises(ccxt.NetworkError):
        await orders
    await subscribed(exchange)
    orders = asyncio.ensure_future(exchange.watch_orders(BTC))
    await exchange.create_order(BTC, "limit", "buy", 1, 100)
    assert [each["status"] for each in await orders] == ["open"]


async def test_ccxt_keeps_a_book(binance: BinanceVenue, exchange: Any) -> None:
    await binance.rest(Side.BUY, "1", "99")
    await binance.rest(Side.SELL, "2", "101")
    book = await exchange.watch_order_book(BTC)
    assert (book["bids"], book["asks"]) == ([[99, 1]], [[101, 2]])
    await binance.rest(Side.BUY, "3", "100")
    while len(book["bids"]) < 2:
        book = await exchange.watch_order_book(BTC)
    await binance.hit(Side.SELL, "3", "100")
    while len(book["bids"]) > 1:
        book = await exchange.watch_order_book(BTC)
    assert (book["bids"], book["asks"]) == ([[99, 1]], [[101, 2]])


async def test_ccxt_watches_the_market(binance: BinanceVenue, exchange: Any) -> None:
    await binance.rest(Side.SELL, "9", "103.29")
    await binance.hit(Side.BUY, "1", "103.29")
    ticker = await exchange.watch_ticker(BTC)
    candles = await exchange.watch_ohlcv(BTC, "1m")
    trades = asyncio.ensure_future(exchange.watch_trades(BTC))
    best = asyncio.ensure_future(exchange.watch_bids_asks([BTC]))
    while not (trades.done() and best.done()):
        await binance.hit(Side.BUY, "0.1", "103.29")
        await asyncio.wait([trades, best], timeout=0.05)
    assert (ticker["last"], candles[-1][4]) == (103.29, 103.29)
    assert ((await trades)[-1]["price"], (await trades)[-1]["side"]) == (103.29, "buy")
    assert (await best)[BTC]["ask"] == 103.29


async def test_ccxt_trades_by_websocket(binance: BinanceVenue, exchange: Any) -> None:
    order = await exchange.create_order_ws(BTC, "limit", "buy", 1, 90)
    changed = await exchange.edit_order_ws(order["id"], BTC, "limit", "buy", 1, 91)
    shown = await exchange.fetch_order_ws(changed["id"], BTC)
    await binance.hit(Side.SELL, "0.5", "91")
    (trade,) = await exchange.fetch_my_trades_ws(BTC)
    (opened,) = await exchange.fetch_open_orders_ws(BTC)
    gone = await exchange.cancel_order_ws(changed["id"], BTC)
    everything = await exchange.fetch_orders_ws(BTC)
    assert (order["status"], shown["price"], opened["filled"]) == ("open", 91, 0.5)
    assert (trade["amount"], gone["status"]) == (0.5, "canceled")
    assert [each["status"] for each in everything] == ["canceled", "canceled"]
    with pytest.raises(ccxt.InsufficientFunds):
        await exchange.create_order_ws(BTC, "limit", "buy", 9_000, 900_000)
