"""Health, reflection and the end of a server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client import CollectorRegistry

from services.chassis.rpc.client import MeshError
from services.chassis.rpc.server import build_server
from tests.support.echo import SERVICE, VALID, EchoStub, Response, echo
from tests.support.rpc import Serve

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.mark.parametrize("service", ["", SERVICE])
async def test_health_follows_the_life_of_the_server(service: str) -> None:
    server = await build_server([echo()], registry=CollectorRegistry())
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            watch = stub.Watch(health_pb2.HealthCheckRequest(service=service))
            assert (await watch.read()).status == _NOT_SERVING
            await server.serving()
            assert (await watch.read()).status == _SERVING
            await server.not_serving()
            assert (await watch.read()).status == _NOT_SERVING
            # Draining still answers.
            assert await EchoStub(channel).unary(VALID) == Response()
    finally:
        await server.stop(0)


async def test_reflection_lists_contracts_health_and_itself(serve: Serve) -> None:
    async with serve([echo()]) as channel:
        make: Any = reflection_pb2_grpc.ServerReflectionStub
        stub: Any = make(channel)
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        call = stub.ServerReflectionInfo(iter([asked]))
        answer = await call.read()
    names = {each.name for each in answer.list_services_response.service}
    assert names == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


def _request(name: str) -> Any:
    """A message the type stubs of grpcio-health-checking leave out."""
    return getattr(health_pb2, name)()


async def test_what_a_servicer_leaves_out_is_unimplemented(serve: Serve) -> None:
    async with serve([]) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.List(_request("HealthListRequest"))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_stop_ends_streams_at_once_and_lets_unary_calls_finish() -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def slow(request: Any, _: Any) -> Response:
        entered.set()
        await release.wait()
        return Response(next_page_token=request.page_token)

    async def endless(_: Any, __: Any) -> AsyncIterator[Response]:
        yield Response()
        await asyncio.Event().wait()

    server = await build_server([echo(slow, endless)], registry=CollectorRegistry())
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = EchoStub(channel)
        stream = stub.stream(VALID)
        await stream.read()
        unary = stub.unary(VALID)
        await asyncio.wait_for(entered.wait(), 5)
        stopping = asyncio.create_task(server.stop(30))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(stream.read(), 5)
        read = MeshError.of(caught.value)
        assert (read.code, read.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")
        assert not stopping.done()
        release.set()
        assert await unary == Response()
        await asyncio.wait_for(stopping, 5)


async def test_a_stream_whose_reader_does_not_read_is_cut_off_after_the_grace() -> None:
    written = 0

    async def flood(_: Any, __: Any) -> AsyncIterator[Response]:
        nonlocal written
        while True:
            written += 1
            yield Response(next_page_token="x" * 65536)

    server = await build_server([echo(stream=flood)], registry=CollectorRegistry())
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stream = EchoStub(channel).stream(VALID)
        await stream.read()
        before = -1
        while before != written:
            before = written
            await asyncio.sleep(0.1)
        await asyncio.wait_for(server.stop(0.3), 8)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _read_to_the_end(stream)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("shape", ["unary", "stream"])
async def test_stop_returns_after_the_handlers_that_it_cut_off_have_cleaned_up(shape: str) -> None:
    entered = asyncio.Event()
    cleaned_up = asyncio.Event()

    async def busy() -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            asyncio.get_running_loop().call_later(0.2, cleaned_up.set)
            while not cleaned_up.is_set():
                with suppress(asyncio.CancelledError):
                    await cleaned_up.wait()

    async def unary(_: Any, __: Any) -> Response:
        await busy()
        return Response()

    async def stream(_: Any, __: Any) -> AsyncIterator[Response]:
        await busy()
        yield Response()

    server = await build_server([echo(unary, stream)], registry=CollectorRegistry())
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub: Any = EchoStub(channel)
        call = stub.unary(VALID) if shape == "unary" else stub.stream(VALID)
        await asyncio.wait_for(entered.wait(), 5)
        await asyncio.wait_for(server.stop(0), 5)
        assert cleaned_up.is_set()
        call.cancel()


async def test_stop_does_not_wait_for_ever_for_a_handler_that_never_ends() -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def stubborn(_: Any, __: Any) -> Response:
        entered.set()
        while not release.is_set():
            with suppress(asyncio.CancelledError):
                await release.wait()
        return Response()

    server = await build_server([echo(stubborn)], registry=CollectorRegistry())
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        call = EchoStub(channel).unary(VALID)
        await asyncio.wait_for(entered.wait(), 5)
        await asyncio.wait_for(server.stop(0), 8)
        release.set()
        await server.stop(0)
        call.cancel()


async def _read_to_the_end(stream: Any) -> None:
    while await stream.read() is not grpc.aio.EOF:
        pass
