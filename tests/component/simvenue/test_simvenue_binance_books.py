"""What the Binance door tells adds up, exactly, and is the same after the venue was killed."""

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.binance_venue import FUNDS, BinanceVenue, RawClient, binance_venue

pytestmark = pytest.mark.asyncio(loop_scope="session")

ORDER = "/api/v3/order"
TAKER_RATE = Decimal("0.001")


async def acts(random: Random, trader: RawClient) -> None:
    """Something a trader may do; whether it is taken does not matter."""
    side = random.choice(("BUY", "SELL"))
    price = f"{random.randint(9_500, 10_500) / 100:.2f}"
    quantity = f"{random.randint(10, 300) / 100:.5f}"
    order: dict[str, object] = {"symbol": "BTCUSDT", "side": side, "quantity": quantity}
    match random.randrange(7):
        case 0:
            await trader.signed("POST", ORDER, **order, type="MARKET")
        case 1:
            del order["quantity"]
            await trader.signed("POST", ORDER, **order, type="MARKET", quoteOrderQty="77.77")
        case 2:
            await trader.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
        case 3:
            stop = {"type": "STOP_LOSS_LIMIT", "stopPrice": price, "price": price, "timeInForce": "GTC"}
            await trader.signed("POST", ORDER, **order, **stop)
        case _:
            force = random.choice(("GTC", "GTC", "GTC", "IOC", "FOK"))
            mode = random.choice(("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"))
            shown = {"icebergQty": "0.5"} if force == "GTC" and Decimal(quantity) > 1 else {}
            await trader.limit(
                side, quantity, price, timeInForce=force, selfTradePreventionMode=mode, **shown
            )


async def told(trader: RawClient) -> dict[str, Any]:
    """Everything that an account can ask about itself."""
    symbol = {"symbol": "BTCUSDT", "limit": 1000}
    account = (await trader.signed("GET", "/api/v3/account")).body
    return {
        "balances": account["balances"],
        "orders": (await trader.signed("GET", "/api/v3/allOrders", **symbol)).body,
        "open": (await trader.signed("GET", "/api/v3/openOrders")).body,
        "trades": (await trader.signed("GET", "/api/v3/myTrades", **symbol)).body,
        "deposits": (await trader.signed("GET", "/sapi/v1/capital/deposit/hisrec")).body,
    }


def check(books: dict[str, Any]) -> None:
    """Balances are deposits and trades; what is locked is what open orders hold; orders are their trades."""
    expected: dict[str, Decimal] = defaultdict(Decimal)
    filled: dict[int, Decimal] = defaultdict(Decimal)
    locked: dict[str, Decimal] = defaultdict(Decimal)
    for deposit in books["deposits"]:
        expected[deposit["coin"]] += Decimal(deposit["amount"])
    for trade in books["trades"]:
        sign = 1 if trade["isBuyer"] else -1
        assert Decimal(trade["quoteQty"]) == Decimal(trade["price"]) * Decimal(trade["qty"])
        expected["BTC"] += sign * Decimal(trade["qty"])
        expected["USDT"] -= sign * Decimal(trade["quoteQty"])
        expected[trade["commissionAsset"]] -= Decimal(trade["commission"])
        filled[trade["orderId"]] += Decimal(trade["qty"])
    for order in books["orders"]:
        assert Decimal(order["executedQty"]) == filled[order["orderId"]]
        assert (order in books["open"]) == (order["status"] in {"NEW", "PARTIALLY_FILLED"})
    for order in books["open"]:
        left = Decimal(order["origQty"]) - Decimal(order["executedQty"])
        if order["side"] == "SELL":
            locked["BTC"] += left
        else:
            locked["USDT"] += left * Decimal(order["price"]) * (1 + TAKER_RATE)
    for balance in books["balances"]:
        assert Decimal(balance["free"]) + Decimal(balance["locked"]) == expected[balance["asset"]]
        assert Decimal(balance["locked"]) == locked[balance["asset"]]


@pytest.mark.parametrize("seed", [1, 2])
async def test_everything_adds_up_and_survives_the_venues_end(tmp_path: Path, seed: int) -> None:
    random, names = Random(seed), ("alice", "bob", "carol")
    accounts = dict.fromkeys(names, FUNDS)
    async with binance_venue(tmp_path, accounts) as venue:
        venue.door.limits.allowance = unlimited(venue)
        for _ in range(150):
            await acts(random, venue.raw(random.choice(names)))
        before = {name: await told(venue.raw(name)) for name in names}
    for books in before.values():
        check(books)
        assert books["trades"]
    assert any(books["open"] for books in before.values())
    async with binance_venue(tmp_path, accounts) as venue:
        after = {name: await told(venue.raw(name)) for name in names}
        alice = venue.raw("alice")
        used = before["alice"]["orders"][0]["clientOrderId"]
        again = await alice.limit("BUY", "1", "50", newClientOrderId=used)
        fresh = (await alice.limit("BUY", "1", "50")).body
    assert after == before
    assert again.body["msg"] == "Duplicate order sent."
    assert fresh["orderId"] > max(order["orderId"] for books in before.values() for order in books["orders"])


def unlimited(venue: BinanceVenue) -> Any:
    """An allowance of any number of orders."""
    allowance = venue.door.limits.allowance
    return type(allowance)(weight=10**9, orders_10s=10**9)
