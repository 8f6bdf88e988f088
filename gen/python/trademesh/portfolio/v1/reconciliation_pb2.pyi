import datetime

from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Reconciliation(_message.Message):
    __slots__ = ("name", "balances", "positions", "matching", "event_sequence", "read_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    MATCHING_FIELD_NUMBER: _ClassVar[int]
    EVENT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    READ_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    balances: _containers.RepeatedCompositeFieldContainer[BalanceComparison]
    positions: _containers.RepeatedCompositeFieldContainer[PositionComparison]
    matching: bool
    event_sequence: int
    read_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., balances: _Optional[_Iterable[_Union[BalanceComparison, _Mapping]]] = ..., positions: _Optional[_Iterable[_Union[PositionComparison, _Mapping]]] = ..., matching: _Optional[bool] = ..., event_sequence: _Optional[int] = ..., read_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BalanceComparison(_message.Message):
    __slots__ = ("venue", "asset", "ledger_quantity", "venue_quantity", "difference_quantity")
    VENUE_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    LEDGER_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    VENUE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    venue: str
    asset: str
    ledger_quantity: str
    venue_quantity: str
    difference_quantity: str
    def __init__(self, venue: _Optional[str] = ..., asset: _Optional[str] = ..., ledger_quantity: _Optional[str] = ..., venue_quantity: _Optional[str] = ..., difference_quantity: _Optional[str] = ...) -> None: ...

class PositionComparison(_message.Message):
    __slots__ = ("instrument", "ledger_quantity", "venue_quantity", "difference_quantity")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    LEDGER_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    VENUE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    instrument: str
    ledger_quantity: str
    venue_quantity: str
    difference_quantity: str
    def __init__(self, instrument: _Optional[str] = ..., ledger_quantity: _Optional[str] = ..., venue_quantity: _Optional[str] = ..., difference_quantity: _Optional[str] = ...) -> None: ...
