import datetime

from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TradingMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRADING_MODE_UNSPECIFIED: _ClassVar[TradingMode]
    TRADING_MODE_ACTIVE: _ClassVar[TradingMode]
    TRADING_MODE_HALTED: _ClassVar[TradingMode]
    TRADING_MODE_REDUCING: _ClassVar[TradingMode]
TRADING_MODE_UNSPECIFIED: TradingMode
TRADING_MODE_ACTIVE: TradingMode
TRADING_MODE_HALTED: TradingMode
TRADING_MODE_REDUCING: TradingMode

class Exposure(_message.Message):
    __slots__ = ("name", "instruments", "assets", "gross_notional", "missing_prices", "open_order_count", "trading_state", "read_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    GROSS_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    MISSING_PRICES_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDER_COUNT_FIELD_NUMBER: _ClassVar[int]
    TRADING_STATE_FIELD_NUMBER: _ClassVar[int]
    READ_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    instruments: _containers.RepeatedCompositeFieldContainer[InstrumentExposure]
    assets: _containers.RepeatedCompositeFieldContainer[AssetExposure]
    gross_notional: str
    missing_prices: _containers.RepeatedScalarFieldContainer[str]
    open_order_count: int
    trading_state: TradingState
    read_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., instruments: _Optional[_Iterable[_Union[InstrumentExposure, _Mapping]]] = ..., assets: _Optional[_Iterable[_Union[AssetExposure, _Mapping]]] = ..., gross_notional: _Optional[str] = ..., missing_prices: _Optional[_Iterable[str]] = ..., open_order_count: _Optional[int] = ..., trading_state: _Optional[_Union[TradingState, _Mapping]] = ..., read_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class InstrumentExposure(_message.Message):
    __slots__ = ("instrument", "quantity", "pending_buy_quantity", "pending_sell_quantity", "mark_price", "notional")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PENDING_BUY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PENDING_SELL_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MARK_PRICE_FIELD_NUMBER: _ClassVar[int]
    NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    instrument: str
    quantity: str
    pending_buy_quantity: str
    pending_sell_quantity: str
    mark_price: str
    notional: str
    def __init__(self, instrument: _Optional[str] = ..., quantity: _Optional[str] = ..., pending_buy_quantity: _Optional[str] = ..., pending_sell_quantity: _Optional[str] = ..., mark_price: _Optional[str] = ..., notional: _Optional[str] = ...) -> None: ...

class AssetExposure(_message.Message):
    __slots__ = ("asset", "quantity", "reserved_quantity", "venue")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    RESERVED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    asset: str
    quantity: str
    reserved_quantity: str
    venue: str
    def __init__(self, asset: _Optional[str] = ..., quantity: _Optional[str] = ..., reserved_quantity: _Optional[str] = ..., venue: _Optional[str] = ...) -> None: ...

class TradingState(_message.Message):
    __slots__ = ("account", "mode", "reason", "update_time", "changed_by", "effective_mode", "cancel_requested", "confirmed", "open_orders", "unreachable_venues")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CHANGED_BY_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_MODE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    UNREACHABLE_VENUES_FIELD_NUMBER: _ClassVar[int]
    account: str
    mode: TradingMode
    reason: str
    update_time: _timestamp_pb2.Timestamp
    changed_by: str
    effective_mode: TradingMode
    cancel_requested: bool
    confirmed: bool
    open_orders: _containers.RepeatedScalarFieldContainer[str]
    unreachable_venues: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, account: _Optional[str] = ..., mode: _Optional[_Union[TradingMode, str]] = ..., reason: _Optional[str] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., changed_by: _Optional[str] = ..., effective_mode: _Optional[_Union[TradingMode, str]] = ..., cancel_requested: _Optional[bool] = ..., confirmed: _Optional[bool] = ..., open_orders: _Optional[_Iterable[str]] = ..., unreachable_venues: _Optional[_Iterable[str]] = ...) -> None: ...

class TradingStateChange(_message.Message):
    __slots__ = ("account", "from_mode", "to_mode", "reason", "changed_by", "change_time", "correlation_id")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    FROM_MODE_FIELD_NUMBER: _ClassVar[int]
    TO_MODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANGED_BY_FIELD_NUMBER: _ClassVar[int]
    CHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    account: str
    from_mode: TradingMode
    to_mode: TradingMode
    reason: str
    changed_by: str
    change_time: _timestamp_pb2.Timestamp
    correlation_id: str
    def __init__(self, account: _Optional[str] = ..., from_mode: _Optional[_Union[TradingMode, str]] = ..., to_mode: _Optional[_Union[TradingMode, str]] = ..., reason: _Optional[str] = ..., changed_by: _Optional[str] = ..., change_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...
