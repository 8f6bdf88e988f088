"""Public market data and the venue itself as messages."""

from collections.abc import Sequence
from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp
from trademesh.simvenue.v1 import instrument_pb2, market_data_pb2
from trademesh.type.v1 import contract_pb2

from services.kernel.decimals import render
from services.simvenue.convert.words import SIDES, end_to, time_to
from services.simvenue.domain.candles import Candle, Interval
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.market import BookChange, PublicTrade
from services.simvenue.drivers.driver import Source
from services.simvenue.handlers import CandlePage, VenueFacts
from services.simvenue.streams import Beat, Book, End, Told

_SOURCES = {
    Source.SYNTHETIC: instrument_pb2.MARKET_SOURCE_SYNTHETIC,
    Source.RECORDING: instrument_pb2.MARKET_SOURCE_RECORDING,
}
_INTERVALS: dict[int, Interval] = {
    market_data_pb2.CANDLE_INTERVAL_1S: Interval.S1,
    market_data_pb2.CANDLE_INTERVAL_1M: Interval.M1,
    market_data_pb2.CANDLE_INTERVAL_5M: Interval.M5,
    market_data_pb2.CANDLE_INTERVAL_15M: Interval.M15,
    market_data_pb2.CANDLE_INTERVAL_1H: Interval.H1,
}


def interval_from_proto(value: int) -> Interval:
    """Length of a candle; the contract lets no other value through."""
    return _INTERVALS[value]


def instrument_to_proto(instrument: Instrument) -> instrument_pb2.Instrument:
    """An instrument."""
    message = instrument_pb2.Instrument(
        symbol=instrument.symbol,
        venue_symbol=instrument.venue_symbol,
        base_currency=instrument.base,
        quote_currency=instrument.quote,
        tick_size=render(instrument.tick_size),
        lot_size=render(instrument.lot_size),
        min_quantity=render(instrument.min_quantity),
        max_quantity=render(instrument.max_quantity),
        min_notional=render(instrument.min_notional),
        maker_fee_rate=render(instrument.maker_fee_rate),
        taker_fee_rate=render(instrument.taker_fee_rate),
    )
    if instrument.perpetual is not None:
        message.contract.kind = contract_pb2.INSTRUMENT_KIND_PERPETUAL
        message.contract.contract_size = "1"
        message.contract.settle_asset = instrument.quote
        message.margin_rate = render(instrument.perpetual.margin_rate)
        message.funding_rate = render(instrument.perpetual.funding_rate)
    return message


def venue_to_proto(facts: VenueFacts, now_ns: int) -> instrument_pb2.VenueInfo:
    """The venue itself."""
    return instrument_pb2.VenueInfo(
        venue=facts.venue,
        source=_SOURCES[facts.source],
        speed=facts.speed,
        exchange_time=time_to(now_ns),
        history_start_time=time_to(facts.history_start_ns),
    )


def trade_to_proto(instrument: Instrument, trade: PublicTrade) -> market_data_pb2.Trade:
    """A trade as everybody sees it."""
    return market_data_pb2.Trade(
        trade_id=trade.trade_id,
        symbol=instrument.symbol,
        price=render(instrument.price(trade.price)),
        quantity=render(instrument.quantity(trade.lots)),
        taker_side=SIDES[trade.taker_side],
        exchange_time=time_to(trade.time_ns),
    )


def book_to_proto(book: Book) -> market_data_pb2.OrderBook:
    """A whole book."""
    return market_data_pb2.OrderBook(
        symbol=book.instrument.symbol,
        sequence=book.sequence,
        exchange_time=time_to(book.time_ns),
        bids=[_level(book.instrument, level) for level in book.bids],
        asks=[_level(book.instrument, level) for level in book.asks],
    )


def candle_to_proto(
    instrument: Instrument, interval: Interval, candle: Candle, now_ns: int
) -> market_data_pb2.Candle:
    """A candle."""
    close_ns = candle.open_ns + interval.value
    return market_data_pb2.Candle(
        open_time=time_to(candle.open_ns),
        close_time=time_to(close_ns),
        open=render(instrument.price(candle.open)),
        high=render(instrument.price(candle.high)),
        low=render(instrument.price(candle.low)),
        close=render(instrument.price(candle.close)),
        volume=render(instrument.quantity(candle.lots)),
        quote_volume=render(instrument.notional(candle.tick_lots)),
        trade_count=candle.trades,
        closed=now_ns >= close_ns,
    )


def candles_to_proto(interval: Interval, page: CandlePage) -> list[market_data_pb2.Candle]:
    """A page of candles."""
    return [candle_to_proto(page.instrument, interval, candle, page.now_ns) for candle in page.candles]


def market_frame_to_proto(
    frame: Book | Told | Beat | End, send_time: Timestamp
) -> market_data_pb2.MarketDataEvent:
    """One frame of the public stream."""
    message = market_data_pb2.MarketDataEvent()
    _write_frame(frame, message)
    if isinstance(frame, Beat):
        message.heartbeat.send_time.CopyFrom(send_time)
    return message


def market_page_to_proto(frames: Sequence[Book | Told], time_ns: int) -> market_data_pb2.MarketDataEvent:
    """Several frames as one; nothing before the time is still to come."""
    message = market_data_pb2.MarketDataEvent(exchange_time=time_to(time_ns))
    for frame in frames:
        _write_frame(frame, message.page.events.add())
    return message


def _write_frame(frame: Book | Told | Beat | End, message: market_data_pb2.MarketDataEvent) -> None:
    match frame:
        case Book():
            message.symbol = frame.instrument.symbol
            message.sequence = frame.sequence
            message.snapshot.CopyFrom(book_to_proto(frame))
        case Told(instrument, PublicTrade() as trade):
            message.symbol = instrument.symbol
            message.sequence = trade.sequence
            message.trade.CopyFrom(trade_to_proto(instrument, trade))
        case Told(instrument, BookChange() as change):
            message.symbol = instrument.symbol
            message.sequence = change.sequence
            message.delta.bids.extend(_level(instrument, level) for level in change.bids)
            message.delta.asks.extend(_level(instrument, level) for level in change.asks)
        case End():
            message.end.CopyFrom(end_to(frame))
    time_ns = frame.event.time_ns if isinstance(frame, Told) else frame.time_ns
    message.exchange_time.CopyFrom(time_to(time_ns))


def speed_to_proto(speed: Decimal) -> str:
    """The speed as it was set."""
    return render(speed)


def _level(instrument: Instrument, level: tuple[int, int]) -> market_data_pb2.BookLevel:
    ticks, lots = level
    return market_data_pb2.BookLevel(
        price=render(instrument.price(ticks)), quantity=render(instrument.quantity(lots))
    )
