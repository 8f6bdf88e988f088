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
BATCH = 20
"""Orders in one CreateOrders, the most that the contract allows."""
_FILLED = order_pb2.ORDER_STATE_FILLED
_QUANTITY = "0.001"
_TIMEOUT_S = 30


def _calls(stub: "exchange_service_pb2_grpc.ExchangeServiceAsyncStub") -> dict[str, Call]:
    """Market orders, a buy after each sell, by one call each and many by one call.

    An order that is not filled is an error: a refusal is faster than an order.
    """
    numbers = itertools.count()

    def order() -> order_pb2.Order:
        side = side_pb2.SIDE_BUY if next(numbers) % 2 else side_pb2.SIDE_SELL
        return order_pb2.Order(
            instrument=INSTRUMENT, side=side, quantity=_QUANTITY, market=order_kinds_pb2.MarketOrder()
        )

    async def single() -> None:
        request = pb.CreateOrderRequest(parent=ACCOUNT, request_id=str(uuid4()), order=order())
        _filled(await stub.CreateOrder(request, timeout=_TIMEOUT_S))

    async def batch() -> None:
        request = pb.CreateOrdersRequest(
            parent=ACCOUNT, request_id=str(uuid4()), orders=[order() for _ in range(BATCH)]
        )
        for result in (await stub.CreateOrders(request, timeout=_TIMEOUT_S)).results:
            if result.HasField("error"):
                raise RuntimeError(str(result.error))
            _filled(result.order)

    return {"single": single, "batch": batch}


def _filled(order: order_pb2.Order) -> None:
    if order.state != _FILLED:
        raise RuntimeError(f"{order.reason} {order.reason_message} {order.state}")


async def _main(port: str) -> None:
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    stub: exchange_service_pb2_grpc.ExchangeServiceAsyncStub  # a name of the stubs only
    stub = exchange_service_pb2_grpc.ExchangeServiceStub(channel)
    await obey(_calls(stub))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(sys.argv[1]))
