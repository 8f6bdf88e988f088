"""Orders through real gRPC: accepted, matched, refused with a definite reason."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2
from trademesh.simvenue.v1 import instrument_pb2, order_pb2
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from tests.support.simvenue import RunningVenue, running_venue, simvenue_settings, sqlite_url

D = Decimal
BUY, SELL = side_pb2.SIDE_BUY, side_pb2.SIDE_SELL
MARKET = order_pb2.MarketTerms()


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[RunningVenue]:
    async with running_venue(sqlite_url(tmp_path), simvenue_settings()) as running:
        yield running


def order(key: str, side: Any, quantity: str, **more: Any) -> pb.PlaceOrderRequest:
    fields = {"account": "paper", "symbol": "btc-usdt", "client_order_id": key, **more}
    return pb.PlaceOrderRequest(side=side, quantity=quantity, **fields)


def limit(
    price: str, tif: Any = side_pb2.TIME_IN_FORCE_GTC, *, post_only: bool = False
) -> order_pb2.LimitTerms:
    return order_pb2.LimitTerms(price=price, time_in_force=tif, post_only=post_only)


async def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    """Status and reason of a call that is refused; the domain must be the venue's."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    metadata = dict(refused.value.trailing_metadata() or ())
    status = status_pb2.Status.FromString(bytes(metadata["grpc-status-details-bin"]))
    infos = []
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            infos.append(info)
    (info,) = infos
    assert info.domain == "simvenue.trademesh"
    return refused.value.code(), info.reason


async def balances(venue: RunningVenue) -> dict[str, tuple[Decimal, Decimal]]:
    answer = await venue.stub.GetBalances(pb.GetBalancesRequest(account="paper"))
    return {entry.currency: (D(entry.free), D(entry.locked)) for entry in answer.balances}


async def test_the_account_begins_with_one_deposit(venue: RunningVenue) -> None:
    answer = await venue.stub.ListTransfers(pb.ListTransfersRequest(account="paper"))
    assert [(each.currency, each.amount) for each in answer.transfers] == [("usdt", "100000")]
    assert await balances(venue) == {"usdt": (D(100000), D(0))}
    after = pb.ListTransfersRequest(account="paper", after_transfer_id=answer.transfers[0].transfer_id)
    assert not (await venue.stub.ListTransfers(after)).transfers


async def test_a_market_order_is_filled_and_paid(venue: RunningVenue) -> None:
    placed = await venue.stub.PlaceOrder(order("a", BUY, "0.25", market=MARKET))
    assert placed.status == order_pb2.ORDER_STATUS_FILLED
    assert sum(D(fill.quantity) for fill in placed.fills) == D("0.25")
    notional = sum(D(fill.price) * D(fill.quantity) for fill in placed.fills)
    assert D(placed.filled_notional) == notional
    assert D(placed.fees) == notional * D("0.001") == sum(D(fill.fee) for fill in placed.fills)
    assert await balances(venue) == {
        "btc": (D("0.25"), D(0)),
        "usdt": (D(100000) - notional * D("1.001"), D(0)),
    }
    listed = await venue.stub.ListFills(pb.ListFillsRequest(account="paper"))
    assert list(listed.fills) == list(placed.fills)
    last = placed.fills[-1].trade_id
    assert not (await venue.stub.ListFills(pb.ListFillsRequest(account="paper", after_trade_id=last))).fills


async def test_a_limit_order_rests_and_is_cancelled_by_either_id(venue: RunningVenue) -> None:
    first = await venue.stub.PlaceOrder(order("a", BUY, "0.5", limit=limit("50000")))
    second = await venue.stub.PlaceOrder(order("b", BUY, "0.5", symbol="eth-usdt", limit=limit("2000")))
    assert first.status == second.status == order_pb2.ORDER_STATUS_OPEN
    assert (await balances(venue))["usdt"][1] == D("25025") + D("1001")

    opened = await venue.stub.ListOpenOrders(pb.ListOpenOrdersRequest(account="paper"))
    assert [each.client_order_id for each in opened.orders] == ["a", "b"]
    only = await venue.stub.ListOpenOrders(pb.ListOpenOrdersRequest(account="paper", symbol="eth-usdt"))
    assert [each.client_order_id for each in only.orders] == ["b"]

    closed = await venue.stub.CancelOrder(pb.CancelOrderRequest(account="paper", client_order_id="a"))
    assert closed.status == order_pb2.ORDER_STATUS_CANCELLED
    by_number = pb.CancelOrderRequest(account="paper", venue_order_id=second.venue_order_id)
    assert (await venue.stub.CancelOrder(by_number)).status == order_pb2.ORDER_STATUS_CANCELLED
    assert await balances(venue) == {"usdt": (D(100000), D(0))}
    again = venue.stub.CancelOrder(pb.CancelOrderRequest(account="paper", client_order_id="a"))
    assert await refusal(again) == (grpc.StatusCode.FAILED_PRECONDITION, "ORDER_NOT_OPEN")


async def test_an_order_is_found_by_its_id_or_definitely_is_not(venue: RunningVenue) -> None:
    placed = await venue.stub.PlaceOrder(order("a", BUY, "0.01", market=MARKET))
    assert await venue.stub.GetOrder(pb.GetOrderRequest(account="paper", client_order_id="a")) == placed
    number = pb.GetOrderRequest(account="paper", venue_order_id=placed.venue_order_id)
    assert await venue.stub.GetOrder(number) == placed
    missing = venue.stub.GetOrder(pb.GetOrderRequest(account="paper", client_order_id="b"))
    assert await refusal(missing) == (grpc.StatusCode.NOT_FOUND, "ORDER_NOT_FOUND")


async def test_immediate_or_cancel_fill_or_kill_and_post_only(venue: RunningVenue) -> None:
    book = await venue.stub.GetOrderBook(pb.GetOrderBookRequest(symbol="btc-usdt"))
    best = book.asks[0].price
    killed = await venue.stub.PlaceOrder(
        order("fok", BUY, "1.5", limit=limit("59000", side_pb2.TIME_IN_FORCE_FOK))
    )
    assert killed.status == order_pb2.ORDER_STATUS_EXPIRED
    assert (killed.close_reason, killed.filled_quantity) == (order_pb2.CLOSE_REASON_FILL_OR_KILL, "0")
    part = await venue.stub.PlaceOrder(
        order("ioc", BUY, "1.5", limit=limit("59000", side_pb2.TIME_IN_FORCE_IOC))
    )
    assert part.close_reason == order_pb2.CLOSE_REASON_IMMEDIATE_OR_CANCEL
    crossing = str(D(best) + 100)
    refused = venue.stub.PlaceOrder(order("post", BUY, "0.1", limit=limit(crossing, post_only=True)))
    assert await refusal(refused) == (grpc.StatusCode.FAILED_PRECONDITION, "POST_ONLY_WOULD_TRADE")
    rests = await venue.stub.PlaceOrder(order("post", BUY, "0.1", limit=limit("50000", post_only=True)))
    assert rests.status == order_pb2.ORDER_STATUS_OPEN
    assert rests.limit.post_only


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        (order("a", BUY, "0.01", account="nobody", market=MARKET), "NOT_FOUND", "UNKNOWN_ACCOUNT"),
        (order("a", BUY, "0.01", symbol="doge-usdt", market=MARKET), "NOT_FOUND", "UNKNOWN_SYMBOL"),
        (order("a", BUY, "0.01", limit=limit("1.001")), "INVALID_ARGUMENT", "PRICE_OFF_TICK"),
        (order("a", BUY, "0.000001", market=MARKET), "INVALID_ARGUMENT", "QUANTITY_OFF_LOT"),
        (order("a", BUY, "0.0001", limit=limit("100")), "INVALID_ARGUMENT", "NOTIONAL_TOO_SMALL"),
        (order("a", BUY, "10000", limit=limit("100")), "INVALID_ARGUMENT", "QUANTITY_TOO_LARGE"),
        (order("a", BUY, "100", limit=limit("50000")), "FAILED_PRECONDITION", "INSUFFICIENT_BALANCE"),
        (order("a", SELL, "0.01", market=MARKET), "FAILED_PRECONDITION", "INSUFFICIENT_BALANCE"),
        (order("a", BUY, "0.01"), "INVALID_ARGUMENT", "INVALID_REQUEST"),
        (order("a", BUY, "1e3", market=MARKET), "INVALID_ARGUMENT", "INVALID_REQUEST"),
        (order("a b", BUY, "1", market=MARKET), "INVALID_ARGUMENT", "INVALID_REQUEST"),
    ],
)
async def test_a_refused_order_leaves_no_trace(
    venue: RunningVenue, request_: pb.PlaceOrderRequest, code: str, reason: str
) -> None:
    refused = await refusal(venue.stub.PlaceOrder(request_))
    assert refused == (grpc.StatusCode[code], reason)
    assert await balances(venue) == {"usdt": (D(100000), D(0))}
    missing = venue.stub.GetOrder(pb.GetOrderRequest(account="paper", client_order_id="a"))
    assert await refusal(missing) == (grpc.StatusCode.NOT_FOUND, "ORDER_NOT_FOUND")


async def test_the_same_client_id_is_refused_even_at_the_same_moment(venue: RunningVenue) -> None:
    calls = [venue.stub.PlaceOrder(order("a", BUY, "0.01", market=MARKET)) for _ in range(20)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    placed = [answer for answer in answers if isinstance(answer, order_pb2.Order)]
    refused = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert (len(placed), len(refused)) == (1, 19)
    assert {answer.code() for answer in refused} == {grpc.StatusCode.ALREADY_EXISTS}
    assert (await balances(venue))["btc"] == (D("0.01"), D(0))


async def test_the_venue_says_what_it_is(venue: RunningVenue) -> None:
    info = await venue.stub.GetVenueInfo(pb.GetVenueInfoRequest())
    assert (info.venue, info.source, info.speed) == ("sim", instrument_pb2.MARKET_SOURCE_SYNTHETIC, "1")
    assert info.history_start_time.ToSeconds() == 1767225580  # 20 s before our fixed clock
    listed = await venue.stub.ListInstruments(pb.ListInstrumentsRequest())
    assert [
        (each.symbol, each.venue_symbol, each.tick_size, each.lot_size) for each in listed.instruments
    ] == [
        ("btc-usdt", "BTCUSDT", "0.01", "0.00001"),
        ("eth-usdt", "ETHUSDT", "0.01", "0.0001"),
    ]
