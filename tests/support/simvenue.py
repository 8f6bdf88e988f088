"""A whole simulated venue behind real gRPC: its database, its market, its background work."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc.aio
from trademesh.simvenue.v1 import simvenue_service_pb2_grpc

from services.chassis.clock import SystemClock
from services.chassis.persistence import Database
from services.simvenue.app import assemble
from services.simvenue.settings import SimvenueSettings
from tests.support.application import runtime_of
from tests.support.rpc import serving

MIGRATIONS = "services.simvenue.storage.migrations"


class FixedClock:
    """Our own time, standing still: where exchange time begins is then known."""

    def now(self) -> datetime:
        """The first second of 2026."""
        return datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class RunningVenue:
    """A venue that takes calls.

    Attributes:
        stub: to call it.
        channel: the same, bare.
        background: its background work, by name; ends by itself only where the venue fails.
    """

    stub: "simvenue_service_pb2_grpc.SimvenueServiceAsyncStub"
    channel: grpc.aio.Channel
    background: Mapping[str, "asyncio.Task[None]"]


def simvenue_settings(**settings: Any) -> SimvenueSettings:
    """Settings of a venue with a short synthetic past, whatever the environment says."""
    return SimvenueSettings(**{"synthetic_warmup_seconds": 20, **settings})


@asynccontextmanager
async def running_venue(
    database_url: str, settings: SimvenueSettings, *, clock: Any = None
) -> AsyncIterator[RunningVenue]:
    """Run a venue. It ends without any last word to its database, as a killed process does."""
    database = await Database.open(database_url, migrations=MIGRATIONS)
    try:
        async with _running(database, settings, clock or FixedClock()) as venue:
            yield venue
    finally:
        await database.close()


@asynccontextmanager
async def _running(database: Database, settings: SimvenueSettings, clock: Any) -> AsyncIterator[RunningVenue]:
    application = await assemble(runtime_of("simvenue", database=database, clock=clock), settings)
    assert application.prepare is not None
    await application.prepare()
    tasks = {each.name: asyncio.ensure_future(each.run()) for each in application.background}
    try:
        async with serving(application.servicers) as channel:
            stub: Any = simvenue_service_pb2_grpc.SimvenueServiceStub(channel)
            yield RunningVenue(stub, channel, tasks)
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


def sqlite_url(folder: Path) -> str:
    """A database file of its own."""
    return f"sqlite+aiosqlite:///{folder}/simvenue.sqlite3"


__all__ = [
    "FixedClock",
    "RunningVenue",
    "SystemClock",
    "running_venue",
    "simvenue_settings",
    "sqlite_url",
]
