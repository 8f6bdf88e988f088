import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.exchange.v1 import order_kinds_pb2 as _order_kinds_pb2
from trademesh.type.v1 import contract_pb2 as _contract_pb2
from trademesh.type.v1 import rules_pb2 as _rules_pb2
from trademesh.type.v1 import side_pb2 as _side_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Contingency(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTINGENCY_UNSPECIFIED: _ClassVar[Contingency]
    CONTINGENCY_OCO: _ClassVar[Contingency]
    CONTINGENCY_OTO: _ClassVar[Contingency]
    CONTINGENCY_BRACKET: _ClassVar[Contingency]

class OrderHandling(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_HANDLING_UNSPECIFIED: _ClassVar[OrderHandling]
    ORDER_HANDLING_NATIVE: _ClassVar[OrderHandling]
    ORDER_HANDLING_EMULATED: _ClassVar[OrderHandling]

class OrderState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_STATE_UNSPECIFIED: _ClassVar[OrderState]
    ORDER_STATE_PENDING: _ClassVar[OrderState]
    ORDER_STATE_SUBMITTED: _ClassVar[OrderState]
    ORDER_STATE_UNKNOWN: _ClassVar[OrderState]
    ORDER_STATE_OPEN: _ClassVar[OrderState]
    ORDER_STATE_PARTIALLY_FILLED: _ClassVar[OrderState]
    ORDER_STATE_FILLED: _ClassVar[OrderState]
    ORDER_STATE_PENDING_CANCEL: _ClassVar[OrderState]
    ORDER_STATE_CANCELLED: _ClassVar[OrderState]
    ORDER_STATE_DENIED: _ClassVar[OrderState]
    ORDER_STATE_REJECTED: _ClassVar[OrderState]
    ORDER_STATE_EXPIRED: _ClassVar[OrderState]
    ORDER_STATE_HELD: _ClassVar[OrderState]
CONTINGENCY_UNSPECIFIED: Contingency
CONTINGENCY_OCO: Contingency
CONTINGENCY_OTO: Contingency
CONTINGENCY_BRACKET: Contingency
ORDER_HANDLING_UNSPECIFIED: OrderHandling
ORDER_HANDLING_NATIVE: OrderHandling
ORDER_HANDLING_EMULATED: OrderHandling
ORDER_STATE_UNSPECIFIED: OrderState
ORDER_STATE_PENDING: OrderState
ORDER_STATE_SUBMITTED: OrderState
ORDER_STATE_UNKNOWN: OrderState
ORDER_STATE_OPEN: OrderState
ORDER_STATE_PARTIALLY_FILLED: OrderState
ORDER_STATE_FILLED: OrderState
ORDER_STATE_PENDING_CANCEL: OrderState
ORDER_STATE_CANCELLED: OrderState
ORDER_STATE_DENIED: OrderState
ORDER_STATE_REJECTED: OrderState
ORDER_STATE_EXPIRED: OrderState
ORDER_STATE_HELD: OrderState

class Order(_message.Message):
    __slots__ = ("name", "instrument", "side", "quantity", "market", "limit", "stop_market", "stop_limit", "market_if_touched", "limit_if_touched", "trailing_stop", "strategy", "state", "filled_quantity", "average_price", "filled_notional", "reason", "reason_message", "client_order_id", "venue_order_id", "version", "correlation_id", "create_time", "update_time", "base_asset", "quote_asset", "quote_quantity", "reduce_only", "handling", "trigger", "order_list", "contingency", "parent_order", "linked_order", "replaces", "replaced_by", "unprotected", "contract")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MARKET_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STOP_MARKET_FIELD_NUMBER: _ClassVar[int]
    STOP_LIMIT_FIELD_NUMBER: _ClassVar[int]
    MARKET_IF_TOUCHED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_IF_TOUCHED_FIELD_NUMBER: _ClassVar[int]
    TRAILING_STOP_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FILLED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_PRICE_FIELD_NUMBER: _ClassVar[int]
    FILLED_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REASON_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    VENUE_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    BASE_ASSET_FIELD_NUMBER: _ClassVar[int]
    QUOTE_ASSET_FIELD_NUMBER: _ClassVar[int]
    QUOTE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REDUCE_ONLY_FIELD_NUMBER: _ClassVar[int]
    HANDLING_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    ORDER_LIST_FIELD_NUMBER: _ClassVar[int]
    CONTINGENCY_FIELD_NUMBER: _ClassVar[int]
    PARENT_ORDER_FIELD_NUMBER: _ClassVar[int]
    LINKED_ORDER_FIELD_NUMBER: _ClassVar[int]
    REPLACES_FIELD_NUMBER: _ClassVar[int]
    REPLACED_BY_FIELD_NUMBER: _ClassVar[int]
    UNPROTECTED_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    name: str
    instrument: str
    side: _side_pb2.Side
    quantity: str
    market: _order_kinds_pb2.MarketOrder
    limit: _order_kinds_pb2.LimitOrder
    stop_market: _order_kinds_pb2.StopMarketOrder
    stop_limit: _order_kinds_pb2.StopLimitOrder
    market_if_touched: _order_kinds_pb2.MarketIfTouchedOrder
    limit_if_touched: _order_kinds_pb2.LimitIfTouchedOrder
    trailing_stop: _order_kinds_pb2.TrailingStopOrder
    strategy: str
    state: OrderState
    filled_quantity: str
    average_price: str
    filled_notional: str
    reason: str
    reason_message: str
    client_order_id: str
    venue_order_id: str
    version: int
    correlation_id: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    base_asset: str
    quote_asset: str
    quote_quantity: str
    reduce_only: bool
    handling: OrderHandling
    trigger: _order_kinds_pb2.TriggerStatus
    order_list: str
    contingency: Contingency
    parent_order: str
    linked_order: str
    replaces: str
    replaced_by: str
    unprotected: bool
    contract: _contract_pb2.ContractTerms
    def __init__(self, name: _Optional[str] = ..., instrument: _Optional[str] = ..., side: _Optional[_Union[_side_pb2.Side, str]] = ..., quantity: _Optional[str] = ..., market: _Optional[_Union[_order_kinds_pb2.MarketOrder, _Mapping]] = ..., limit: _Optional[_Union[_order_kinds_pb2.LimitOrder, _Mapping]] = ..., stop_market: _Optional[_Union[_order_kinds_pb2.StopMarketOrder, _Mapping]] = ..., stop_limit: _Optional[_Union[_order_kinds_pb2.StopLimitOrder, _Mapping]] = ..., market_if_touched: _Optional[_Union[_order_kinds_pb2.MarketIfTouchedOrder, _Mapping]] = ..., limit_if_touched: _Optional[_Union[_order_kinds_pb2.LimitIfTouchedOrder, _Mapping]] = ..., trailing_stop: _Optional[_Union[_order_kinds_pb2.TrailingStopOrder, _Mapping]] = ..., strategy: _Optional[str] = ..., state: _Optional[_Union[OrderState, str]] = ..., filled_quantity: _Optional[str] = ..., average_price: _Optional[str] = ..., filled_notional: _Optional[str] = ..., reason: _Optional[str] = ..., reason_message: _Optional[str] = ..., client_order_id: _Optional[str] = ..., venue_order_id: _Optional[str] = ..., version: _Optional[int] = ..., correlation_id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., base_asset: _Optional[str] = ..., quote_asset: _Optional[str] = ..., quote_quantity: _Optional[str] = ..., reduce_only: _Optional[bool] = ..., handling: _Optional[_Union[OrderHandling, str]] = ..., trigger: _Optional[_Union[_order_kinds_pb2.TriggerStatus, _Mapping]] = ..., order_list: _Optional[str] = ..., contingency: _Optional[_Union[Contingency, str]] = ..., parent_order: _Optional[str] = ..., linked_order: _Optional[str] = ..., replaces: _Optional[str] = ..., replaced_by: _Optional[str] = ..., unprotected: _Optional[bool] = ..., contract: _Optional[_Union[_contract_pb2.ContractTerms, _Mapping]] = ...) -> None: ...
