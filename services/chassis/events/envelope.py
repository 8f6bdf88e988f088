"""An event as its consumers see it."""

import builtins
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from google.protobuf.message import Message
from trademesh.events.v1 import outbox_service_pb2 as pb

from services.chassis.rpc.timestamps import to_datetime

M = TypeVar("M", bound=Message)


class Envelope:
    """A fact from another service's log, with what belongs to it.

    It reads from the message what it is asked for: most consumers pass over most events.

    Args:
        source: name of the service that owns the log, as in ``exchange``.
        event: its wire form.

    Attributes:
        source: see above.
        sequence: place in the log, 1 for the first.
        event_id: identity of the event, unique over all logs: a UUID in lower-case text.
    """

    __slots__ = ("_event", "event_id", "sequence", "source")

    def __init__(self, source: str, event: pb.Event) -> None:
        self._event = event
        self.source = source
        self.sequence = event.sequence
        self.event_id = event.event_id

    @property
    def log_id(self) -> str:
        """Identity of the log."""
        return self._event.log_id

    @property
    def subject(self) -> str:
        """Resource name of what the event is about."""
        return self._event.subject

    @property
    def correlation_id(self) -> str:
        """Id of the call that caused it; empty when there was none."""
        return self._event.correlation_id

    @property
    def trace_context(self) -> Mapping[str, str]:
        """W3C trace headers of that call; empty when it was not traced."""
        return self._event.trace_context

    @property
    def create_time(self) -> datetime:
        """When it was written, UTC."""
        return to_datetime(self._event.create_time)

    @property
    def type(self) -> str:
        """Full name of the payload's message, as in ``trademesh.exchange.v1.OrderEvent``."""
        return self._event.payload.type_url.rpartition("/")[2]

    def unpack(self, kind: builtins.type[M]) -> M | None:
        """The payload, or None when it is not a message of this kind.

        Raises:
            google.protobuf.message.DecodeError: the bytes are not such a message.
        """
        return kind.FromString(self._event.payload.value) if self.type == kind.DESCRIPTOR.full_name else None
