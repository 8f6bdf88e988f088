import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.type.v1 import contract_pb2 as _contract_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TransferKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRANSFER_KIND_UNSPECIFIED: _ClassVar[TransferKind]
    TRANSFER_KIND_DEPOSIT: _ClassVar[TransferKind]
    TRANSFER_KIND_WITHDRAWAL: _ClassVar[TransferKind]
    TRANSFER_KIND_FUNDING: _ClassVar[TransferKind]
    TRANSFER_KIND_INTERNAL: _ClassVar[TransferKind]
    TRANSFER_KIND_CORRECTION: _ClassVar[TransferKind]
TRANSFER_KIND_UNSPECIFIED: TransferKind
TRANSFER_KIND_DEPOSIT: TransferKind
TRANSFER_KIND_WITHDRAWAL: TransferKind
TRANSFER_KIND_FUNDING: TransferKind
TRANSFER_KIND_INTERNAL: TransferKind
TRANSFER_KIND_CORRECTION: TransferKind

class Balance(_message.Message):
    __slots__ = ("account", "venue", "asset", "free", "locked", "receive_time")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    FREE_FIELD_NUMBER: _ClassVar[int]
    LOCKED_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    account: str
    venue: str
    asset: str
    free: str
    locked: str
    receive_time: _timestamp_pb2.Timestamp
    def __init__(self, account: _Optional[str] = ..., venue: _Optional[str] = ..., asset: _Optional[str] = ..., free: _Optional[str] = ..., locked: _Optional[str] = ..., receive_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Transfer(_message.Message):
    __slots__ = ("account", "venue", "venue_transfer_id", "asset", "amount", "exchange_time", "receive_time", "kind", "instrument")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    VENUE_TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    account: str
    venue: str
    venue_transfer_id: str
    asset: str
    amount: str
    exchange_time: _timestamp_pb2.Timestamp
    receive_time: _timestamp_pb2.Timestamp
    kind: TransferKind
    instrument: str
    def __init__(self, account: _Optional[str] = ..., venue: _Optional[str] = ..., venue_transfer_id: _Optional[str] = ..., asset: _Optional[str] = ..., amount: _Optional[str] = ..., exchange_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., receive_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[_Union[TransferKind, str]] = ..., instrument: _Optional[str] = ...) -> None: ...

class VenuePosition(_message.Message):
    __slots__ = ("account", "instrument", "quantity", "entry_price", "mark_price", "liquidation_price", "unrealized_pnl", "margin", "contract", "receive_time")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ENTRY_PRICE_FIELD_NUMBER: _ClassVar[int]
    MARK_PRICE_FIELD_NUMBER: _ClassVar[int]
    LIQUIDATION_PRICE_FIELD_NUMBER: _ClassVar[int]
    UNREALIZED_PNL_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    account: str
    instrument: str
    quantity: str
    entry_price: str
    mark_price: str
    liquidation_price: str
    unrealized_pnl: str
    margin: str
    contract: _contract_pb2.ContractTerms
    receive_time: _timestamp_pb2.Timestamp
    def __init__(self, account: _Optional[str] = ..., instrument: _Optional[str] = ..., quantity: _Optional[str] = ..., entry_price: _Optional[str] = ..., mark_price: _Optional[str] = ..., liquidation_price: _Optional[str] = ..., unrealized_pnl: _Optional[str] = ..., margin: _Optional[str] = ..., contract: _Optional[_Union[_contract_pb2.ContractTerms, _Mapping]] = ..., receive_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
