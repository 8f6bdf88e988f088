from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InstrumentKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INSTRUMENT_KIND_UNSPECIFIED: _ClassVar[InstrumentKind]
    INSTRUMENT_KIND_SPOT: _ClassVar[InstrumentKind]
    INSTRUMENT_KIND_PERPETUAL: _ClassVar[InstrumentKind]
INSTRUMENT_KIND_UNSPECIFIED: InstrumentKind
INSTRUMENT_KIND_SPOT: InstrumentKind
INSTRUMENT_KIND_PERPETUAL: InstrumentKind

class ContractTerms(_message.Message):
    __slots__ = ("kind", "contract_size", "settle_asset", "inverse")
    KIND_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_SIZE_FIELD_NUMBER: _ClassVar[int]
    SETTLE_ASSET_FIELD_NUMBER: _ClassVar[int]
    INVERSE_FIELD_NUMBER: _ClassVar[int]
    kind: InstrumentKind
    contract_size: str
    settle_asset: str
    inverse: bool
    def __init__(self, kind: _Optional[_Union[InstrumentKind, str]] = ..., contract_size: _Optional[str] = ..., settle_asset: _Optional[str] = ..., inverse: _Optional[bool] = ...) -> None: ...
