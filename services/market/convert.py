"""Values of the domain as messages of the contract, and back."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from trademesh.market.v1 import (
    candle_pb2,
    instrument_pb2,
    market_service_pb2,
    order_book_pb2,
    ticker_pb2,
    trade_pb2,
)
from trademesh.type.v1 import side_pb2, stream_pb2

from services.chassis.rpc.timestamps import to_datetime, to_timestamp
from services.kernel.decimals import parse, render
from services.kernel.names import InstrumentName
from services.market.domain.book import Level, OrderBook
from services.market.domain.candles import Candle, Interval
from services.market.domain.instrument import Instrument, InstrumentState
from services.market.domain.ticker import Ticker
from services.market.domain.trades import Side, Trade
from services.market.subscription import Beat, End, Frame, Kind, Wish

DEFAULT_DEPTH = 20
TICKER = "ticker"
ORDER_BOOK = "orderBook"

_SIDES = {Side.BUY: side_pb2.SIDE_BUY, Side.SELL: side_pb2.SIDE_SELL}
_SIDES_BACK = {wire: side for side, wire in _SIDES.items()}
_STATES = {
    InstrumentState.UNKNOWN: instrument_pb2.INSTRUMENT_STATE_UNSPECIFIED,
    InstrumentState.TRADING: instrument_pb2.INSTRUMENT_STATE_TRADING,
    InstrumentState.HALTED: instrument_pb2.INSTRUMENT_STATE_HALTED,
}
_STATES_BACK = {wire: state for state, wire in _STATES.items()}
_KINDS = {
    market_service_pb2.MARKET_EVENT_KIND_TICKER: Kind.TICKER,
    market_service_pb2.MARKET_EVENT_KIND_ORDER_BOOK: Kind.BOOK,
    market_service_pb2.MARKET_EVENT_KIND_TRADE: Kind.TRADE,
    market_service_pb2.MARKET_EVENT_KIND_CANDLE: Kind.CANDLE,
}


def instrument_of(name: str, kind: str) -> InstrumentName:
    """The instrument in the name of one of its singletons, as in ``.../btc-usdt/ticker``.

    Raises:
        DomainError: INVALID with reason INVALID_NAME.
    """
    return InstrumentName.parse(name.removesuffix(f"/{kind}"))


def instrument_to_proto(value: Instrument) -> instrument_pb2.Instrument:
    """An instrument on the wire."""
    return instrument_pb2.Instrument(
        name=str(value.name),
        venue_symbol=value.venue_symbol,
        base_asset=value.base_asset,
        quote_asset=value.quote_asset,
        tick_size=render(value.tick_size),
        lot_size=render(value.lot_size),
        min_quantity=render(value.min_quantity),
        max_quantity=render(value.max_quantity),
        min_notional=render(value.min_notional),
        state=_STATES[value.state],
    )


def instrument_from_proto(message: instrument_pb2.Instrument) -> Instrument:
    """An instrument from the wire.

    Raises:
        DomainError: the name is none.
        ValueError: an amount is no decimal.
    """
    return Instrument(
        name=InstrumentName.parse(message.name),
        venue_symbol=message.venue_symbol,
        base_asset=message.base_asset,
        quote_asset=message.quote_asset,
        tick_size=parse(message.tick_size),
        lot_size=parse(message.lot_size),
        min_quantity=parse(message.min_quantity),
        max_quantity=parse(message.max_quantity),
        min_notional=parse(message.min_notional),
        state=_STATES_BACK[message.state],
    )


def ticker_to_proto(value: Ticker) -> ticker_pb2.Ticker:
    """A ticker on the wire; what is unknown is empty."""
    return ticker_pb2.Ticker(
        name=f"{value.instrument}/{TICKER}",
        bid_price=_render(value.bid.price if value.bid else None),
        bid_quantity=_render(value.bid.quantity if value.bid else None),
        ask_price=_render(value.ask.price if value.ask else None),
        ask_quantity=_render(value.ask.quantity if value.ask else None),
        last_price=_render(value.last_price),
        last_quantity=_render(value.last_quantity),
        exchange_time=to_timestamp(value.exchange_time),
        receive_time=to_timestamp(value.receive_time),
    )


def ticker_from_proto(message: ticker_pb2.Ticker) -> Ticker:
    """A ticker from the wire.

    Raises:
        DomainError: the name is none.
        ValueError: an amount is no decimal.
    """
    return Ticker(
        instrument=instrument_of(message.name, TICKER),
        bid=_level(message.bid_price, message.bid_quantity),
        ask=_level(message.ask_price, message.ask_quantity),
        last_price=_parse(message.last_price),
        last_quantity=_parse(message.last_quantity),
        exchange_time=to_datetime(message.exchange_time),
        receive_time=to_datetime(message.receive_time),
    )


def order_book_to_proto(value: OrderBook) -> order_book_pb2.OrderBook:
    """An order book on the wire."""
    return order_book_pb2.OrderBook(
        name=f"{value.instrument}/{ORDER_BOOK}",
        bids=_levels(value.bids),
        asks=_levels(value.asks),
        sequence=value.sequence,
        exchange_time=to_timestamp(value.exchange_time),
        receive_time=to_timestamp(value.receive_time),
    )


def order_book_from_proto(message: order_book_pb2.OrderBook) -> OrderBook:
    """An order book from the wire.

    Raises:
        DomainError: the name is none.
        ValueError: an amount is no decimal.
    """
    return OrderBook(
        instrument=instrument_of(message.name, ORDER_BOOK),
        bids=tuple(Level(parse(each.price), parse(each.quantity)) for each in message.bids),
        asks=tuple(Level(parse(each.price), parse(each.quantity)) for each in message.asks),
        sequence=message.sequence,
        exchange_time=to_datetime(message.exchange_time),
        receive_time=to_datetime(message.receive_time),
    )


def trade_to_proto(value: Trade) -> trade_pb2.Trade:
    """A trade on the wire."""
    return trade_pb2.Trade(
        instrument=str(value.instrument),
        venue_trade_id=value.venue_trade_id,
        price=render(value.price),
        quantity=render(value.quantity),
        aggressor_side=_SIDES[value.aggressor_side],
        exchange_time=to_timestamp(value.exchange_time),
        receive_time=to_timestamp(value.receive_time),
    )


def trade_from_proto(message: trade_pb2.Trade) -> Trade:
    """A trade from the wire.

    Raises:
        DomainError: the name is none.
        KeyError: it has no side.
        ValueError: an amount is no decimal.
    """
    return Trade(
        instrument=InstrumentName.parse(message.instrument),
        venue_trade_id=message.venue_trade_id,
        price=parse(message.price),
        quantity=parse(message.quantity),
        aggressor_side=_SIDES_BACK[message.aggressor_side],
        exchange_time=to_datetime(message.exchange_time),
        receive_time=to_datetime(message.receive_time),
    )


def candle_to_proto(value: Candle) -> candle_pb2.Candle:
    """A candle on the wire."""
    return candle_pb2.Candle(
        instrument=str(value.instrument),
        interval=value.interval.value,
        open_time=to_timestamp(value.open_time),
        close_time=to_timestamp(value.close_time),
        open_price=render(value.open_price),
        high_price=render(value.high_price),
        low_price=render(value.low_price),
        close_price=render(value.close_price),
        base_volume=render(value.base_volume),
        quote_volume=render(value.quote_volume),
        trade_count=value.trade_count,
        closed=value.closed,
    )


def candle_from_proto(message: candle_pb2.Candle) -> Candle:
    """A candle from the wire.

    Raises:
        DomainError: the name is none.
        ValueError: an amount is no decimal, or the interval is unknown.
    """
    return Candle(
        instrument=InstrumentName.parse(message.instrument),
        interval=Interval(message.interval),
        open_time=to_datetime(message.open_time),
        open_price=parse(message.open_price),
        high_price=parse(message.high_price),
        low_price=parse(message.low_price),
        close_price=parse(message.close_price),
        base_volume=parse(message.base_volume),
        quote_volume=parse(message.quote_volume),
        trade_count=message.trade_count,
        closed=message.closed,
    )


def wish_from_proto(request: market_service_pb2.WatchMarketRequest) -> Wish:
    """What a WatchMarket caller asked for, with the contract's defaults."""
    kinds = frozenset(_KINDS[kind] for kind in request.kinds) or frozenset({Kind.TICKER, Kind.TRADE})
    return Wish(
        kinds=kinds,
        interval=Interval(request.candle_interval or Interval.MINUTE.value),
        depth=request.depth or DEFAULT_DEPTH,
        pause=request.min_update_interval.ToTimedelta()
        if request.HasField("min_update_interval")
        else timedelta(),
    )


def frame_to_proto(frame: Frame, now: datetime) -> market_service_pb2.WatchMarketResponse:
    """A frame of WatchMarket on the wire."""
    response = market_service_pb2.WatchMarketResponse
    match frame:
        case Ticker():
            return response(ticker=ticker_to_proto(frame))
        case OrderBook():
            return response(order_book=order_book_to_proto(frame))
        case Trade():
            return response(trade=trade_to_proto(frame))
        case Candle():
            return response(candle=candle_to_proto(frame))
        case Beat():
            return response(heartbeat=stream_pb2.Heartbeat(send_time=to_timestamp(now)))
        case End(reason=reason):
            return response(end=stream_pb2.StreamEnd(reason=reason.name, message=reason.value))


def _levels(levels: Iterable[Level]) -> list[order_book_pb2.PriceLevel]:
    return [
        order_book_pb2.PriceLevel(price=render(each.price), quantity=render(each.quantity)) for each in levels
    ]


def _level(price: str, quantity: str) -> Level | None:
    return Level(parse(price), parse(quantity)) if price else None


def _render(amount: Decimal | None) -> str:
    return "" if amount is None else render(amount)


def _parse(text: str) -> Decimal | None:
    return parse(text) if text else None
