import datetime

from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.type.v1 import contract_pb2 as _contract_pb2
from trademesh.type.v1 import side_pb2 as _side_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Fill(_message.Message):
    __slots__ = ("name", "order", "instrument", "side", "price", "quantity", "fee", "fee_asset", "liquidity", "venue_trade_id", "strategy", "exchange_time", "receive_time", "correlation_id", "base_asset", "quote_asset", "contract")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    FEE_ASSET_FIELD_NUMBER: _ClassVar[int]
    LIQUIDITY_FIELD_NUMBER: _ClassVar[int]
    VENUE_TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    BASE_ASSET_FIELD_NUMBER: _ClassVar[int]
    QUOTE_ASSET_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    name: str
    order: str
    instrument: str
    side: _side_pb2.Side
    price: str
    quantity: str
    fee: str
    fee_asset: str
    liquidity: _side_pb2.Liquidity
    venue_trade_id: str
    strategy: str
    exchange_time: _timestamp_pb2.Timestamp
    receive_time: _timestamp_pb2.Timestamp
    correlation_id: str
    base_asset: str
    quote_asset: str
    contract: _contract_pb2.ContractTerms
    def __init__(self, name: _Optional[str] = ..., order: _Optional[str] = ..., instrument: _Optional[str] = ..., side: _Optional[_Union[_side_pb2.Side, str]] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., fee: _Optional[str] = ..., fee_asset: _Optional[str] = ..., liquidity: _Optional[_Union[_side_pb2.Liquidity, str]] = ..., venue_trade_id: _Optional[str] = ..., strategy: _Optional[str] = ..., exchange_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., receive_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., correlation_id: _Optional[str] = ..., base_asset: _Optional[str] = ..., quote_asset: _Optional[str] = ..., contract: _Optional[_Union[_contract_pb2.ContractTerms, _Mapping]] = ...) -> None: ...
