"""The unary rpcs of the market service through real gRPC."""

from collections.abc import Awaitable

import grpc
import pytest
from google.rpc import error_details_pb2
from trademesh.market.v1 import market_service_pb2 as pb
from trademesh.market.v1 import market_service_pb2_grpc

from services.chassis.rpc.status import details_of
from services.market.domain.feed_events import InstrumentsListed
from tests.support.market import BTC, START, ScriptedMarket, candle, instrument, market, open_market, snapshot
from tests.support.market import trade as a_trade
from tests.support.rpc import Serve


async def _reason(call: Awaitable[object]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    status = details_of(caught.value)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "market.trademesh"
    return caught.value.code(), info.reason


def _busy() -> ScriptedMarket:
    made = open_market(past=[candle(-2, "90"), candle(-1, "95")])
    for number in range(11, 16):
        made.trade(number, number - 11 + 0.5, str(number))
    return made


async def test_instruments_are_listed_by_page(serve: Serve) -> None:
    made = market()
    eth = type(BTC)("sim", "eth-usdt")
    made.apply(InstrumentsListed((instrument(eth), instrument())))
    async with serve([made.binding]) as channel:
        stub = market_service_pb2_grpc.MarketServiceStub(channel)
        first = await stub.ListInstruments(pb.ListInstrumentsRequest(parent="venues/sim", page_size=1))
        request = pb.ListInstrumentsRequest(parent="venues/sim", page_token=first.next_page_token)
        second = await stub.ListInstruments(request)
        one = await stub.GetInstrument(pb.GetInstrumentRequest(name=str(eth)))
    assert [each.name for each in first.instruments] == [str(BTC)]
    assert [each.name for each in second.instruments] == [str(eth)]
    assert second.next_page_token == ""
    assert one == second.instruments[0]
    assert (one.venue_symbol, one.tick_size) == ("ETHUSDT", "0.01")


async def test_ticker_and_book_show_the_latest_with_their_times(serve: Serve) -> None:
    made = _busy()
    made.change(16, 7, ("100.5", "3"))
    async with serve([made.binding]) as channel:
        stub = market_service_pb2_grpc.MarketServiceStub(channel)
        ticker = await stub.GetTicker(pb.GetTickerRequest(name=f"{BTC}/ticker"))
        book = await stub.GetOrderBook(pb.GetOrderBookRequest(name=f"{BTC}/orderBook", depth=2))
    assert (ticker.bid_price, ticker.bid_quantity, ticker.last_price) == ("100.5", "3", "15")
    assert ticker.exchange_time.ToSeconds() == START.timestamp() + 7
    assert [each.price for each in book.bids] == ["100.5", "99"]
    assert (len(book.asks), book.sequence) == (2, 16)


async def test_trades_come_newest_first_by_page(serve: Serve) -> None:
    made = _busy()
    async with serve([made.binding]) as channel:
        stub = market_service_pb2_grpc.MarketServiceStub(channel)
        seen, token = [], ""
        while True:
            request = pb.ListTradesRequest(parent=str(BTC), page_size=2, page_token=token)
            answer = await stub.ListTrades(request)
            seen += [each.venue_trade_id for each in answer.trades]
            token = answer.next_page_token
            if not token:
                break
    assert seen == ["15", "14", "13", "12", "11"]


async def test_candles_latest_and_in_a_range(serve: Serve) -> None:
    made = _busy()
    async with serve([made.binding]) as channel:
        stub = market_service_pb2_grpc.MarketServiceStub(channel)
        latest = await stub.ListCandles(pb.ListCandlesRequest(parent=str(BTC), interval="1s", page_size=3))
        request = pb.ListCandlesRequest(parent=str(BTC), interval="1s", page_size=2)
        request.start_time.FromDatetime(START)
        first = await stub.ListCandles(request)
        request.page_token = first.next_page_token
        second = await stub.ListCandles(request)
        request.interval = "1m"
        refused = await _reason(stub.ListCandles(request))
    assert [each.close_price for each in latest.candles] == ["13", "14", "15"]
    assert [each.closed for each in latest.candles] == [True, True, False]
    assert [each.close_price for each in (*first.candles, *second.candles)] == ["11", "12", "13", "14"]
    assert refused == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")


async def test_a_running_hour_holds_what_the_venue_counted_before(serve: Serve) -> None:
    made = open_market(past=[])
    made.apply(snapshot(20, 90, past=[candle(5, "70"), candle(61, "80"), candle(62, "75")]))
    made.trade(21, 91, "100")
    async with serve([made.binding]) as channel:
        stub = market_service_pb2_grpc.MarketServiceStub(channel)
        minute = await stub.ListCandles(pb.ListCandlesRequest(parent=str(BTC), interval="1m"))
    (running,) = minute.candles
    assert (running.open_price, running.low_price, running.trade_count) == ("80", "75", 3)


async def test_stale_data_is_refused_where_freshness_is_promised(serve: Serve) -> None:
    made = _busy()
    made.clock.move(5.1)
    async with serve([made.binding]) as channel:
        stub = market_service_pb2_grpc.MarketServiceStub(channel)
        stale = (grpc.StatusCode.UNAVAILABLE, "MARKET_DATA_STALE")
        assert await _reason(stub.GetTicker(pb.GetTickerRequest(name=f"{BTC}/ticker"))) == stale
        assert await _reason(stub.GetOrderBook(pb.GetOrderBookRequest(name=f"{BTC}/orderBook"))) == stale
        await stub.ListTrades(pb.ListTradesRequest(parent=str(BTC)))
        made.pass_time(9)
        await stub.GetTicker(pb.GetTickerRequest(name=f"{BTC}/ticker"))


async def test_unknown_names_and_an_empty_board(serve: Serve) -> None:
    made = open_market()
    async with serve([made.binding]) as channel:
        stub = market_service_pb2_grpc.MarketServiceStub(channel)
        missing = (grpc.StatusCode.NOT_FOUND, "INSTRUMENT_NOT_FOUND")
        for name in ("venues/sim/instruments/xyz", "venues/nowhere/instruments/btc-usdt"):
            assert await _reason(stub.GetInstrument(pb.GetInstrumentRequest(name=name))) == missing
        bad = await _reason(stub.GetInstrument(pb.GetInstrumentRequest(name="venues/-/instruments/a")))
        assert bad == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_NAME")
    async with serve([market().binding]) as channel:
        stub = market_service_pb2_grpc.MarketServiceStub(channel)
        empty = await _reason(stub.GetInstrument(pb.GetInstrumentRequest(name=str(BTC))))
    assert empty == (grpc.StatusCode.UNAVAILABLE, "MARKET_DATA_STALE")


def test_a_trade_told_twice_counts_once() -> None:
    made = open_market()
    made.apply(snapshot(12, 1, trades=[a_trade(11, 0.5)]))
    made.trade(13, 1.5)
    made.apply(snapshot(13, 1.5, trades=[a_trade(13, 1.5), a_trade(14, 1.6)]))
    assert [each.venue_trade_id for each in made.board.live(BTC).trades.page(9)] == ["14", "13", "11"]
