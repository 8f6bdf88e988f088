"""Words and times that every message uses."""

from google.protobuf.timestamp_pb2 import Timestamp
from trademesh.simvenue.v1 import order_pb2
from trademesh.type.v1 import side_pb2, stream_pb2

from services.simvenue.domain.terms import (
    CloseReason,
    Liquidity,
    OrderStatus,
    SelfTrade,
    Side,
    TimeInForce,
)
from services.simvenue.streams import End

_SECOND_NS = 1_000_000_000

SIDES = {Side.BUY: side_pb2.SIDE_BUY, Side.SELL: side_pb2.SIDE_SELL}
SIDES_BACK = {value: key for key, value in SIDES.items()}
TIMES_IN_FORCE = {
    TimeInForce.GTC: side_pb2.TIME_IN_FORCE_GTC,
    TimeInForce.IOC: side_pb2.TIME_IN_FORCE_IOC,
    TimeInForce.FOK: side_pb2.TIME_IN_FORCE_FOK,
    TimeInForce.GTD: side_pb2.TIME_IN_FORCE_GTD,
    TimeInForce.DAY: side_pb2.TIME_IN_FORCE_DAY,
}
TIMES_IN_FORCE_BACK = {
    side_pb2.TIME_IN_FORCE_UNSPECIFIED: TimeInForce.GTC,
    **{value: key for key, value in TIMES_IN_FORCE.items()},
}
STATUSES = {
    OrderStatus.OPEN: order_pb2.ORDER_STATUS_OPEN,
    OrderStatus.PARTIALLY_FILLED: order_pb2.ORDER_STATUS_PARTIALLY_FILLED,
    OrderStatus.FILLED: order_pb2.ORDER_STATUS_FILLED,
    OrderStatus.CANCELLED: order_pb2.ORDER_STATUS_CANCELLED,
    OrderStatus.EXPIRED: order_pb2.ORDER_STATUS_EXPIRED,
    OrderStatus.WAITING: order_pb2.ORDER_STATUS_WAITING,
}
CLOSE_REASONS = {
    None: order_pb2.CLOSE_REASON_UNSPECIFIED,
    CloseReason.CANCELLED_BY_OWNER: order_pb2.CLOSE_REASON_CANCELLED_BY_OWNER,
    CloseReason.IMMEDIATE_OR_CANCEL: order_pb2.CLOSE_REASON_IMMEDIATE_OR_CANCEL,
    CloseReason.FILL_OR_KILL: order_pb2.CLOSE_REASON_FILL_OR_KILL,
    CloseReason.NO_LIQUIDITY: order_pb2.CLOSE_REASON_NO_LIQUIDITY,
    CloseReason.SELF_TRADE_PREVENTION: order_pb2.CLOSE_REASON_SELF_TRADE_PREVENTION,
    CloseReason.EXPIRE_TIME: order_pb2.CLOSE_REASON_EXPIRE_TIME,
    CloseReason.INSUFFICIENT_BALANCE: order_pb2.CLOSE_REASON_INSUFFICIENT_BALANCE,
    CloseReason.POST_ONLY_WOULD_TRADE: order_pb2.CLOSE_REASON_POST_ONLY_WOULD_TRADE,
    CloseReason.REDUCE_ONLY: order_pb2.CLOSE_REASON_REDUCE_ONLY,
    CloseReason.LIQUIDATION: order_pb2.CLOSE_REASON_LIQUIDATION,
}
SELF_TRADES = {
    None: order_pb2.SELF_TRADE_PREVENTION_UNSPECIFIED,
    SelfTrade.EXPIRE_TAKER: order_pb2.SELF_TRADE_PREVENTION_EXPIRE_TAKER,
    SelfTrade.EXPIRE_MAKER: order_pb2.SELF_TRADE_PREVENTION_EXPIRE_MAKER,
    SelfTrade.EXPIRE_BOTH: order_pb2.SELF_TRADE_PREVENTION_EXPIRE_BOTH,
    SelfTrade.NONE: order_pb2.SELF_TRADE_PREVENTION_NONE,
}
SELF_TRADES_BACK = {value: key for key, value in SELF_TRADES.items()}
LIQUIDITIES = {
    Liquidity.MAKER: side_pb2.LIQUIDITY_MAKER,
    Liquidity.TAKER: side_pb2.LIQUIDITY_TAKER,
}


def time_to(time_ns: int) -> Timestamp:
    """Exchange time as a timestamp."""
    return Timestamp(seconds=time_ns // _SECOND_NS, nanos=time_ns % _SECOND_NS)


def time_from(message: Timestamp) -> int:
    """A timestamp as exchange time."""
    return message.seconds * _SECOND_NS + message.nanos


def end_to(frame: End) -> stream_pb2.StreamEnd:
    """The end of a stream."""
    return stream_pb2.StreamEnd(reason=frame.reason, message=frame.message)
