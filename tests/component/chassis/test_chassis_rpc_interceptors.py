"""What the server notes about every call, and what it refuses."""

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from prometheus_client import CollectorRegistry

from services.chassis.rpc.client import MeshError
from services.chassis.rpc.endpoint import wrap
from services.chassis.rpc.interceptor import Method
from services.chassis.rpc.server import Limits, build_server
from services.chassis.telemetry.correlation import correlation_id
from services.chassis.telemetry.tracing import trace_context
from services.kernel.errors import DomainError, ErrorKind
from tests.support.echo import INVALID, SERVICE, VALID, EchoStub, Response, echo
from tests.support.rpc import Serve

_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
_PARENT = f"00-{_TRACE}-00f067aa0ba902b7-00"


async def _tell_correlation(_: Any, __: Any) -> Response:
    return Response(next_page_token=correlation_id.get())


async def _tell_trace(_: Any, __: Any) -> Response:
    context = trace_context.get()
    assert context is not None
    return Response(next_page_token=dict(context.metadata)["traceparent"])


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ([("x-correlation-id", "one"), ("x-request-id", "two")], "one"),
        ([("x-request-id", "two"), ("x-correlation-id", "one")], "one"),
        ([("x-request-id", "two")], "two"),
    ],
)
async def test_the_correlation_id_of_the_caller_is_taken(
    serve: Serve, metadata: list[tuple[str, str]], expected: str
) -> None:
    async with serve([echo(_tell_correlation)]) as channel:
        for shape in ("unary", "stream"):
            call = getattr(EchoStub(channel), shape)(VALID, metadata=metadata)
            answer = await (call if shape == "unary" else call.read())
            assert answer.next_page_token == expected


@pytest.mark.parametrize("odd", ["", 'x"y', "a" * 129, "a b"])
async def test_a_missing_or_odd_correlation_id_is_replaced(serve: Serve, odd: str) -> None:
    metadata = [("x-correlation-id", odd)] if odd else None
    async with serve([echo(_tell_correlation)]) as channel:
        stub = EchoStub(channel)
        first = (await stub.unary(VALID, metadata=metadata)).next_page_token
        second = (await stub.unary(VALID, metadata=metadata)).next_page_token
    assert len(first) == len(second) == 32
    assert first != second


async def test_the_trace_context_of_the_caller_is_carried(serve: Serve) -> None:
    async with serve([echo(_tell_trace)]) as channel:
        answer = await EchoStub(channel).unary(VALID, metadata=[("traceparent", _PARENT)])
    assert answer.next_page_token == _PARENT


@pytest.mark.parametrize("header", [None, "nonsense", f"00-{'0' * 32}-00f067aa0ba902b7-01"])
async def test_a_call_without_trace_context_begins_a_trace(serve: Serve, header: str | None) -> None:
    metadata = [("traceparent", header)] if header else None
    async with serve([echo(_tell_trace)]) as channel:
        answer = await EchoStub(channel).unary(VALID, metadata=metadata)
    version, trace, span, flags = answer.next_page_token.split("-")
    assert (version, len(trace), len(span), flags) == ("00", 32, 16, "00")
    assert trace.strip("0")


async def test_calls_are_counted_by_method_and_code(serve: Serve) -> None:
    registry = CollectorRegistry()

    async def sometimes(request: Any, _: Any) -> Response:
        if request.page_token:
            raise DomainError("GONE", "gone", kind=ErrorKind.NOT_FOUND)
        return Response()

    async with serve([echo(sometimes)], registry=registry) as channel:
        stub = EchoStub(channel)
        await stub.unary(VALID)
        await stub.stream(VALID).read()
        for bad in (INVALID, type(VALID)(parent="venues/sim", page_token="x")):
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.unary(bad)

    def count(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"method": f"/{SERVICE}/Unary", **labels})

    assert count("trademesh_rpc_requests_total", code="OK") == 1
    assert count("trademesh_rpc_requests_total", code="INVALID_ARGUMENT") == 1
    assert count("trademesh_rpc_requests_total", code="NOT_FOUND") == 1
    assert count("trademesh_rpc_seconds_count") == 3
    assert count("trademesh_rpc_in_flight") == 0


async def test_a_cancelled_call_is_counted_as_such(serve: Serve) -> None:
    registry = CollectorRegistry()
    entered, left = asyncio.Event(), asyncio.Event()

    async def wait(_: Any, context: Any) -> Response:
        context.add_done_callback(lambda _: left.set())
        entered.set()
        await asyncio.Event().wait()
        return Response()

    async with serve([echo(wait)], registry=registry) as channel:
        call = EchoStub(channel).unary(VALID)
        running = asyncio.ensure_future(call.code())
        await asyncio.wait_for(entered.wait(), 5)
        call.cancel()
        await running
        await asyncio.wait_for(left.wait(), 5)
    labels = {"method": f"/{SERVICE}/Unary", "code": "CANCELLED"}
    assert registry.get_sample_value("trademesh_rpc_requests_total", labels) == 1


async def test_more_calls_than_it_carries_are_refused_at_once(serve: Serve) -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def wait(_: Any, __: Any) -> Response:
        entered.set()
        await release.wait()
        return Response()

    async with serve([echo(wait)], limits=Limits(max_concurrent_rpcs=1)) as channel:
        stub = EchoStub(channel)
        running = asyncio.ensure_future(stub.unary(VALID))
        await asyncio.wait_for(entered.wait(), 5)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.unary(VALID, timeout=5)
        release.set()
        await running
    read = MeshError.of(caught.value)
    assert (read.code, read.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_OVERLOADED")


async def test_a_message_above_the_limit_is_refused(serve: Serve) -> None:
    async with serve([echo()], limits=Limits(max_message_bytes=2048)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await EchoStub(channel, raw=True).unary(b"x" * 4096)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_credentials_without_access_rules_are_refused() -> None:
    credentials = grpc.ssl_server_credentials([(b"key", b"certificate")])
    with pytest.raises(ValueError, match="access rules"):
        await build_server([], credentials=credentials, registry=CollectorRegistry())


def test_a_blocking_handler_is_refused_when_the_server_is_built() -> None:
    def blocking(request: Any, _: Any) -> Any:
        return request

    handler: Any = grpc.unary_unary_rpc_method_handler(blocking)
    with pytest.raises(TypeError, match="coroutines"):
        wrap(Method(SERVICE, "Unary", request_streaming=False, response_streaming=False), handler, [])
