"""The stream that orders go to the simulated venue over: what is known when it ends."""
# ruff: noqa: N802 - rpc names are the contract's

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from trademesh.simvenue.v1 import order_pb2, simvenue_service_pb2_grpc
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb

from services.chassis.rpc.server import Binding
from services.chassis.telemetry.correlation import correlated
from services.exchange.ports import NotSent, Uncertain
from services.exchange.venues.simvenue_entry import OrderEntry
from services.kernel.errors import DomainError, ErrorKind
from tests.support.rpc import serving

SECONDS = 5.0
Script = Callable[["Stage", AsyncIterator[pb.EnterOrdersRequest]], AsyncIterator[pb.EnterOrdersResponse]]


class Stage(simvenue_service_pb2_grpc.SimvenueServiceServicer):
    """Plays each stream as its script says, the last script again and again.

    Attributes:
        sent: the client order ids of each stream, message by message.
        causes: the correlation ids of the entries, in their order.
        arrived: set when a message came.
    """

    def __init__(self, *scripts: Script) -> None:
        self._scripts = scripts
        self.sent: list[list[list[str]]] = []
        self.causes: list[str] = []
        self.arrived = asyncio.Event()

    async def EnterOrders(
        self, requests: AsyncIterator[pb.EnterOrdersRequest], context: Any
    ) -> AsyncIterator[pb.EnterOrdersResponse]:
        script = self._scripts[min(len(self.sent), len(self._scripts) - 1)]
        self.sent.append([])
        async for answer in script(self, self._seen(requests, self.sent[-1])):
            yield answer

    async def _seen(
        self, requests: AsyncIterator[pb.EnterOrdersRequest], sent: list[list[str]]
    ) -> AsyncIterator[pb.EnterOrdersRequest]:
        async for request in requests:
            sent.append([each.order.client_order_id for each in request.entries])
            self.causes += [each.correlation_id for each in request.entries]
            self.arrived.set()
            yield request


def answered(request: pb.EnterOrdersRequest) -> pb.EnterOrdersResponse:
    return pb.EnterOrdersResponse(
        answers=[
            pb.EntryAnswer(
                entry_id=each.entry_id, order=order_pb2.Order(client_order_id=each.order.client_order_id)
            )
            for each in reversed(request.entries)
        ]
    )


async def works(stage: Stage, requests: AsyncIterator[Any]) -> AsyncIterator[pb.EnterOrdersResponse]:
    async for request in requests:
        yield answered(request)


async def silent(stage: Stage, requests: AsyncIterator[Any]) -> AsyncIterator[pb.EnterOrdersResponse]:
    async for _ in requests:
        continue
    yield pb.EnterOrdersResponse()


async def breaks(stage: Stage, requests: AsyncIterator[Any]) -> AsyncIterator[pb.EnterOrdersResponse]:
    """Answers the first entry of a message, then ends with an error that would refuse an order."""
    async for request in requests:
        yield pb.EnterOrdersResponse(answers=answered(request).answers[-1:])
        raise DomainError("INSUFFICIENT_BALANCE", "words", kind=ErrorKind.PRECONDITION)


async def refuses(stage: Stage, requests: AsyncIterator[Any]) -> AsyncIterator[pb.EnterOrdersResponse]:
    async for _ in requests:
        if stage.arrived.is_set():
            raise DomainError("VENUE_HALTED", "words", kind=ErrorKind.UNAVAILABLE)
        yield pb.EnterOrdersResponse()


async def ends(stage: Stage, requests: AsyncIterator[Any]) -> AsyncIterator[pb.EnterOrdersResponse]:
    request = await anext(requests)
    end = pb.EnterOrdersResponse(answers=answered(request).answers[-1:])
    end.end.reason = "SERVER_DRAINING"
    yield end


@asynccontextmanager
async def entry_to(stage: Stage) -> AsyncIterator[OrderEntry]:
    binding = Binding(stage, simvenue_service_pb2_grpc.add_SimvenueServiceServicer_to_server)
    async with serving([binding]) as channel:
        stub: Any = simvenue_service_pb2_grpc.SimvenueServiceStub(channel)
        entry = OrderEntry(stub.EnterOrders)
        try:
            yield entry
        finally:
            await entry.close()


async def entered(entry: OrderEntry, *names: str, within: float = SECONDS) -> list[Any]:
    """What comes of orders that are entered together; the name where the venue has it."""
    orders = [pb.PlaceOrderRequest(client_order_id=name) for name in names]
    answers = await asyncio.gather(*(entry.enter(order, within) for order in orders))
    return [
        each.order.client_order_id if isinstance(each, pb.EntryAnswer) else type(each) for each in answers
    ]


async def test_orders_share_a_stream_and_those_that_wait_a_message() -> None:
    stage = Stage(works)
    async with entry_to(stage) as entry:
        with correlated("one-cause"):
            assert await entered(entry, "a") == ["a"]
        names = [f"n{number}" for number in range(70)]
        assert await entered(entry, *names) == names
    assert [len(message) for message in stage.sent[0]] == [1, 64, 6]
    assert [name for message in stage.sent[0] for name in message] == ["a", *names]
    assert len(stage.sent) == 1
    assert stage.causes[0] == "one-cause"


@pytest.mark.parametrize("script", [breaks, ends])
async def test_what_a_broken_stream_leaves_is_unknown_and_never_sent_again(script: Script) -> None:
    stage = Stage(script, works)
    async with entry_to(stage) as entry:
        assert await entered(entry, "a", "b", "c") == ["a", Uncertain, Uncertain]
        assert await entered(entry, "d", "e") == ["d", "e"]
    assert stage.sent == [[["a", "b", "c"]], [["d", "e"]]]


async def test_no_word_of_the_stream_itself_says_that_an_order_was_not_taken() -> None:
    async with entry_to(Stage(refuses)) as entry:
        assert await entered(entry, "a") == [Uncertain]


async def test_an_entry_without_an_answer_in_time_is_unknown_and_harms_no_other() -> None:
    stage = Stage(silent)
    async with entry_to(stage) as entry:
        late = asyncio.create_task(entered(entry, "a"))
        await asyncio.wait_for(stage.arrived.wait(), SECONDS)
        assert await entered(entry, "b", within=0.05) == [Uncertain]
        assert not late.done()
        await entry.close()
        assert await late == [Uncertain]


async def test_an_entry_that_waited_for_a_stream_in_vain_was_not_sent() -> None:
    stage = Stage(refuses)
    async with entry_to(stage) as entry:
        for _ in range(4):  # each failure makes the pause before the next stream longer
            assert await entered(entry, "a") == [Uncertain]
        assert await entered(entry, "b", within=0.05) == [NotSent]
    assert ["b"] not in [message for stream in stage.sent for message in stream]


async def test_a_caller_who_gives_up_takes_only_his_own_order_back() -> None:
    stage = Stage(works)
    async with entry_to(stage) as entry:
        gone = asyncio.create_task(entered(entry, "a"))
        await asyncio.sleep(0)
        kept = asyncio.create_task(entered(entry, "b"))
        gone.cancel()
        assert await kept == ["b"]


async def test_without_a_connection_nothing_was_sent(unused_tcp_port: int) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{unused_tcp_port}") as channel:
        stub: Any = simvenue_service_pb2_grpc.SimvenueServiceStub(channel)
        entry = OrderEntry(stub.EnterOrders)
        assert await entered(entry, "a", "b") == [NotSent, NotSent]
        await entry.close()
