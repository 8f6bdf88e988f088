"""Writes events into the log of this service, in the transaction that changes its state."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from opentelemetry import propagate
from sqlalchemy.ext.asyncio import AsyncConnection
from trademesh.events.v1 import outbox_service_pb2 as pb

from services.chassis.events.tables import outbox_tables
from services.chassis.ids import UuidSource
from services.chassis.persistence.notices import announce
from services.chassis.persistence.types import table_metadata
from services.chassis.telemetry.correlation import correlation_id as current_correlation_id

TOPIC = "outbox"
"""Notice that the database publishes after a commit with events."""

TYPE_URL_PREFIX = "type.googleapis.com/"

_TABLES = outbox_tables(table_metadata())
_LOG, _EVENT = _TABLES.log, _TABLES.event
_NEXT = sa.update(_LOG).values(head=_LOG.c.head + 1).returning(_LOG.c.head)
_ADD = sa.insert(_EVENT)
_PAGE = (
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


async def append(
    connection: AsyncConnection,
    payload: Message,
    *,
    subject: str,
    now: datetime,
    correlation_id: str | None = None,
    event_id: UUID | None = None,
) -> int:
    """Add an event to the log. It exists if and only if the transaction of ``connection`` commits.

    Sequences have no gap and follow the order of commit: the row of the counter stays locked until
    the transaction ends, and an aborted transaction takes its numbers back.

    Args:
        connection: from ``Database.write()``.
        payload: the fact, a message of the service's own contract.
        subject: resource name of what it is about.
        now: when it happened, timezone-aware.
        correlation_id: id of the cause; the one of the present call where it is not given.
        event_id: identity of the event; a fresh one where it is not given.

    Returns:
        The sequence of the event.

    Raises:
        sqlalchemy.exc.DBAPIError: the event id was used before, or the outbox tables are missing.
    """
    sequence = (await connection.execute(_NEXT)).scalar_one()
    trace: dict[str, str] = {}
    propagate.inject(trace)
    row = {
        "sequence": sequence,
        "event_id": str(event_id or _IDS.new()),
        "subject": subject,
        "type": payload.DESCRIPTOR.full_name,
        "payload": payload.SerializeToString(deterministic=True),
        "correlation_id": current_correlation_id.get() if correlation_id is None else correlation_id,
        "trace_context": json.dumps(trace) if trace else "",
        "create_time": now,
    }
    await connection.execute(_ADD, row)
    announce(connection, TOPIC)
    return int(sequence)


async def head(connection: AsyncConnection) -> LogHead:
    """The identity and the newest sequence of the log."""
    row = (await connection.execute(sa.select(_LOG.c.log_id, _LOG.c.head))).one()
    return LogHead(row.log_id, row.head)


async def first_sequence(connection: AsyncConnection) -> int:
    """The oldest sequence that is kept; the next one where none is."""
    oldest = (await connection.execute(sa.select(sa.func.min(_EVENT.c.sequence)))).scalar_one_or_none()
    return int(oldest) if oldest is not None else (await head(connection)).latest_sequence + 1


async def event_id_at(connection: AsyncConnection, sequence: int) -> str:
    """Id of the event at a sequence; empty when there is none."""
    query = sa.select(_EVENT.c.event_id).where(_EVENT.c.sequence == sequence)
    return (await connection.execute(query)).scalar_one_or_none() or ""


async def page(
    connection: AsyncConnection, after_sequence: int, limit: int, log_id: str
) -> Sequence[pb.Event]:
    """The next events after a sequence, in order, at most ``limit``."""
    rows = await connection.execute(_PAGE, {"after_sequence": after_sequence, "most": limit})
    return [_to_event(row, log_id) for row in rows]


def _to_event(row: "sa.Row[tuple[object, ...]]", log_id: str) -> pb.Event:
    event = pb.Event(
        sequence=row.sequence,
        event_id=row.event_id,
        subject=row.subject,
        payload=AnyMessage(type_url=TYPE_URL_PREFIX + row.type, value=row.payload),
        correlation_id=row.correlation_id,
        trace_context=json.loads(row.trace_context) if row.trace_context else {},
        log_id=log_id,
    )
    event.create_time.FromDatetime(row.create_time)
    return event
