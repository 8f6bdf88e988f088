import datetime

from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.type.v1 import contract_pb2 as _contract_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Position(_message.Message):
    __slots__ = ("name", "instrument", "quantity", "average_price", "realized_pnl", "unrealized_pnl", "mark_price", "fill_count", "last_fill_time", "settle_asset", "cost", "contract", "strategy")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_PRICE_FIELD_NUMBER: _ClassVar[int]
    REALIZED_PNL_FIELD_NUMBER: _ClassVar[int]
    UNREALIZED_PNL_FIELD_NUMBER: _ClassVar[int]
    MARK_PRICE_FIELD_NUMBER: _ClassVar[int]
    FILL_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_FILL_TIME_FIELD_NUMBER: _ClassVar[int]
    SETTLE_ASSET_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    name: str
    instrument: str
    quantity: str
    average_price: str
    realized_pnl: str
    unrealized_pnl: str
    mark_price: str
    fill_count: int
    last_fill_time: _timestamp_pb2.Timestamp
    settle_asset: str
    cost: str
    contract: _contract_pb2.ContractTerms
    strategy: str
    def __init__(self, name: _Optional[str] = ..., instrument: _Optional[str] = ..., quantity: _Optional[str] = ..., average_price: _Optional[str] = ..., realized_pnl: _Optional[str] = ..., unrealized_pnl: _Optional[str] = ..., mark_price: _Optional[str] = ..., fill_count: _Optional[int] = ..., last_fill_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., settle_asset: _Optional[str] = ..., cost: _Optional[str] = ..., contract: _Optional[_Union[_contract_pb2.ContractTerms, _Mapping]] = ..., strategy: _Optional[str] = ...) -> None: ...
