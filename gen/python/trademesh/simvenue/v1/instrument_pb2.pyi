import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.type.v1 import contract_pb2 as _contract_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MarketSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MARKET_SOURCE_UNSPECIFIED: _ClassVar[MarketSource]
    MARKET_SOURCE_SYNTHETIC: _ClassVar[MarketSource]
    MARKET_SOURCE_RECORDING: _ClassVar[MarketSource]
MARKET_SOURCE_UNSPECIFIED: MarketSource
MARKET_SOURCE_SYNTHETIC: MarketSource
MARKET_SOURCE_RECORDING: MarketSource

class VenueInfo(_message.Message):
    __slots__ = ("venue", "source", "speed", "exchange_time", "history_start_time")
    VENUE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SPEED_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    HISTORY_START_TIME_FIELD_NUMBER: _ClassVar[int]
    venue: str
    source: MarketSource
    speed: str
    exchange_time: _timestamp_pb2.Timestamp
    history_start_time: _timestamp_pb2.Timestamp
    def __init__(self, venue: _Optional[str] = ..., source: _Optional[_Union[MarketSource, str]] = ..., speed: _Optional[str] = ..., exchange_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., history_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Instrument(_message.Message):
    __slots__ = ("symbol", "venue_symbol", "base_currency", "quote_currency", "tick_size", "lot_size", "min_quantity", "max_quantity", "min_notional", "maker_fee_rate", "taker_fee_rate", "contract", "margin_rate", "funding_rate")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_SYMBOL_FIELD_NUMBER: _ClassVar[int]
    BASE_CURRENCY_FIELD_NUMBER: _ClassVar[int]
    QUOTE_CURRENCY_FIELD_NUMBER: _ClassVar[int]
    TICK_SIZE_FIELD_NUMBER: _ClassVar[int]
    LOT_SIZE_FIELD_NUMBER: _ClassVar[int]
    MIN_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MAX_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MIN_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    MAKER_FEE_RATE_FIELD_NUMBER: _ClassVar[int]
    TAKER_FEE_RATE_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    MARGIN_RATE_FIELD_NUMBER: _ClassVar[int]
    FUNDING_RATE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue_symbol: str
    base_currency: str
    quote_currency: str
    tick_size: str
    lot_size: str
    min_quantity: str
    max_quantity: str
    min_notional: str
    maker_fee_rate: str
    taker_fee_rate: str
    contract: _contract_pb2.ContractTerms
    margin_rate: str
    funding_rate: str
    def __init__(self, symbol: _Optional[str] = ..., venue_symbol: _Optional[str] = ..., base_currency: _Optional[str] = ..., quote_currency: _Optional[str] = ..., tick_size: _Optional[str] = ..., lot_size: _Optional[str] = ..., min_quantity: _Optional[str] = ..., max_quantity: _Optional[str] = ..., min_notional: _Optional[str] = ..., maker_fee_rate: _Optional[str] = ..., taker_fee_rate: _Optional[str] = ..., contract: _Optional[_Union[_contract_pb2.ContractTerms, _Mapping]] = ..., margin_rate: _Optional[str] = ..., funding_rate: _Optional[str] = ...) -> None: ...
