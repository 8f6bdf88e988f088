"""The count of what all instances used of the venues' rate limits."""

from collections.abc import Sequence
from datetime import UTC

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.persistence import Database
from services.exchange.domain.budgets import Ask, Budget, Grant, settle
from services.exchange.ports.protection import Leased, Pause
from services.exchange.storage.tables import RATE_LEASES, RATE_PAUSES
from services.kernel.clock import Clock

_COUNT = RATE_LEASES.c


class SqlRateLedger:
    """``ports.RateLedger`` on a database.

    Write transactions are serial over all instances, so that no two lease the same units.

    Args:
        database: opened and migrated.
        clock: our clock.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def lease(self, venue: str, asks: Sequence[Ask]) -> Leased:
        """Answer all asks in one transaction."""
        async with self._database.write() as connection:
            grants = [await _answer(connection, venue, ask) for ask in asks]
            pause = await _pause(connection, venue)
        if pause is not None and pause.until <= self._clock.now():
            pause = None
        return Leased(grants, pause)

    async def pause(self, venue: str, pause: Pause) -> None:
        """Let all instances know of a pause; the later end of two stands."""
        async with self._database.write() as connection:
            known = await _pause(connection, venue)
            if known is None:
                row = {"venue": venue, "until": pause.until, "banned": pause.banned}
                await connection.execute(insert(RATE_PAUSES).values(**row))
            elif pause.until > known.until:
                change = update(RATE_PAUSES).where(RATE_PAUSES.c.venue == venue)
                await connection.execute(change.values(until=pause.until, banned=pause.banned))


async def _answer(connection: AsyncConnection, venue: str, ask: Ask) -> Grant:
    key = _key(ask.budget)
    mine = (_COUNT.venue == venue, _COUNT.budget == key)
    query = select(_COUNT.slice, _COUNT.units).where(*mine)
    before = {row.slice: row.units for row in await connection.execute(query)}
    grant = settle(ask, before)
    gone = [at for at in before if at not in grant.used]
    if gone:
        await connection.execute(delete(RATE_LEASES).where(*mine, _COUNT.slice.in_(gone)))
    for at, units in grant.used.items():
        if at not in before:
            row = {"venue": venue, "budget": key, "slice": at, "units": units}
            await connection.execute(insert(RATE_LEASES).values(**row))
        elif before[at] != units:
            change = update(RATE_LEASES).where(*mine, _COUNT.slice == at)
            await connection.execute(change.values(units=units))
    return grant


async def _pause(connection: AsyncConnection, venue: str) -> Pause | None:
    query = select(RATE_PAUSES.c.until, RATE_PAUSES.c.banned).where(RATE_PAUSES.c.venue == venue)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Pause(row.until.astimezone(UTC), row.banned)


def _key(budget: Budget) -> str:
    # With its window: slices of another length are another count.
    return f"{budget.name}/{budget.window_seconds}"
