"""Moments on the wire and back."""

from datetime import UTC, datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp


def to_timestamp(moment: datetime) -> Timestamp:
    """A moment on the wire.

    Args:
        moment: with its time zone; one without is taken as UTC.
    """
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def to_datetime(message: Timestamp) -> datetime:
    """A moment from the wire, in UTC; parts of a microsecond are cut off.

    Raises:
        ValueError: it lies outside the years 1 to 9999.
    """
    return message.ToDatetime(tzinfo=UTC)


def optional_datetime(message: Message, field: str) -> datetime | None:
    """The moment in a field of a message; None where it is not set."""
    return to_datetime(getattr(message, field)) if message.HasField(field) else None
