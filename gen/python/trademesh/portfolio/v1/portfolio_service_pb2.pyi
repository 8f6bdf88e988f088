import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.options.v1 import method_pb2 as _method_pb2
from trademesh.portfolio.v1 import correction_pb2 as _correction_pb2
from trademesh.portfolio.v1 import equity_pb2 as _equity_pb2
from trademesh.portfolio.v1 import ledger_pb2 as _ledger_pb2
from trademesh.portfolio.v1 import portfolio_pb2 as _portfolio_pb2
from trademesh.portfolio.v1 import position_pb2 as _position_pb2
from trademesh.portfolio.v1 import reconciliation_pb2 as _reconciliation_pb2
from trademesh.portfolio.v1 import tax_lot_pb2 as _tax_lot_pb2
from trademesh.type.v1 import rules_pb2 as _rules_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetPortfolioRequest(_message.Message):
    __slots__ = ("name", "valuation_asset")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUATION_ASSET_FIELD_NUMBER: _ClassVar[int]
    name: str
    valuation_asset: str
    def __init__(self, name: _Optional[str] = ..., valuation_asset: _Optional[str] = ...) -> None: ...

class ListPositionsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "strategy")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    strategy: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., strategy: _Optional[str] = ...) -> None: ...

class ListPositionsResponse(_message.Message):
    __slots__ = ("positions", "next_page_token")
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedCompositeFieldContainer[_position_pb2.Position]
    next_page_token: str
    def __init__(self, positions: _Optional[_Iterable[_Union[_position_pb2.Position, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListLedgerEntriesRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "start_time", "end_time", "strategy", "oldest_first")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    OLDEST_FIRST_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    strategy: str
    oldest_first: bool
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., strategy: _Optional[str] = ..., oldest_first: _Optional[bool] = ...) -> None: ...

class ListLedgerEntriesResponse(_message.Message):
    __slots__ = ("ledger_entries", "next_page_token")
    LEDGER_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ledger_entries: _containers.RepeatedCompositeFieldContainer[_ledger_pb2.LedgerEntry]
    next_page_token: str
    def __init__(self, ledger_entries: _Optional[_Iterable[_Union[_ledger_pb2.LedgerEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetTrialBalanceRequest(_message.Message):
    __slots__ = ("name", "strategy")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    name: str
    strategy: str
    def __init__(self, name: _Optional[str] = ..., strategy: _Optional[str] = ...) -> None: ...

class CreateCorrectionRequest(_message.Message):
    __slots__ = ("parent", "request_id", "correction")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CORRECTION_FIELD_NUMBER: _ClassVar[int]
    parent: str
    request_id: str
    correction: _correction_pb2.Correction
    def __init__(self, parent: _Optional[str] = ..., request_id: _Optional[str] = ..., correction: _Optional[_Union[_correction_pb2.Correction, _Mapping]] = ...) -> None: ...

class ListTaxLotsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "instrument", "include_closed")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_CLOSED_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    instrument: str
    include_closed: bool
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., instrument: _Optional[str] = ..., include_closed: _Optional[bool] = ...) -> None: ...

class ListTaxLotsResponse(_message.Message):
    __slots__ = ("tax_lots", "next_page_token")
    TAX_LOTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tax_lots: _containers.RepeatedCompositeFieldContainer[_tax_lot_pb2.TaxLot]
    next_page_token: str
    def __init__(self, tax_lots: _Optional[_Iterable[_Union[_tax_lot_pb2.TaxLot, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListRealizedGainsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "instrument", "start_time", "end_time")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    instrument: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., instrument: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListRealizedGainsResponse(_message.Message):
    __slots__ = ("realized_gains", "next_page_token")
    REALIZED_GAINS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    realized_gains: _containers.RepeatedCompositeFieldContainer[_tax_lot_pb2.RealizedGain]
    next_page_token: str
    def __init__(self, realized_gains: _Optional[_Iterable[_Union[_tax_lot_pb2.RealizedGain, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetAccountSettingsRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class UpdateAccountSettingsRequest(_message.Message):
    __slots__ = ("request_id", "account_settings")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_settings: _tax_lot_pb2.AccountSettings
    def __init__(self, request_id: _Optional[str] = ..., account_settings: _Optional[_Union[_tax_lot_pb2.AccountSettings, _Mapping]] = ...) -> None: ...

class ListEquityPointsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "start_time", "end_time")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListEquityPointsResponse(_message.Message):
    __slots__ = ("equity_points", "next_page_token")
    EQUITY_POINTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    equity_points: _containers.RepeatedCompositeFieldContainer[_equity_pb2.EquityPoint]
    next_page_token: str
    def __init__(self, equity_points: _Optional[_Iterable[_Union[_equity_pb2.EquityPoint, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetReconciliationRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...
