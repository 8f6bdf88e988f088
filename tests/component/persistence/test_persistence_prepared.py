"""Prepared statements do what SQLAlchemy does with the same statement, on both backends."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.chassis.persistence import (
    Database,
    ExactDecimal,
    Prepared,
    StorageUnavailableError,
    UtcDateTime,
    change_row,
    put_row,
    row_at,
    table_metadata,
)
from tests.support.storage import ACCOUNT, ENTRY, MIGRATIONS

KINDS = sa.Table(
    "kinds",
    table_metadata(),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("small", sa.Integer),
    sa.Column("text", sa.Text),
    sa.Column("flag", sa.Boolean(create_constraint=False)),
    sa.Column("bytes", sa.LargeBinary),
    sa.Column("document", sa.JSON),
    sa.Column("amount", ExactDecimal),
    sa.Column("moment", UtcDateTime),
)
VALUES: dict[str, Any] = {
    "id": 2**62,
    "small": -7,
    "text": "naïve 😀 '; --",
    "flag": True,
    "bytes": b"\x00\xff",
    "document": {"a": [1, None, "b"]},
    "amount": Decimal("-0.00000001"),
    "moment": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
}
ABSENT: dict[str, Any] = {**dict.fromkeys(VALUES), "id": 1}

_NAME: sa.BindParameter[str] = sa.bindparam("account_name")
PUT = Prepared(sa.insert(ACCOUNT))
GET = Prepared(sa.select(ACCOUNT).where(ACCOUNT.c.name == _NAME))
ALL = Prepared(sa.select(ACCOUNT.c.name, ACCOUNT.c.count).order_by(ACCOUNT.c.name))
ADD = Prepared(
    sa.update(ACCOUNT).values(count=ACCOUNT.c.count + sa.bindparam("change")).where(ACCOUNT.c.name == _NAME)
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    yield database
    await database.close()


async def names(database: Database) -> list[str]:
    async with database.read() as connection:
        return [row["name"] for row in await ALL.rows(connection)]


async def put(database: Database, *accounts: str, count: int = 1) -> None:
    async with database.write() as connection:
        await PUT.run_many(connection, [{"name": name, "count": count} for name in accounts])


async def test_every_column_type_comes_back_as_through_sqlalchemy(database: Database) -> None:
    insert, every = Prepared(sa.insert(KINDS)), sa.select(KINDS).order_by(KINDS.c.id)
    async with database.write() as connection:
        await connection.run_sync(KINDS.create)
        assert await insert.run(connection, VALUES) == 1
        await insert.run_many(connection, [ABSENT])
        usual = (await connection.execute(every)).mappings().all()
        assert await Prepared(every).rows(connection) == [dict(row) for row in usual] == [ABSENT, VALUES]
        for column in KINDS.c:
            if column.name != "document":  # JSON has no equality on PostgreSQL
                same = Prepared(sa.select(column).where(column == sa.bindparam("same")))
                assert await same.value(connection, {"same": VALUES[column.name]}) == VALUES[column.name]


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"balance": 1.5}, "must be a Decimal"),
        ({"balance": Decimal("NaN")}, "not a finite amount"),
        ({"balance": Decimal("9" * 39)}, "more than 38"),
        ({"moment": datetime(2026, 1, 1)}, "time zone"),  # noqa: DTZ001 - that is the point
        ({"moment": "2026-01-01"}, "must be a datetime"),
    ],
)
async def test_column_types_refuse_what_they_always_refuse(
    database: Database, values: dict[str, Any], refusal: str
) -> None:
    async with database.write() as connection:
        with pytest.raises(sa.exc.StatementError, match=refusal):
            await PUT.run(connection, {"name": "a", "count": 1, **values})
        with pytest.raises(sa.exc.StatementError, match=refusal):
            await PUT.run_many(connection, [{"name": "a", "count": 1, **values}])
    assert await names(database) == []


async def test_rows_row_and_value(database: Database) -> None:
    await put(database, "b", "a")
    async with database.read() as connection:
        assert await ALL.rows(connection) == [{"name": "a", "count": 1}, {"name": "b", "count": 1}]
        assert await ALL.row(connection) == {"name": "a", "count": 1}
        assert await ALL.value(connection) == "a"
        nobody = {"account_name": "nobody"}
        assert await GET.rows(connection, nobody) == []
        assert await GET.row(connection, nobody) is None
        assert await GET.value(connection, nobody) is None
        balance = Prepared(sa.select(ACCOUNT.c.balance).where(ACCOUNT.c.name == _NAME))
        assert await balance.value(connection, {"account_name": "a"}) is None


async def test_run_tells_how_many_rows_changed(database: Database) -> None:
    await put(database, "a", "b")
    async with database.write() as connection:
        assert await ADD.run(connection, {"account_name": "a", "change": 2}) == 1
        assert await ADD.run(connection, {"account_name": "nobody", "change": 2}) == 0
        assert await Prepared(sa.update(ACCOUNT)).run(connection, {"count": 9}) == 2
        assert await Prepared(sa.delete(ACCOUNT)).run(connection) == 2


async def test_values_that_stand_in_the_statement_are_kept(database: Database) -> None:
    await put(database, "a", "b", "c")
    two = Prepared(sa.select(ACCOUNT.c.name).where(ACCOUNT.c.count == 1).order_by(ACCOUNT.c.name).limit(2))
    settle = Prepared(sa.update(ACCOUNT).values(balance=Decimal("1.50")).where(ACCOUNT.c.name == _NAME))
    async with database.write() as connection:
        assert await two.rows(connection) == [{"name": "a"}, {"name": "b"}]
        assert await settle.run(connection, {"account_name": "b"}) == 1
        row = await GET.row(connection, {"account_name": "b"})
        assert row is not None
        assert str(row["balance"]) == "1.5"


async def test_returning_gives_rows_and_changes_all(database: Database) -> None:
    await put(database, "a", "b")
    back = Prepared(
        sa.update(ACCOUNT).returning(ACCOUNT.c.name, ACCOUNT.c.balance, (ACCOUNT.c.count + 1).label("n"))
    )
    async with database.write() as connection:
        rows = await back.rows(connection, {"balance": Decimal(5)})
        assert sorted(rows, key=lambda row: str(row["name"])) == [
            {"name": name, "balance": Decimal(5), "n": 2} for name in "ab"
        ]
        assert await back.row(connection, {"balance": Decimal(6)}) is not None
        assert await back.value(connection, {"count": 4}) in {"a", "b"}
        assert await back.run(connection, {"count": 5}) == 2
    async with database.read() as connection:
        assert (
            await Prepared(sa.select(ACCOUNT.c.count, ACCOUNT.c.balance)).rows(connection)
            == [{"count": 5, "balance": Decimal(6)}] * 2
        )


async def test_prepared_and_usual_statements_are_one_transaction(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as connection:
            await connection.execute(sa.insert(ACCOUNT).values(name="a", count=1))
            assert await ADD.run(connection, {"account_name": "a", "change": 1}) == 1
            count = await connection.execute(sa.select(ACCOUNT.c.count))
            assert count.scalar_one() == 2
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await names(database) == []


async def test_a_prepared_read_sees_one_snapshot(database: Database) -> None:
    await put(database, "a")
    async with database.read() as reader:
        assert await ALL.value(reader) == "a"
        await put(database, "b")
        assert len(await ALL.rows(reader)) == 1
        found = await reader.execute(sa.select(ACCOUNT.c.name))
        assert list(found.scalars()) == ["a"]
    assert await names(database) == ["a", "b"]


async def test_a_prepared_statement_of_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises((StorageUnavailableError, sa.exc.DBAPIError)):
        async with database.read() as connection:
            await PUT.run(connection, {"name": "a", "count": 1})
    assert await names(database) == []


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (PUT, {"name": "a", "count": 1}),
        (PUT, {"name": "b", "count": -1}),
        (PUT, {"name": None, "count": 1}),
        (Prepared(sa.insert(ENTRY)), {"id": 1, "account": "nobody"}),
    ],
)
async def test_a_broken_constraint_is_sqlalchemys_integrity_error(
    database: Database, statement: Prepared, values: dict[str, Any]
) -> None:
    async def break_it() -> None:
        async with database.write() as connection:
            await PUT.run(connection, {"name": "z", "count": 1})
            await statement.run(connection, values)

    await put(database, "a")
    with pytest.raises(sa.exc.IntegrityError):
        await break_it()
    assert await names(database) == ["a"]


async def test_an_error_in_the_middle_of_many_leaves_nothing(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        await put(database, "a", "b", "a", "c")
    assert await names(database) == []
    async with database.write() as connection:
        await PUT.run_many(connection, [])
    await put(database, "d")
    assert await names(database) == ["d"]


async def test_those_in_line_keep_their_own_work(database: Database) -> None:
    async def work(number: int) -> None:
        async with database.write() as connection:
            await PUT.run(connection, {"name": f"{number:02}", "count": 1})
            await asyncio.sleep(0)
            await ADD.run(
                connection, {"account_name": f"{number:02}", "change": -2 if number % 3 == 0 else 1}
            )

    ends = await asyncio.gather(*(work(number) for number in range(20)), return_exceptions=True)
    assert [type(end) for end in ends] == [
        sa.exc.IntegrityError if number % 3 == 0 else type(None) for number in range(20)
    ]
    assert await names(database) == [f"{number:02}" for number in range(20) if number % 3]


async def test_a_missing_value_is_told(database: Database) -> None:
    async with database.read() as connection:
        with pytest.raises(sa.exc.StatementError, match="account_name"):
            await GET.row(connection, {})


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (sa.select(ACCOUNT).where(ACCOUNT.c.name.in_(["a", "b"])), "list"),
        (
            sa.insert(
                sa.Table("y", sa.MetaData(), sa.Column("id", sa.Text), sa.Column("n", sa.Text, default="n"))
            ),
            r"no defaults; give the values of \['n'\]",
        ),
    ],
)
async def test_what_cannot_be_prepared_is_refused(
    database: Database, statement: sa.Select[Any] | sa.Insert, reason: str
) -> None:
    values = {"id": "1"} if isinstance(statement, sa.Insert) else {}
    async with database.write() as connection:
        with pytest.raises(sa.exc.InvalidRequestError, match=reason):
            await Prepared(statement).run(connection, values)


async def test_rows_of_a_statement_without_rows_are_refused(database: Database) -> None:
    async with database.write() as connection:
        with pytest.raises(sa.exc.ResourceClosedError):
            await PUT.rows(connection, {"name": "a", "count": 1})


async def test_row_functions(database: Database) -> None:
    key = {"name": "a"}
    async with database.write() as connection:
        await put_row(connection, ACCOUNT, key, {"count": 1, "balance": Decimal("1.10")})
        await put_row(connection, ACCOUNT, key, {"count": 2})
        assert await row_at(connection, ACCOUNT, key) == {
            "name": "a",
            "count": 2,
            "balance": Decimal("1.1"),
            "moment": None,
        }
        assert await change_row(connection, ACCOUNT, key, {"name": "b"})
        assert not await change_row(connection, ACCOUNT, key, {"name": "b"})
        assert await row_at(connection, ACCOUNT, key) is None


@pytest.mark.parametrize("prepared", [True, False])
async def test_after_a_full_disk_nothing_commits_by_itself(tmp_path: Path, *, prepared: bool) -> None:
    """SQLite takes the whole transaction back; what comes after in the block must not commit by itself."""
    database = await Database.open(f"sqlite:///{tmp_path}/own.sqlite3", migrations=MIGRATIONS)
    async with database.write() as connection:
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
        await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")

    async def go_on() -> None:
        async with database.write() as connection:
            with pytest.raises(sa.exc.OperationalError, match="full"):
                await PUT.run_many(connection, [{"name": f"{n}" * 50, "count": n} for n in range(1000)])
            if prepared:
                await PUT.run(connection, {"name": "alone", "count": 1})
            else:
                await connection.execute(sa.insert(ACCOUNT).values(name="alone", count=1))

    with pytest.raises(StorageUnavailableError):
        await go_on()
    assert await names(database) == []
    await put(database, "small")
    await database.close()
