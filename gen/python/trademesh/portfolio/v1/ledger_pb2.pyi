import datetime

from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LedgerTransactionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEDGER_TRANSACTION_KIND_UNSPECIFIED: _ClassVar[LedgerTransactionKind]
    LEDGER_TRANSACTION_KIND_TRANSFER: _ClassVar[LedgerTransactionKind]
    LEDGER_TRANSACTION_KIND_FILL: _ClassVar[LedgerTransactionKind]
    LEDGER_TRANSACTION_KIND_FUNDING: _ClassVar[LedgerTransactionKind]
    LEDGER_TRANSACTION_KIND_INTERNAL: _ClassVar[LedgerTransactionKind]
    LEDGER_TRANSACTION_KIND_CORRECTION: _ClassVar[LedgerTransactionKind]
    LEDGER_TRANSACTION_KIND_REVERSAL: _ClassVar[LedgerTransactionKind]
LEDGER_TRANSACTION_KIND_UNSPECIFIED: LedgerTransactionKind
LEDGER_TRANSACTION_KIND_TRANSFER: LedgerTransactionKind
LEDGER_TRANSACTION_KIND_FILL: LedgerTransactionKind
LEDGER_TRANSACTION_KIND_FUNDING: LedgerTransactionKind
LEDGER_TRANSACTION_KIND_INTERNAL: LedgerTransactionKind
LEDGER_TRANSACTION_KIND_CORRECTION: LedgerTransactionKind
LEDGER_TRANSACTION_KIND_REVERSAL: LedgerTransactionKind

class LedgerEntry(_message.Message):
    __slots__ = ("name", "transaction_id", "kind", "ledger_account", "asset", "amount", "source", "exchange_time", "create_time", "correlation_id", "strategy", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LEDGER_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    transaction_id: str
    kind: LedgerTransactionKind
    ledger_account: str
    asset: str
    amount: str
    source: str
    exchange_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    correlation_id: str
    strategy: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., transaction_id: _Optional[str] = ..., kind: _Optional[_Union[LedgerTransactionKind, str]] = ..., ledger_account: _Optional[str] = ..., asset: _Optional[str] = ..., amount: _Optional[str] = ..., source: _Optional[str] = ..., exchange_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., correlation_id: _Optional[str] = ..., strategy: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class TrialBalance(_message.Message):
    __slots__ = ("name", "rows", "totals", "balanced", "event_sequence", "read_time", "strategy")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    BALANCED_FIELD_NUMBER: _ClassVar[int]
    EVENT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    READ_TIME_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    name: str
    rows: _containers.RepeatedCompositeFieldContainer[TrialBalanceRow]
    totals: _containers.RepeatedCompositeFieldContainer[TrialBalanceTotal]
    balanced: bool
    event_sequence: int
    read_time: _timestamp_pb2.Timestamp
    strategy: str
    def __init__(self, name: _Optional[str] = ..., rows: _Optional[_Iterable[_Union[TrialBalanceRow, _Mapping]]] = ..., totals: _Optional[_Iterable[_Union[TrialBalanceTotal, _Mapping]]] = ..., balanced: _Optional[bool] = ..., event_sequence: _Optional[int] = ..., read_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., strategy: _Optional[str] = ...) -> None: ...

class TrialBalanceRow(_message.Message):
    __slots__ = ("ledger_account", "asset", "amount")
    LEDGER_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    ledger_account: str
    asset: str
    amount: str
    def __init__(self, ledger_account: _Optional[str] = ..., asset: _Optional[str] = ..., amount: _Optional[str] = ...) -> None: ...

class TrialBalanceTotal(_message.Message):
    __slots__ = ("asset", "amount")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    asset: str
    amount: str
    def __init__(self, asset: _Optional[str] = ..., amount: _Optional[str] = ...) -> None: ...
