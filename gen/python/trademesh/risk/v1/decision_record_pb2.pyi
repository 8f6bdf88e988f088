from google.api import resource_pb2 as _resource_pb2
from trademesh.risk.v1 import decision_pb2 as _decision_pb2
from trademesh.type.v1 import contract_pb2 as _contract_pb2
from trademesh.type.v1 import side_pb2 as _side_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DecisionRecord(_message.Message):
    __slots__ = ("name", "order", "decision", "inputs", "correlation_id")
    class InputsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    order: CheckedOrder
    decision: _decision_pb2.Decision
    inputs: _containers.ScalarMap[str, str]
    correlation_id: str
    def __init__(self, name: _Optional[str] = ..., order: _Optional[_Union[CheckedOrder, _Mapping]] = ..., decision: _Optional[_Union[_decision_pb2.Decision, _Mapping]] = ..., inputs: _Optional[_Mapping[str, str]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class CheckedOrder(_message.Message):
    __slots__ = ("instrument", "side", "quantity", "limit_price", "trigger_price", "reduce_only", "group", "strategy", "contract")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_PRICE_FIELD_NUMBER: _ClassVar[int]
    REDUCE_ONLY_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    instrument: str
    side: _side_pb2.Side
    quantity: str
    limit_price: str
    trigger_price: str
    reduce_only: bool
    group: str
    strategy: str
    contract: _contract_pb2.ContractTerms
    def __init__(self, instrument: _Optional[str] = ..., side: _Optional[_Union[_side_pb2.Side, str]] = ..., quantity: _Optional[str] = ..., limit_price: _Optional[str] = ..., trigger_price: _Optional[str] = ..., reduce_only: _Optional[bool] = ..., group: _Optional[str] = ..., strategy: _Optional[str] = ..., contract: _Optional[_Union[_contract_pb2.ContractTerms, _Mapping]] = ...) -> None: ...
