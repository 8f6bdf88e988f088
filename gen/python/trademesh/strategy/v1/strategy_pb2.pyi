import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.type.v1 import rules_pb2 as _rules_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StrategyState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STRATEGY_STATE_UNSPECIFIED: _ClassVar[StrategyState]
    STRATEGY_STATE_ENABLED: _ClassVar[StrategyState]
    STRATEGY_STATE_DISABLED: _ClassVar[StrategyState]
STRATEGY_STATE_UNSPECIFIED: StrategyState
STRATEGY_STATE_ENABLED: StrategyState
STRATEGY_STATE_DISABLED: StrategyState

class Strategy(_message.Message):
    __slots__ = ("name", "instrument", "candle_interval", "quantity", "sma_cross", "state", "etag", "create_time", "update_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    CANDLE_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SMA_CROSS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    instrument: str
    candle_interval: str
    quantity: str
    sma_cross: SmaCross
    state: StrategyState
    etag: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., instrument: _Optional[str] = ..., candle_interval: _Optional[str] = ..., quantity: _Optional[str] = ..., sma_cross: _Optional[_Union[SmaCross, _Mapping]] = ..., state: _Optional[_Union[StrategyState, str]] = ..., etag: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SmaCross(_message.Message):
    __slots__ = ("fast_period", "slow_period")
    FAST_PERIOD_FIELD_NUMBER: _ClassVar[int]
    SLOW_PERIOD_FIELD_NUMBER: _ClassVar[int]
    fast_period: int
    slow_period: int
    def __init__(self, fast_period: _Optional[int] = ..., slow_period: _Optional[int] = ...) -> None: ...
