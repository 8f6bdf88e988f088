"""The equity curve in the database."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, insert, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.persistence import Database, announce
from services.chassis.persistence.age_limit import AgeLimit
from services.kernel.clock import Clock
from services.kernel.decimals import parse, render
from services.portfolio.domain.equity import Cause, EquityPoint, Linked
from services.portfolio.domain.valuation import fitted
from services.portfolio.ports import PointQuery
from services.portfolio.storage.rows import in_order
from services.portfolio.storage.tables import EQUITY_POINTS

_FLOWS = "flows"
_LINKED = tuple(Linked.__dataclass_fields__)


def announce_flow(connection: AsyncConnection) -> None:
    """Tell, once the transaction has committed, that money came to or left an account."""
    announce(connection, _FLOWS)


class SqlFlows:
    """Tells when money came to, or left, some account, by transactions of this process."""

    def __init__(self, database: Database) -> None:
        self._notices = database.notices

    def seen(self) -> int:
        """How often that was until now."""
        return self._notices.version(_FLOWS)

    async def wait(self, seen: int, within: float) -> None:
        """Wait until it was more often than ``seen``, for so many seconds at most."""
        await self._notices.wait(_FLOWS, seen, within)


class SqlEquityStore:
    """Keeps the equity curve."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, account: str, point: EquityPoint, *, after: int) -> bool:
        """Add a point, unless another instance has added one meanwhile."""
        async with self._database.write() as connection:
            newest = (await connection.execute(_newest(account))).mappings().one_or_none()
            if (0 if newest is None else newest["number"]) != after:
                return False
            await connection.execute(insert(EQUITY_POINTS).values(account=account, **_columns(point)))
            return True


async def load_last(connection: AsyncConnection, account: str, complete_in: str | None) -> EquityPoint | None:
    """The newest point of an account; only of the complete ones in an asset where that is given."""
    query = _newest(account)
    if complete_in is not None:
        columns = EQUITY_POINTS.c
        query = query.where(columns.valuation_asset == complete_in, columns.complete == true())
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else _point(row)


async def list_points(connection: AsyncConnection, asked: PointQuery) -> Sequence[EquityPoint]:
    """Points of an account, oldest first."""
    columns = EQUITY_POINTS.c
    query = select(EQUITY_POINTS).where(columns.account == asked.account).limit(asked.limit)
    query = in_order(query, (columns.time, columns.number) if asked.timed else (columns.number,), asked.after)
    if asked.start_time is not None:
        query = query.where(columns.time >= asked.start_time)
    if asked.end_time is not None:
        query = query.where(columns.time < asked.end_time)
    return [_point(row) for row in (await connection.execute(query)).mappings()]


def old_points(database: Database, clock: Clock, keep: timedelta) -> AgeLimit:
    """Forgets points older than that, but never one that the next point of its account is linked to."""
    columns = EQUITY_POINTS.c
    newest = select(func.max(columns.number)).group_by(columns.account)
    complete = (
        select(func.max(columns.number))
        .where(columns.complete == true())
        .group_by(columns.account, columns.valuation_asset)
    )
    linked = or_(columns.number.in_(newest), columns.number.in_(complete))
    return AgeLimit(database, clock, keep, table=EQUITY_POINTS, time=columns.time, stays=linked)


def _newest(account: str) -> Select[Any]:
    columns = EQUITY_POINTS.c
    return select(EQUITY_POINTS).where(columns.account == account).order_by(columns.number.desc()).limit(1)


def _columns(point: EquityPoint) -> Mapping[str, Any]:
    linked = point.linked
    return {
        "time": point.time,
        "cause": point.cause.value,
        "valuation_asset": point.asset,
        "contributions": json.dumps({name: render(amount) for name, amount in point.contributions.items()}),
        "missing_prices": json.dumps(list(point.missing_prices)),
        "complete": linked is not None,
        **{name: None if linked is None else fitted(getattr(linked, name)) for name in _LINKED},
    }


def _point(row: Mapping[Any, Any]) -> EquityPoint:
    contributions: Mapping[str, str] = json.loads(row["contributions"])
    return EquityPoint(
        time=row["time"],
        cause=Cause(row["cause"]),
        asset=row["valuation_asset"],
        contributions={name: parse(amount) for name, amount in contributions.items()},
        missing_prices=json.loads(row["missing_prices"]),
        linked=Linked(**{name: row[name] for name in _LINKED}) if row["complete"] else None,
        number=row["number"],
    )
