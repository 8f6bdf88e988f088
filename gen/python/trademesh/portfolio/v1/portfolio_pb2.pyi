import datetime

from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Portfolio(_message.Message):
    __slots__ = ("name", "valuation_asset", "equity", "net_deposits", "realized_pnl", "unrealized_pnl", "fees", "holdings", "missing_prices", "event_sequence", "read_time", "funding", "corrections")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUATION_ASSET_FIELD_NUMBER: _ClassVar[int]
    EQUITY_FIELD_NUMBER: _ClassVar[int]
    NET_DEPOSITS_FIELD_NUMBER: _ClassVar[int]
    REALIZED_PNL_FIELD_NUMBER: _ClassVar[int]
    UNREALIZED_PNL_FIELD_NUMBER: _ClassVar[int]
    FEES_FIELD_NUMBER: _ClassVar[int]
    HOLDINGS_FIELD_NUMBER: _ClassVar[int]
    MISSING_PRICES_FIELD_NUMBER: _ClassVar[int]
    EVENT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    READ_TIME_FIELD_NUMBER: _ClassVar[int]
    FUNDING_FIELD_NUMBER: _ClassVar[int]
    CORRECTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    valuation_asset: str
    equity: str
    net_deposits: str
    realized_pnl: str
    unrealized_pnl: str
    fees: str
    holdings: _containers.RepeatedCompositeFieldContainer[Holding]
    missing_prices: _containers.RepeatedScalarFieldContainer[str]
    event_sequence: int
    read_time: _timestamp_pb2.Timestamp
    funding: str
    corrections: str
    def __init__(self, name: _Optional[str] = ..., valuation_asset: _Optional[str] = ..., equity: _Optional[str] = ..., net_deposits: _Optional[str] = ..., realized_pnl: _Optional[str] = ..., unrealized_pnl: _Optional[str] = ..., fees: _Optional[str] = ..., holdings: _Optional[_Iterable[_Union[Holding, _Mapping]]] = ..., missing_prices: _Optional[_Iterable[str]] = ..., event_sequence: _Optional[int] = ..., read_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., funding: _Optional[str] = ..., corrections: _Optional[str] = ...) -> None: ...

class Holding(_message.Message):
    __slots__ = ("asset", "quantity", "price", "value")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    asset: str
    quantity: str
    price: str
    value: str
    def __init__(self, asset: _Optional[str] = ..., quantity: _Optional[str] = ..., price: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
