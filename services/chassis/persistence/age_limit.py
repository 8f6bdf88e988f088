"""Removes rows that are old from a table that would grow for ever."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Column, ColumnElement, Table, delete, false, not_, select

from services.chassis.persistence.database import Database
from services.kernel.clock import Clock
from services.kernel.errors import DomainError

_AT_ONCE: Final = 1_000
_EVERY_S: Final = 3600.0
_log = structlog.get_logger(__name__)


class AgeLimit:
    """Forgets the old rows of one table.

    It walks the rows by their number and stops at the first that is young, so that no index on the time is
    needed and a look that finds nothing costs nothing.

    Args:
        database: of the service.
        clock: our clock.
        keep: rows younger than this stay.
        table: has one column as its primary key, a number that grows in the order of ``time``.
        time: the column that says how old a row is.
        stays: rows that stay, however old; none without it.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        keep: timedelta,
        *,
        table: Table,
        time: Column[datetime],
        stays: ColumnElement[bool] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._keep = keep
        self._table = table
        self._time = time
        self._stays: ColumnElement[bool] = false() if stays is None else stays
        (self._number,) = table.primary_key

    async def once(self) -> int:
        """Forget what is old now, a part in each transaction. Answers how many rows."""
        before, gone, passed = self._clock.now() - self._keep, 0, -1
        while True:
            old = await self._old(before, passed)
            if not old:
                return gone
            gone += await self._remove(before, passed, old[-1])
            if len(old) < _AT_ONCE:
                return gone
            passed = old[-1]

    async def run(self) -> None:
        """Look once an hour, for ever."""
        while True:
            try:
                gone = await self.once()
            except DomainError as error:
                _log.warning("old_rows_kept", table=self._table.name, error=str(error))
            else:
                if gone:
                    _log.info("old_rows_forgotten", table=self._table.name, count=gone)
            await asyncio.sleep(_EVERY_S)

    async def _old(self, before: datetime, passed: int) -> list[int]:
        """Numbers of the next rows, up to the first that is young."""
        query = (
            select(self._number, self._time)
            .where(self._number > passed)
            .order_by(self._number)
            .limit(_AT_ONCE)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        old: list[int] = []
        for number, time in rows:
            if time >= before:
                break
            old.append(number)
        return old

    async def _remove(self, before: datetime, passed: int, last: int) -> int:
        statement: Any = delete(self._table).where(
            self._number > passed, self._number <= last, self._time < before, not_(self._stays)
        )
        async with self._database.write() as connection:
            return int((await connection.execute(statement)).rowcount)
