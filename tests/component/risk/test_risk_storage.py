"""Facts in memory are those of the database: over processes, and after what was taken back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from services.chassis.persistence import Database, assert_schema_current
from services.risk.domain.trading import EVERYBODY, TradingChange, TradingMode, TradingState
from services.risk.storage.store import SqlRiskStore
from services.risk.storage.tables import METADATA
from tests.support.risk import LIMITS, NOW, TRADED, pending
from tests.support.risk_service import MIGRATIONS

BTC = TRADED[next(iter(TRADED))]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    async with database.write() as connection:
        await SqlRiskStore(database, "first").writer(connection).open_account("paper", LIMITS)
    yield database
    await database.close()


async def test_what_another_process_changes_is_seen(database: Database) -> None:
    one, other = SqlRiskStore(database, "one"), SqlRiskStore(database, "other")
    for store in (one, other):
        async with store.read() as reader:
            assert (await reader.facts("paper")).state.open_orders == 0
    async with other.write() as writer:
        await writer.reserve(pending("o1"))
        await writer.put_limits("paper", replace(LIMITS, version=2))
    halted = TradingState(TradingMode.HALTED, "a test", NOW, "edge")
    async with other.write() as writer:
        await writer.put_trading("c1", TradingChange(EVERYBODY, TradingMode.ACTIVE, halted, ""))
    async with one.write() as writer:
        facts = await writer.facts("paper")
    assert facts.state.open_orders == 1
    assert facts.limits is not None
    assert (facts.limits.version, facts.everybody.mode) == (2, TradingMode.HALTED)


async def test_what_was_taken_back_is_not_remembered(database: Database) -> None:
    store = SqlRiskStore(database, "one")
    with pytest.raises(RuntimeError, match="taken back"):
        await _write_and_take_back(store)
    async with store.write() as writer:
        facts = await writer.facts("paper")
        assert (facts.state.open_orders, dict(facts.state.holdings)) == (0, {})
        await writer.reserve(pending("o2"))
    async with store.read() as reader:
        assert [each.order_id for each in (await reader.facts("paper")).state.members()] == ["o2"]


async def _write_and_take_back(store: SqlRiskStore) -> None:
    async with store.write() as writer:
        await writer.reserve(pending("o1"))
        await writer.add_holdings("paper", {("sim", "usdt"): Decimal(5)})
        assert (await writer.facts("paper")).state.open_orders == 1
        raise RuntimeError("taken back")


async def test_facts_in_memory_equal_those_that_are_read_whole(database: Database) -> None:
    store = SqlRiskStore(database, "one")
    async with store.write() as writer:
        for number in range(3):
            await writer.reserve(pending(f"o{number}", group="g" if number else ""))
        await writer.add_holdings("paper", {("sim", "usdt"): Decimal(7), ("sim", "btc"): Decimal("0.1")})
        await writer.add_position("paper", BTC, Decimal("0.1"), Decimal(60_000))
        await writer.report("paper", "o1", Decimal("0.05"), ended=False, now=NOW)
        await writer.report("paper", "o2", Decimal("0.01"), ended=True, now=NOW)
        await writer.report("paper", "o0", Decimal("0.1"), ended=True, now=NOW)
        await writer.add_flow("paper", NOW.date(), ("sim", "usdt"), Decimal(7))
    async with store.read() as reader:
        remembered = await reader.facts("paper")
    async with SqlRiskStore(database, "other").read() as reader:
        whole = await reader.facts("paper")
    assert whole == remembered


async def test_orders_that_ended_before_ages_were_kept_are_as_if_they_ended_at_the_migration(
    database_url: str,
) -> None:
    earlier = await Database.open(database_url, migrations=MIGRATIONS)
    async with earlier.write() as connection:
        for statement in (
            "DROP INDEX ix_ended_orders_end_time",
            "ALTER TABLE ended_orders DROP COLUMN end_time",
            "INSERT INTO ended_orders (order_id) VALUES ('o1')",
            "UPDATE alembic_version SET version_num = '0005'",
        ):
            await connection.execute(sa.text(statement))
    await earlier.close()
    database = await Database.open(database_url, migrations=MIGRATIONS)
    await assert_schema_current(database, METADATA)
    async with SqlRiskStore(database, "one").write() as book:
        assert await book.forget(datetime.now(UTC) - timedelta(days=1), 10) == 0
        assert set((await book.known_orders(["o1", "o2"])).ended) == {"o1"}
    await database.close()
