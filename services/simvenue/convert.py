"""Protobuf to domain and back."""

from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp
from trademesh.simvenue.v1 import account_pb2, instrument_pb2, market_data_pb2, order_pb2
from trademesh.simvenue.v1 import simvenue_service_pb2 as service_pb2
from trademesh.type.v1 import side_pb2, stream_pb2

from services.kernel.decimals import parse, render
from services.simvenue.domain.candles import Candle, Interval
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.market import BookChange, PublicTrade
from services.simvenue.domain.orders import (
    AccountEvent,
    Balance,
    BalanceUpdate,
    ExecutionReport,
    Fill,
    LimitTerms,
    MarketTerms,
    NewOrder,
    Order,
    Transfer,
    TransferKind,
)
from services.simvenue.domain.terms import CloseReason, Liquidity, OrderStatus, Side, TimeInForce
from services.simvenue.drivers.driver import Source
from services.simvenue.handlers import CandlePage, Holdings, OrderWithFills, VenueFacts
from services.simvenue.ports import EncodedEvent
from services.simvenue.streams import Beat, Book, End, Told

_SECOND_NS = 1_000_000_000

_SIDES = {Side.BUY: side_pb2.SIDE_BUY, Side.SELL: side_pb2.SIDE_SELL}
_SIDES_BACK = {value: key for key, value in _SIDES.items()}
_TIMES_IN_FORCE = {
    TimeInForce.GTC: side_pb2.TIME_IN_FORCE_GTC,
    TimeInForce.IOC: side_pb2.TIME_IN_FORCE_IOC,
    TimeInForce.FOK: side_pb2.TIME_IN_FORCE_FOK,
}
_TIMES_IN_FORCE_BACK = {
    side_pb2.TIME_IN_FORCE_UNSPECIFIED: TimeInForce.GTC,
    **{value: key for key, value in _TIMES_IN_FORCE.items()},
}
_STATUSES = {
    OrderStatus.OPEN: order_pb2.ORDER_STATUS_OPEN,
    OrderStatus.PARTIALLY_FILLED: order_pb2.ORDER_STATUS_PARTIALLY_FILLED,
    OrderStatus.FILLED: order_pb2.ORDER_STATUS_FILLED,
    OrderStatus.CANCELLED: order_pb2.ORDER_STATUS_CANCELLED,
    OrderStatus.EXPIRED: order_pb2.ORDER_STATUS_EXPIRED,
}
_CLOSE_REASONS = {
    None: order_pb2.CLOSE_REASON_UNSPECIFIED,
    CloseReason.CANCELLED_BY_OWNER: order_pb2.CLOSE_REASON_CANCELLED_BY_OWNER,
    CloseReason.IMMEDIATE_OR_CANCEL: order_pb2.CLOSE_REASON_IMMEDIATE_OR_CANCEL,
    CloseReason.FILL_OR_KILL: order_pb2.CLOSE_REASON_FILL_OR_KILL,
    CloseReason.NO_LIQUIDITY: order_pb2.CLOSE_REASON_NO_LIQUIDITY,
    CloseReason.SELF_TRADE_PREVENTION: order_pb2.CLOSE_REASON_SELF_TRADE_PREVENTION,
}
_LIQUIDITIES = {
    Liquidity.MAKER: side_pb2.LIQUIDITY_MAKER,
    Liquidity.TAKER: side_pb2.LIQUIDITY_TAKER,
}
_TRANSFER_KINDS = {TransferKind.DEPOSIT: account_pb2.TRANSFER_KIND_DEPOSIT}
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


def time_to(time_ns: int) -> Timestamp:
    """Exchange time as a timestamp."""
    return Timestamp(seconds=time_ns // _SECOND_NS, nanos=time_ns % _SECOND_NS)


def time_from(message: Timestamp) -> int:
    """A timestamp as exchange time."""
    return message.seconds * _SECOND_NS + message.nanos


def interval_from_proto(value: int) -> Interval:
    """Length of a candle; the contract lets no other value through."""
    return _INTERVALS[value]


def new_order_from_proto(message: service_pb2.PlaceOrderRequest) -> NewOrder:
    """What an owner asks for; the contract's rules have been checked."""
    terms: MarketTerms | LimitTerms = MarketTerms()
    if message.HasField("limit"):
        limit = message.limit
        terms = LimitTerms(parse(limit.price), _TIMES_IN_FORCE_BACK[limit.time_in_force], limit.post_only)
    return NewOrder(
        message.client_order_id,
        message.symbol,
        _SIDES_BACK[message.side],
        parse(message.quantity),
        terms,
    )


def order_id_from_proto(message: service_pb2.CancelOrderRequest | service_pb2.GetOrderRequest) -> str | int:
    """The order that is meant: text is its owner's id, a number is the venue's."""
    return message.venue_order_id if message.HasField("venue_order_id") else message.client_order_id


def instrument_to_proto(instrument: Instrument) -> instrument_pb2.Instrument:
    """An instrument."""
    return instrument_pb2.Instrument(
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


def venue_to_proto(facts: VenueFacts, now_ns: int) -> instrument_pb2.VenueInfo:
    """The venue itself."""
    return instrument_pb2.VenueInfo(
        venue=facts.venue,
        source=_SOURCES[facts.source],
        speed=facts.speed,
        exchange_time=time_to(now_ns),
        history_start_time=time_to(facts.history_start_ns),
    )


def order_to_proto(order: Order) -> order_pb2.Order:
    """An order without the list of its fills."""
    request, terms = order.request, order.request.terms
    message = order_pb2.Order(
        venue_order_id=order.venue_order_id,
        client_order_id=request.client_order_id,
        account=order.account,
        symbol=request.symbol,
        side=_SIDES[request.side],
        quantity=render(request.quantity),
        status=_STATUSES[order.status],
        close_reason=_CLOSE_REASONS[order.close_reason],
        filled_quantity=render(order.filled),
        filled_notional=render(order.notional),
        fees=render(order.fees),
        create_time=time_to(order.create_ns),
        update_time=time_to(order.update_ns),
    )
    if isinstance(terms, LimitTerms):
        message.limit.price = render(terms.price)
        message.limit.time_in_force = _TIMES_IN_FORCE[terms.time_in_force]
        message.limit.post_only = terms.post_only
    else:
        message.market.SetInParent()
    return message


def order_with_fills_to_proto(answer: OrderWithFills) -> order_pb2.Order:
    """An order with the list of its fills."""
    message = order_to_proto(answer.order)
    message.fills.extend(fill_to_proto(fill) for fill in answer.fills)
    return message


def fill_to_proto(fill: Fill) -> order_pb2.Fill:
    """A fill."""
    return order_pb2.Fill(
        trade_id=fill.trade_id,
        venue_order_id=fill.venue_order_id,
        client_order_id=fill.client_order_id,
        account=fill.account,
        symbol=fill.symbol,
        side=_SIDES[fill.side],
        price=render(fill.price),
        quantity=render(fill.quantity),
        fee=render(fill.fee),
        fee_currency=fill.fee_currency,
        liquidity=_LIQUIDITIES[fill.liquidity],
        exchange_time=time_to(fill.time_ns),
    )


def balance_to_proto(balance: Balance) -> account_pb2.Balance:
    """A balance."""
    return account_pb2.Balance(
        currency=balance.currency, free=render(balance.free), locked=render(balance.locked)
    )


def holdings_to_proto(account: str, holdings: Holdings) -> account_pb2.Balances:
    """What an account has."""
    return account_pb2.Balances(
        account=account,
        balances=[balance_to_proto(balance) for balance in holdings.balances],
        sequence=holdings.sequence,
        exchange_time=time_to(holdings.time_ns),
    )


def transfer_to_proto(transfer: Transfer) -> account_pb2.Transfer:
    """A transfer."""
    return account_pb2.Transfer(
        transfer_id=transfer.transfer_id,
        account=transfer.account,
        kind=_TRANSFER_KINDS[transfer.kind],
        currency=transfer.currency,
        amount=render(transfer.amount),
        exchange_time=time_to(transfer.time_ns),
    )


def trade_to_proto(instrument: Instrument, trade: PublicTrade) -> market_data_pb2.Trade:
    """A trade as everybody sees it."""
    return market_data_pb2.Trade(
        trade_id=trade.trade_id,
        symbol=instrument.symbol,
        price=render(instrument.price(trade.price)),
        quantity=render(instrument.quantity(trade.lots)),
        taker_side=_SIDES[trade.taker_side],
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
        case Beat():
            message.heartbeat.send_time.CopyFrom(send_time)
        case End():
            message.end.CopyFrom(_end(frame))
    time_ns = frame.event.time_ns if isinstance(frame, Told) else frame.time_ns
    message.exchange_time.CopyFrom(time_to(time_ns))
    return message


def account_frame_to_proto(
    frame: EncodedEvent | Beat | End, send_time: Timestamp
) -> account_pb2.AccountEvent:
    """One frame of an account's stream."""
    if isinstance(frame, EncodedEvent):
        return account_pb2.AccountEvent.FromString(frame.payload)
    message = account_pb2.AccountEvent(exchange_time=time_to(frame.time_ns))
    if isinstance(frame, Beat):
        message.heartbeat.send_time.CopyFrom(send_time)
    else:
        message.end.CopyFrom(_end(frame))
    return message


def account_event_to_proto(event: AccountEvent) -> account_pb2.AccountEvent:
    """An event of an account."""
    message = account_pb2.AccountEvent(sequence=event.sequence, exchange_time=time_to(event.time_ns))
    match event.body:
        case ExecutionReport(order, fill):
            message.execution_report.order.CopyFrom(order_to_proto(order))
            if fill is not None:
                message.execution_report.fill.CopyFrom(fill_to_proto(fill))
        case BalanceUpdate(balances):
            message.balance_update.balances.extend(balance_to_proto(balance) for balance in balances)
        case Transfer():
            message.transfer.CopyFrom(transfer_to_proto(event.body))
    return message


def encode_account_event(event: AccountEvent) -> bytes:
    """An event of an account as it is sent and stored."""
    return account_event_to_proto(event).SerializeToString()


def speed_to_proto(speed: Decimal) -> str:
    """The speed as it was set."""
    return render(speed)


def _level(instrument: Instrument, level: tuple[int, int]) -> market_data_pb2.BookLevel:
    ticks, lots = level
    return market_data_pb2.BookLevel(
        price=render(instrument.price(ticks)), quantity=render(instrument.quantity(lots))
    )


def _end(frame: End) -> stream_pb2.StreamEnd:
    return stream_pb2.StreamEnd(reason=frame.reason, message=frame.message)
