import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.portfolio.v1 import ledger_pb2 as _ledger_pb2
from trademesh.type.v1 import rules_pb2 as _rules_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Correction(_message.Message):
    __slots__ = ("name", "adjustment", "reversed_transaction_id", "reason", "ledger_entries", "create_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENT_FIELD_NUMBER: _ClassVar[int]
    REVERSED_TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LEDGER_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    adjustment: Adjustment
    reversed_transaction_id: str
    reason: str
    ledger_entries: _containers.RepeatedCompositeFieldContainer[_ledger_pb2.LedgerEntry]
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., adjustment: _Optional[_Union[Adjustment, _Mapping]] = ..., reversed_transaction_id: _Optional[str] = ..., reason: _Optional[str] = ..., ledger_entries: _Optional[_Iterable[_Union[_ledger_pb2.LedgerEntry, _Mapping]]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Adjustment(_message.Message):
    __slots__ = ("venue", "asset", "amount")
    VENUE_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    venue: str
    asset: str
    amount: str
    def __init__(self, venue: _Optional[str] = ..., asset: _Optional[str] = ..., amount: _Optional[str] = ...) -> None: ...
