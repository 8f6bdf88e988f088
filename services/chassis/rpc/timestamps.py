"""Moments on the wire and back.

Computed here, since protobuf's own conversions cost two to three times as much, and an
order has some dozens of moments on its way.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S: Final = 86_400
_FIRST_S: Final = -62_135_596_800
_LAST_S: Final = 253_402_300_799
_NANOS: Final = 1_000_000_000


def to_timestamp(moment: datetime) -> Timestamp:
    """A moment on the wire.

    Args:
        moment: with its time zone; one without is taken as UTC.
    """
    since = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - _EPOCH
    return Timestamp(seconds=since.days * _DAY_S + since.seconds, nanos=since.microseconds * 1000)


def to_datetime(message: Timestamp) -> datetime:
    """A moment from the wire, in UTC; parts of a microsecond are cut off.

    Raises:
        ValueError: it lies outside the years 1 to 9999, or its nanoseconds are none.
    """
    seconds, nanos = message.seconds, message.nanos
    if not (_FIRST_S <= seconds <= _LAST_S and 0 <= nanos < _NANOS):
        msg = f"no moment: {seconds} s and {nanos} ns since 1970"
        raise ValueError(msg)
    return _EPOCH + timedelta(0, seconds, nanos // 1000)


def optional_datetime(message: Message, field: str) -> datetime | None:
    """The moment in a field of a message; None where it is not set."""
    return to_datetime(getattr(message, field)) if message.HasField(field) else None
