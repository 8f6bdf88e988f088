"""Amounts and moments come back from each backend exactly as they were."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.persistence import Database
from services.kernel import decimals
from tests.support.eventlog import open_database
from tests.support.storage import ACCOUNT

AMOUNTS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, digits, exponent)),
    st.integers(0, 1),
    st.lists(st.integers(0, 9), min_size=1, max_size=38).map(tuple),
    st.integers(-60, 0),
)
MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 (the strategy adds the zone)
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours))),
)


async def check(database: Database, rows: list[tuple[Decimal, datetime]]) -> None:
    values = [
        {"name": str(number), "count": number, "balance": balance, "moment": moment}
        for number, (balance, moment) in enumerate(rows)
    ]
    async with database.write() as connection:
        await connection.execute(sa.delete(ACCOUNT))
        await connection.execute(sa.insert(ACCOUNT), values)
    async with database.read() as connection:
        back = (await connection.execute(sa.select(ACCOUNT).order_by(ACCOUNT.c.count))).all()
        in_order = sa.select(ACCOUNT.c.moment).order_by(ACCOUNT.c.moment)
        sorted_moments = list((await connection.execute(in_order)).scalars())
        for row, (balance, moment) in zip(back, rows, strict=True):
            assert decimals.render(row.balance) == decimals.render(balance)
            assert row.balance == balance
            assert row.moment == moment
            assert row.moment.tzinfo is UTC
            found = sa.select(ACCOUNT.c.count).where(ACCOUNT.c.name == row.name, ACCOUNT.c.balance == balance)
            assert (await connection.execute(found)).scalar_one() == row.count
    assert sorted_moments == sorted(moment for _, moment in rows)


def test_amounts_and_moments_are_exact(database_url: str) -> None:
    with asyncio.Runner() as runner:
        database = runner.run(open_database(database_url))

        @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(rows=st.lists(st.tuples(AMOUNTS, MOMENTS), min_size=1, max_size=20))
        def come_back(rows: list[tuple[Decimal, datetime]]) -> None:
            runner.run(check(database, rows))

        try:
            come_back()
        finally:
            runner.run(database.close())
