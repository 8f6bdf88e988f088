import datetime

from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.type.v1 import side_pb2 as _side_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CycleState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CYCLE_STATE_UNSPECIFIED: _ClassVar[CycleState]
    CYCLE_STATE_SIGNALLED: _ClassVar[CycleState]
    CYCLE_STATE_CHECKED: _ClassVar[CycleState]
    CYCLE_STATE_ORDERED: _ClassVar[CycleState]
    CYCLE_STATE_COMPLETED: _ClassVar[CycleState]
    CYCLE_STATE_SKIPPED: _ClassVar[CycleState]
    CYCLE_STATE_DENIED: _ClassVar[CycleState]
    CYCLE_STATE_FAILED: _ClassVar[CycleState]
CYCLE_STATE_UNSPECIFIED: CycleState
CYCLE_STATE_SIGNALLED: CycleState
CYCLE_STATE_CHECKED: CycleState
CYCLE_STATE_ORDERED: CycleState
CYCLE_STATE_COMPLETED: CycleState
CYCLE_STATE_SKIPPED: CycleState
CYCLE_STATE_DENIED: CycleState
CYCLE_STATE_FAILED: CycleState

class Cycle(_message.Message):
    __slots__ = ("name", "signal", "strategy", "instrument", "side", "quantity", "state", "reason", "order", "filled_quantity", "steps", "correlation_id", "create_time", "update_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    FILLED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    signal: str
    strategy: str
    instrument: str
    side: _side_pb2.Side
    quantity: str
    state: CycleState
    reason: str
    order: str
    filled_quantity: str
    steps: _containers.RepeatedCompositeFieldContainer[CycleStep]
    correlation_id: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., signal: _Optional[str] = ..., strategy: _Optional[str] = ..., instrument: _Optional[str] = ..., side: _Optional[_Union[_side_pb2.Side, str]] = ..., quantity: _Optional[str] = ..., state: _Optional[_Union[CycleState, str]] = ..., reason: _Optional[str] = ..., order: _Optional[str] = ..., filled_quantity: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[CycleStep, _Mapping]]] = ..., correlation_id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CycleStep(_message.Message):
    __slots__ = ("state", "message", "step_time")
    STATE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STEP_TIME_FIELD_NUMBER: _ClassVar[int]
    state: CycleState
    message: str
    step_time: _timestamp_pb2.Timestamp
    def __init__(self, state: _Optional[_Union[CycleState, str]] = ..., message: _Optional[str] = ..., step_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
