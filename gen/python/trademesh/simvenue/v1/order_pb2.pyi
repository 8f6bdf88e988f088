import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.type.v1 import rules_pb2 as _rules_pb2
from trademesh.type.v1 import side_pb2 as _side_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SelfTradePrevention(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SELF_TRADE_PREVENTION_UNSPECIFIED: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_EXPIRE_TAKER: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_EXPIRE_MAKER: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_EXPIRE_BOTH: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_NONE: _ClassVar[SelfTradePrevention]

class OrderStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_STATUS_UNSPECIFIED: _ClassVar[OrderStatus]
    ORDER_STATUS_OPEN: _ClassVar[OrderStatus]
    ORDER_STATUS_PARTIALLY_FILLED: _ClassVar[OrderStatus]
    ORDER_STATUS_FILLED: _ClassVar[OrderStatus]
    ORDER_STATUS_CANCELLED: _ClassVar[OrderStatus]
    ORDER_STATUS_EXPIRED: _ClassVar[OrderStatus]
    ORDER_STATUS_WAITING: _ClassVar[OrderStatus]

class CloseReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLOSE_REASON_UNSPECIFIED: _ClassVar[CloseReason]
    CLOSE_REASON_CANCELLED_BY_OWNER: _ClassVar[CloseReason]
    CLOSE_REASON_IMMEDIATE_OR_CANCEL: _ClassVar[CloseReason]
    CLOSE_REASON_FILL_OR_KILL: _ClassVar[CloseReason]
    CLOSE_REASON_NO_LIQUIDITY: _ClassVar[CloseReason]
    CLOSE_REASON_SELF_TRADE_PREVENTION: _ClassVar[CloseReason]
    CLOSE_REASON_EXPIRE_TIME: _ClassVar[CloseReason]
    CLOSE_REASON_INSUFFICIENT_BALANCE: _ClassVar[CloseReason]
    CLOSE_REASON_POST_ONLY_WOULD_TRADE: _ClassVar[CloseReason]
    CLOSE_REASON_REDUCE_ONLY: _ClassVar[CloseReason]
    CLOSE_REASON_LIQUIDATION: _ClassVar[CloseReason]
SELF_TRADE_PREVENTION_UNSPECIFIED: SelfTradePrevention
SELF_TRADE_PREVENTION_EXPIRE_TAKER: SelfTradePrevention
SELF_TRADE_PREVENTION_EXPIRE_MAKER: SelfTradePrevention
SELF_TRADE_PREVENTION_EXPIRE_BOTH: SelfTradePrevention
SELF_TRADE_PREVENTION_NONE: SelfTradePrevention
ORDER_STATUS_UNSPECIFIED: OrderStatus
ORDER_STATUS_OPEN: OrderStatus
ORDER_STATUS_PARTIALLY_FILLED: OrderStatus
ORDER_STATUS_FILLED: OrderStatus
ORDER_STATUS_CANCELLED: OrderStatus
ORDER_STATUS_EXPIRED: OrderStatus
ORDER_STATUS_WAITING: OrderStatus
CLOSE_REASON_UNSPECIFIED: CloseReason
CLOSE_REASON_CANCELLED_BY_OWNER: CloseReason
CLOSE_REASON_IMMEDIATE_OR_CANCEL: CloseReason
CLOSE_REASON_FILL_OR_KILL: CloseReason
CLOSE_REASON_NO_LIQUIDITY: CloseReason
CLOSE_REASON_SELF_TRADE_PREVENTION: CloseReason
CLOSE_REASON_EXPIRE_TIME: CloseReason
CLOSE_REASON_INSUFFICIENT_BALANCE: CloseReason
CLOSE_REASON_POST_ONLY_WOULD_TRADE: CloseReason
CLOSE_REASON_REDUCE_ONLY: CloseReason
CLOSE_REASON_LIQUIDATION: CloseReason

class MarketTerms(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LimitTerms(_message.Message):
    __slots__ = ("price", "time_in_force", "post_only", "expire_time", "display_quantity")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    POST_ONLY_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    price: str
    time_in_force: _side_pb2.TimeInForce
    post_only: bool
    expire_time: _timestamp_pb2.Timestamp
    display_quantity: str
    def __init__(self, price: _Optional[str] = ..., time_in_force: _Optional[_Union[_side_pb2.TimeInForce, str]] = ..., post_only: _Optional[bool] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., display_quantity: _Optional[str] = ...) -> None: ...

class StopMarketTerms(_message.Message):
    __slots__ = ("trigger_price", "time_in_force", "expire_time")
    TRIGGER_PRICE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    trigger_price: str
    time_in_force: _side_pb2.TimeInForce
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, trigger_price: _Optional[str] = ..., time_in_force: _Optional[_Union[_side_pb2.TimeInForce, str]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class StopLimitTerms(_message.Message):
    __slots__ = ("trigger_price", "limit")
    TRIGGER_PRICE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    trigger_price: str
    limit: LimitTerms
    def __init__(self, trigger_price: _Optional[str] = ..., limit: _Optional[_Union[LimitTerms, _Mapping]] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("venue_order_id", "client_order_id", "account", "symbol", "side", "quantity", "market", "limit", "stop_market", "stop_limit", "status", "close_reason", "filled_quantity", "filled_notional", "fees", "create_time", "update_time", "fills", "quote_quantity", "self_trade_prevention", "expire_time", "trigger_time", "reduce_only")
    VENUE_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MARKET_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STOP_MARKET_FIELD_NUMBER: _ClassVar[int]
    STOP_LIMIT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_REASON_FIELD_NUMBER: _ClassVar[int]
    FILLED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    FILLED_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    FEES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    QUOTE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SELF_TRADE_PREVENTION_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_TIME_FIELD_NUMBER: _ClassVar[int]
    REDUCE_ONLY_FIELD_NUMBER: _ClassVar[int]
    venue_order_id: int
    client_order_id: str
    account: str
    symbol: str
    side: _side_pb2.Side
    quantity: str
    market: MarketTerms
    limit: LimitTerms
    stop_market: StopMarketTerms
    stop_limit: StopLimitTerms
    status: OrderStatus
    close_reason: CloseReason
    filled_quantity: str
    filled_notional: str
    fees: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    fills: _containers.RepeatedCompositeFieldContainer[Fill]
    quote_quantity: str
    self_trade_prevention: SelfTradePrevention
    expire_time: _timestamp_pb2.Timestamp
    trigger_time: _timestamp_pb2.Timestamp
    reduce_only: bool
    def __init__(self, venue_order_id: _Optional[int] = ..., client_order_id: _Optional[str] = ..., account: _Optional[str] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_side_pb2.Side, str]] = ..., quantity: _Optional[str] = ..., market: _Optional[_Union[MarketTerms, _Mapping]] = ..., limit: _Optional[_Union[LimitTerms, _Mapping]] = ..., stop_market: _Optional[_Union[StopMarketTerms, _Mapping]] = ..., stop_limit: _Optional[_Union[StopLimitTerms, _Mapping]] = ..., status: _Optional[_Union[OrderStatus, str]] = ..., close_reason: _Optional[_Union[CloseReason, str]] = ..., filled_quantity: _Optional[str] = ..., filled_notional: _Optional[str] = ..., fees: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., fills: _Optional[_Iterable[_Union[Fill, _Mapping]]] = ..., quote_quantity: _Optional[str] = ..., self_trade_prevention: _Optional[_Union[SelfTradePrevention, str]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trigger_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reduce_only: _Optional[bool] = ...) -> None: ...

class Fill(_message.Message):
    __slots__ = ("trade_id", "venue_order_id", "client_order_id", "account", "symbol", "side", "price", "quantity", "fee", "fee_currency", "liquidity", "exchange_time", "realised_pnl")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    VENUE_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    FEE_CURRENCY_FIELD_NUMBER: _ClassVar[int]
    LIQUIDITY_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    REALISED_PNL_FIELD_NUMBER: _ClassVar[int]
    trade_id: int
    venue_order_id: int
    client_order_id: str
    account: str
    symbol: str
    side: _side_pb2.Side
    price: str
    quantity: str
    fee: str
    fee_currency: str
    liquidity: _side_pb2.Liquidity
    exchange_time: _timestamp_pb2.Timestamp
    realised_pnl: str
    def __init__(self, trade_id: _Optional[int] = ..., venue_order_id: _Optional[int] = ..., client_order_id: _Optional[str] = ..., account: _Optional[str] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_side_pb2.Side, str]] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., fee: _Optional[str] = ..., fee_currency: _Optional[str] = ..., liquidity: _Optional[_Union[_side_pb2.Liquidity, str]] = ..., exchange_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., realised_pnl: _Optional[str] = ...) -> None: ...
