import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.type.v1 import rules_pb2 as _rules_pb2
from trademesh.type.v1 import side_pb2 as _side_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TriggerSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRIGGER_SOURCE_UNSPECIFIED: _ClassVar[TriggerSource]
    TRIGGER_SOURCE_LAST: _ClassVar[TriggerSource]
    TRIGGER_SOURCE_BOOK: _ClassVar[TriggerSource]
TRIGGER_SOURCE_UNSPECIFIED: TriggerSource
TRIGGER_SOURCE_LAST: TriggerSource
TRIGGER_SOURCE_BOOK: TriggerSource

class MarketOrder(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LimitOrder(_message.Message):
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

class Trigger(_message.Message):
    __slots__ = ("price", "source")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    price: str
    source: TriggerSource
    def __init__(self, price: _Optional[str] = ..., source: _Optional[_Union[TriggerSource, str]] = ...) -> None: ...

class StopMarketOrder(_message.Message):
    __slots__ = ("trigger", "time_in_force", "expire_time")
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    trigger: Trigger
    time_in_force: _side_pb2.TimeInForce
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, trigger: _Optional[_Union[Trigger, _Mapping]] = ..., time_in_force: _Optional[_Union[_side_pb2.TimeInForce, str]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class StopLimitOrder(_message.Message):
    __slots__ = ("trigger", "limit")
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    trigger: Trigger
    limit: LimitOrder
    def __init__(self, trigger: _Optional[_Union[Trigger, _Mapping]] = ..., limit: _Optional[_Union[LimitOrder, _Mapping]] = ...) -> None: ...

class MarketIfTouchedOrder(_message.Message):
    __slots__ = ("trigger", "time_in_force", "expire_time")
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    trigger: Trigger
    time_in_force: _side_pb2.TimeInForce
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, trigger: _Optional[_Union[Trigger, _Mapping]] = ..., time_in_force: _Optional[_Union[_side_pb2.TimeInForce, str]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LimitIfTouchedOrder(_message.Message):
    __slots__ = ("trigger", "limit")
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    trigger: Trigger
    limit: LimitOrder
    def __init__(self, trigger: _Optional[_Union[Trigger, _Mapping]] = ..., limit: _Optional[_Union[LimitOrder, _Mapping]] = ...) -> None: ...

class TrailingStopOrder(_message.Message):
    __slots__ = ("absolute", "percent", "ticks", "activation_price", "source", "time_in_force", "expire_time")
    ABSOLUTE_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    TICKS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_PRICE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    absolute: str
    percent: str
    ticks: int
    activation_price: str
    source: TriggerSource
    time_in_force: _side_pb2.TimeInForce
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, absolute: _Optional[str] = ..., percent: _Optional[str] = ..., ticks: _Optional[int] = ..., activation_price: _Optional[str] = ..., source: _Optional[_Union[TriggerSource, str]] = ..., time_in_force: _Optional[_Union[_side_pb2.TimeInForce, str]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TriggerStatus(_message.Message):
    __slots__ = ("price", "best_price", "activate_time", "trigger_time", "trigger_market_price")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    BEST_PRICE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATE_TIME_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_TIME_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_MARKET_PRICE_FIELD_NUMBER: _ClassVar[int]
    price: str
    best_price: str
    activate_time: _timestamp_pb2.Timestamp
    trigger_time: _timestamp_pb2.Timestamp
    trigger_market_price: str
    def __init__(self, price: _Optional[str] = ..., best_price: _Optional[str] = ..., activate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trigger_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trigger_market_price: _Optional[str] = ...) -> None: ...
