import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from trademesh.options.v1 import method_pb2 as _method_pb2
from trademesh.simvenue.v1 import account_pb2 as _account_pb2
from trademesh.simvenue.v1 import instrument_pb2 as _instrument_pb2
from trademesh.simvenue.v1 import market_data_pb2 as _market_data_pb2
from trademesh.simvenue.v1 import order_pb2 as _order_pb2
from trademesh.type.v1 import rules_pb2 as _rules_pb2
from trademesh.type.v1 import side_pb2 as _side_pb2
from trademesh.type.v1 import stream_pb2 as _stream_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetVenueInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListInstrumentsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListInstrumentsResponse(_message.Message):
    __slots__ = ("instruments",)
    INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    instruments: _containers.RepeatedCompositeFieldContainer[_instrument_pb2.Instrument]
    def __init__(self, instruments: _Optional[_Iterable[_Union[_instrument_pb2.Instrument, _Mapping]]] = ...) -> None: ...

class GetTimeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetTimeResponse(_message.Message):
    __slots__ = ("exchange_time",)
    EXCHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    exchange_time: _timestamp_pb2.Timestamp
    def __init__(self, exchange_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetOrderBookRequest(_message.Message):
    __slots__ = ("symbol", "depth")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    depth: int
    def __init__(self, symbol: _Optional[str] = ..., depth: _Optional[int] = ...) -> None: ...

class ListTradesRequest(_message.Message):
    __slots__ = ("symbol", "page_size", "after_trade_id")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    AFTER_TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    page_size: int
    after_trade_id: int
    def __init__(self, symbol: _Optional[str] = ..., page_size: _Optional[int] = ..., after_trade_id: _Optional[int] = ...) -> None: ...

class ListTradesResponse(_message.Message):
    __slots__ = ("trades",)
    TRADES_FIELD_NUMBER: _ClassVar[int]
    trades: _containers.RepeatedCompositeFieldContainer[_market_data_pb2.Trade]
    def __init__(self, trades: _Optional[_Iterable[_Union[_market_data_pb2.Trade, _Mapping]]] = ...) -> None: ...

class ListCandlesRequest(_message.Message):
    __slots__ = ("symbol", "interval", "start_time", "end_time", "page_size", "page_token")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    interval: _market_data_pb2.CandleInterval
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    def __init__(self, symbol: _Optional[str] = ..., interval: _Optional[_Union[_market_data_pb2.CandleInterval, str]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCandlesResponse(_message.Message):
    __slots__ = ("candles", "next_page_token")
    CANDLES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    candles: _containers.RepeatedCompositeFieldContainer[_market_data_pb2.Candle]
    next_page_token: str
    def __init__(self, candles: _Optional[_Iterable[_Union[_market_data_pb2.Candle, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class StreamMarketDataRequest(_message.Message):
    __slots__ = ("symbols", "page_interval")
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    PAGE_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    page_interval: _duration_pb2.Duration
    def __init__(self, symbols: _Optional[_Iterable[str]] = ..., page_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class PlaceOrderRequest(_message.Message):
    __slots__ = ("account", "client_order_id", "symbol", "side", "quantity", "market", "limit", "stop_market", "stop_limit", "quote_quantity", "self_trade_prevention", "reduce_only")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MARKET_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STOP_MARKET_FIELD_NUMBER: _ClassVar[int]
    STOP_LIMIT_FIELD_NUMBER: _ClassVar[int]
    QUOTE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SELF_TRADE_PREVENTION_FIELD_NUMBER: _ClassVar[int]
    REDUCE_ONLY_FIELD_NUMBER: _ClassVar[int]
    account: str
    client_order_id: str
    symbol: str
    side: _side_pb2.Side
    quantity: str
    market: _order_pb2.MarketTerms
    limit: _order_pb2.LimitTerms
    stop_market: _order_pb2.StopMarketTerms
    stop_limit: _order_pb2.StopLimitTerms
    quote_quantity: str
    self_trade_prevention: _order_pb2.SelfTradePrevention
    reduce_only: bool
    def __init__(self, account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_side_pb2.Side, str]] = ..., quantity: _Optional[str] = ..., market: _Optional[_Union[_order_pb2.MarketTerms, _Mapping]] = ..., limit: _Optional[_Union[_order_pb2.LimitTerms, _Mapping]] = ..., stop_market: _Optional[_Union[_order_pb2.StopMarketTerms, _Mapping]] = ..., stop_limit: _Optional[_Union[_order_pb2.StopLimitTerms, _Mapping]] = ..., quote_quantity: _Optional[str] = ..., self_trade_prevention: _Optional[_Union[_order_pb2.SelfTradePrevention, str]] = ..., reduce_only: _Optional[bool] = ...) -> None: ...

class EnterOrdersRequest(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[OrderEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[OrderEntry, _Mapping]]] = ...) -> None: ...

class OrderEntry(_message.Message):
    __slots__ = ("entry_id", "order", "correlation_id")
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    entry_id: int
    order: PlaceOrderRequest
    correlation_id: str
    def __init__(self, entry_id: _Optional[int] = ..., order: _Optional[_Union[PlaceOrderRequest, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class EnterOrdersResponse(_message.Message):
    __slots__ = ("answers", "end")
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[EntryAnswer]
    end: _stream_pb2.StreamEnd
    def __init__(self, answers: _Optional[_Iterable[_Union[EntryAnswer, _Mapping]]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ...) -> None: ...

class EntryAnswer(_message.Message):
    __slots__ = ("entry_id", "order", "error")
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    entry_id: int
    order: _order_pb2.Order
    error: _status_pb2.Status
    def __init__(self, entry_id: _Optional[int] = ..., order: _Optional[_Union[_order_pb2.Order, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class CancelOrderRequest(_message.Message):
    __slots__ = ("account", "client_order_id", "venue_order_id")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    VENUE_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    account: str
    client_order_id: str
    venue_order_id: int
    def __init__(self, account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., venue_order_id: _Optional[int] = ...) -> None: ...

class GetOrderRequest(_message.Message):
    __slots__ = ("account", "client_order_id", "venue_order_id")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    VENUE_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    account: str
    client_order_id: str
    venue_order_id: int
    def __init__(self, account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., venue_order_id: _Optional[int] = ...) -> None: ...

class ListOpenOrdersRequest(_message.Message):
    __slots__ = ("account", "symbol")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    account: str
    symbol: str
    def __init__(self, account: _Optional[str] = ..., symbol: _Optional[str] = ...) -> None: ...

class ListOpenOrdersResponse(_message.Message):
    __slots__ = ("orders",)
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[_order_pb2.Order]
    def __init__(self, orders: _Optional[_Iterable[_Union[_order_pb2.Order, _Mapping]]] = ...) -> None: ...

class ListFillsRequest(_message.Message):
    __slots__ = ("account", "after_trade_id", "page_size")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    AFTER_TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    account: str
    after_trade_id: int
    page_size: int
    def __init__(self, account: _Optional[str] = ..., after_trade_id: _Optional[int] = ..., page_size: _Optional[int] = ...) -> None: ...

class ListFillsResponse(_message.Message):
    __slots__ = ("fills",)
    FILLS_FIELD_NUMBER: _ClassVar[int]
    fills: _containers.RepeatedCompositeFieldContainer[_order_pb2.Fill]
    def __init__(self, fills: _Optional[_Iterable[_Union[_order_pb2.Fill, _Mapping]]] = ...) -> None: ...

class GetBalancesRequest(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: str
    def __init__(self, account: _Optional[str] = ...) -> None: ...

class ListTransfersRequest(_message.Message):
    __slots__ = ("account", "after_transfer_id", "page_size")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    AFTER_TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    account: str
    after_transfer_id: int
    page_size: int
    def __init__(self, account: _Optional[str] = ..., after_transfer_id: _Optional[int] = ..., page_size: _Optional[int] = ...) -> None: ...

class ListTransfersResponse(_message.Message):
    __slots__ = ("transfers",)
    TRANSFERS_FIELD_NUMBER: _ClassVar[int]
    transfers: _containers.RepeatedCompositeFieldContainer[_account_pb2.Transfer]
    def __init__(self, transfers: _Optional[_Iterable[_Union[_account_pb2.Transfer, _Mapping]]] = ...) -> None: ...

class ListPositionsRequest(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: str
    def __init__(self, account: _Optional[str] = ...) -> None: ...

class ListPositionsResponse(_message.Message):
    __slots__ = ("positions",)
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedCompositeFieldContainer[_account_pb2.Position]
    def __init__(self, positions: _Optional[_Iterable[_Union[_account_pb2.Position, _Mapping]]] = ...) -> None: ...

class StreamAccountRequest(_message.Message):
    __slots__ = ("account", "after_sequence", "page_size")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    account: str
    after_sequence: int
    page_size: int
    def __init__(self, account: _Optional[str] = ..., after_sequence: _Optional[int] = ..., page_size: _Optional[int] = ...) -> None: ...
