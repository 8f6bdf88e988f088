import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.simvenue.v1 import order_pb2 as _order_pb2
from trademesh.type.v1 import stream_pb2 as _stream_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TransferKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRANSFER_KIND_UNSPECIFIED: _ClassVar[TransferKind]
    TRANSFER_KIND_DEPOSIT: _ClassVar[TransferKind]
    TRANSFER_KIND_FUNDING: _ClassVar[TransferKind]
    TRANSFER_KIND_INSURANCE: _ClassVar[TransferKind]
TRANSFER_KIND_UNSPECIFIED: TransferKind
TRANSFER_KIND_DEPOSIT: TransferKind
TRANSFER_KIND_FUNDING: TransferKind
TRANSFER_KIND_INSURANCE: TransferKind

class Balance(_message.Message):
    __slots__ = ("currency", "free", "locked")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    FREE_FIELD_NUMBER: _ClassVar[int]
    LOCKED_FIELD_NUMBER: _ClassVar[int]
    currency: str
    free: str
    locked: str
    def __init__(self, currency: _Optional[str] = ..., free: _Optional[str] = ..., locked: _Optional[str] = ...) -> None: ...

class Balances(_message.Message):
    __slots__ = ("account", "balances", "sequence", "exchange_time")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    account: str
    balances: _containers.RepeatedCompositeFieldContainer[Balance]
    sequence: int
    exchange_time: _timestamp_pb2.Timestamp
    def __init__(self, account: _Optional[str] = ..., balances: _Optional[_Iterable[_Union[Balance, _Mapping]]] = ..., sequence: _Optional[int] = ..., exchange_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Transfer(_message.Message):
    __slots__ = ("transfer_id", "account", "kind", "currency", "amount", "exchange_time", "symbol")
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    transfer_id: int
    account: str
    kind: TransferKind
    currency: str
    amount: str
    exchange_time: _timestamp_pb2.Timestamp
    symbol: str
    def __init__(self, transfer_id: _Optional[int] = ..., account: _Optional[str] = ..., kind: _Optional[_Union[TransferKind, str]] = ..., currency: _Optional[str] = ..., amount: _Optional[str] = ..., exchange_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., symbol: _Optional[str] = ...) -> None: ...

class ExecutionReport(_message.Message):
    __slots__ = ("order", "fill")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    order: _order_pb2.Order
    fill: _order_pb2.Fill
    def __init__(self, order: _Optional[_Union[_order_pb2.Order, _Mapping]] = ..., fill: _Optional[_Union[_order_pb2.Fill, _Mapping]] = ...) -> None: ...

class BalanceUpdate(_message.Message):
    __slots__ = ("balances",)
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    balances: _containers.RepeatedCompositeFieldContainer[Balance]
    def __init__(self, balances: _Optional[_Iterable[_Union[Balance, _Mapping]]] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("symbol", "quantity", "entry_price", "realised_pnl", "funding", "mark_price", "unrealised_pnl", "margin", "liquidation_price")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ENTRY_PRICE_FIELD_NUMBER: _ClassVar[int]
    REALISED_PNL_FIELD_NUMBER: _ClassVar[int]
    FUNDING_FIELD_NUMBER: _ClassVar[int]
    MARK_PRICE_FIELD_NUMBER: _ClassVar[int]
    UNREALISED_PNL_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    LIQUIDATION_PRICE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    quantity: str
    entry_price: str
    realised_pnl: str
    funding: str
    mark_price: str
    unrealised_pnl: str
    margin: str
    liquidation_price: str
    def __init__(self, symbol: _Optional[str] = ..., quantity: _Optional[str] = ..., entry_price: _Optional[str] = ..., realised_pnl: _Optional[str] = ..., funding: _Optional[str] = ..., mark_price: _Optional[str] = ..., unrealised_pnl: _Optional[str] = ..., margin: _Optional[str] = ..., liquidation_price: _Optional[str] = ...) -> None: ...

class PositionUpdate(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: Position
    def __init__(self, position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class AccountEvent(_message.Message):
    __slots__ = ("sequence", "exchange_time", "execution_report", "balance_update", "transfer", "heartbeat", "end", "position_update", "page")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_REPORT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_UPDATE_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    POSITION_UPDATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    exchange_time: _timestamp_pb2.Timestamp
    execution_report: ExecutionReport
    balance_update: BalanceUpdate
    transfer: Transfer
    heartbeat: _stream_pb2.Heartbeat
    end: _stream_pb2.StreamEnd
    position_update: PositionUpdate
    page: AccountEventPage
    def __init__(self, sequence: _Optional[int] = ..., exchange_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., execution_report: _Optional[_Union[ExecutionReport, _Mapping]] = ..., balance_update: _Optional[_Union[BalanceUpdate, _Mapping]] = ..., transfer: _Optional[_Union[Transfer, _Mapping]] = ..., heartbeat: _Optional[_Union[_stream_pb2.Heartbeat, _Mapping]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ..., position_update: _Optional[_Union[PositionUpdate, _Mapping]] = ..., page: _Optional[_Union[AccountEventPage, _Mapping]] = ...) -> None: ...

class AccountEventPage(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[AccountEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[AccountEvent, _Mapping]]] = ...) -> None: ...
