import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.type.v1 import rules_pb2 as _rules_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MetricsParameters(_message.Message):
    __slots__ = ("confidence", "interval", "horizon", "window")
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    confidence: str
    interval: str
    horizon: int
    window: int
    def __init__(self, confidence: _Optional[str] = ..., interval: _Optional[str] = ..., horizon: _Optional[int] = ..., window: _Optional[int] = ...) -> None: ...

class RiskMetrics(_message.Message):
    __slots__ = ("name", "equity_amount", "gross_notional", "net_notional", "venues", "instruments", "value_at_risk_amount", "expected_shortfall_amount", "parameters", "sample_count", "missing_prices", "read_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EQUITY_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    GROSS_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    NET_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    VENUES_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    VALUE_AT_RISK_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_SHORTFALL_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    MISSING_PRICES_FIELD_NUMBER: _ClassVar[int]
    READ_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    equity_amount: str
    gross_notional: str
    net_notional: str
    venues: _containers.RepeatedCompositeFieldContainer[VenueExposure]
    instruments: _containers.RepeatedCompositeFieldContainer[InstrumentShare]
    value_at_risk_amount: str
    expected_shortfall_amount: str
    parameters: MetricsParameters
    sample_count: int
    missing_prices: _containers.RepeatedScalarFieldContainer[str]
    read_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., equity_amount: _Optional[str] = ..., gross_notional: _Optional[str] = ..., net_notional: _Optional[str] = ..., venues: _Optional[_Iterable[_Union[VenueExposure, _Mapping]]] = ..., instruments: _Optional[_Iterable[_Union[InstrumentShare, _Mapping]]] = ..., value_at_risk_amount: _Optional[str] = ..., expected_shortfall_amount: _Optional[str] = ..., parameters: _Optional[_Union[MetricsParameters, _Mapping]] = ..., sample_count: _Optional[int] = ..., missing_prices: _Optional[_Iterable[str]] = ..., read_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class VenueExposure(_message.Message):
    __slots__ = ("venue", "gross_notional", "net_notional")
    VENUE_FIELD_NUMBER: _ClassVar[int]
    GROSS_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    NET_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    venue: str
    gross_notional: str
    net_notional: str
    def __init__(self, venue: _Optional[str] = ..., gross_notional: _Optional[str] = ..., net_notional: _Optional[str] = ...) -> None: ...

class InstrumentShare(_message.Message):
    __slots__ = ("instrument", "notional", "share")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    instrument: str
    notional: str
    share: str
    def __init__(self, instrument: _Optional[str] = ..., notional: _Optional[str] = ..., share: _Optional[str] = ...) -> None: ...

class Shock(_message.Message):
    __slots__ = ("asset", "price_change")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    PRICE_CHANGE_FIELD_NUMBER: _ClassVar[int]
    asset: str
    price_change: str
    def __init__(self, asset: _Optional[str] = ..., price_change: _Optional[str] = ...) -> None: ...

class StressResult(_message.Message):
    __slots__ = ("scenario", "shocks", "profit_amount", "equity_amount", "missing_prices")
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    SHOCKS_FIELD_NUMBER: _ClassVar[int]
    PROFIT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    EQUITY_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    MISSING_PRICES_FIELD_NUMBER: _ClassVar[int]
    scenario: str
    shocks: _containers.RepeatedCompositeFieldContainer[Shock]
    profit_amount: str
    equity_amount: str
    missing_prices: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, scenario: _Optional[str] = ..., shocks: _Optional[_Iterable[_Union[Shock, _Mapping]]] = ..., profit_amount: _Optional[str] = ..., equity_amount: _Optional[str] = ..., missing_prices: _Optional[_Iterable[str]] = ...) -> None: ...
