from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
DECIMAL_FIELD_NUMBER: _ClassVar[int]
decimal: _descriptor.FieldDescriptor
POSITIVE_DECIMAL_FIELD_NUMBER: _ClassVar[int]
positive_decimal: _descriptor.FieldDescriptor
NONNEGATIVE_DECIMAL_FIELD_NUMBER: _ClassVar[int]
nonnegative_decimal: _descriptor.FieldDescriptor
RESOURCE_ID_FIELD_NUMBER: _ClassVar[int]
resource_id: _descriptor.FieldDescriptor
