import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from trademesh.exchange.v1 import balance_pb2 as _balance_pb2
from trademesh.exchange.v1 import fill_pb2 as _fill_pb2
from trademesh.exchange.v1 import order_pb2 as _order_pb2
from trademesh.exchange.v1 import venue_pb2 as _venue_pb2
from trademesh.options.v1 import method_pb2 as _method_pb2
from trademesh.type.v1 import rules_pb2 as _rules_pb2
from trademesh.type.v1 import stream_pb2 as _stream_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListVenuesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListVenuesResponse(_message.Message):
    __slots__ = ("venues",)
    VENUES_FIELD_NUMBER: _ClassVar[int]
    venues: _containers.RepeatedCompositeFieldContainer[_venue_pb2.Venue]
    def __init__(self, venues: _Optional[_Iterable[_Union[_venue_pb2.Venue, _Mapping]]] = ...) -> None: ...

class GetVenueRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CreateOrderRequest(_message.Message):
    __slots__ = ("parent", "request_id", "order", "expire_time")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    parent: str
    request_id: str
    order: _order_pb2.Order
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, parent: _Optional[str] = ..., request_id: _Optional[str] = ..., order: _Optional[_Union[_order_pb2.Order, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetOrderRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListOrdersRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "states", "instrument")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    states: _containers.RepeatedScalarFieldContainer[_order_pb2.OrderState]
    instrument: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., states: _Optional[_Iterable[_Union[_order_pb2.OrderState, str]]] = ..., instrument: _Optional[str] = ...) -> None: ...

class ListOrdersResponse(_message.Message):
    __slots__ = ("orders", "next_page_token")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[_order_pb2.Order]
    next_page_token: str
    def __init__(self, orders: _Optional[_Iterable[_Union[_order_pb2.Order, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateOrdersRequest(_message.Message):
    __slots__ = ("parent", "request_id", "orders", "contingency", "expire_time")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    CONTINGENCY_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    parent: str
    request_id: str
    orders: _containers.RepeatedCompositeFieldContainer[_order_pb2.Order]
    contingency: _order_pb2.Contingency
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, parent: _Optional[str] = ..., request_id: _Optional[str] = ..., orders: _Optional[_Iterable[_Union[_order_pb2.Order, _Mapping]]] = ..., contingency: _Optional[_Union[_order_pb2.Contingency, str]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateOrdersResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[OrderResult]
    def __init__(self, results: _Optional[_Iterable[_Union[OrderResult, _Mapping]]] = ...) -> None: ...

class OrderResult(_message.Message):
    __slots__ = ("order", "error")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    order: _order_pb2.Order
    error: _status_pb2.Status
    def __init__(self, order: _Optional[_Union[_order_pb2.Order, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class PreviewOrderRequest(_message.Message):
    __slots__ = ("parent", "order")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    parent: str
    order: _order_pb2.Order
    def __init__(self, parent: _Optional[str] = ..., order: _Optional[_Union[_order_pb2.Order, _Mapping]] = ...) -> None: ...

class PreviewOrderResponse(_message.Message):
    __slots__ = ("approved", "reason", "reason_message", "handling", "expected_price", "expected_notional", "expected_fee", "fee_asset", "required_quantity", "required_asset", "takes_liquidity")
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REASON_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HANDLING_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_PRICE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FEE_FIELD_NUMBER: _ClassVar[int]
    FEE_ASSET_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_ASSET_FIELD_NUMBER: _ClassVar[int]
    TAKES_LIQUIDITY_FIELD_NUMBER: _ClassVar[int]
    approved: bool
    reason: str
    reason_message: str
    handling: _order_pb2.OrderHandling
    expected_price: str
    expected_notional: str
    expected_fee: str
    fee_asset: str
    required_quantity: str
    required_asset: str
    takes_liquidity: bool
    def __init__(self, approved: _Optional[bool] = ..., reason: _Optional[str] = ..., reason_message: _Optional[str] = ..., handling: _Optional[_Union[_order_pb2.OrderHandling, str]] = ..., expected_price: _Optional[str] = ..., expected_notional: _Optional[str] = ..., expected_fee: _Optional[str] = ..., fee_asset: _Optional[str] = ..., required_quantity: _Optional[str] = ..., required_asset: _Optional[str] = ..., takes_liquidity: _Optional[bool] = ...) -> None: ...

class ReplaceOrderRequest(_message.Message):
    __slots__ = ("name", "request_id", "quantity", "price", "trigger_price", "display_quantity")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_PRICE_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    quantity: str
    price: str
    trigger_price: str
    display_quantity: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., quantity: _Optional[str] = ..., price: _Optional[str] = ..., trigger_price: _Optional[str] = ..., display_quantity: _Optional[str] = ...) -> None: ...

class CancelOrderRequest(_message.Message):
    __slots__ = ("name", "request_id", "parent", "venue", "client_order_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    parent: str
    venue: str
    client_order_id: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., parent: _Optional[str] = ..., venue: _Optional[str] = ..., client_order_id: _Optional[str] = ...) -> None: ...

class CancelAllOrdersRequest(_message.Message):
    __slots__ = ("parent", "request_id", "instrument", "venue", "strategy")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    parent: str
    request_id: str
    instrument: str
    venue: str
    strategy: str
    def __init__(self, parent: _Optional[str] = ..., request_id: _Optional[str] = ..., instrument: _Optional[str] = ..., venue: _Optional[str] = ..., strategy: _Optional[str] = ...) -> None: ...

class CancelAllOrdersResponse(_message.Message):
    __slots__ = ("orders", "complete", "unreachable_venues")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    UNREACHABLE_VENUES_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[_order_pb2.Order]
    complete: bool
    unreachable_venues: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, orders: _Optional[_Iterable[_Union[_order_pb2.Order, _Mapping]]] = ..., complete: _Optional[bool] = ..., unreachable_venues: _Optional[_Iterable[str]] = ...) -> None: ...

class ListPositionsRequest(_message.Message):
    __slots__ = ("parent",)
    PARENT_FIELD_NUMBER: _ClassVar[int]
    parent: str
    def __init__(self, parent: _Optional[str] = ...) -> None: ...

class ListPositionsResponse(_message.Message):
    __slots__ = ("positions",)
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedCompositeFieldContainer[_balance_pb2.VenuePosition]
    def __init__(self, positions: _Optional[_Iterable[_Union[_balance_pb2.VenuePosition, _Mapping]]] = ...) -> None: ...

class ListFillsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "order", "start_time", "end_time")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    order: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., order: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListFillsResponse(_message.Message):
    __slots__ = ("fills", "next_page_token")
    FILLS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    fills: _containers.RepeatedCompositeFieldContainer[_fill_pb2.Fill]
    next_page_token: str
    def __init__(self, fills: _Optional[_Iterable[_Union[_fill_pb2.Fill, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListBalancesRequest(_message.Message):
    __slots__ = ("parent",)
    PARENT_FIELD_NUMBER: _ClassVar[int]
    parent: str
    def __init__(self, parent: _Optional[str] = ...) -> None: ...

class ListBalancesResponse(_message.Message):
    __slots__ = ("balances",)
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    balances: _containers.RepeatedCompositeFieldContainer[_balance_pb2.Balance]
    def __init__(self, balances: _Optional[_Iterable[_Union[_balance_pb2.Balance, _Mapping]]] = ...) -> None: ...

class WatchOrdersRequest(_message.Message):
    __slots__ = ("parent", "cursor")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    parent: str
    cursor: str
    def __init__(self, parent: _Optional[str] = ..., cursor: _Optional[str] = ...) -> None: ...

class WatchOrdersResponse(_message.Message):
    __slots__ = ("order", "fill", "heartbeat", "end", "cursor")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    order: _order_pb2.Order
    fill: _fill_pb2.Fill
    heartbeat: _stream_pb2.Heartbeat
    end: _stream_pb2.StreamEnd
    cursor: str
    def __init__(self, order: _Optional[_Union[_order_pb2.Order, _Mapping]] = ..., fill: _Optional[_Union[_fill_pb2.Fill, _Mapping]] = ..., heartbeat: _Optional[_Union[_stream_pb2.Heartbeat, _Mapping]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ..., cursor: _Optional[str] = ...) -> None: ...
