"""What survives: everything the venue ever told an account, on both databases."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiosqlite
import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from trademesh.simvenue.v1 import account_pb2, order_pb2
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from services.chassis.persistence import Database, assert_schema_current
from services.simvenue.ports import VenueFencedError
from services.simvenue.storage.ledger import SqlLedger
from services.simvenue.storage.tables import METADATA
from tests.support.simvenue import (
    MIGRATIONS,
    RunningVenue,
    running_venue,
    simvenue_settings,
    sqlite_url,
)

BUY = side_pb2.SIDE_BUY


def limit_buy(key: str, price: str, quantity: str = "0.01") -> pb.PlaceOrderRequest:
    return pb.PlaceOrderRequest(
        account="paper",
        symbol="btc-usdt",
        client_order_id=key,
        side=BUY,
        quantity=quantity,
        limit=order_pb2.LimitTerms(price=price),
    )


def market_buy(key: str) -> pb.PlaceOrderRequest:
    return pb.PlaceOrderRequest(
        account="paper",
        symbol="btc-usdt",
        client_order_id=key,
        side=BUY,
        quantity="0.1",
        market=order_pb2.MarketTerms(),
    )


async def memory(venue: RunningVenue) -> dict[str, Any]:
    """All that an account can ask for, but for the passing of time."""
    balances = await venue.stub.GetBalances(pb.GetBalancesRequest(account="paper"))
    return {
        "balances": list(balances.balances),
        "sequence": balances.sequence,
        "open": list((await venue.stub.ListOpenOrders(pb.ListOpenOrdersRequest(account="paper"))).orders),
        "fills": list((await venue.stub.ListFills(pb.ListFillsRequest(account="paper"))).fills),
        "transfers": list(
            (await venue.stub.ListTransfers(pb.ListTransfersRequest(account="paper"))).transfers
        ),
        "order": await venue.stub.GetOrder(pb.GetOrderRequest(account="paper", client_order_id="taken")),
        "events": await events(venue, balances.sequence),
    }


async def events(venue: RunningVenue, last: int) -> Sequence[account_pb2.AccountEvent]:
    found = []
    call = venue.stub.StreamAccount(pb.StreamAccountRequest(account="paper"))
    async for event in call:
        found.append(event)
        if event.sequence == last:
            break
    call.cancel()
    assert [event.sequence for event in found] == list(range(1, last + 1))
    return found


def _kept(key: str, side: Any, **terms: Any) -> pb.PlaceOrderRequest:
    return pb.PlaceOrderRequest(
        account="paper", client_order_id=key, symbol="btc-usdt", side=side, quantity="0.01", **terms
    )


FAR = order_pb2.LimitTerms(
    price="90000.01",
    time_in_force=side_pb2.TIME_IN_FORCE_GTD,
    expire_time=Timestamp(seconds=4_000_000_000, nanos=7),
    display_quantity="0.002",
)
WAITING = (
    _kept(
        "stop-market",
        side_pb2.SIDE_BUY,
        stop_market=order_pb2.StopMarketTerms(
            trigger_price="90000", time_in_force=side_pb2.TIME_IN_FORCE_DAY
        ),
        self_trade_prevention=order_pb2.SELF_TRADE_PREVENTION_EXPIRE_BOTH,
    ),
    _kept(
        "stop-limit", side_pb2.SIDE_BUY, stop_limit=order_pb2.StopLimitTerms(trigger_price="90000", limit=FAR)
    ),
    _kept("iceberg", side_pb2.SIDE_SELL, limit=FAR),
)


async def test_a_restart_forgets_nothing_and_repeats_no_id(database_url: str) -> None:
    settings = simvenue_settings()
    async with running_venue(database_url, settings) as venue:
        taken = await venue.stub.PlaceOrder(market_buy("taken"))
        await venue.stub.PlaceOrder(limit_buy("later", "50000.02"))
        await venue.stub.PlaceOrder(limit_buy("rests", "50000.01"))
        await venue.stub.PlaceOrder(limit_buy("gone", "50000"))
        await venue.stub.CancelOrder(pb.CancelOrderRequest(account="paper", client_order_id="gone"))
        for kept in WAITING:
            await venue.stub.PlaceOrder(kept)
        before = await memory(venue)
        now = await venue.stub.GetTime(pb.GetTimeRequest())
        assert len(before["open"]) == 5

    async with running_venue(database_url, settings) as venue:
        assert await memory(venue) == before
        assert (await venue.stub.GetTime(pb.GetTimeRequest())).exchange_time.ToNanoseconds() > (
            now.exchange_time.ToNanoseconds()
        )
        for key in ("taken", "rests", "gone"):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await venue.stub.PlaceOrder(limit_buy(key, "50000"))
            assert refused.value.code() == grpc.StatusCode.ALREADY_EXISTS
        again = await venue.stub.PlaceOrder(market_buy("more"))
        assert again.fills[0].trade_id > taken.fills[-1].trade_id
        assert again.venue_order_id > before["open"][-1].venue_order_id

        book = await venue.stub.GetOrderBook(pb.GetOrderBookRequest(symbol="btc-usdt", depth=5000))
        assert {"50000.02", "50000.01"} < {level.price for level in book.bids}
        closed = await venue.stub.CancelOrder(pb.CancelOrderRequest(account="paper", client_order_id="rests"))
        assert closed.status == order_pb2.ORDER_STATUS_CANCELLED


async def test_a_resting_order_that_the_market_reaches_after_a_restart_is_filled(tmp_path: Path) -> None:
    """The second run's crowd comes with its prices below the order: it sells to it, at its price."""
    url = sqlite_url(tmp_path)
    async with running_venue(url, simvenue_settings(synthetic_warmup_seconds=0)) as venue:
        # Nobody else is there yet at the first moment, so a high price can rest.
        await venue.stub.PlaceOrder(limit_buy("old", "59000"))
        await venue.stub.PlaceOrder(limit_buy("young", "59000"))
        book = await venue.stub.GetOrderBook(pb.GetOrderBookRequest(symbol="btc-usdt"))
        assert "59000" in {level.price for level in book.bids}

    async with running_venue(url, simvenue_settings(recording=_falling(tmp_path))) as venue:
        old = await venue.stub.GetOrder(pb.GetOrderRequest(account="paper", client_order_id="old"))
        young = await venue.stub.GetOrder(pb.GetOrderRequest(account="paper", client_order_id="young"))
        assert [fill.quantity for fill in old.fills] == ["0.01"]
        assert [fill.quantity for fill in young.fills] == ["0.005"]
        assert {fill.price for fill in (*old.fills, *young.fills)} == {"59000"}
        assert {fill.liquidity for fill in (*old.fills, *young.fills)} == {side_pb2.LIQUIDITY_MAKER}


def _falling(folder: Path) -> Path:
    path = folder / "btcusdt"
    delta = '1 {"data":{"e":"depthUpdate","E":%d,"U":%d,"u":%d,"b":[],"a":[]}}\n'
    snapshot = '1 {"lastUpdateId":1,"bids":[["40000.00","1"]],"asks":[["58000.00","0.015"]]}\n'
    path.write_text(delta % (1000, 1, 1) + snapshot + delta % (1_000_000, 2, 2))
    return path


async def test_only_the_last_claimant_writes(database_url: str) -> None:
    one = await Database.open(database_url, migrations=MIGRATIONS)
    await assert_schema_current(one, METADATA)
    first, second = SqlLedger(one, "sim"), SqlLedger(one, "sim")
    await first.claim()
    await first.save((), (), None)
    await second.claim()
    with pytest.raises(VenueFencedError):
        await first.save((), (), None)
    await second.save((), (), None)
    await one.close()


async def test_a_failed_commit_stops_the_venue_and_leaves_the_outcome_open(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    async with running_venue(url, simvenue_settings()) as venue:
        await venue.stub.PlaceOrder(limit_buy("kept", "50000"))
        stream = venue.stub.StreamAccount(pb.StreamAccountRequest(account="paper", after_sequence=3))
        await _break_ledger(tmp_path)
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await venue.stub.PlaceOrder(limit_buy("lost", "50000"))
        assert failed.value.code() == grpc.StatusCode.INTERNAL
        ends = [event.end.reason async for event in stream if event.HasField("end")]
        assert ends == ["VENUE_HALTED"]
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await venue.stub.PlaceOrder(limit_buy("late", "50000"))
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        await asyncio.wait([venue.background["ledger_writer"]], timeout=5)
        assert venue.background["ledger_writer"].exception() is not None


async def _break_ledger(folder: Path) -> None:
    """Let the next event's insert fail."""
    async with aiosqlite.connect(folder / "simvenue.sqlite3") as connection:
        await connection.execute(
            "CREATE TRIGGER broken BEFORE INSERT ON account_event BEGIN SELECT RAISE(ABORT, 'broken'); END"
        )
        await connection.commit()
