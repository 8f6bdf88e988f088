"""Writes events into the log of this service, in the transaction that changes its state."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from opentelemetry import propagate, trace
from sqlalchemy.ext.asyncio import AsyncConnection
from trademesh.events.v1 import outbox_service_pb2 as pb

from services.chassis.events.tables import outbox_tables
from services.chassis.ids import UuidSource
from services.chassis.persistence import Prepared
from services.chassis.persistence.notices import announce
from services.chassis.persistence.types import table_metadata
from services.chassis.telemetry.correlation import correlation_id as current_correlation_id

TOPIC = "outbox"
"""Notice that the database publishes after a commit with events."""

TYPE_URL_PREFIX = "type.googleapis.com/"

_TABLES = outbox_tables(table_metadata())
_LOG, _EVENT = _TABLES.log, _TABLES.event
_GROW = Prepared(
    sa.update(_LOG).values(head=_LOG.c.head + sa.bindparam("count", type_=sa.Integer)).returning(_LOG.c.head)
)
_ADD = Prepared(sa.insert(_EVENT))
_HEAD = Prepared(sa.select(_LOG.c.log_id, _LOG.c.head))
_FIRST = Prepared(sa.select(sa.func.min(_EVENT.c.sequence).label("first")))
_ID_AT = Prepared(sa.select(_EVENT.c.event_id).where(_EVENT.c.sequence == sa.bindparam("sequence")))
_PAGE = Prepared(
    sa.select(_EVENT)
    .where(_EVENT.c.sequence > sa.bindparam("after_sequence"))
    .order_by(_EVENT.c.sequence)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_IDS = UuidSource()


@dataclass(frozen=True, slots=True)
class LogHead:
    """How far a log has grown.

    Attributes:
        log_id: identity of the log, a UUID as text.
        latest_sequence: newest sequence; 0 for an empty log.
    """

    log_id: str
    latest_sequence: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An event to be written.

    Attributes:
        payload: the fact, a message of the service's own contract.
        subject: resource name of what it is about.
        now: when it happened, timezone-aware.
        correlation_id: id of the cause; the one of the present call where it is not given.
        event_id: identity of the event; a fresh one where it is not given.
    """

    payload: Message
    subject: str
    now: datetime
    correlation_id: str | None = None
    event_id: UUID | None = None


async def append_all(connection: AsyncConnection, entries: Sequence[Entry]) -> int:
    """Add events to the log. They exist if and only if the transaction of ``connection`` commits.

    Sequences have no gap and follow the order of commit: the row of the counter stays locked until
    the transaction ends, and an aborted transaction takes its numbers back.

    Args:
        connection: from ``Database.write()``.
        entries: the events, in order; one at least.

    Returns:
        The sequence of the last event.

    Raises:
        sqlalchemy.exc.DBAPIError: an event id was used before, or the outbox tables are missing.
    """
    last: int = await _GROW.value(connection, {"count": len(entries)})
    trace_context, cause = _trace_context(), current_correlation_id.get()
    rows = [
        {
            "sequence": sequence,
            "event_id": str(entry.event_id or _IDS.new()),
            "subject": entry.subject,
            "type": entry.payload.DESCRIPTOR.full_name,
            "payload": entry.payload.SerializeToString(deterministic=True),
            "correlation_id": cause if entry.correlation_id is None else entry.correlation_id,
            "trace_context": trace_context,
            "create_time": entry.now,
        }
        for sequence, entry in enumerate(entries, start=last - len(entries) + 1)
    ]
    await _ADD.run_many(connection, rows)
    announce(connection, TOPIC)
    return last


async def append(
    connection: AsyncConnection,
    payload: Message,
    *,
    subject: str,
    now: datetime,
    correlation_id: str | None = None,
    event_id: UUID | None = None,
) -> int:
    """Add one event; see :func:`append_all`, and :class:`Entry` for what the arguments are."""
    return await append_all(connection, [Entry(payload, subject, now, correlation_id, event_id)])


def _trace_context() -> str:
    """The headers of the present trace as JSON; empty where none is recorded, as for most calls."""
    if not trace.get_current_span().get_span_context().is_valid:
        return ""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return json.dumps(headers) if headers else ""


async def head(connection: AsyncConnection) -> LogHead:
    """The identity and the newest sequence of the log."""
    row = await _HEAD.row(connection)
    if row is None:
        raise LookupError("the outbox has no log")
    return LogHead(row["log_id"], row["head"])


async def first_sequence(connection: AsyncConnection) -> int:
    """The oldest sequence that is kept; the next one where none is."""
    oldest: int | None = await _FIRST.value(connection)
    return (await head(connection)).latest_sequence + 1 if oldest is None else oldest


async def event_id_at(connection: AsyncConnection, sequence: int) -> str:
    """Id of the event at a sequence; empty when there is none."""
    return await _ID_AT.value(connection, {"sequence": sequence}) or ""


async def page(connection: AsyncConnection, after_sequence: int, limit: int, log_id: str) -> pb.EventPage:
    """The next events after a sequence, in order, at most ``limit``."""
    found = pb.EventPage()
    for row in await _PAGE.rows(connection, {"after_sequence": after_sequence, "most": limit}):
        trace_context = row["trace_context"]
        event = found.events.add(
            sequence=row["sequence"],
            event_id=row["event_id"],
            subject=row["subject"],
            payload=AnyMessage(type_url=TYPE_URL_PREFIX + row["type"], value=row["payload"]),
            correlation_id=row["correlation_id"],
            trace_context=json.loads(trace_context) if trace_context else None,
            log_id=log_id,
        )
        event.create_time.FromDatetime(row["create_time"])
    return found
