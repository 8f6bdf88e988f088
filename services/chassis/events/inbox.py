"""Remembers which events of other services this one has applied."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.events.envelope import Envelope
from services.chassis.events.errors import LogDivergedError
from services.chassis.events.tables import inbox_tables
from services.chassis.persistence.statements import change_row, insert_if_absent, row_at
from services.chassis.persistence.types import table_metadata

_TABLES = inbox_tables(table_metadata())
_CURSOR, _EVENT = _TABLES.cursor, _TABLES.event
_ADMIT = sa.insert(_EVENT)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a source's log has been applied.

    Attributes:
        log_id: identity of the log.
        sequence: newest applied sequence; 0 before the first.
        event_id: id of the event at that sequence; empty before the first.
    """

    log_id: str
    sequence: int
    event_id: str


async def load_cursor(connection: AsyncConnection, source: str) -> Cursor | None:
    """The cursor of a source; None when nothing was ever read from it."""
    row = await row_at(connection, _CURSOR, {"source": source})
    return None if row is None else Cursor(row["log_id"], row["sequence"], row["event_id"])


async def begin_log(connection: AsyncConnection, source: str, log_id: str, now: datetime) -> None:
    """Start to read a log from its first event; nothing happens where the source has a cursor."""
    values = {"source": source, "log_id": log_id, "sequence": 0, "event_id": "", "update_time": now}
    await insert_if_absent(connection, _CURSOR, values)


async def save_cursor(connection: AsyncConnection, source: str, cursor: Cursor, now: datetime) -> None:
    """Move the cursor of a source."""
    values = {"sequence": cursor.sequence, "event_id": cursor.event_id, "update_time": now}
    await change_row(connection, _CURSOR, {"source": source}, values)


async def admit(connection: AsyncConnection, envelopes: Sequence[Envelope], now: datetime) -> None:
    """Note that the events of one source, in their order, are being applied, and move the cursor.

    Raises:
        LogDivergedError: an event with one of their ids, or another one at one of their sequences,
            was applied before. The transaction is then good for nothing.
    """
    last = envelopes[-1]
    rows = [
        {
            "source": last.source,
            "event_id": str(envelope.event_id),
            "sequence": envelope.sequence,
            "apply_time": now,
        }
        for envelope in envelopes
    ]
    try:
        await connection.execute(_ADMIT, rows)
    except IntegrityError as error:
        raise LogDivergedError(
            last.source, f"an event up to {last.sequence} was applied before under another sequence or id"
        ) from error
    await save_cursor(connection, last.source, Cursor(last.log_id, last.sequence, str(last.event_id)), now)


async def replace_log(
    connection: AsyncConnection,
    *,
    source: str,
    log_id: str,
    after_sequence: int,
    after_event_id: str,
    now: datetime,
) -> None:
    """Accept, by an operator's decision, that a source now has another log.

    The only way out of a halted subscription when the old log is lost. Events up to
    ``after_sequence`` of the new log count as applied; those after it will be applied. The rows of
    the old log's events stay as long as their sequence does not come again.

    Args:
        connection: from ``Database.write()``.
        source: service that owns the log.
        log_id: identity of the new log, as ``GetHead`` tells it.
        after_sequence: the last sequence of the new log whose effects are in this database.
        after_event_id: id of the event at that sequence; empty for 0.
        now: present moment.
    """
    await connection.execute(
        sa.delete(_EVENT).where(_EVENT.c.source == source, _EVENT.c.sequence > after_sequence)
    )
    await connection.execute(sa.delete(_CURSOR).where(_CURSOR.c.source == source))
    await begin_log(connection, source, log_id, now)
    await save_cursor(connection, source, Cursor(log_id, after_sequence, after_event_id), now)
