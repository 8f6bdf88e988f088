import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CheckKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHECK_KIND_UNSPECIFIED: _ClassVar[CheckKind]
    CHECK_KIND_TRADING_HALTED: _ClassVar[CheckKind]
    CHECK_KIND_PRICE_MISSING: _ClassVar[CheckKind]
    CHECK_KIND_ORDER_NOTIONAL: _ClassVar[CheckKind]
    CHECK_KIND_PRICE_COLLAR: _ClassVar[CheckKind]
    CHECK_KIND_BALANCE: _ClassVar[CheckKind]
    CHECK_KIND_POSITION_NOTIONAL: _ClassVar[CheckKind]
    CHECK_KIND_GROSS_NOTIONAL: _ClassVar[CheckKind]
    CHECK_KIND_OPEN_ORDERS: _ClassVar[CheckKind]
    CHECK_KIND_TRADING_REDUCING: _ClassVar[CheckKind]
    CHECK_KIND_LOCKED: _ClassVar[CheckKind]
    CHECK_KIND_INSTRUMENT_STATUS: _ClassVar[CheckKind]
    CHECK_KIND_PRICE_TICK: _ClassVar[CheckKind]
    CHECK_KIND_QUANTITY_LOT: _ClassVar[CheckKind]
    CHECK_KIND_QUANTITY_RANGE: _ClassVar[CheckKind]
    CHECK_KIND_NOTIONAL_MINIMUM: _ClassVar[CheckKind]
    CHECK_KIND_REDUCE_ONLY: _ClassVar[CheckKind]
    CHECK_KIND_ORDER_RATE: _ClassVar[CheckKind]
    CHECK_KIND_DAILY_LOSS: _ClassVar[CheckKind]
    CHECK_KIND_DAILY_DRAWDOWN: _ClassVar[CheckKind]
    CHECK_KIND_INSTRUMENT_EXPOSURE: _ClassVar[CheckKind]
    CHECK_KIND_VENUE_EXPOSURE: _ClassVar[CheckKind]
    CHECK_KIND_NET_NOTIONAL: _ClassVar[CheckKind]
    CHECK_KIND_CONCENTRATION: _ClassVar[CheckKind]
    CHECK_KIND_LEVERAGE: _ClassVar[CheckKind]
    CHECK_KIND_DUPLICATE_ORDER: _ClassVar[CheckKind]
    CHECK_KIND_POSITION_QUANTITY: _ClassVar[CheckKind]
CHECK_KIND_UNSPECIFIED: CheckKind
CHECK_KIND_TRADING_HALTED: CheckKind
CHECK_KIND_PRICE_MISSING: CheckKind
CHECK_KIND_ORDER_NOTIONAL: CheckKind
CHECK_KIND_PRICE_COLLAR: CheckKind
CHECK_KIND_BALANCE: CheckKind
CHECK_KIND_POSITION_NOTIONAL: CheckKind
CHECK_KIND_GROSS_NOTIONAL: CheckKind
CHECK_KIND_OPEN_ORDERS: CheckKind
CHECK_KIND_TRADING_REDUCING: CheckKind
CHECK_KIND_LOCKED: CheckKind
CHECK_KIND_INSTRUMENT_STATUS: CheckKind
CHECK_KIND_PRICE_TICK: CheckKind
CHECK_KIND_QUANTITY_LOT: CheckKind
CHECK_KIND_QUANTITY_RANGE: CheckKind
CHECK_KIND_NOTIONAL_MINIMUM: CheckKind
CHECK_KIND_REDUCE_ONLY: CheckKind
CHECK_KIND_ORDER_RATE: CheckKind
CHECK_KIND_DAILY_LOSS: CheckKind
CHECK_KIND_DAILY_DRAWDOWN: CheckKind
CHECK_KIND_INSTRUMENT_EXPOSURE: CheckKind
CHECK_KIND_VENUE_EXPOSURE: CheckKind
CHECK_KIND_NET_NOTIONAL: CheckKind
CHECK_KIND_CONCENTRATION: CheckKind
CHECK_KIND_LEVERAGE: CheckKind
CHECK_KIND_DUPLICATE_ORDER: CheckKind
CHECK_KIND_POSITION_QUANTITY: CheckKind

class Decision(_message.Message):
    __slots__ = ("approved", "checks", "reservation", "limits_version", "decide_time")
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    LIMITS_VERSION_FIELD_NUMBER: _ClassVar[int]
    DECIDE_TIME_FIELD_NUMBER: _ClassVar[int]
    approved: bool
    checks: _containers.RepeatedCompositeFieldContainer[Check]
    reservation: Reservation
    limits_version: int
    decide_time: _timestamp_pb2.Timestamp
    def __init__(self, approved: _Optional[bool] = ..., checks: _Optional[_Iterable[_Union[Check, _Mapping]]] = ..., reservation: _Optional[_Union[Reservation, _Mapping]] = ..., limits_version: _Optional[int] = ..., decide_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Check(_message.Message):
    __slots__ = ("kind", "passed", "observed", "allowed", "message")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    kind: CheckKind
    passed: bool
    observed: str
    allowed: str
    message: str
    def __init__(self, kind: _Optional[_Union[CheckKind, str]] = ..., passed: _Optional[bool] = ..., observed: _Optional[str] = ..., allowed: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Reservation(_message.Message):
    __slots__ = ("order_id", "asset", "quantity", "group")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    asset: str
    quantity: str
    group: str
    def __init__(self, order_id: _Optional[str] = ..., asset: _Optional[str] = ..., quantity: _Optional[str] = ..., group: _Optional[str] = ...) -> None: ...
