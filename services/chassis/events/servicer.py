"""Serves the event log of this service as a resumable stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import grpc
import structlog
from google.protobuf.duration_pb2 import Duration
from trademesh.events.v1 import outbox_service_pb2 as pb
from trademesh.events.v1 import outbox_service_pb2_grpc as pb_grpc

from services.chassis.events import metrics, outbox
from services.chassis.persistence import Database, StorageUnavailableError
from services.chassis.rpc.server import Binding

PAGE_SIZE = 256
HEARTBEAT_S = 1.0
LINGER_S = 0.02
POLL_S = 0.05
_MOST_BYTES = 1024 * 1024

_Context = grpc.aio.ServicerContext[Any, Any]
_log = structlog.get_logger(__name__)


class OutboxServicer(pb_grpc.OutboxServiceServicer):
    """Replays the log from any point, then follows it, a page of events in each frame.

    A stream holds one page at most: it reads the next one when the consumer has taken this one, so a
    slow consumer slows only itself and gets fuller pages. It holds no database connection while it waits.

    Args:
        database: the database that holds the log.
        page_size: most events of a frame.
        heartbeat: seconds of silence after which a heartbeat is sent.
        linger: seconds between two pages of one stream that is not behind. The first page after a
            silence goes at once; under load the next ones fill meanwhile.
        poll: seconds between two looks for events that other processes wrote (PostgreSQL only; a
            SQLite file has one process, which wakes its streams itself).
    """

    def __init__(
        self,
        database: Database,
        *,
        page_size: int = PAGE_SIZE,
        heartbeat: float = HEARTBEAT_S,
        linger: float = LINGER_S,
        poll: float = POLL_S,
    ) -> None:
        self._database = database
        self._page_size = page_size
        self._heartbeat = heartbeat
        self._linger = linger
        self._poll = poll
        self._draining = False
        self._streams = 0
        self._poller: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()
        self._newest = _Page(-1, -1, pb.EventPage(), full=False)

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self._streams

    def drain(self) -> None:
        """End every stream with an ``end`` frame, now and for good."""
        self._draining = True
        self._database.notices.publish(outbox.TOPIC)

    async def StreamEvents(
        self, request: pb.StreamEventsRequest, context: _Context
    ) -> AsyncIterator[pb.StreamEventsResponse]:
        """See the contract."""
        async with self._counted():
            start = await self._start(request.after_sequence)
            yield pb.StreamEventsResponse(start=start)
            if request.after_sequence > start.latest_sequence:
                yield _end(pb.StreamEnd.REASON_SEQUENCE_AHEAD)
                return
            async for frame in self._frames(request.after_sequence, start.log_id):
                yield frame
            yield _end(pb.StreamEnd.REASON_DRAINING)

    async def GetHead(self, request: pb.GetHeadRequest, context: _Context) -> pb.Head:
        """See the contract."""
        async with self._database.read() as connection:
            head = await outbox.head(connection)
        return pb.Head(log_id=head.log_id, latest_sequence=head.latest_sequence)

    async def _start(self, after_sequence: int) -> pb.StreamStart:
        interval = Duration()
        interval.FromMilliseconds(int(self._heartbeat * 1000))
        async with self._database.read() as connection:
            head = await outbox.head(connection)
            after_event_id = await outbox.event_id_at(connection, after_sequence)
        return pb.StreamStart(
            log_id=head.log_id,
            latest_sequence=head.latest_sequence,
            after_event_id=after_event_id,
            heartbeat_interval=interval,
        )

    async def _frames(self, position: int, log_id: str) -> AsyncIterator[pb.StreamEventsResponse]:
        notices = self._database.notices
        now = asyncio.get_running_loop().time
        next_time = now()
        while not self._draining:
            page = await self._page(position, log_id)
            if page.events.events:
                next_time = now() + self._linger
                yield pb.StreamEventsResponse(page=page.events)
                position = page.events.events[-1].sequence
            if page.full:
                continue
            if await notices.wait(outbox.TOPIC, page.version, self._heartbeat):
                await asyncio.sleep(max(0.0, next_time - now()))
            else:
                yield pb.StreamEventsResponse(heartbeat=pb.Heartbeat(latest_sequence=position))

    async def _page(self, position: int, log_id: str) -> "_Page":
        """The events after a position. Streams that stand at one place, as most do, share one reading."""
        async with self._reading:
            version = self._database.notices.version(outbox.TOPIC)  # before reading: what comes then wakes us
            page = self._newest
            if not page.serves(position, version):
                async with self._database.read() as connection:
                    events = await outbox.page(connection, position, self._page_size, log_id)
                full = len(events.events) == self._page_size
                self._newest = page = _Page(position, version, events, full=_cut(events) or full)
        return page

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        """Count the stream; the first one starts the look-out for other processes' events."""
        self._streams += 1
        metrics.OUTBOX_STREAMS.inc()
        if self._poller is None and self._database.backend != "sqlite":
            self._poller = asyncio.create_task(self._watch_others(), name="outbox poller")
        try:
            yield
        finally:
            self._streams -= 1
            metrics.OUTBOX_STREAMS.dec()
            if self._streams == 0 and self._poller is not None:
                poller, self._poller = self._poller, None
                poller.cancel()
                with suppress(asyncio.CancelledError):
                    await poller

    async def _watch_others(self) -> None:
        known = -1
        answering = True
        while True:
            try:
                async with self._database.read() as connection:
                    latest = (await outbox.head(connection)).latest_sequence
            except StorageUnavailableError as error:
                if answering:
                    _log.warning("outbox_poll_failed", error=error.message)
                answering = False
            else:
                if not answering:
                    _log.info("outbox_poll_resumed")
                answering = True
                if latest != known:
                    self._database.notices.publish(outbox.TOPIC)
                known = latest
            await asyncio.sleep(self._poll if answering else self._heartbeat)


@dataclass(frozen=True, slots=True)
class _Page:
    """Events after a position, read when the log had changed so often.

    Attributes:
        position: the sequence before its first.
        version: how often the log had changed.
        events: what a frame holds.
        full: whether there may be more.
    """

    position: int
    version: int
    events: pb.EventPage
    full: bool

    def serves(self, position: int, version: int) -> bool:
        """Whether a stream at a position may send it. Events stay what they are; that none came does not."""
        return self.position == position and (self.version == version or len(self.events.events) > 0)


def _cut(page: pb.EventPage) -> bool:
    """Leave out the later events of a page that is too large for a message; answers whether any."""
    whole = len(page.events)
    while len(page.events) > 1 and page.ByteSize() > _MOST_BYTES:
        del page.events[len(page.events) // 2 :]
    return len(page.events) < whole


def _end(reason: "pb.StreamEnd.Reason") -> pb.StreamEventsResponse:
    return pb.StreamEventsResponse(end=pb.StreamEnd(reason=reason))


def outbox_binding(database: Database) -> Binding:
    """Serves the event log of a service from its database."""
    return Binding(OutboxServicer(database), pb_grpc.add_OutboxServiceServicer_to_server)
