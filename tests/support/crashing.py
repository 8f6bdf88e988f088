"""A process that writes or applies events and kills itself, or is killed, at a chosen moment.

    python -m tests.support.crashing produce URL POINT TURN
    python -m tests.support.crashing consume URL POINT TURN ADDRESS

POINT is ``uncommitted`` (all is written, the commit is not sent), ``committed`` (right after it) or
``never``; TURN is the number of the transaction that is hit. It tells each committed sequence on its
standard output.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import structlog

from services.chassis.events import Subscription, outbox
from services.chassis.persistence import Database
from tests.support.eventlog import CLOCK, add_events, note_effect, open_database


def tell(number: int) -> None:
    """Report a committed sequence; it is out before anything else happens."""
    os.write(1, f"{number}\n".encode())


def strike_in(database: Database, point: str, turn: int) -> None:
    """Make the database's transaction number ``turn`` the last thing this process does."""
    write = database.write
    turns = 0

    @asynccontextmanager
    async def striking() -> AsyncIterator[Any]:
        nonlocal turns
        turns += 1
        async with write() as connection:
            yield connection
            if (point, turn) == ("uncommitted", turns):
                os.kill(os.getpid(), signal.SIGKILL)
        if (point, turn) == ("committed", turns):
            os.kill(os.getpid(), signal.SIGKILL)

    database.write = striking  # type: ignore[method-assign]


async def produce(database: Database) -> None:
    """Append events for ever, two in a transaction; the texts are their sequences."""
    async with database.read() as connection:
        last = (await outbox.head(connection)).latest_sequence
    while True:
        last = await add_events(database, str(last + 1), str(last + 2))
        tell(last)


async def consume(database: Database, address: str) -> None:
    """Apply events for ever."""
    async with grpc.aio.insecure_channel(address) as channel:
        subscription = Subscription(channel, "maker", database, note_effect, CLOCK, batch=3)
        running = asyncio.create_task(subscription.run())
        known = 0
        while not running.done():
            await subscription.wait_for(known + 1, 60)
            known = subscription.position()
            tell(known)


async def main(role: str, url: str, point: str, turn: str, address: str = "") -> None:
    """Open the database and do as told."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # stdout is for tell()
    database = await open_database(url)
    strike_in(database, point, int(turn))
    await (produce(database) if role == "produce" else consume(database, address))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
