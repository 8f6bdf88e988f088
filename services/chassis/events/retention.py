"""Removes old events from the log of this service, so that it does not grow for ever.

The producer does not know how far its consumers are, so age decides: a consumer that is further behind
than that halts with EVENT_LOG_DIVERGED instead of passing over what is gone.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.events import outbox
from services.chassis.events.tables import outbox_tables
from services.chassis.persistence import Database
from services.chassis.persistence.types import table_metadata
from services.kernel.clock import Clock
from services.kernel.errors import DomainError

LEAST: Final = timedelta(days=7)
"""No shorter age may be set: a consumer may be down for a week."""

_NEWEST: Final = 10_000
_AT_ONCE: Final = 2_000
_EVERY_S: Final = 3600.0
_EVENT = outbox_tables(table_metadata()).event
_log = structlog.get_logger(__name__)


class Retention:
    """Forgets the events of one log that are old.

    Args:
        database: of the service.
        clock: our clock.
        keep: events younger than this stay; a week at least.
        newest: so many of the newest stay, however old.

    Raises:
        ValueError: ``keep`` is below a week.
    """

    def __init__(self, database: Database, clock: Clock, keep: timedelta, newest: int = _NEWEST) -> None:
        if keep < LEAST:
            raise ValueError(f"events are kept for {LEAST.days} days at least")
        self._database = database
        self._clock = clock
        self._keep = keep
        self._newest = newest

    async def once(self) -> int:
        """Forget what is old now, a part in each transaction. Answers how many events."""
        before, gone = self._clock.now() - self._keep, 0
        while True:
            async with self._database.write() as connection:
                part = await forget(connection, before, newest=self._newest)
            gone += part
            if part < _AT_ONCE:
                return gone

    async def run(self) -> None:
        """Look once an hour, for ever."""
        while True:
            try:
                gone = await self.once()
            except DomainError as error:
                _log.warning("event_retention_failed", error=str(error))
            else:
                _log.info("events_forgotten", count=gone)
            await asyncio.sleep(_EVERY_S)


async def forget(connection: AsyncConnection, before: datetime, *, newest: int, most: int = _AT_ONCE) -> int:
    """Remove the oldest events, without a gap: up to the first that is not old.

    Args:
        connection: from ``Database.write()``.
        before: events made at this time or later stay, and all that follow them.
        newest: so many of the newest stay.
        most: no more than this are removed.
    """
    first = await outbox.first_sequence(connection)
    last = min((await outbox.head(connection)).latest_sequence - newest, first + most - 1)
    young = (
        sa.select(_EVENT.c.sequence)
        .where(_EVENT.c.sequence <= last, _EVENT.c.create_time >= before)
        .order_by(_EVENT.c.sequence)
        .limit(1)
    )
    stays = (await connection.execute(young)).scalar_one_or_none()
    if stays is not None:
        last = stays - 1
    if last < first:
        return 0
    await connection.execute(sa.delete(_EVENT).where(_EVENT.c.sequence <= last))
    return last - first + 1
