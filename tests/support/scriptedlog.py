"""A source of events that misbehaves as told: for tests of what consumes them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID, uuid5

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.wrappers_pb2 import StringValue
from trademesh.events.v1 import outbox_service_pb2 as pb
from trademesh.events.v1 import outbox_service_pb2_grpc as pb_grpc

LOG_ID = "5f0c1c55-9f0f-4f4e-9a53-0e2f6f1c7a10"
_NAMESPACE = UUID(LOG_ID)

Script = Callable[[int], Sequence[pb.StreamEventsResponse]]
"""What one stream sends, given the sequence that the consumer resumes after."""


def event_id(sequence: int) -> str:
    """The id of the event at a sequence of the honest log."""
    return str(uuid5(_NAMESPACE, str(sequence)))


def start(
    after: int, latest: int, *, log_id: str = LOG_ID, after_event_id: str | None = None
) -> pb.StreamEventsResponse:
    """A start frame; honest where nothing else is said."""
    known = event_id(after) if after else ""
    return pb.StreamEventsResponse(
        start=pb.StreamStart(
            log_id=log_id,
            latest_sequence=latest,
            after_event_id=known if after_event_id is None else after_event_id,
            heartbeat_interval=Duration(nanos=200_000_000),
        )
    )


def fact(sequence: int, *, log_id: str = LOG_ID, identity: str | None = None) -> pb.Event:
    """An event; honest where nothing else is said."""
    payload = AnyMessage()
    payload.Pack(StringValue(value=str(sequence)))
    return pb.Event(
        sequence=sequence,
        event_id=event_id(sequence) if identity is None else identity,
        subject=f"things/{sequence}",
        payload=payload,
        correlation_id=f"cause-of-{sequence}",
        log_id=log_id,
    )


def page(*events: pb.Event) -> pb.StreamEventsResponse:
    """A frame of events."""
    return pb.StreamEventsResponse(page=pb.EventPage(events=events))


def event(sequence: int, *, log_id: str = LOG_ID, identity: str | None = None) -> pb.StreamEventsResponse:
    """A page of one event."""
    return page(fact(sequence, log_id=log_id, identity=identity))


def honest(latest: int) -> Script:
    """The stream of a log with so many events."""
    return lambda after: [
        start(after, latest),
        *(event(sequence) for sequence in range(after + 1, latest + 1)),
    ]


class ScriptedLog(pb_grpc.OutboxServiceServicer):
    """Sends each new stream the next script, and the last script to all further streams.

    A stream stays open and silent after its script, unless the script ends with an ``end`` frame.
    """

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.asked: list[int] = []
        self.open = 0

    async def StreamEvents(  # noqa: N802
        self, request: pb.StreamEventsRequest, context: Any
    ) -> AsyncIterator[pb.StreamEventsResponse]:
        script = self._scripts[min(len(self.asked), len(self._scripts) - 1)]
        self.asked.append(request.after_sequence)
        self.open += 1
        try:
            frame = pb.StreamEventsResponse()
            for frame in script(request.after_sequence):
                yield frame
            if not frame.HasField("end"):
                await asyncio.Event().wait()
        finally:
            self.open -= 1

    async def GetHead(self, request: pb.GetHeadRequest, context: Any) -> pb.Head:  # noqa: N802
        return pb.Head(log_id=LOG_ID)
