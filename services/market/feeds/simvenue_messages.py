"""Messages of the simulated venue as values of our domain."""

from collections.abc import Iterable
from datetime import datetime

from trademesh.simvenue.v1 import instrument_pb2, market_data_pb2
from trademesh.type.v1 import side_pb2

from services.chassis.rpc.timestamps import to_datetime
from services.kernel.decimals import parse
from services.kernel.names import InstrumentName
from services.market.domain.book import Level, OrderBook
from services.market.domain.candles import Candle, Interval
from services.market.domain.instrument import Instrument, InstrumentState
from services.market.domain.trades import Side, Trade

INTERVALS = {
    Interval.SECOND: market_data_pb2.CANDLE_INTERVAL_1S,
    Interval.MINUTE: market_data_pb2.CANDLE_INTERVAL_1M,
    Interval.FIVE_MINUTES: market_data_pb2.CANDLE_INTERVAL_5M,
    Interval.QUARTER: market_data_pb2.CANDLE_INTERVAL_15M,
    Interval.HOUR: market_data_pb2.CANDLE_INTERVAL_1H,
}
_SIDES = {side_pb2.SIDE_BUY: Side.BUY, side_pb2.SIDE_SELL: Side.SELL}


def instrument(venue: str, message: instrument_pb2.Instrument) -> Instrument:
    """An instrument with its rules.

    Raises:
        ValueError: an amount is no decimal.
    """
    return Instrument(
        name=InstrumentName(venue, message.symbol),
        venue_symbol=message.venue_symbol,
        base_asset=message.base_currency,
        quote_asset=message.quote_currency,
        tick_size=parse(message.tick_size),
        lot_size=parse(message.lot_size),
        min_quantity=parse(message.min_quantity),
        max_quantity=parse(message.max_quantity),
        min_notional=parse(message.min_notional),
        # The venue has no halts: what it lists, it trades.
        state=InstrumentState.TRADING,
    )


def book(name: InstrumentName, message: market_data_pb2.OrderBook, received: datetime) -> OrderBook:
    """A whole book.

    Raises:
        ValueError: an amount is no decimal.
    """
    return OrderBook(
        instrument=name,
        bids=_levels(message.bids),
        asks=_levels(message.asks),
        sequence=message.sequence,
        exchange_time=to_datetime(message.exchange_time),
        receive_time=received,
    )


def change(name: InstrumentName, event: market_data_pb2.MarketDataEvent, received: datetime) -> OrderBook:
    """The levels that a delta changes.

    Raises:
        ValueError: an amount is no decimal.
    """
    return OrderBook(
        instrument=name,
        bids=_levels(event.delta.bids),
        asks=_levels(event.delta.asks),
        sequence=event.sequence,
        exchange_time=to_datetime(event.exchange_time),
        receive_time=received,
    )


def trade(name: InstrumentName, message: market_data_pb2.Trade, received: datetime) -> Trade:
    """A public trade.

    Raises:
        ValueError: an amount is no decimal, or the side is missing.
    """
    side = _SIDES.get(message.taker_side)
    if side is None:
        raise ValueError(f"trade {message.trade_id} has no side")
    return Trade(
        instrument=name,
        venue_trade_id=str(message.trade_id),
        price=parse(message.price),
        quantity=parse(message.quantity),
        aggressor_side=side,
        exchange_time=to_datetime(message.exchange_time),
        receive_time=received,
    )


def candle(name: InstrumentName, interval: Interval, message: market_data_pb2.Candle) -> Candle:
    """A candle.

    Raises:
        ValueError: an amount is no decimal.
    """
    return Candle(
        instrument=name,
        interval=interval,
        open_time=to_datetime(message.open_time),
        open_price=parse(message.open),
        high_price=parse(message.high),
        low_price=parse(message.low),
        close_price=parse(message.close),
        base_volume=parse(message.volume),
        quote_volume=parse(message.quote_volume),
        trade_count=message.trade_count,
        closed=message.closed,
    )


def _levels(levels: Iterable[market_data_pb2.BookLevel]) -> tuple[Level, ...]:
    return tuple(Level(parse(level.price), parse(level.quantity)) for level in levels)
