"""What is old goes, what is young or needed stays; on real tables of three services."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from services.chassis.persistence import Database, age_limit
from services.orchestrator.storage.store import old_cycles
from services.orchestrator.storage.tables import CYCLES
from services.portfolio.storage.equity import old_points
from services.portfolio.storage.tables import EQUITY_POINTS
from services.strategy.storage.strategies import old_signals
from services.strategy.storage.tables import SIGNAL

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEEP = timedelta(days=30)


class Clock:
    """Stands still."""

    def now(self) -> datetime:
        return NOW


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def cycle(days: float, state: str) -> dict[str, Any]:
    return {
        "cycle_id": f"{days}-{state}",
        "signal": "s",
        "strategy": "strategies/a",
        "instrument": "venues/sim/instruments/btc-usdt",
        "side": "BUY",
        "signal_quantity": Decimal(1),
        "signal_time": days_ago(days),
        "correlation_id": "",
        "quantity": Decimal(1),
        "state": state,
        "reason": "",
        "order_name": "",
        "filled_quantity": Decimal(0),
        "steps": [],
        "create_time": days_ago(days),
        "update_time": days_ago(days),
    }


def signal(sequence: int, days: float) -> dict[str, Any]:
    return {
        "sequence": sequence,
        "signal_id": str(sequence),
        "strategy_id": "a",
        "run": 1,
        "candle_open_time": days_ago(days),
        "instrument": "venues/sim/instruments/btc-usdt",
        "side": "buy",
        "quantity": Decimal(1),
        "reference_price": Decimal(1),
        "fast_average": Decimal(1),
        "slow_average": Decimal(1),
        "exchange_time": days_ago(days),
        "create_time": days_ago(days),
        "correlation_id": "",
    }


def point(account: str, days: float, *, complete: bool) -> dict[str, Any]:
    return {
        "account": account,
        "time": days_ago(days),
        "cause": "interval",
        "valuation_asset": "usdt",
        "contributions": "{}",
        "missing_prices": "[]",
        "complete": complete,
    }


async def opened(url: str, service: str, table: sa.Table, *rows: dict[str, Any]) -> Database:
    database = await Database.open(url, migrations=f"services.{service}.storage.migrations")
    async with database.write() as connection:
        await connection.execute(sa.insert(table), rows)
    return database


async def left(database: Database, column: sa.Column[Any]) -> list[Any]:
    async with database.read() as connection:
        return list((await connection.execute(sa.select(column).order_by(column))).scalars())


async def test_final_cycles_go_and_running_ones_stay(database_url: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(age_limit, "_AT_ONCE", 3)
    states = ("COMPLETED", "ORDERED", "DENIED", "FAILED", "CHECKED", "SKIPPED", "SIGNALLED")
    rows = [cycle(days, state) for days in (50, 40, 31, 29, 1) for state in states]
    database = await opened(database_url, "orchestrator", CYCLES, *rows)
    forgetting = old_cycles(database, Clock(), KEEP)
    assert await forgetting.once() == 3 * 4
    running = {"ORDERED", "CHECKED", "SIGNALLED"}
    stay = {f"{days}-{state}" for days in (50, 40, 31) for state in running}
    stay |= {f"{days}-{state}" for days in (29, 1) for state in states}
    assert set(await left(database, CYCLES.c.cycle_id)) == stay
    assert await forgetting.once() == 0
    await database.close()


async def test_the_newest_signal_stays_since_the_next_is_numbered_after_it(database_url: str) -> None:
    database = await opened(
        database_url, "strategy", SIGNAL, *(signal(number, 60 - number) for number in (1, 2, 3))
    )
    assert await old_signals(database, Clock(), KEEP).once() == 2
    assert await left(database, SIGNAL.c.sequence) == [3]
    await database.close()


async def test_points_that_the_next_one_is_linked_to_stay(database_url: str) -> None:
    rows = [
        point("a", 50, complete=True),
        point("b", 49, complete=True),
        point("a", 48, complete=True),
        point("a", 47, complete=False),
        point("a", 46, complete=False),
        point("b", 1, complete=True),
    ]
    database = await opened(database_url, "portfolio", EQUITY_POINTS, *rows)
    assert await old_points(database, Clock(), KEEP).once() == 3
    assert await left(database, EQUITY_POINTS.c.number) == [3, 5, 6]
    await database.close()
