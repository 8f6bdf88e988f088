import datetime

from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RetryClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETRY_CLASS_UNSPECIFIED: _ClassVar[RetryClass]
    RETRY_CLASS_READ: _ClassVar[RetryClass]
    RETRY_CLASS_IDEMPOTENT: _ClassVar[RetryClass]
    RETRY_CLASS_NEVER: _ClassVar[RetryClass]

class RateClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RATE_CLASS_UNSPECIFIED: _ClassVar[RateClass]
    RATE_CLASS_READ: _ClassVar[RateClass]
    RATE_CLASS_TRADE: _ClassVar[RateClass]
    RATE_CLASS_STREAM: _ClassVar[RateClass]
    RATE_CLASS_SAFETY: _ClassVar[RateClass]
RETRY_CLASS_UNSPECIFIED: RetryClass
RETRY_CLASS_READ: RetryClass
RETRY_CLASS_IDEMPOTENT: RetryClass
RETRY_CLASS_NEVER: RetryClass
RATE_CLASS_UNSPECIFIED: RateClass
RATE_CLASS_READ: RateClass
RATE_CLASS_TRADE: RateClass
RATE_CLASS_STREAM: RateClass
RATE_CLASS_SAFETY: RateClass
METHOD_FIELD_NUMBER: _ClassVar[int]
method: _descriptor.FieldDescriptor

class MethodPolicy(_message.Message):
    __slots__ = ("permission", "default_deadline", "retry", "rate", "public")
    PERMISSION_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    permission: str
    default_deadline: _duration_pb2.Duration
    retry: RetryClass
    rate: RateClass
    public: bool
    def __init__(self, permission: _Optional[str] = ..., default_deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., retry: _Optional[_Union[RetryClass, str]] = ..., rate: _Optional[_Union[RateClass, str]] = ..., public: _Optional[bool] = ...) -> None: ...
