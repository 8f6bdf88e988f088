"""A service's servicers behind a real gRPC server, without the mesh."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import grpc.aio
import pytest
from prometheus_client import CollectorRegistry

from services.chassis.rpc.server import Binding, Limits, build_server

Serve = Callable[..., AbstractAsyncContextManager[grpc.aio.Channel]]


@asynccontextmanager
async def serving(
    bindings: Sequence[Binding],
    *,
    limits: Limits | None = None,
    registry: CollectorRegistry | None = None,
) -> AsyncIterator[grpc.aio.Channel]:
    """Serve the bindings on a free loopback port with everything of the chassis but identity."""
    server = await build_server(bindings, limits=limits, registry=registry or CollectorRegistry())
    await server.start()
    await server.serving()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield channel
    finally:
        await server.stop(0)


@pytest.fixture
def serve() -> Serve:
    """``async with serve([Binding(...)]) as channel:`` - a real server and a channel to it."""
    return serving
