import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.type.v1 import rules_pb2 as _rules_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Limits(_message.Message):
    __slots__ = ("name", "max_order_notional", "max_position_notional", "max_gross_notional", "price_collar", "max_open_orders", "version", "update_time", "max_venue_notional", "max_net_notional", "instrument_limits", "max_concentration", "max_leverage", "max_daily_loss", "max_daily_drawdown", "max_order_rate", "order_rate_window", "duplicate_window", "initial_margin")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MAX_ORDER_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    MAX_POSITION_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    MAX_GROSS_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    PRICE_COLLAR_FIELD_NUMBER: _ClassVar[int]
    MAX_OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    MAX_VENUE_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    MAX_NET_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_LIMITS_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCENTRATION_FIELD_NUMBER: _ClassVar[int]
    MAX_LEVERAGE_FIELD_NUMBER: _ClassVar[int]
    MAX_DAILY_LOSS_FIELD_NUMBER: _ClassVar[int]
    MAX_DAILY_DRAWDOWN_FIELD_NUMBER: _ClassVar[int]
    MAX_ORDER_RATE_FIELD_NUMBER: _ClassVar[int]
    ORDER_RATE_WINDOW_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_WINDOW_FIELD_NUMBER: _ClassVar[int]
    INITIAL_MARGIN_FIELD_NUMBER: _ClassVar[int]
    name: str
    max_order_notional: str
    max_position_notional: str
    max_gross_notional: str
    price_collar: str
    max_open_orders: int
    version: int
    update_time: _timestamp_pb2.Timestamp
    max_venue_notional: str
    max_net_notional: str
    instrument_limits: _containers.RepeatedCompositeFieldContainer[InstrumentLimit]
    max_concentration: str
    max_leverage: str
    max_daily_loss: str
    max_daily_drawdown: str
    max_order_rate: int
    order_rate_window: _duration_pb2.Duration
    duplicate_window: _duration_pb2.Duration
    initial_margin: str
    def __init__(self, name: _Optional[str] = ..., max_order_notional: _Optional[str] = ..., max_position_notional: _Optional[str] = ..., max_gross_notional: _Optional[str] = ..., price_collar: _Optional[str] = ..., max_open_orders: _Optional[int] = ..., version: _Optional[int] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., max_venue_notional: _Optional[str] = ..., max_net_notional: _Optional[str] = ..., instrument_limits: _Optional[_Iterable[_Union[InstrumentLimit, _Mapping]]] = ..., max_concentration: _Optional[str] = ..., max_leverage: _Optional[str] = ..., max_daily_loss: _Optional[str] = ..., max_daily_drawdown: _Optional[str] = ..., max_order_rate: _Optional[int] = ..., order_rate_window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., duplicate_window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., initial_margin: _Optional[str] = ...) -> None: ...

class InstrumentLimit(_message.Message):
    __slots__ = ("instrument", "max_notional", "max_position_quantity")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    MAX_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    MAX_POSITION_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    instrument: str
    max_notional: str
    max_position_quantity: str
    def __init__(self, instrument: _Optional[str] = ..., max_notional: _Optional[str] = ..., max_position_quantity: _Optional[str] = ...) -> None: ...
