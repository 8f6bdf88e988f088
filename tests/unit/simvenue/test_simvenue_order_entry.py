"""One stream of orders: what is answered, what is not, and how it ends."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from trademesh.simvenue.v1 import order_pb2
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from services.chassis.telemetry.correlation import correlation_id
from services.simvenue.doors import ConnectionLostError, NoAnswerError, SilenceError
from services.simvenue.entry import OrderEntries

SECONDS = 5.0


class Wire:
    """The two ends of a stream whose venue does as the test says.

    Attributes:
        gates: an order is placed once its gate is open; by client order id, open where there is none.
        raises: what happens to an order instead.
        causes: the correlation id that each order came under.
    """

    def __init__(self) -> None:
        self.gates: dict[str, asyncio.Event] = {}
        self.raises: dict[str, Exception] = {}
        self.causes: dict[str, str] = {}
        self.entries = OrderEntries(self._place)
        self._requests: asyncio.Queue[pb.EnterOrdersRequest | None] = asyncio.Queue()
        self._answers = self.entries.answers(self._incoming())

    def send(self, *names: str) -> None:
        """Send a message with an entry for each name; the entry's id is the number in the name."""
        self._requests.put_nowait(pb.EnterOrdersRequest(entries=[entry(name) for name in names]))

    def half_close(self) -> None:
        """Send nothing more."""
        self._requests.put_nowait(None)

    async def answer(self) -> pb.EnterOrdersResponse:
        """The next message of the venue."""
        async with asyncio.timeout(SECONDS):
            return await anext(self._answers)

    async def over(self) -> bool:
        """Whether the stream ends without another message."""
        return await anext(self._answers, None) is None

    async def close(self) -> None:
        """Leave."""
        await self._answers.aclose()

    async def _incoming(self) -> AsyncIterator[pb.EnterOrdersRequest]:
        while (request := await self._requests.get()) is not None:
            yield request

    async def _place(self, request: pb.PlaceOrderRequest) -> order_pb2.Order:
        name = request.client_order_id
        self.causes[name] = correlation_id.get()
        if name in self.gates:
            await self.gates[name].wait()
        if name in self.raises:
            raise self.raises[name]
        return order_pb2.Order(client_order_id=name)


def entry(name: str, quantity: str = "1") -> pb.OrderEntry:
    order = pb.PlaceOrderRequest(
        account="paper",
        client_order_id=name,
        symbol="btc-usdt",
        side=side_pb2.SIDE_BUY,
        quantity=quantity,
        market=order_pb2.MarketTerms(),
    )
    return pb.OrderEntry(entry_id=int(name.removeprefix("o")), order=order, correlation_id=f"cause-{name}")


def ids(message: pb.EnterOrdersResponse) -> list[int]:
    return [answer.entry_id for answer in message.answers]


async def test_what_is_known_at_one_moment_is_one_message_and_each_entry_has_its_own_cause() -> None:
    wire = Wire()
    wire.gates["o2"] = asyncio.Event()
    wire.send("o1", "o2", "o3")
    assert ids(await wire.answer()) == [1, 3]
    wire.gates["o2"].set()
    assert ids(await wire.answer()) == [2]
    assert wire.causes == {name: f"cause-{name}" for name in ("o1", "o2", "o3")}
    wire.half_close()
    assert await wire.over()


async def test_a_stream_that_is_to_end_answers_what_it_took_then_says_so_and_takes_no_more() -> None:
    wire = Wire()
    wire.gates["o1"] = asyncio.Event()
    wire.send("o1", "o2")
    assert ids(await wire.answer()) == [2]
    wire.entries.end("SERVER_DRAINING", "words")
    wire.send("o3")
    wire.gates["o1"].set()
    assert ids(await wire.answer()) == [1]
    assert (await wire.answer()).end.reason == "SERVER_DRAINING"
    assert await wire.over()
    assert "o3" not in wire.causes


async def test_a_stream_that_comes_too_late_ends_at_once() -> None:
    wire = Wire()
    wire.entries.end("SERVER_DRAINING", "words")
    assert (await wire.answer()).end.reason == "SERVER_DRAINING"
    assert await wire.over()


async def test_an_entry_that_breaks_a_rule_is_refused_for_itself() -> None:
    wire = Wire()
    wire.raises["o4"] = NoAnswerError()
    wire.raises["o5"] = RuntimeError("a fault of ours")
    request = pb.EnterOrdersRequest(entries=[entry("o1"), entry("o2", "-1"), entry("o4"), entry("o5")])
    request.entries.add(entry_id=3)
    wire._requests.put_nowait(request)
    told = {answer.entry_id: answer for answer in (await wire.answer()).answers}
    assert told[1].HasField("order")
    assert [(each, told[each].error.code) for each in (2, 3, 4, 5)] == [(2, 3), (3, 3), (4, 13), (5, 13)]
    assert "order.quantity" in told[2].error.message
    assert not told[4].error.details  # nobody's word
    await wire.close()


async def test_silence_is_of_one_entry_and_a_lost_connection_of_all() -> None:
    wire = Wire()
    wire.raises["o1"] = SilenceError()
    wire.raises["o3"] = ConnectionLostError()
    wire.gates["o4"] = asyncio.Event()
    wire.send("o1", "o2")
    assert ids(await wire.answer()) == [2]
    wire.send("o3", "o4")
    with pytest.raises(ConnectionLostError):
        await wire.answer()


async def test_what_is_under_way_when_the_caller_leaves_is_let_go() -> None:
    wire = Wire()
    wire.gates["o1"] = asyncio.Event()
    wire.send("o1", "o2")
    await wire.answer()
    await wire.close()
    left = [task for task in asyncio.all_tasks() if "_carry" in str(task)]
    await asyncio.gather(*left, return_exceptions=True)
    assert [task.cancelled() for task in left] == [True]
