"""Orders to the simulated venue over one stream, as over a WebSocket of any venue."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Final, TypeAlias

import grpc.aio
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb

from services.chassis.telemetry.correlation import correlated, correlation_id
from services.exchange.ports import NotSent, Uncertain
from services.exchange.venues.simvenue_errors import VenueError

_MOST: Final = 64
"""Entries in one message, as the contract bounds them."""
_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0
Answer: TypeAlias = pb.EntryAnswer | NotSent | Uncertain
_Future: TypeAlias = "asyncio.Future[Answer]"


class OrderEntry:
    """Sends orders over one stream at a time, opened when there is something to send.

    An entry waits, then it is handed to a stream, then it is answered. While it waits it is surely not
    sent. Once it was handed over, only its answer tells what became of it, or that its stream never
    had a connection. It is handed over once: no stream repeats what another one had.

    Args:
        open_stream: begins a call of EnterOrders.
    """

    def __init__(self, open_stream: Callable[[], Any]) -> None:
        self._open_stream = open_stream
        self._ids = count(1)
        self._waiting: dict[int, tuple[pb.OrderEntry, _Future]] = {}
        self._stream: _Stream | None = None
        self._sending: asyncio.Task[None] | None = None
        self._pause = 0.0

    async def enter(self, order: pb.PlaceOrderRequest, within: float) -> Answer:
        """Send an order; the venue's answer, or what can be said without one.

        Args:
            order: as the contract wants it.
            within: seconds after which nobody waits for the answer any more.
        """
        entry_id = next(self._ids)
        entry = pb.OrderEntry(entry_id=entry_id, order=order, correlation_id=correlation_id.get())
        future: _Future = asyncio.get_running_loop().create_future()
        self._waiting[entry_id] = entry, future
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())
        try:
            async with asyncio.timeout(within):
                return await future
        except TimeoutError:
            if entry_id in self._waiting:
                return NotSent("no stream to the venue in time")
            return Uncertain(f"no answer within {within:g} s")
        finally:
            self._waiting.pop(entry_id, None)
            if self._stream is not None:
                self._stream.forget(entry_id)

    async def close(self) -> None:
        """Close the stream. What it has under way is unknown."""
        tasks = [] if self._sending is None else [self._sending]
        if self._stream is not None:
            tasks.append(self._stream.reading)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self) -> None:
        """Hand over what waits, all that is there at a time in one message."""
        while self._waiting:
            stream = self._stream
            if stream is None or stream.over:
                await asyncio.sleep(self._next_pause())
                with correlated(""):  # a stream serves many causes; each entry names its own
                    stream = self._stream = _Stream(self._open_stream())
            handed = [self._waiting.pop(each) for each in list(self._waiting)[:_MOST]]
            await stream.hand_over(handed)

    def _next_pause(self) -> float:
        """Seconds before the next stream: none after one that worked, more after each that broke."""
        if self._stream is None or not self._stream.broke:
            self._pause = 0.0
        else:
            self._pause = min(2 * self._pause or _PAUSE_S, _LONGEST_PAUSE_S)
        return self._pause


class _Stream:
    """One call, and the entries that it has under way.

    Attributes:
        broke: whether it ended without a single answer, although it had a connection.
    """

    def __init__(self, call: Any) -> None:
        self._call = call
        self._under_way: dict[int, _Future] = {}
        self._answered = self._ended = False
        self.broke = False
        self.reading = asyncio.create_task(self._read())

    @property
    def over(self) -> bool:
        """Whether nothing can be handed over any more."""
        return self._ended or bool(self._call.done())

    async def hand_over(self, entries: list[tuple[pb.OrderEntry, _Future]]) -> None:
        """Write entries. From here on they are under way, whatever the writing says."""
        self._under_way |= {entry.entry_id: future for entry, future in entries}
        # A call that failed says why to whoever reads it.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await self._call.write(pb.EnterOrdersRequest(entries=[entry for entry, _ in entries]))

    def forget(self, entry_id: int) -> None:
        """Nobody waits for its answer any more."""
        self._under_way.pop(entry_id, None)

    async def _read(self) -> None:
        outcome: NotSent | Uncertain = Uncertain("the venue ended the stream")
        try:
            while (message := await self._call.read()) is not grpc.aio.EOF:
                self._answered = True
                for answer in message.answers:
                    self._settle(answer.entry_id, answer)
                if message.HasField("end"):
                    self._ended = True
                    outcome = Uncertain(f"the venue ended the stream: {message.end.reason}")
        except grpc.aio.AioRpcError as error:
            failure = VenueError.of(error)
            outcome = NotSent(str(failure)) if failure.never_left else Uncertain(str(failure))
            self.broke = not failure.never_left and not self._answered
        finally:
            self._ended = True
            self._call.cancel()
            self._give_up(outcome)

    def _settle(self, entry_id: int, answer: Answer) -> None:
        future = self._under_way.pop(entry_id, None)
        if future is not None and not future.done():
            future.set_result(answer)

    def _give_up(self, outcome: NotSent | Uncertain) -> None:
        for entry_id in list(self._under_way):
            self._settle(entry_id, outcome)
