import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.type.v1 import rules_pb2 as _rules_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Protections(_message.Message):
    __slots__ = ("name", "cooldown", "stop_loss_guard", "max_drawdown", "low_profit", "version", "update_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    COOLDOWN_FIELD_NUMBER: _ClassVar[int]
    STOP_LOSS_GUARD_FIELD_NUMBER: _ClassVar[int]
    MAX_DRAWDOWN_FIELD_NUMBER: _ClassVar[int]
    LOW_PROFIT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    cooldown: Cooldown
    stop_loss_guard: StopLossGuard
    max_drawdown: MaxDrawdown
    low_profit: LowProfit
    version: int
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., cooldown: _Optional[_Union[Cooldown, _Mapping]] = ..., stop_loss_guard: _Optional[_Union[StopLossGuard, _Mapping]] = ..., max_drawdown: _Optional[_Union[MaxDrawdown, _Mapping]] = ..., low_profit: _Optional[_Union[LowProfit, _Mapping]] = ..., version: _Optional[int] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Cooldown(_message.Message):
    __slots__ = ("lock_duration",)
    LOCK_DURATION_FIELD_NUMBER: _ClassVar[int]
    lock_duration: _duration_pb2.Duration
    def __init__(self, lock_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class StopLossGuard(_message.Message):
    __slots__ = ("lookback", "trade_limit", "lock_duration", "per_instrument", "per_strategy")
    LOOKBACK_FIELD_NUMBER: _ClassVar[int]
    TRADE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    LOCK_DURATION_FIELD_NUMBER: _ClassVar[int]
    PER_INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    PER_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    lookback: _duration_pb2.Duration
    trade_limit: int
    lock_duration: _duration_pb2.Duration
    per_instrument: bool
    per_strategy: bool
    def __init__(self, lookback: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., trade_limit: _Optional[int] = ..., lock_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., per_instrument: _Optional[bool] = ..., per_strategy: _Optional[bool] = ...) -> None: ...

class MaxDrawdown(_message.Message):
    __slots__ = ("lookback", "trade_limit", "max_drawdown_amount", "lock_duration", "per_strategy")
    LOOKBACK_FIELD_NUMBER: _ClassVar[int]
    TRADE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    MAX_DRAWDOWN_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    LOCK_DURATION_FIELD_NUMBER: _ClassVar[int]
    PER_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    lookback: _duration_pb2.Duration
    trade_limit: int
    max_drawdown_amount: str
    lock_duration: _duration_pb2.Duration
    per_strategy: bool
    def __init__(self, lookback: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., trade_limit: _Optional[int] = ..., max_drawdown_amount: _Optional[str] = ..., lock_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., per_strategy: _Optional[bool] = ...) -> None: ...

class LowProfit(_message.Message):
    __slots__ = ("lookback", "trade_limit", "required_profit", "lock_duration")
    LOOKBACK_FIELD_NUMBER: _ClassVar[int]
    TRADE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_PROFIT_FIELD_NUMBER: _ClassVar[int]
    LOCK_DURATION_FIELD_NUMBER: _ClassVar[int]
    lookback: _duration_pb2.Duration
    trade_limit: int
    required_profit: str
    lock_duration: _duration_pb2.Duration
    def __init__(self, lookback: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., trade_limit: _Optional[int] = ..., required_profit: _Optional[str] = ..., lock_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Lock(_message.Message):
    __slots__ = ("name", "instrument", "strategy", "source", "reason", "create_time", "expire_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    instrument: str
    strategy: str
    source: str
    reason: str
    create_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., instrument: _Optional[str] = ..., strategy: _Optional[str] = ..., source: _Optional[str] = ..., reason: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
