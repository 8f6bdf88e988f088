"""The Binance door's user data stream over plain WebSockets: what happens to an account, and its end."""

from pathlib import Path
from typing import Any

import pytest

from services.simvenue.domain.terms import Side
from tests.support.binance_venue import (
    FUNDS,
    BinanceVenue,
    Listener,
    RawClient,
    SettableClock,
    binance_venue,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY = "/api/v3/userDataStream"


async def listen_key(trader: RawClient) -> str:
    return str((await trader.public("POST", KEY)).body["listenKey"])


async def test_the_life_of_an_order_in_the_user_stream(binance: BinanceVenue, trader: RawClient) -> None:
    async with binance.listening(f"/ws/{await listen_key(trader)}") as stream:
        placed = (await trader.limit("BUY", "1", "100", newClientOrderId="mine", icebergQty="0.5")).body
        new, position = await stream.next(), await stream.next()
        await binance.hit(Side.SELL, "0.4", "100")
        trade, after = await stream.next(), await stream.next()
        cancel = {"symbol": "BTCUSDT", "origClientOrderId": "mine", "newClientOrderId": "bye"}
        await trader.signed("DELETE", "/api/v3/order", **cancel)
        cancelled, freed = await stream.next(), await stream.next()
    assert new == {
        "e": "executionReport",
        "E": new["E"],
        "s": "BTCUSDT",
        "c": "mine",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "1.00000000",
        "p": "100.00000000",
        "P": "0.00000000",
        "F": "0.50000000",
        "g": -1,
        "C": "",
        "x": "NEW",
        "X": "NEW",
        "r": "NONE",
        "i": placed["orderId"],
        "l": "0.00000000",
        "z": "0.00000000",
        "L": "0.00000000",
        "n": "0",
        "N": None,
        "T": placed["transactTime"],
        "t": -1,
        "I": new["I"],
        "w": True,
        "m": False,
        "M": False,
        "O": placed["transactTime"],
        "Z": "0.00000000",
        "Y": "0.00000000",
        "Q": "0.00000000",
        "W": placed["transactTime"],
        "V": "EXPIRE_TAKER",
    }
    assert (position["e"], position["B"]) == (
        "outboundAccountPosition",
        [{"a": "USDT", "f": "999999899.90000000", "l": "100.10000000"}],
    )
    assert (trade["x"], trade["X"], trade["l"], trade["L"], trade["Y"]) == (
        "TRADE",
        "PARTIALLY_FILLED",
        "0.40000000",
        "100.00000000",
        "40.00000000",
    )
    assert (trade["m"], trade["n"], trade["N"]) == (True, "0.03200000", "USDT")
    assert {each["a"] for each in after["B"]} == {"BTC", "USDT"}
    assert (cancelled["x"], cancelled["X"], cancelled["c"], cancelled["C"]) == (
        "CANCELED",
        "CANCELED",
        "bye",
        "mine",
    )
    assert freed["B"][-1]["l"] == "0.00000000"


async def test_ends_of_orders_in_the_user_stream(binance: BinanceVenue, trader: RawClient) -> None:
    await binance.rest(Side.SELL, "1", "100")
    await binance.hit(Side.BUY, "0.1", "100")
    async with binance.listening(f"/stream?streams={await listen_key(trader)}") as stream:
        await trader.limit("BUY", "2", "100", timeInForce="FOK")
        fok = await reports(stream, 2)
        await trader.limit("SELL", "1", "200")
        await trader.limit("BUY", "1", "200", selfTradePreventionMode="EXPIRE_BOTH")
        prevented = await reports(stream, 5)
        stop = {"symbol": "BTCUSDT", "side": "BUY", "type": "STOP_LOSS", "quantity": "1", "stopPrice": "150"}
        await trader.signed("POST", "/api/v3/order", **stop)
        await binance.rest(Side.SELL, "3", "150")
        await binance.hit(Side.BUY, "0.5", "150")
        gone_off = await reports(stream, 3)
    assert [(each["x"], each["X"]) for each in fok] == [("NEW", "NEW"), ("EXPIRED", "EXPIRED")]
    assert [each["x"] for each in prevented].count("TRADE_PREVENTION") == 2
    assert prevented[-1]["X"] == "EXPIRED_IN_MATCH"
    assert [(each["x"], each["w"], "W" in each) for each in gone_off] == [
        ("NEW", False, False),
        ("NEW", True, True),
        ("TRADE", False, True),
    ]
    assert gone_off[0]["P"] == "150.00000000"


async def reports(stream: Listener, number: int) -> list[Any]:
    """The next execution reports of a combined stream."""
    wanted = [
        await stream.until(lambda event: event["data"]["e"] == "executionReport") for _ in range(number)
    ]
    return [event["data"] for event in wanted]


async def test_a_deposit_in_the_user_stream(binance: BinanceVenue, trader: RawClient) -> None:
    async with binance.listening(f"/ws/{await listen_key(trader)}") as stream:
        await binance.deposit(trader.account, "usdt", "12.5")
        change, position = await stream.next(), await stream.next()
    assert (change["e"], change["a"], change["d"]) == ("balanceUpdate", "USDT", "12.50000000")
    assert position["B"] == [{"a": "USDT", "f": "1000000012.50000000", "l": "0.00000000"}]


async def test_what_a_broken_socket_missed_is_read_by_rest(binance: BinanceVenue, trader: RawClient) -> None:
    key = await listen_key(trader)
    await binance.rest(Side.SELL, "10", "100")
    async with binance.listening(f"/ws/{key}") as stream:
        await trader.limit("BUY", "1", "100")
        seen = (await stream.until(lambda event: event.get("x") == "TRADE"))["t"]
        binance.door.faults.drop_sockets()
        await stream.closed()
    await trader.limit("BUY", "2", "100")
    async with binance.listening(f"/ws/{key}") as stream:
        missed = (await trader.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", fromId=seen + 1)).body
        await trader.limit("BUY", "3", "100")
        after = await stream.until(lambda event: event.get("x") == "TRADE")
    assert [each["qty"] for each in missed] == ["2.00000000"]
    assert after["l"] == "3.00000000"


async def test_listen_keys(binance: BinanceVenue, trader: RawClient) -> None:
    key = await listen_key(trader)
    stranger = binance.raw(binance.account())
    assert await listen_key(trader) == key
    assert (await trader.public("PUT", KEY, listenKey=key)).body == {}
    assert (await stranger.public("PUT", KEY, listenKey=key)).body == {
        "code": -1125,
        "msg": "This listenKey does not exist.",
    }
    assert (await trader.public("DELETE", KEY)).code == -1102
    assert (await trader.public("DELETE", KEY, listenKey=key)).body == {}
    assert (await trader.public("PUT", KEY, listenKey=key)).code == -1125
    assert await listen_key(trader) != key


async def test_a_listen_key_runs_out(tmp_path: Path) -> None:
    clock = SettableClock()
    async with binance_venue(tmp_path, {"alice": FUNDS}, clock=clock, heartbeat_seconds=0.1) as venue:
        alice = venue.raw("alice")
        key = await listen_key(alice)
        async with venue.listening(f"/ws/{key}") as stream:
            clock.move(minutes=59)
            await alice.public("PUT", KEY, listenKey=key)
            clock.move(minutes=59)
            await alice.limit("BUY", "1", "100", timestamp=venue.door.now_ms())
            alive = await stream.next()
            clock.move(minutes=2)
            ended = await stream.until(lambda event: event["e"] == "listenKeyExpired")
        assert alive["e"] == "executionReport"
        assert ended["listenKey"] == key
        assert await listen_key(alice) != key
