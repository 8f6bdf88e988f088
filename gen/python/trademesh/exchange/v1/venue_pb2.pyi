import datetime

from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trademesh.type.v1 import side_pb2 as _side_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Support(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUPPORT_UNSPECIFIED: _ClassVar[Support]
    SUPPORT_NATIVE: _ClassVar[Support]
    SUPPORT_EMULATED: _ClassVar[Support]
    SUPPORT_NONE: _ClassVar[Support]

class VenueState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VENUE_STATE_UNSPECIFIED: _ClassVar[VenueState]
    VENUE_STATE_CONNECTED: _ClassVar[VenueState]
    VENUE_STATE_DISCONNECTED: _ClassVar[VenueState]
    VENUE_STATE_THROTTLED: _ClassVar[VenueState]
    VENUE_STATE_TRIPPED: _ClassVar[VenueState]
SUPPORT_UNSPECIFIED: Support
SUPPORT_NATIVE: Support
SUPPORT_EMULATED: Support
SUPPORT_NONE: Support
VENUE_STATE_UNSPECIFIED: VenueState
VENUE_STATE_CONNECTED: VenueState
VENUE_STATE_DISCONNECTED: VenueState
VENUE_STATE_THROTTLED: VenueState
VENUE_STATE_TRIPPED: VenueState

class Venue(_message.Message):
    __slots__ = ("name", "display_name", "simulated", "state", "last_contact_time", "capabilities", "live", "rate_budgets", "retry_time", "state_message")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    SIMULATED_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LAST_CONTACT_TIME_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    RATE_BUDGETS_FIELD_NUMBER: _ClassVar[int]
    RETRY_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    simulated: bool
    state: VenueState
    last_contact_time: _timestamp_pb2.Timestamp
    capabilities: _containers.RepeatedCompositeFieldContainer[KindSupport]
    live: bool
    rate_budgets: _containers.RepeatedCompositeFieldContainer[RateBudget]
    retry_time: _timestamp_pb2.Timestamp
    state_message: str
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., simulated: _Optional[bool] = ..., state: _Optional[_Union[VenueState, str]] = ..., last_contact_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., capabilities: _Optional[_Iterable[_Union[KindSupport, _Mapping]]] = ..., live: _Optional[bool] = ..., rate_budgets: _Optional[_Iterable[_Union[RateBudget, _Mapping]]] = ..., retry_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state_message: _Optional[str] = ...) -> None: ...

class KindSupport(_message.Message):
    __slots__ = ("kind", "support", "times_in_force", "post_only", "reduce_only", "display_quantity", "quote_quantity")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SUPPORT_FIELD_NUMBER: _ClassVar[int]
    TIMES_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    POST_ONLY_FIELD_NUMBER: _ClassVar[int]
    REDUCE_ONLY_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    QUOTE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    kind: str
    support: Support
    times_in_force: _containers.RepeatedScalarFieldContainer[_side_pb2.TimeInForce]
    post_only: bool
    reduce_only: bool
    display_quantity: bool
    quote_quantity: bool
    def __init__(self, kind: _Optional[str] = ..., support: _Optional[_Union[Support, str]] = ..., times_in_force: _Optional[_Iterable[_Union[_side_pb2.TimeInForce, str]]] = ..., post_only: _Optional[bool] = ..., reduce_only: _Optional[bool] = ..., display_quantity: _Optional[bool] = ..., quote_quantity: _Optional[bool] = ...) -> None: ...

class RateBudget(_message.Message):
    __slots__ = ("name", "window_seconds", "limit", "reserve", "used")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WINDOW_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    RESERVE_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    name: str
    window_seconds: int
    limit: int
    reserve: int
    used: int
    def __init__(self, name: _Optional[str] = ..., window_seconds: _Optional[int] = ..., limit: _Optional[int] = ..., reserve: _Optional[int] = ..., used: _Optional[int] = ...) -> None: ...
