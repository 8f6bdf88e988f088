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

class EquityPointCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EQUITY_POINT_CAUSE_UNSPECIFIED: _ClassVar[EquityPointCause]
    EQUITY_POINT_CAUSE_INTERVAL: _ClassVar[EquityPointCause]
    EQUITY_POINT_CAUSE_FLOW: _ClassVar[EquityPointCause]
EQUITY_POINT_CAUSE_UNSPECIFIED: EquityPointCause
EQUITY_POINT_CAUSE_INTERVAL: EquityPointCause
EQUITY_POINT_CAUSE_FLOW: EquityPointCause

class EquityPoint(_message.Message):
    __slots__ = ("name", "create_time", "cause", "valuation_asset", "equity", "net_flow_amount", "growth_index", "drawdown", "max_drawdown", "incomplete", "missing_prices")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    VALUATION_ASSET_FIELD_NUMBER: _ClassVar[int]
    EQUITY_FIELD_NUMBER: _ClassVar[int]
    NET_FLOW_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    GROWTH_INDEX_FIELD_NUMBER: _ClassVar[int]
    DRAWDOWN_FIELD_NUMBER: _ClassVar[int]
    MAX_DRAWDOWN_FIELD_NUMBER: _ClassVar[int]
    INCOMPLETE_FIELD_NUMBER: _ClassVar[int]
    MISSING_PRICES_FIELD_NUMBER: _ClassVar[int]
    name: str
    create_time: _timestamp_pb2.Timestamp
    cause: EquityPointCause
    valuation_asset: str
    equity: str
    net_flow_amount: str
    growth_index: str
    drawdown: str
    max_drawdown: str
    incomplete: bool
    missing_prices: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cause: _Optional[_Union[EquityPointCause, str]] = ..., valuation_asset: _Optional[str] = ..., equity: _Optional[str] = ..., net_flow_amount: _Optional[str] = ..., growth_index: _Optional[str] = ..., drawdown: _Optional[str] = ..., max_drawdown: _Optional[str] = ..., incomplete: _Optional[bool] = ..., missing_prices: _Optional[_Iterable[str]] = ...) -> None: ...
