import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from trademesh.options.v1 import method_pb2 as _method_pb2
from trademesh.type.v1 import rules_pb2 as _rules_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FaultKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAULT_KIND_UNSPECIFIED: _ClassVar[FaultKind]
    FAULT_KIND_LOST_REQUEST: _ClassVar[FaultKind]
    FAULT_KIND_LOST_ACK: _ClassVar[FaultKind]
    FAULT_KIND_ERROR_AFTER_ACCEPT: _ClassVar[FaultKind]
    FAULT_KIND_RATE_LIMITED: _ClassVar[FaultKind]
    FAULT_KIND_LATE_VISIBILITY: _ClassVar[FaultKind]
    FAULT_KIND_PARTIAL_FILLS: _ClassVar[FaultKind]
    FAULT_KIND_FILL_AFTER_CANCEL: _ClassVar[FaultKind]
    FAULT_KIND_DUPLICATE_FILL: _ClassVar[FaultKind]
    FAULT_KIND_REORDERED_FILL: _ClassVar[FaultKind]
    FAULT_KIND_DROPPED_STREAM: _ClassVar[FaultKind]
    FAULT_KIND_RESET: _ClassVar[FaultKind]
    FAULT_KIND_RESTART: _ClassVar[FaultKind]
FAULT_KIND_UNSPECIFIED: FaultKind
FAULT_KIND_LOST_REQUEST: FaultKind
FAULT_KIND_LOST_ACK: FaultKind
FAULT_KIND_ERROR_AFTER_ACCEPT: FaultKind
FAULT_KIND_RATE_LIMITED: FaultKind
FAULT_KIND_LATE_VISIBILITY: FaultKind
FAULT_KIND_PARTIAL_FILLS: FaultKind
FAULT_KIND_FILL_AFTER_CANCEL: FaultKind
FAULT_KIND_DUPLICATE_FILL: FaultKind
FAULT_KIND_REORDERED_FILL: FaultKind
FAULT_KIND_DROPPED_STREAM: FaultKind
FAULT_KIND_RESET: FaultKind
FAULT_KIND_RESTART: FaultKind

class FaultRule(_message.Message):
    __slots__ = ("kind", "rate", "limit")
    KIND_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    kind: FaultKind
    rate: str
    limit: int
    def __init__(self, kind: _Optional[_Union[FaultKind, str]] = ..., rate: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class FaultScript(_message.Message):
    __slots__ = ("seed", "rules", "hidden", "retry_after", "late_fill", "away")
    SEED_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    LATE_FILL_FIELD_NUMBER: _ClassVar[int]
    AWAY_FIELD_NUMBER: _ClassVar[int]
    seed: int
    rules: _containers.RepeatedCompositeFieldContainer[FaultRule]
    hidden: _duration_pb2.Duration
    retry_after: _duration_pb2.Duration
    late_fill: _duration_pb2.Duration
    away: _duration_pb2.Duration
    def __init__(self, seed: _Optional[int] = ..., rules: _Optional[_Iterable[_Union[FaultRule, _Mapping]]] = ..., hidden: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., late_fill: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., away: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class FaultCount(_message.Message):
    __slots__ = ("kind", "count")
    KIND_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    kind: FaultKind
    count: int
    def __init__(self, kind: _Optional[_Union[FaultKind, str]] = ..., count: _Optional[int] = ...) -> None: ...

class InstallFaultScriptRequest(_message.Message):
    __slots__ = ("script",)
    SCRIPT_FIELD_NUMBER: _ClassVar[int]
    script: FaultScript
    def __init__(self, script: _Optional[_Union[FaultScript, _Mapping]] = ...) -> None: ...

class InstallFaultScriptResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ClearFaultScriptRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ClearFaultScriptResponse(_message.Message):
    __slots__ = ("struck",)
    STRUCK_FIELD_NUMBER: _ClassVar[int]
    struck: _containers.RepeatedCompositeFieldContainer[FaultCount]
    def __init__(self, struck: _Optional[_Iterable[_Union[FaultCount, _Mapping]]] = ...) -> None: ...

class GetFaultScriptRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetFaultScriptResponse(_message.Message):
    __slots__ = ("script", "struck")
    SCRIPT_FIELD_NUMBER: _ClassVar[int]
    STRUCK_FIELD_NUMBER: _ClassVar[int]
    script: FaultScript
    struck: _containers.RepeatedCompositeFieldContainer[FaultCount]
    def __init__(self, script: _Optional[_Union[FaultScript, _Mapping]] = ..., struck: _Optional[_Iterable[_Union[FaultCount, _Mapping]]] = ...) -> None: ...
