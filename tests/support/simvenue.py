"""A whole simulated venue behind real gRPC: its database, its market, its background work."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc.aio
from prometheus_client import CollectorRegistry
from trademesh.simvenue.v1 import fault_service_pb2_grpc, simvenue_service_pb2_grpc

from services.chassis.clock import SystemClock
from services.chassis.persistence import Database
from services.chassis.rpc.server import build_server
from services.chassis.runtime import Application
from services.simvenue.app import assemble
from services.simvenue.settings import SimvenueSettings
from tests.support.application import runtime_of
from tests.support.consul import free_ports
from tests.support.rpc import serving

QUICK_RECONNECT = [
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 100),
]
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

    @property
    def faults(self) -> "fault_service_pb2_grpc.SimvenueFaultServiceAsyncStub":
        """To call its fault service."""
        stub: Any = fault_service_pb2_grpc.SimvenueFaultServiceStub(self.channel)
        return stub  # type: ignore[no-any-return]


def simvenue_settings(**settings: Any) -> SimvenueSettings:
    """Settings of a venue with a short synthetic past, whatever the environment says."""
    return SimvenueSettings(**{"synthetic_warmup_seconds": 20, **settings})


def _not_here() -> None:
    raise AssertionError("a script with restarts needs supervised_venue")


@asynccontextmanager
async def running_venue(
    database_url: str,
    settings: SimvenueSettings,
    *,
    clock: Any = None,
    end_process: Callable[[], object] = _not_here,
    monotonic_ns: Callable[[], int] = time.monotonic_ns,
) -> AsyncIterator[RunningVenue]:
    """Run a venue. It ends without any last word to its database, as a killed process does.

    Args:
        database_url: its ledger.
        settings: of the venue.
        clock: our time; standing still where it is absent.
        end_process: what the fault RESTART does; a test's own process must not end.
        monotonic_ns: what exchange time follows.
    """
    database = await Database.open(database_url, migrations=MIGRATIONS)
    runtime = runtime_of("simvenue", database=database, clock=clock or FixedClock())
    try:
        application = await assemble(runtime, settings, end_process=end_process, monotonic_ns=monotonic_ns)
        async with _running(application) as venue:
            yield venue
    finally:
        await database.close()


@asynccontextmanager
async def _running(application: Application) -> AsyncIterator[RunningVenue]:
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


@dataclass
class SupervisedVenue:
    """A venue that a supervisor of its own starts again, on the same port, whenever it ends.

    Attributes:
        stub: to call it, over a channel that finds it again soon.
        faults: to call its fault service.
        channel: the same, bare.
        port: where it listens.
        restarts: how often it was started again.
    """

    stub: "simvenue_service_pb2_grpc.SimvenueServiceAsyncStub"
    faults: "fault_service_pb2_grpc.SimvenueFaultServiceAsyncStub"
    channel: grpc.aio.Channel
    port: int
    restarts: int = 0


@asynccontextmanager
async def supervised_venue(
    database_url: str, settings: SimvenueSettings, *, clock: Any = None, away: float = 0.1
) -> AsyncIterator[SupervisedVenue]:
    """Run a venue that may end at any moment by its fault script, and comes again.

    Args:
        database_url: its ledger, which outlives every run.
        settings: of every run; a fault script in them strikes differently in each.
        clock: our time.
        away: seconds between an end and the next start.
    """
    port = free_ports(1)[0]
    begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", QUICK_RECONNECT) as channel:
        stub: Any = simvenue_service_pb2_grpc.SimvenueServiceStub(channel)
        faults: Any = fault_service_pb2_grpc.SimvenueFaultServiceStub(channel)
        venue = SupervisedVenue(stub, faults, channel, port)

        async def supervise() -> None:
            while True:
                ended = asyncio.Event()
                await _one_run(database_url, settings, clock or SystemClock(), port, ended, begun)
                await asyncio.sleep(away)
                venue.restarts += 1

        supervisor = asyncio.ensure_future(supervise())
        await asyncio.wait((begun, supervisor), return_when=asyncio.FIRST_COMPLETED)
        try:
            yield venue
        finally:
            supervisor.cancel()
            await asyncio.gather(supervisor, return_exceptions=True)


async def _one_run(
    database_url: str,
    settings: SimvenueSettings,
    clock: Any,
    port: int,
    ended: asyncio.Event,
    begun: "asyncio.Future[None]",
) -> None:
    """One run of a venue, until its script ends it; nothing is tidied up that a kill would not."""
    database = await Database.open(database_url, migrations=MIGRATIONS)
    runtime = runtime_of("simvenue", database=database, clock=clock)
    application = await assemble(runtime, settings, end_process=ended.set)
    assert application.prepare is not None
    await application.prepare()
    tasks = [asyncio.ensure_future(each.run()) for each in application.background]
    address = f"127.0.0.1:{port}"
    server = await build_server(application.servicers, address=address, registry=CollectorRegistry())
    try:
        await server.start()
        await server.serving()
        if not begun.done():
            begun.set_result(None)
        await ended.wait()
    finally:
        for task in tasks:
            task.cancel()
        await server.stop(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        await database.close()


def sqlite_url(folder: Path) -> str:
    """A database file of its own."""
    return f"sqlite+aiosqlite:///{folder}/simvenue.sqlite3"


__all__ = [
    "QUICK_RECONNECT",
    "FixedClock",
    "RunningVenue",
    "SupervisedVenue",
    "SystemClock",
    "running_venue",
    "simvenue_settings",
    "sqlite_url",
    "supervised_venue",
]
