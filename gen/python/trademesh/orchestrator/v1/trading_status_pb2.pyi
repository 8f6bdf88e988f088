import datetime

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
    TRADING_MODE_RUNNING: _ClassVar[TradingMode]
    TRADING_MODE_STOPPED: _ClassVar[TradingMode]
    TRADING_MODE_EMERGENCY_STOPPED: _ClassVar[TradingMode]
TRADING_MODE_UNSPECIFIED: TradingMode
TRADING_MODE_RUNNING: TradingMode
TRADING_MODE_STOPPED: TradingMode
TRADING_MODE_EMERGENCY_STOPPED: TradingMode

class TradingStatus(_message.Message):
    __slots__ = ("mode", "account", "reason", "mode_update_time", "cycle_count", "filled_cycle_count", "running_cycle_count", "last_cycle", "last_cycle_time", "unconfirmed_cancels")
    MODE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MODE_UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CYCLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    FILLED_CYCLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    RUNNING_CYCLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_CYCLE_FIELD_NUMBER: _ClassVar[int]
    LAST_CYCLE_TIME_FIELD_NUMBER: _ClassVar[int]
    UNCONFIRMED_CANCELS_FIELD_NUMBER: _ClassVar[int]
    mode: TradingMode
    account: str
    reason: str
    mode_update_time: _timestamp_pb2.Timestamp
    cycle_count: int
    filled_cycle_count: int
    running_cycle_count: int
    last_cycle: str
    last_cycle_time: _timestamp_pb2.Timestamp
    unconfirmed_cancels: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, mode: _Optional[_Union[TradingMode, str]] = ..., account: _Optional[str] = ..., reason: _Optional[str] = ..., mode_update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cycle_count: _Optional[int] = ..., filled_cycle_count: _Optional[int] = ..., running_cycle_count: _Optional[int] = ..., last_cycle: _Optional[str] = ..., last_cycle_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., unconfirmed_cancels: _Optional[_Iterable[str]] = ...) -> None: ...
