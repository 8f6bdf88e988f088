"""Work that is cancelled at any moment leaves the database free for the next."""

import asyncio
import gc
import random

from sqlalchemy import insert, select

from services.chassis.persistence import Database
from tests.support.storage import ACCOUNT, MIGRATIONS


async def _write(database: Database, name: str) -> None:
    async with database.write() as connection:
        await connection.execute(insert(ACCOUNT).values(name=name, count=1))
        await connection.execute(select(ACCOUNT.c.name).limit(1))


async def _read(database: Database) -> None:
    async with database.read() as connection:
        await connection.execute(select(ACCOUNT.c.name).limit(1))


async def test_a_cancelled_transaction_holds_no_lock(database_url: str) -> None:
    dice = random.Random(7)
    database = await Database.open(database_url, migrations=MIGRATIONS)
    # The collector would free a lost connection by chance, and with it the lock.
    gc.disable()
    try:
        for number in range(120):
            tasks = [asyncio.create_task(_write(database, f"cancelled-{number}"))]
            tasks += [asyncio.create_task(_read(database)) for _ in range(2)]
            for _ in range(dice.randrange(12)):
                await asyncio.sleep(0)
            if dice.random() < 0.5:
                await asyncio.sleep(dice.random() * 0.004)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            async with asyncio.timeout(10):
                await _write(database, f"kept-{number}")
        async with database.read() as connection:
            names = set((await connection.execute(select(ACCOUNT.c.name))).scalars())
        assert {f"kept-{number}" for number in range(120)} <= names
    finally:
        gc.enable()
        await database.close()
    again = await Database.open(database_url, migrations=MIGRATIONS)
    await _write(again, "after")
    await again.close()
