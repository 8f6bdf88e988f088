"""Order entry over one stream: orders come several at a time, answers go out as they are known."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable

import structlog
from google.rpc import status_pb2
from grpc import StatusCode
from trademesh.simvenue.v1 import order_pb2
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb
from trademesh.type.v1 import stream_pb2

from services.chassis.rpc.interceptors.validation import check
from services.chassis.rpc.status import message_of
from services.chassis.telemetry.correlation import correlated
from services.kernel.errors import DomainError, ErrorKind
from services.simvenue.doors import ConnectionLostError, NoAnswerError, SilenceError

Place = Callable[[pb.PlaceOrderRequest], Awaitable[order_pb2.Order]]

_log = structlog.get_logger(__name__)

_AREA = "simvenue"
_MOST_UNDER_WAY = 1_000
"""Entries that one stream has under way at most; what its owner sends beyond them waits in gRPC."""


class OrderEntries:
    """The entries of one stream.

    All run side by side, so that those that came together share a commit. Whatever is answered at one
    moment goes out as one message.

    Args:
        place: brings an order that keeps the contract's rules to the venue.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._under_way: set[asyncio.Task[None]] = set()
        self._ready: list[pb.EntryAnswer] = []
        self._news = asyncio.Event()
        self._lost = False
        self._end: stream_pb2.StreamEnd | None = None
        self._reading: asyncio.Task[None] | None = None

    def end(self, reason: str, message: str) -> None:
        """Take no entry any more; the stream ends once those that were taken are answered."""
        self._end = stream_pb2.StreamEnd(reason=reason, message=message)
        if self._reading is not None:
            self._reading.cancel()
        self._news.set()

    async def answers(
        self, requests: AsyncIterator[pb.EnterOrdersRequest]
    ) -> AsyncGenerator[pb.EnterOrdersResponse, None]:
        """Take the entries of all requests; what becomes of them, until nothing more can come.

        Raises:
            ConnectionLostError: the connection broke.
            DomainError: a message breaks the rules of the stream.
        """
        reading = self._reading = asyncio.create_task(self._read(requests))
        reading.add_done_callback(lambda _: self._news.set())
        try:
            if self._end is not None:
                reading.cancel()
            while True:
                self._news.clear()
                if self._lost:
                    raise ConnectionLostError
                ready, self._ready = self._ready, []
                if ready:
                    yield pb.EnterOrdersResponse(answers=ready)
                elif reading.done() and not self._under_way:
                    break
                else:
                    await self._news.wait()
            if not reading.cancelled():
                reading.result()
            if self._end is not None:
                yield pb.EnterOrdersResponse(end=self._end)
        finally:
            for task in (reading, *self._under_way):
                task.cancel()

    async def _read(self, requests: AsyncIterator[pb.EnterOrdersRequest]) -> None:
        async for request in requests:
            while len(self._under_way) >= _MOST_UNDER_WAY:
                await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            self._take(request.entries)

    def _take(self, entries: Iterable[pb.OrderEntry]) -> None:
        for entry in entries:
            task = asyncio.create_task(self._carry(entry))
            self._under_way.add(task)
            task.add_done_callback(self._over)

    def _over(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._news.set()

    async def _carry(self, entry: pb.OrderEntry) -> None:
        """One entry from the wire to its answer, if it gets one."""
        with correlated(entry.correlation_id):
            try:
                check(entry)
                order = await self._place(entry.order)
            except SilenceError:
                return
            except ConnectionLostError:
                self._lost = True
                return
            except DomainError as error:
                answer = pb.EntryAnswer(entry_id=entry.entry_id, error=message_of(error, _AREA))
            except NoAnswerError:
                answer = pb.EntryAnswer(entry_id=entry.entry_id, error=_NO_WORD)
            except Exception:  # noqa: BLE001 - the last place that can answer it
                _log.exception("entry_failed", entry=entry.entry_id)
                answer = pb.EntryAnswer(entry_id=entry.entry_id, error=message_of(_fault(), _AREA))
            else:
                answer = pb.EntryAnswer(entry_id=entry.entry_id, order=order)
            self._ready.append(answer)


_NO_WORD = status_pb2.Status(code=StatusCode.INTERNAL.value[0], message="internal error")
"""The venue failed after the fact, and says nothing of it."""


def _fault() -> DomainError:
    return DomainError("INTERNAL", "internal error", kind=ErrorKind.INTERNAL)
