from trademesh.exchange.v1 import balance_pb2 as _balance_pb2
from trademesh.exchange.v1 import fill_pb2 as _fill_pb2
from trademesh.exchange.v1 import order_pb2 as _order_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OrderChanged(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: _order_pb2.Order
    def __init__(self, order: _Optional[_Union[_order_pb2.Order, _Mapping]] = ...) -> None: ...

class FillRecorded(_message.Message):
    __slots__ = ("fill",)
    FILL_FIELD_NUMBER: _ClassVar[int]
    fill: _fill_pb2.Fill
    def __init__(self, fill: _Optional[_Union[_fill_pb2.Fill, _Mapping]] = ...) -> None: ...

class TransferRecorded(_message.Message):
    __slots__ = ("transfer",)
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    transfer: _balance_pb2.Transfer
    def __init__(self, transfer: _Optional[_Union[_balance_pb2.Transfer, _Mapping]] = ...) -> None: ...
