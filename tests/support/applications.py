"""A service's whole application without the mesh: prepared, running, and behind real gRPC."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import grpc.aio

from services.chassis.clock import SystemClock
from services.chassis.ids import UuidSource
from services.chassis.persistence import Database
from services.chassis.registry import load_registry
from services.chassis.runtime import Application, Runtime
from services.chassis.settings import ChassisSettings
from tests.support.rpc import serving


def runtime_of(
    service: str, channels: Mapping[str, grpc.aio.Channel], database: Database | None = None
) -> Runtime:
    """What the chassis gives a service, with these channels in place of the mesh's."""
    return Runtime(
        load_registry()[service],
        ChassisSettings(instance=f"{service}-test"),
        SystemClock(),
        UuidSource(),
        database,
        channels.__getitem__,
    )


@asynccontextmanager
async def serving_application(application: Application) -> AsyncIterator[grpc.aio.Channel]:
    """Run an application as a process would: prepare, background work, calls, close.

    Background work that ends or fails fails the test.
    """
    if application.prepare is not None:
        async with asyncio.timeout(30):
            await application.prepare()
    tasks = [asyncio.ensure_future(each.run()) for each in application.background]
    try:
        async with serving(application.servicers) as channel:
            yield channel
            ended = [task for task in tasks if task.done()]
            assert not ended, [task.exception() for task in ended]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if application.close is not None:
            await application.close()
