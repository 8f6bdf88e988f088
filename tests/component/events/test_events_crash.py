"""Processes that are killed while they write or apply events: nothing is lost, nothing happens twice."""

import asyncio
import os
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

import grpc
import sqlalchemy as sa

from services.chassis.events import outbox
from tests.support.eventlog import BOUND_S, add_events, effects, open_database, served_at, subscribed
from tests.support.storage import METADATA

ROOT = Path(__file__).parents[3]
SEED = 20260101
EVENTS = 200


async def child(*arguments: str) -> Process:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'gen/python'}"}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.crashing",
        *arguments,
        stdout=PIPE,
        stderr=PIPE,
        cwd=ROOT,
        env=environment,
    )


async def last_told(process: Process, *, kill_after: int | None = None) -> int:
    """Read what the child tells until it is dead, killing it after so many words; gives the last word."""
    assert process.stdout is not None
    assert process.stderr is not None
    told: list[int] = []
    try:
        async with asyncio.timeout(BOUND_S):
            async for line in process.stdout:
                told.append(int(line))
                if len(told) == kill_after:
                    process.kill()
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == -9, (await process.stderr.read()).decode()[-2000:]
    return told[-1] if told else 0


async def test_a_killed_producer_loses_nothing_it_acknowledged(database_url: str) -> None:
    chance = random.Random(SEED)
    plans = [
        ("uncommitted", 3, None),
        ("committed", 2, None),
        *(("never", 0, chance.randint(1, 40)) for _ in range(2)),
    ]
    acknowledged = 0
    for point, turn, kill_after in plans:
        process = await child("produce", database_url, point, str(turn))
        told = await last_told(process, kill_after=kill_after)
        acknowledged = max(acknowledged, told)
        database = await open_database(database_url)
        async with database.read() as connection:
            head = (await outbox.head(connection)).latest_sequence
            rows = (
                await connection.execute(
                    sa.select(METADATA.tables["outbox_event"]).order_by(sa.text("sequence"))
                )
            ).all()
        await database.close()
        assert head >= acknowledged
        assert head % 2 == 0  # the two events of a transaction share its fate
        assert [row.sequence for row in rows] == list(range(1, head + 1))
        assert [row.subject for row in rows] == [f"things/{number}" for number in range(1, head + 1)]
        if point == "uncommitted":
            assert head == acknowledged
        if point == "committed":
            assert head == acknowledged + 2
            acknowledged = head


async def test_a_killed_consumer_applies_each_event_once(new_database_url: Callable[[], str]) -> None:
    chance = random.Random(SEED)
    plans = [
        ("uncommitted", 2, None),
        ("committed", 3, None),
        *(("never", 0, chance.randint(1, 10)) for _ in range(2)),
    ]
    maker, taker_url = await open_database(new_database_url()), new_database_url()
    texts = [str(number) for number in range(1, EVENTS + 1)]
    await add_events(maker, *texts)
    async with served_at(maker) as address:
        for point, turn, kill_after in plans:
            process = await child("consume", taker_url, point, str(turn), address)
            told = await last_told(process, kill_after=kill_after)
            taker = await open_database(taker_url)
            applied = await effects(taker)
            await taker.close()
            assert applied == texts[: len(applied)]
            assert len(applied) >= told
        taker = await open_database(taker_url)
        async with grpc.aio.insecure_channel(address) as channel, subscribed(channel, taker) as subscription:
            await subscription.wait_for(EVENTS, BOUND_S)
        assert await effects(taker) == texts
        await taker.close()
    await maker.close()
