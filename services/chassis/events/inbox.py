"""Remembers how far this service has applied the events of others.

One row for each source is enough: a log has no gap, so that all events up to the row's are applied and
none after it. The row moves in the transaction of the effects, and only from where it was seen.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.events.tables import inbox_table
from services.chassis.persistence import Prepared
from services.chassis.persistence.statements import insert_if_absent, row_at
from services.chassis.persistence.types import table_metadata

_CURSOR = inbox_table(table_metadata())
_MOVE = Prepared(
    sa.update(_CURSOR)
    .where(
        _CURSOR.c.source == sa.bindparam("of_source"),
        _CURSOR.c.log_id == sa.bindparam("of_log"),
        _CURSOR.c.sequence == sa.bindparam("from_sequence"),
        _CURSOR.c.event_id == sa.bindparam("from_event"),
    )
    .values(
        sequence=sa.bindparam("sequence"),
        event_id=sa.bindparam("event_id"),
        update_time=sa.bindparam("update_time"),
    )
)


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


async def begin_log(connection: AsyncConnection, source: str, log_id: str, now: datetime) -> Cursor:
    """Start to read a log from its first event; nothing happens where the source has a cursor."""
    values = {"source": source, "log_id": log_id, "sequence": 0, "event_id": "", "update_time": now}
    await insert_if_absent(connection, _CURSOR, values)
    return Cursor(log_id, 0, "")


async def move_cursor(
    connection: AsyncConnection, source: str, seen: Cursor, reached: Cursor, now: datetime
) -> bool:
    """Move the cursor of a source within its log, in the transaction of the effects in between.

    Args:
        connection: from ``Database.write()``.
        source: service that owns the log.
        seen: where the cursor stands.
        reached: where it goes.
        now: present moment.

    Returns:
        Whether it stood there, in the log of ``reached``. If not, nothing has changed: another instance
        has applied events, or somebody has accepted another log.
    """
    moved = await _MOVE.run(
        connection,
        {
            "of_source": source,
            "of_log": reached.log_id,
            "from_sequence": seen.sequence,
            "from_event": seen.event_id,
            "sequence": reached.sequence,
            "event_id": reached.event_id,
            "update_time": now,
        },
    )
    return moved == 1
