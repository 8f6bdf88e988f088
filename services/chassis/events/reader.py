"""Reads one event stream and checks every frame before anybody acts on it."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import grpc
from trademesh.events.v1 import outbox_service_pb2 as pb
from trademesh.events.v1 import outbox_service_pb2_grpc as pb_grpc

from services.chassis.events.envelope import Envelope
from services.chassis.events.errors import LogDivergedError, StreamBrokenError
from services.chassis.events.inbox import Cursor

START_TIMEOUT_S = 10.0
_SILENT_HEARTBEATS = 3
_EVENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_Call = grpc.aio.UnaryStreamCall[pb.StreamEventsRequest, pb.StreamEventsResponse]


class EventStream:
    """An open stream whose start frame fits the cursor.

    Iterating gives the envelopes of each page, none for a heartbeat, and ends when the server ends the
    stream.

    Attributes:
        log_id: identity of the log.
        latest_sequence: newest sequence that the server spoke of.
    """

    def __init__(self, call: _Call, source: str, start: pb.StreamStart, position: int) -> None:
        self._call = call
        self._source = source
        self._position = position
        self._begun = False
        self._patience = _SILENT_HEARTBEATS * start.heartbeat_interval.ToTimedelta().total_seconds()
        self.log_id = start.log_id
        self.latest_sequence = start.latest_sequence

    @classmethod
    @asynccontextmanager
    async def open(cls, channel: grpc.aio.Channel, source: str, cursor: Cursor | None) -> AsyncIterator[Self]:
        """Open a stream after the cursor; it is closed when the block ends.

        Raises:
            LogDivergedError: the server's log is not the one that the cursor is of.
            StreamBrokenError: no start frame came in ten seconds.
            grpc.aio.AioRpcError: the source cannot be reached.
        """
        position = cursor.sequence if cursor else 0
        call = pb_grpc.OutboxServiceStub(channel).StreamEvents(
            pb.StreamEventsRequest(after_sequence=position)
        )
        try:
            frame = await _next_frame(call, START_TIMEOUT_S)
            if frame is None or frame.WhichOneof("frame") != "start":
                raise StreamBrokenError("the stream did not begin with a start frame")
            if cursor is not None:
                _check_same_log(source, cursor, frame.start)
            yield cls(call, source, frame.start, position)
        finally:
            call.cancel()

    async def __aiter__(self) -> AsyncIterator[Sequence[Envelope]]:
        while (frame := await _next_frame(self._call, self._patience)) is not None:
            match frame.WhichOneof("frame"):
                case "page":
                    yield self._checked(frame.page.events)
                case "heartbeat":
                    self._expect(frame.heartbeat.latest_sequence)
                    yield ()
                case "end":
                    return
                case other:
                    raise StreamBrokenError(f"unexpected frame {other}")

    def _expect(self, latest_sequence: int) -> None:
        """A server that falls silent has sent all that it knows of."""
        if latest_sequence > self._position:
            raise StreamBrokenError(f"silence at {latest_sequence}, received up to {self._position}")

    def _checked(self, events: Sequence[pb.Event]) -> Sequence[Envelope]:
        if not events:
            raise StreamBrokenError("a page without events")
        first = events[0].sequence
        if not self._begun and first > self._position + 1:
            raise LogDivergedError(
                self._source, f"events {self._position + 1} to {first - 1} are not kept any more"
            )
        self._begun = True
        envelopes = [Envelope(self._source, event) for event in events]
        for envelope in envelopes:
            if envelope.sequence != self._position + 1:
                raise StreamBrokenError(f"sequence {envelope.sequence} after {self._position}")
            if envelope.log_id != self.log_id:
                raise LogDivergedError(
                    self._source, f"event of log {envelope.log_id} in a stream of {self.log_id}"
                )
            if _EVENT_ID.fullmatch(envelope.event_id) is None:
                raise StreamBrokenError(
                    f"event {envelope.sequence} has no readable id: {envelope.event_id!r}"
                )
            self._position = envelope.sequence
        self.latest_sequence = max(self.latest_sequence, self._position)
        return envelopes


async def _next_frame(call: Any, patience: float) -> pb.StreamEventsResponse | None:
    """The next frame, or None at the end of the stream."""
    try:
        async with asyncio.timeout(patience):
            frame = await call.read()
    except TimeoutError as error:
        raise StreamBrokenError(f"no frame for {patience:g} s") from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # gRPC says "cancelled" for a call that was cut off on this side, too.
        raise StreamBrokenError("the call was cancelled") from error
    return frame if isinstance(frame, pb.StreamEventsResponse) else None


def _check_same_log(source: str, cursor: Cursor, start: pb.StreamStart) -> None:
    if start.log_id != cursor.log_id:
        raise LogDivergedError(source, f"it is {start.log_id}, known is {cursor.log_id}")
    if start.latest_sequence < cursor.sequence:
        raise LogDivergedError(source, f"it ends at {start.latest_sequence}, applied is {cursor.sequence}")
    if start.after_event_id != cursor.event_id:
        raise LogDivergedError(
            source,
            f"event {cursor.sequence} is {start.after_event_id or 'absent'}, applied was {cursor.event_id}",
        )
