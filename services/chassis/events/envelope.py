"""An event as its consumers see it."""

import builtins
from dataclasses import dataclass
from datetime import datetime
from typing import Self, TypeVar
from uuid import UUID

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from trademesh.events.v1 import outbox_service_pb2 as pb

from services.chassis.rpc.timestamps import to_datetime

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A fact from another service's log, with what belongs to it.

    Attributes:
        source: name of the service that owns the log, as in ``exchange``.
        log_id: identity of the log.
        sequence: place in the log, 1 for the first.
        event_id: identity of the event, unique over all logs.
        subject: resource name of what the event is about.
        payload: the fact, packed.
        correlation_id: id of the call that caused it; empty when there was none.
        trace_context: W3C trace headers of that call; empty when it was not traced.
        create_time: when it was written, UTC.
    """

    source: str
    log_id: str
    sequence: int
    event_id: UUID
    subject: str
    payload: AnyMessage
    correlation_id: str
    trace_context: dict[str, str]
    create_time: datetime

    @classmethod
    def of(cls, source: str, event: pb.Event) -> Self:
        """Read an event from its wire form.

        Raises:
            ValueError: the event id is no UUID.
        """
        return cls(
            source=source,
            log_id=event.log_id,
            sequence=event.sequence,
            event_id=UUID(event.event_id),
            subject=event.subject,
            payload=event.payload,
            correlation_id=event.correlation_id,
            trace_context=dict(event.trace_context),
            create_time=to_datetime(event.create_time),
        )

    @property
    def type(self) -> str:
        """Full name of the payload's message, as in ``trademesh.exchange.v1.OrderEvent``."""
        return self.payload.TypeName()

    def unpack(self, kind: builtins.type[M]) -> M | None:
        """The payload, or None when it is not a message of this kind.

        Raises:
            google.protobuf.message.DecodeError: the bytes are not such a message.
        """
        message = kind()
        return message if self.payload.Unpack(message) else None
