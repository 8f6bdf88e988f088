"""Orders over a stream, through real gRPC: as PlaceOrder answers them, faults included."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.rpc import error_details_pb2
from trademesh.simvenue.v1 import order_pb2
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb
from trademesh.type.v1 import side_pb2

from tests.support.simvenue import RunningVenue, running_venue, simvenue_settings, sqlite_url

SECONDS = 10.0


def entry(number: int, quantity: str = "0.01", account: str = "paper") -> pb.OrderEntry:
    order = pb.PlaceOrderRequest(
        account=account,
        client_order_id=f"e-{number}",
        symbol="btc-usdt",
        side=side_pb2.SIDE_BUY,
        quantity=quantity,
        market=order_pb2.MarketTerms(),
    )
    return pb.OrderEntry(entry_id=number, order=order)


class Stream:
    """A stream of orders, and what it brought."""

    def __init__(self, venue: RunningVenue) -> None:
        self.call: Any = venue.stub.EnterOrders()
        self.answers: dict[int, pb.EntryAnswer] = {}
        self.messages = 0

    async def send(self, *entries: pb.OrderEntry) -> None:
        await self.call.write(pb.EnterOrdersRequest(entries=entries))

    async def answered(self, number: int) -> dict[int, pb.EntryAnswer]:
        """Everything told so far, once that many entries are answered."""
        async with asyncio.timeout(SECONDS):
            while len(self.answers) < number:
                message = await self.call.read()
                assert message is not grpc.aio.EOF
                self.messages += 1
                self.answers |= {answer.entry_id: answer for answer in message.answers}
        return self.answers

    async def code(self) -> grpc.StatusCode:
        """How it ends."""
        async with asyncio.timeout(SECONDS):
            return await self.call.code()  # type: ignore[no-any-return]


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[RunningVenue]:
    async with running_venue(sqlite_url(tmp_path), simvenue_settings()) as running:
        yield running


def reason(answer: pb.EntryAnswer) -> str:
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in answer.error.details)
    assert info.domain == "simvenue.trademesh"
    return str(info.reason)


async def test_entries_are_answered_as_place_order_answers(venue: RunningVenue) -> None:
    stream = Stream(venue)
    await stream.send(entry(1), entry(2, "-1"), entry(3, "0.000001"), entry(4, account="nobody"), entry(5))
    told = await stream.answered(5)
    for number in (1, 5):
        found = pb.GetOrderRequest(account="paper", client_order_id=f"e-{number}")
        assert told[number].order == await venue.stub.GetOrder(found)
        assert told[number].order.fills
    refused = [reason(told[number]) for number in (2, 3, 4)]
    assert refused == ["INVALID_REQUEST", "QUANTITY_OFF_LOT", "UNKNOWN_ACCOUNT"]
    again = Stream(venue)
    await again.send(entry(1))
    assert reason((await again.answered(1))[1]) == "DUPLICATE_CLIENT_ORDER_ID"
    for each in (stream, again):
        await each.call.done_writing()
        assert await each.call.read() is grpc.aio.EOF


async def test_orders_that_come_together_are_answered_together(venue: RunningVenue) -> None:
    stream = Stream(venue)
    await stream.send(*(entry(number, "0.001") for number in range(1, 41)))
    told = await stream.answered(40)
    assert stream.messages < 20  # one commit, or a few: never one for each
    numbers = [told[number].order.venue_order_id for number in range(1, 41)]
    assert numbers == sorted(numbers)


async def test_a_message_without_an_entry_ends_the_stream(venue: RunningVenue) -> None:
    stream = Stream(venue)
    await stream.send()
    assert await stream.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("fault", "placed"), [("lost_request=1:1", False), ("lost_ack=1:1 seed=3", True), ("reset=1:1", None)]
)
async def test_a_lost_connection_breaks_the_stream_and_a_new_one_works(
    tmp_path: Path, fault: str, placed: bool | None
) -> None:
    settings = simvenue_settings(faults=f"{fault} away_seconds=0.05")
    async with running_venue(sqlite_url(tmp_path), settings) as venue:
        stream = Stream(venue)
        await stream.send(entry(1))
        assert await stream.code() is grpc.StatusCode.UNAVAILABLE
        await asyncio.sleep(0.06)  # as long as the venue is away
        again = Stream(venue)
        await again.send(entry(1))
        answer = (await again.answered(1))[1]
        assert placed is None or answer.HasField("error") == placed


async def test_an_error_after_the_fact_is_nobodys_word_and_of_one_entry(tmp_path: Path) -> None:
    settings = simvenue_settings(faults="error_after_accept=1:1")
    async with running_venue(sqlite_url(tmp_path), settings) as venue:
        stream = Stream(venue)
        await stream.send(entry(1))
        await stream.send(entry(2))
        told = await stream.answered(2)
        assert (told[1].error.code, list(told[1].error.details)) == (grpc.StatusCode.INTERNAL.value[0], [])
        assert told[2].HasField("order")
        found = await venue.stub.GetOrder(pb.GetOrderRequest(account="paper", client_order_id="e-1"))
        assert found.status == order_pb2.ORDER_STATUS_FILLED
