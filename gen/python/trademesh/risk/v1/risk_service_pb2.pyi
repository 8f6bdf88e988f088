import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from trademesh.options.v1 import method_pb2 as _method_pb2
from trademesh.risk.v1 import decision_pb2 as _decision_pb2
from trademesh.risk.v1 import decision_record_pb2 as _decision_record_pb2
from trademesh.risk.v1 import exposure_pb2 as _exposure_pb2
from trademesh.risk.v1 import limits_pb2 as _limits_pb2
from trademesh.risk.v1 import metrics_pb2 as _metrics_pb2
from trademesh.risk.v1 import protection_pb2 as _protection_pb2
from trademesh.type.v1 import contract_pb2 as _contract_pb2
from trademesh.type.v1 import rules_pb2 as _rules_pb2
from trademesh.type.v1 import side_pb2 as _side_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CheckOrderRequest(_message.Message):
    __slots__ = ("account", "order_id", "instrument", "side", "quantity", "limit_price", "validate_only", "reduce_only", "trigger_price", "group", "strategy", "contract")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REDUCE_ONLY_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_PRICE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    account: str
    order_id: str
    instrument: str
    side: _side_pb2.Side
    quantity: str
    limit_price: str
    validate_only: bool
    reduce_only: bool
    trigger_price: str
    group: str
    strategy: str
    contract: _contract_pb2.ContractTerms
    def __init__(self, account: _Optional[str] = ..., order_id: _Optional[str] = ..., instrument: _Optional[str] = ..., side: _Optional[_Union[_side_pb2.Side, str]] = ..., quantity: _Optional[str] = ..., limit_price: _Optional[str] = ..., validate_only: _Optional[bool] = ..., reduce_only: _Optional[bool] = ..., trigger_price: _Optional[str] = ..., group: _Optional[str] = ..., strategy: _Optional[str] = ..., contract: _Optional[_Union[_contract_pb2.ContractTerms, _Mapping]] = ...) -> None: ...

class CheckOrderResponse(_message.Message):
    __slots__ = ("decision",)
    DECISION_FIELD_NUMBER: _ClassVar[int]
    decision: _decision_pb2.Decision
    def __init__(self, decision: _Optional[_Union[_decision_pb2.Decision, _Mapping]] = ...) -> None: ...

class ReserveOrdersRequest(_message.Message):
    __slots__ = ("orders", "correlation_ids")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_IDS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[CheckOrderRequest]
    correlation_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, orders: _Optional[_Iterable[_Union[CheckOrderRequest, _Mapping]]] = ..., correlation_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ReserveOrdersResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[ReserveOrderResult]
    def __init__(self, results: _Optional[_Iterable[_Union[ReserveOrderResult, _Mapping]]] = ...) -> None: ...

class ReserveOrderResult(_message.Message):
    __slots__ = ("decision", "refusal")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    decision: _decision_pb2.Decision
    refusal: _status_pb2.Status
    def __init__(self, decision: _Optional[_Union[_decision_pb2.Decision, _Mapping]] = ..., refusal: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class CheckOrdersRequest(_message.Message):
    __slots__ = ("account", "orders")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    account: str
    orders: _containers.RepeatedCompositeFieldContainer[CheckOrderRequest]
    def __init__(self, account: _Optional[str] = ..., orders: _Optional[_Iterable[_Union[CheckOrderRequest, _Mapping]]] = ...) -> None: ...

class CheckOrdersResponse(_message.Message):
    __slots__ = ("decisions",)
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    decisions: _containers.RepeatedCompositeFieldContainer[_decision_pb2.Decision]
    def __init__(self, decisions: _Optional[_Iterable[_Union[_decision_pb2.Decision, _Mapping]]] = ...) -> None: ...

class GetLimitsRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class UpdateLimitsRequest(_message.Message):
    __slots__ = ("request_id", "limits", "update_mask")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    limits: _limits_pb2.Limits
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, request_id: _Optional[str] = ..., limits: _Optional[_Union[_limits_pb2.Limits, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class GetExposureRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class HaltTradingRequest(_message.Message):
    __slots__ = ("account", "request_id", "reason", "mode", "cancel_open_orders")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    account: str
    request_id: str
    reason: str
    mode: _exposure_pb2.TradingMode
    cancel_open_orders: bool
    def __init__(self, account: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., mode: _Optional[_Union[_exposure_pb2.TradingMode, str]] = ..., cancel_open_orders: _Optional[bool] = ...) -> None: ...

class ResumeTradingRequest(_message.Message):
    __slots__ = ("account", "request_id", "reason")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    account: str
    request_id: str
    reason: str
    def __init__(self, account: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class GetTradingStateRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListTradingStateChangesRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTradingStateChangesResponse(_message.Message):
    __slots__ = ("changes", "next_page_token")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[_exposure_pb2.TradingStateChange]
    next_page_token: str
    def __init__(self, changes: _Optional[_Iterable[_Union[_exposure_pb2.TradingStateChange, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListDecisionsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "denied_only", "instrument", "start_time", "end_time")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DENIED_ONLY_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    denied_only: bool
    instrument: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., denied_only: _Optional[bool] = ..., instrument: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListDecisionsResponse(_message.Message):
    __slots__ = ("decisions", "next_page_token")
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    decisions: _containers.RepeatedCompositeFieldContainer[_decision_record_pb2.DecisionRecord]
    next_page_token: str
    def __init__(self, decisions: _Optional[_Iterable[_Union[_decision_record_pb2.DecisionRecord, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetDecisionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetProtectionsRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class UpdateProtectionsRequest(_message.Message):
    __slots__ = ("request_id", "protections", "update_mask")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PROTECTIONS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    protections: _protection_pb2.Protections
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, request_id: _Optional[str] = ..., protections: _Optional[_Union[_protection_pb2.Protections, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class CreateLockRequest(_message.Message):
    __slots__ = ("parent", "request_id", "instrument", "strategy", "reason", "expire_time")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    parent: str
    request_id: str
    instrument: str
    strategy: str
    reason: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, parent: _Optional[str] = ..., request_id: _Optional[str] = ..., instrument: _Optional[str] = ..., strategy: _Optional[str] = ..., reason: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListLocksRequest(_message.Message):
    __slots__ = ("parent",)
    PARENT_FIELD_NUMBER: _ClassVar[int]
    parent: str
    def __init__(self, parent: _Optional[str] = ...) -> None: ...

class ListLocksResponse(_message.Message):
    __slots__ = ("locks",)
    LOCKS_FIELD_NUMBER: _ClassVar[int]
    locks: _containers.RepeatedCompositeFieldContainer[_protection_pb2.Lock]
    def __init__(self, locks: _Optional[_Iterable[_Union[_protection_pb2.Lock, _Mapping]]] = ...) -> None: ...

class DeleteLockRequest(_message.Message):
    __slots__ = ("name", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class GetRiskMetricsRequest(_message.Message):
    __slots__ = ("name", "parameters")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    parameters: _metrics_pb2.MetricsParameters
    def __init__(self, name: _Optional[str] = ..., parameters: _Optional[_Union[_metrics_pb2.MetricsParameters, _Mapping]] = ...) -> None: ...

class RunStressRequest(_message.Message):
    __slots__ = ("account", "scenarios", "shocks")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SCENARIOS_FIELD_NUMBER: _ClassVar[int]
    SHOCKS_FIELD_NUMBER: _ClassVar[int]
    account: str
    scenarios: _containers.RepeatedScalarFieldContainer[str]
    shocks: _containers.RepeatedCompositeFieldContainer[_metrics_pb2.Shock]
    def __init__(self, account: _Optional[str] = ..., scenarios: _Optional[_Iterable[str]] = ..., shocks: _Optional[_Iterable[_Union[_metrics_pb2.Shock, _Mapping]]] = ...) -> None: ...

class RunStressResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_metrics_pb2.StressResult]
    def __init__(self, results: _Optional[_Iterable[_Union[_metrics_pb2.StressResult, _Mapping]]] = ...) -> None: ...

class PreviewExposureRequest(_message.Message):
    __slots__ = ("account", "orders", "parameters")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    account: str
    orders: _containers.RepeatedCompositeFieldContainer[CheckOrderRequest]
    parameters: _metrics_pb2.MetricsParameters
    def __init__(self, account: _Optional[str] = ..., orders: _Optional[_Iterable[_Union[CheckOrderRequest, _Mapping]]] = ..., parameters: _Optional[_Union[_metrics_pb2.MetricsParameters, _Mapping]] = ...) -> None: ...

class PreviewExposureResponse(_message.Message):
    __slots__ = ("before", "after")
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    before: _metrics_pb2.RiskMetrics
    after: _metrics_pb2.RiskMetrics
    def __init__(self, before: _Optional[_Union[_metrics_pb2.RiskMetrics, _Mapping]] = ..., after: _Optional[_Union[_metrics_pb2.RiskMetrics, _Mapping]] = ...) -> None: ...
