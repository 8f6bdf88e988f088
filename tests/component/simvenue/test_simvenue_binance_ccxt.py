"""Real ccxt code over the Binance door."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import pytest
import pytest_asyncio

from services.simvenue.binance.faults import Fault, FaultKind
from services.simvenue.domain.terms import Side
from tests.support.binance_venue import BinanceVenue, ccxt_config, point_at

pytestmark = pytest.mark.asyncio(loop_scope="session")

BTC = "BTC/USDT"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(binance_door: BinanceVenue) -> AsyncIterator[Any]:
    """ccxt's Binance, with its markets loaded."""
    exchange = ccxt.binance(ccxt_config("trader-1"))
    point_at(exchange, binance_door)
    await exchange.load_markets()
    yield exchange
    await exchange.close()


@pytest.fixture
def exchange(binance: BinanceVenue, shared: Any) -> Any:
    """The same as an account that only this test uses."""
    config = ccxt_config(binance.account())
    shared.apiKey, shared.secret = config["apiKey"], config["secret"]
    return shared


async def test_markets_and_currencies(exchange: Any) -> None:
    markets = await exchange.load_markets()
    market = markets[BTC]
    assert sorted(markets) == [BTC, "ETH/USDT"]
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.01, 0.00001)
    assert (market["limits"]["cost"]["min"], market["limits"]["amount"]["max"]) == (5, 9000)
    assert set(exchange.currencies) >= {"BTC", "ETH", "USDT"}
    assert (await exchange.fetch_trading_fee(BTC))["taker"] == 0.001


async def test_the_life_of_an_order(binance: BinanceVenue, exchange: Any) -> None:
    order = await exchange.create_order(BTC, "limit", "sell", 1, 200, {"clientOrderId": "mine"})
    await binance.hit(Side.BUY, "0.4", "200")
    partly = await exchange.fetch_order(order["id"], BTC)
    changed = await exchange.edit_order(order["id"], BTC, "limit", "sell", 0.6, 201)
    opened = await exchange.fetch_open_orders(BTC)
    (trade,) = await exchange.fetch_my_trades(BTC)
    await exchange.cancel_order(changed["id"], BTC)
    old, new = await exchange.fetch_orders(BTC)
    assert (order["clientOrderId"], order["status"]) == ("mine", "open")
    assert (partly["filled"], partly["remaining"], partly["cost"]) == (0.4, 0.6, 80)
    assert [each["id"] for each in opened] == [changed["id"]]
    assert (trade["price"], trade["amount"], trade["fee"]["cost"]) == (200, 0.4, 0.064)
    assert trade["takerOrMaker"] == "maker"
    assert (old["status"], old["filled"]) == ("canceled", 0.4)
    assert (new["status"], new["price"], new["amount"]) == ("canceled", 201, 0.6)


async def test_every_kind_of_order(binance: BinanceVenue, exchange: Any) -> None:
    await binance.rest(Side.SELL, "10", "100")
    await binance.hit(Side.BUY, "1", "100")
    market = await exchange.create_order(BTC, "market", "buy", 1)
    spent = await exchange.create_market_buy_order_with_cost(BTC, 150)
    maker = await exchange.create_order(BTC, "limit", "buy", 1, 90, {"postOnly": True})
    shown = await exchange.create_order(BTC, "limit", "buy", 10, 80, {"icebergAmount": 1})
    stop = await exchange.create_order(BTC, "market", "sell", 1, None, {"stopLossPrice": 70})
    limited = await exchange.create_order(BTC, "limit", "sell", 1, 60, {"stopLossPrice": 65})
    tested = await exchange.create_order(BTC, "limit", "buy", 1, 90, {"test": True})
    assert (market["status"], market["average"]) == ("closed", 100)
    assert (spent["filled"], spent["cost"]) == (1.5, 150)
    assert tested["id"] is None
    opened = {each["id"]: each for each in await exchange.fetch_open_orders(BTC)}
    assert set(opened) == {each["id"] for each in (maker, shown, stop, limited)}
    assert opened[maker["id"]]["postOnly"] is True
    assert opened[stop["id"]]["triggerPrice"] == 70
    assert (opened[limited["id"]]["triggerPrice"], opened[limited["id"]]["price"]) == (65, 60)
    assert len(await exchange.cancel_all_orders(BTC)) == 4


async def test_market_data(binance: BinanceVenue, exchange: Any) -> None:
    await binance.rest(Side.SELL, "10", "100")
    await binance.hit(Side.BUY, "1", "100")
    await binance.rest(Side.BUY, "3", "99")
    book = await exchange.fetch_order_book(BTC)
    ticker = await exchange.fetch_ticker(BTC)
    trade = (await exchange.fetch_trades(BTC))[-1]
    candle = (await exchange.fetch_ohlcv(BTC, "1m"))[-1]
    assert (book["bids"], book["asks"]) == ([[99, 3]], [[100, 9]])
    assert (ticker["last"], ticker["bid"], ticker["ask"]) == (100, 99, 100)
    assert (trade["price"], trade["amount"], trade["side"]) == (100, 1, "buy")
    assert candle[4] == 100


async def test_money(binance: BinanceVenue, exchange: Any) -> None:
    await exchange.create_order(BTC, "limit", "sell", 2, 200)
    balance = await exchange.fetch_balance()
    deposits = await exchange.fetch_deposits("BTC")
    assert (balance["BTC"]["free"], balance["BTC"]["used"]) == (19_998, 2)
    assert [(each["amount"], each["status"]) for each in deposits] == [(20_000, "ok")]
    assert await exchange.fetch_withdrawals() == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"amount": 5_000, "price": 1_000_000}, ccxt.InsufficientFunds),
        ({"params": {"postOnly": True}, "price": 200}, ccxt.InvalidOrder),
        ({"params": {"clientOrderId": "used"}}, ccxt.InvalidOrder),
        ({"amount": 0.00001}, ccxt.BadRequest),
    ],
)
async def test_refusals_are_what_ccxt_knows(
    binance: BinanceVenue, exchange: Any, change: dict[str, Any], error: type[Exception]
) -> None:
    await binance.rest(Side.SELL, "1", "150")
    await exchange.create_order(BTC, "limit", "buy", 1, 100, {"clientOrderId": "used"})
    wanted = {"amount": 1, "price": 100, "params": {}, **change}
    with pytest.raises(error):
        await exchange.create_order(BTC, "limit", "buy", **wanted)


async def test_unknown_orders(exchange: Any) -> None:
    with pytest.raises(ccxt.OrderNotFound):
        await exchange.cancel_order("999999999", BTC)
    with pytest.raises(ccxt.OrderNotFound):
        await exchange.fetch_order("999999999", BTC)


@pytest.mark.parametrize(
    ("kind", "error", "done"),
    [
        (FaultKind.BUSY, ccxt.OperationFailed, False),
        (FaultKind.LOST_ANSWER, ccxt.OperationFailed, True),
        (FaultKind.LIMITED, ccxt.DDoSProtection, False),
        (FaultKind.BANNED, ccxt.DDoSProtection, False),
        (FaultKind.DROP_AFTER, ccxt.NetworkError, True),
    ],
)
async def test_faults_are_what_ccxt_knows(
    binance: BinanceVenue, exchange: Any, kind: FaultKind, error: type[Exception], done: bool
) -> None:
    await exchange.load_markets()
    binance.door.faults.add(Fault(kind, "POST", "/api/v3/order"))
    with pytest.raises(error):
        await exchange.create_order(BTC, "limit", "buy", 1, 100)
    binance.door.limits.pardon()
    assert len(await exchange.fetch_open_orders(BTC)) == int(done)


async def test_numbers_come_as_exact_texts(binance: BinanceVenue, exchange: Any) -> None:
    await binance.rest(Side.SELL, "1", "100000.01")
    await exchange.create_order(BTC, "limit", "buy", 0.00007, 100000.01)
    (trade,) = await exchange.fetch_my_trades(BTC)
    info = trade["info"]
    assert Decimal(info["commission"]) == Decimal("100000.01") * Decimal("0.00007") * Decimal("0.001")


async def test_clocks_that_differ_are_joined(exchange: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(exchange.options, "timeDifference", 0)
    monkeypatch.setattr(exchange, "milliseconds", lambda: 1_700_000_000_000)
    with pytest.raises(ccxt.InvalidNonce):
        await exchange.fetch_balance()
    await exchange.load_time_difference()
    assert (await exchange.fetch_balance())["BTC"]["total"] == 20_000
