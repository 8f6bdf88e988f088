import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.type.v1 import side_pb2 as _side_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LotMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOT_METHOD_UNSPECIFIED: _ClassVar[LotMethod]
    LOT_METHOD_FIFO: _ClassVar[LotMethod]
    LOT_METHOD_LIFO: _ClassVar[LotMethod]
    LOT_METHOD_HIFO: _ClassVar[LotMethod]
LOT_METHOD_UNSPECIFIED: LotMethod
LOT_METHOD_FIFO: LotMethod
LOT_METHOD_LIFO: LotMethod
LOT_METHOD_HIFO: LotMethod

class TaxLot(_message.Message):
    __slots__ = ("name", "instrument", "side", "quantity", "remaining_quantity", "price", "fill", "strategy", "open_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REMAINING_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    instrument: str
    side: _side_pb2.Side
    quantity: str
    remaining_quantity: str
    price: str
    fill: str
    strategy: str
    open_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., instrument: _Optional[str] = ..., side: _Optional[_Union[_side_pb2.Side, str]] = ..., quantity: _Optional[str] = ..., remaining_quantity: _Optional[str] = ..., price: _Optional[str] = ..., fill: _Optional[str] = ..., strategy: _Optional[str] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RealizedGain(_message.Message):
    __slots__ = ("name", "tax_lot", "instrument", "side", "quantity", "open_price", "close_price", "proceeds_amount", "cost_amount", "gain_amount", "quote_asset", "open_fill", "close_fill", "open_time", "close_time", "holding_duration", "lot_method", "strategy")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TAX_LOT_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    OPEN_PRICE_FIELD_NUMBER: _ClassVar[int]
    CLOSE_PRICE_FIELD_NUMBER: _ClassVar[int]
    PROCEEDS_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    COST_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    GAIN_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    QUOTE_ASSET_FIELD_NUMBER: _ClassVar[int]
    OPEN_FILL_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FILL_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    HOLDING_DURATION_FIELD_NUMBER: _ClassVar[int]
    LOT_METHOD_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    name: str
    tax_lot: str
    instrument: str
    side: _side_pb2.Side
    quantity: str
    open_price: str
    close_price: str
    proceeds_amount: str
    cost_amount: str
    gain_amount: str
    quote_asset: str
    open_fill: str
    close_fill: str
    open_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    holding_duration: _duration_pb2.Duration
    lot_method: LotMethod
    strategy: str
    def __init__(self, name: _Optional[str] = ..., tax_lot: _Optional[str] = ..., instrument: _Optional[str] = ..., side: _Optional[_Union[_side_pb2.Side, str]] = ..., quantity: _Optional[str] = ..., open_price: _Optional[str] = ..., close_price: _Optional[str] = ..., proceeds_amount: _Optional[str] = ..., cost_amount: _Optional[str] = ..., gain_amount: _Optional[str] = ..., quote_asset: _Optional[str] = ..., open_fill: _Optional[str] = ..., close_fill: _Optional[str] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., holding_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., lot_method: _Optional[_Union[LotMethod, str]] = ..., strategy: _Optional[str] = ...) -> None: ...

class AccountSettings(_message.Message):
    __slots__ = ("name", "lot_method")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LOT_METHOD_FIELD_NUMBER: _ClassVar[int]
    name: str
    lot_method: LotMethod
    def __init__(self, name: _Optional[str] = ..., lot_method: _Optional[_Union[LotMethod, str]] = ...) -> None: ...
