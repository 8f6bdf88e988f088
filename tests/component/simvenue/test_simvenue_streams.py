"""Streams: books that follow, slow readers that are caught up, accounts that resume without a gap."""

import asyncio
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from trademesh.simvenue.v1 import account_pb2, market_data_pb2, order_pb2
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from tests.support.simvenue import RunningVenue, running_venue, simvenue_settings, sqlite_url

SYMBOLS = ["btc-usdt", "eth-usdt"]


class Rebuilt:
    """A book as a reader of the stream has it."""

    def __init__(self) -> None:
        self.sequence = 0
        self.snapshots = 0
        self.sides: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}

    def take(self, event: market_data_pb2.MarketDataEvent) -> None:
        kind = event.WhichOneof("event")
        if kind == "snapshot":
            self.snapshots += 1
            self.sides = {
                "bids": {level.price: level.quantity for level in event.snapshot.bids},
                "asks": {level.price: level.quantity for level in event.snapshot.asks},
            }
        else:
            assert event.sequence == self.sequence + 1
        if kind == "delta":
            for side, levels in (("bids", event.delta.bids), ("asks", event.delta.asks)):
                for level in levels:
                    self.sides[side][level.price] = level.quantity
                    if level.quantity == "0":
                        del self.sides[side][level.price]
        self.sequence = event.sequence


def shown(book: market_data_pb2.OrderBook) -> dict[str, dict[str, str]]:
    return {
        "bids": {level.price: level.quantity for level in book.bids},
        "asks": {level.price: level.quantity for level in book.asks},
    }


def buy(key: str, price: str = "50000") -> pb.PlaceOrderRequest:
    return pb.PlaceOrderRequest(
        account="paper",
        symbol="btc-usdt",
        client_order_id=key,
        side=side_pb2.SIDE_BUY,
        quantity="0.01",
        limit=order_pb2.LimitTerms(price=price),
    )


async def test_a_reader_has_the_book_that_the_venue_has(tmp_path: Path) -> None:
    async with running_venue(sqlite_url(tmp_path), simvenue_settings(speed=20)) as venue:
        books = {symbol: Rebuilt() for symbol in SYMBOLS}
        trades: dict[str, list[int]] = {symbol: [] for symbol in SYMBOLS}
        stream = venue.stub.StreamMarketData(pb.StreamMarketDataRequest(symbols=SYMBOLS))
        wanted: dict[str, market_data_pb2.OrderBook] = {}
        compared: set[str] = set()
        async for event in stream:
            if event.HasField("heartbeat"):
                continue
            book = books[event.symbol]
            book.take(event)
            if event.HasField("trade"):
                trades[event.symbol].append(event.trade.trade_id)
            if len(trades[event.symbol]) > 25 and event.symbol not in wanted:
                request = pb.GetOrderBookRequest(symbol=event.symbol, depth=5000)
                wanted[event.symbol] = await venue.stub.GetOrderBook(request)
            if event.symbol in wanted and book.sequence == wanted[event.symbol].sequence:
                assert book.sides == shown(wanted[event.symbol])
                compared.add(event.symbol)
            if len(compared) == len(SYMBOLS):
                break
        stream.cancel()
        assert {book.snapshots for book in books.values()} == {1}
        for ids in trades.values():
            assert ids == sorted(set(ids))


async def test_pages_bring_every_event_and_a_time_that_holds_for_all_symbols(tmp_path: Path) -> None:
    async with running_venue(sqlite_url(tmp_path), simvenue_settings(speed=20)) as venue:
        request = pb.StreamMarketDataRequest(symbols=SYMBOLS)
        request.page_interval.FromMilliseconds(50)
        stream = venue.stub.StreamMarketData(request)
        books = {symbol: Rebuilt() for symbol in SYMBOLS}
        told, fullest = 0, 0
        for _ in range(20):
            page = await _next(stream)
            events = page.page.events
            fullest = max(fullest, len(events))
            for event in events:
                books[event.symbol].take(event)
                moment = event.exchange_time.ToNanoseconds()
                assert told <= moment <= page.exchange_time.ToNanoseconds()
            told = page.exchange_time.ToNanoseconds()
        stream.cancel()
        assert fullest > len(SYMBOLS)
        assert {book.snapshots for book in books.values()} == {1}


async def test_an_account_is_told_the_same_in_pages(tmp_path: Path) -> None:
    async with running_venue(sqlite_url(tmp_path), simvenue_settings()) as venue:
        orders = [venue.stub.PlaceOrder(buy(f"order-{number}")) for number in range(5)]
        await asyncio.gather(*orders)
        single = venue.stub.StreamAccount(pb.StreamAccountRequest(account="paper"))
        events = [await _event(single) for _ in range(12)]
        paged = venue.stub.StreamAccount(pb.StreamAccountRequest(account="paper", page_size=5))
        pages = [await _event(paged) for _ in range(3)]
        single.cancel()
        paged.cancel()
        assert [len(each.page.events) for each in pages] == [5, 5, 2]
        assert [each.sequence for each in pages] == [5, 10, 12]
        assert [event for each in pages for event in each.page.events] == events


async def test_a_slow_reader_is_given_a_fresh_book(tmp_path: Path) -> None:
    settings = simvenue_settings(speed=50, buffered_events=5)
    async with running_venue(sqlite_url(tmp_path), settings) as venue:
        stream = venue.stub.StreamMarketData(pb.StreamMarketDataRequest(symbols=["btc-usdt"]))
        book = Rebuilt()
        reads = 0
        while book.snapshots < 3:
            book.take(await _next(stream))
            reads += 1
            assert reads < 100_000
            # Not reading for a while: the venue goes on for hundreds of events meanwhile.
            if reads % 20 == 0:
                await _venue_moves(venue, book.sequence + 300)
        stream.cancel()


async def _event(stream: Any) -> account_pb2.AccountEvent:
    event: account_pb2.AccountEvent = await stream.read()
    return event


async def _next(stream: Any) -> market_data_pb2.MarketDataEvent:
    async with asyncio.timeout(10):
        while True:
            event: market_data_pb2.MarketDataEvent = await stream.read()
            if not event.HasField("heartbeat"):
                return event


async def _venue_moves(venue: RunningVenue, sequence: int) -> None:
    async with asyncio.timeout(20):
        while True:
            book = await venue.stub.GetOrderBook(pb.GetOrderBookRequest(symbol="btc-usdt", depth=1))
            if book.sequence >= sequence:
                return
            await asyncio.sleep(0.01)


async def test_an_account_stream_resumes_from_any_point(tmp_path: Path) -> None:
    async with running_venue(sqlite_url(tmp_path), simvenue_settings()) as venue:
        for number in range(5):
            await venue.stub.PlaceOrder(buy(str(number)))
        balances = await venue.stub.GetBalances(pb.GetBalancesRequest(account="paper"))
        whole = await _read(venue, 0, balances.sequence)
        for after in range(balances.sequence):
            assert await _read(venue, after, balances.sequence) == whole[after:]
        beyond = venue.stub.StreamAccount(
            pb.StreamAccountRequest(account="paper", after_sequence=balances.sequence + 1)
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await beyond.read()
        assert refused.value.code() == grpc.StatusCode.OUT_OF_RANGE


async def test_an_account_stream_follows_what_happens(tmp_path: Path) -> None:
    async with running_venue(sqlite_url(tmp_path), simvenue_settings()) as venue:
        stream = venue.stub.StreamAccount(pb.StreamAccountRequest(account="paper", after_sequence=2))
        waiting = asyncio.ensure_future(_event(stream))
        placed = await venue.stub.PlaceOrder(buy("a"))
        async with asyncio.timeout(5):
            report = await waiting
            update = await _event(stream)
        assert report.sequence == 3
        assert report.execution_report.order.venue_order_id == placed.venue_order_id
        assert not report.execution_report.HasField("fill")
        assert [each.currency for each in update.balance_update.balances] == ["usdt"]
        stream.cancel()


async def test_a_quiet_stream_beats(tmp_path: Path) -> None:
    settings = simvenue_settings(heartbeat_seconds=0.05)
    async with running_venue(sqlite_url(tmp_path), settings) as venue:
        stream = venue.stub.StreamAccount(pb.StreamAccountRequest(account="paper", after_sequence=2))
        async with asyncio.timeout(5):
            first, second = await _event(stream), await _event(stream)
        assert first.HasField("heartbeat")
        assert second.exchange_time.ToNanoseconds() > first.exchange_time.ToNanoseconds()
        stream.cancel()


async def test_an_unknown_symbol_is_refused(tmp_path: Path) -> None:
    async with running_venue(sqlite_url(tmp_path), simvenue_settings()) as venue:
        stream = venue.stub.StreamMarketData(pb.StreamMarketDataRequest(symbols=["doge-usdt"]))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stream.read()
        assert refused.value.code() == grpc.StatusCode.NOT_FOUND


async def _read(venue: RunningVenue, after: int, last: int) -> list[Any]:
    found: list[Any] = []
    stream = venue.stub.StreamAccount(pb.StreamAccountRequest(account="paper", after_sequence=after))
    async with asyncio.timeout(10):
        while not found or found[-1].sequence < last:
            found.append(await stream.read())
    stream.cancel()
    return found
