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
TRADING_MODE_UNSPECIFIED: TradingMode
TRADING_MODE_ACTIVE: TradingMode
TRADING_MODE_HALTED: TradingMode

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
    __slots__ = ("asset", "quantity", "reserved_quantity")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    RESERVED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    asset: str
    quantity: str
    reserved_quantity: str
    def __init__(self, asset: _Optional[str] = ..., quantity: _Optional[str] = ..., reserved_quantity: _Optional[str] = ...) -> None: ...

class TradingState(_message.Message):
    __slots__ = ("account", "mode", "reason", "update_time")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    account: str
    mode: TradingMode
    reason: str
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, account: _Optional[str] = ..., mode: _Optional[_Union[TradingMode, str]] = ..., reason: _Optional[str] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
