"""A mutation that came to an instance which is not the writer finds the writer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import grpc
import grpc.aio
import pytest
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import exchange_service_pb2_grpc as pb_grpc
from trademesh.exchange.v1 import order_pb2

from services.chassis.rpc.server import Binding
from services.exchange.domain.errors import order_not_cancellable, writer_fenced
from services.exchange.relay import WriterRelay
from services.kernel.names import OrderName
from tests.support.exchange import market_order, reason_of
from tests.support.rpc import serving

_NAME = "accounts/paper/orders/5a7e2d0c-0000-4000-8000-000000000000"


class Instance(pb_grpc.ExchangeServiceServicer):
    """One instance: it writes the account or not, and knows the way to the others or not."""

    def __init__(self, *, writer: bool, stub: Any = None) -> None:
        self.writer = writer
        self.asked = 0
        self.after = 0
        self._relay = WriterRelay(stub)

    async def CreateOrder(self, request: Any, context: Any) -> order_pb2.Order:  # noqa: N802 - the contract's
        async def here() -> order_pb2.Order:
            self.asked += 1
            if not self.writer or self.asked <= self.after:
                raise writer_fenced("paper")
            return order_pb2.Order(name=request.request_id)

        return await self._relay.run("CreateOrder", request, context, here)

    async def CancelOrder(self, request: Any, context: Any) -> order_pb2.Order:  # noqa: N802 - the contract's
        async def here() -> order_pb2.Order:
            if self.writer:
                raise order_not_cancellable(OrderName.parse(request.name), "FILLED")
            raise writer_fenced("paper")

        return await self._relay.run("CancelOrder", request, context, here)


@asynccontextmanager
async def _running(instance: Instance) -> AsyncIterator[Any]:
    binding = Binding(instance, pb_grpc.add_ExchangeServiceServicer_to_server)
    async with serving([binding]) as channel:
        yield pb_grpc.ExchangeServiceStub(channel)


async def test_the_writer_answers_for_the_standby() -> None:
    writer = Instance(writer=True)
    async with _running(writer) as peers, _running(Instance(writer=False, stub=peers)) as stub:
        request = market_order()
        assert (await stub.CreateOrder(request, timeout=5)).name == request.request_id
    assert writer.asked == 1


async def test_while_there_is_no_writer_the_call_waits_for_the_next() -> None:
    late = Instance(writer=True)
    late.after = 5
    async with _running(late) as peers, _running(Instance(writer=False, stub=peers)) as stub:
        assert await stub.CreateOrder(market_order(), timeout=10)
    assert late.asked == 6


async def test_the_standby_itself_may_become_the_writer() -> None:
    async with _running(Instance(writer=False)) as peers:
        standby = Instance(writer=True, stub=peers)
        standby.after = 3
        async with _running(standby) as stub:
            assert await stub.CreateOrder(market_order(), timeout=10)
    assert standby.asked == 4


async def test_an_error_of_the_writer_comes_as_it_is() -> None:
    async with _running(Instance(writer=True)) as peers, _running(Instance(writer=False, stub=peers)) as stub:
        request = pb.CancelOrderRequest(name=_NAME, request_id=str(uuid4()))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.CancelOrder(request, timeout=5)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert reason_of(caught.value) == "ORDER_NOT_CANCELLABLE"


async def test_without_a_writer_the_caller_is_told_in_time() -> None:
    far = Instance(writer=False)
    async with _running(far) as peers:
        near = Instance(writer=False, stub=peers)
        async with _running(near) as stub:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.CreateOrder(market_order(), timeout=1)
    assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
    # A call that was handed on goes no further.
    assert far.asked <= near.asked


async def test_a_call_goes_no_further_than_one_instance() -> None:
    """Two standbys that know each other: no circle."""
    first, second = Instance(writer=False), Instance(writer=False)
    async with _running(first) as to_first, _running(second) as to_second:
        first._relay, second._relay = WriterRelay(to_second), WriterRelay(to_first)
        with pytest.raises(grpc.aio.AioRpcError):
            await to_first.CreateOrder(market_order(), timeout=1)
    assert second.asked <= first.asked
