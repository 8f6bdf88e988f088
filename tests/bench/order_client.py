"""Load of orders from outside the mesh, by gRPC through Envoy; speaks as ``plain_client`` does."""

import asyncio
import itertools
import sys
from uuid import uuid4

import grpc.aio
import uvloop
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import exchange_service_pb2_grpc, order_kinds_pb2, order_pb2
from trademesh.type.v1 import side_pb2

from tests.bench.load import Call, obey

ACCOUNT = "accounts/paper"
INSTRUMENT = "venues/sim/instruments/btc-usdt"
_FILLED = order_pb2.ORDER_STATE_FILLED
_RESTING = order_pb2.ORDER_STATE_OPEN
_QUANTITY = "0.001"


def _placing(stub: "exchange_service_pb2_grpc.ExchangeServiceAsyncStub", *, taking: bool) -> Call:
    """Market orders, a buy after each sell, or limit orders far below the market.

    An order that does not come to be what it should is an error: a refusal is faster than an order.
    """
    numbers = itertools.count()

    async def place() -> None:
        order = order_pb2.Order(instrument=INSTRUMENT, side=side_pb2.SIDE_BUY, quantity=_QUANTITY)
        if taking:
            order.market.CopyFrom(order_kinds_pb2.MarketOrder())
            order.side = side_pb2.SIDE_BUY if next(numbers) % 2 else side_pb2.SIDE_SELL
        else:
            order.limit.price = str(20_000 + next(numbers) % 1000)
        request = pb.CreateOrderRequest(parent=ACCOUNT, request_id=str(uuid4()), order=order)
        answer = await stub.CreateOrder(request, timeout=10)
        if answer.state != (_FILLED if taking else _RESTING):
            raise RuntimeError(f"{answer.reason} {answer.reason_message} {answer.state}")

    return place


async def _main(port: str) -> None:
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    stub: exchange_service_pb2_grpc.ExchangeServiceAsyncStub  # a name of the stubs only
    stub = exchange_service_pb2_grpc.ExchangeServiceStub(channel)
    await obey({"taking": _placing(stub, taking=True), "resting": _placing(stub, taking=False)})


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(sys.argv[1]))
