"""Spans of sampled traces, as a real OTLP collector receives them."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from services.chassis.rpc.client import carrying
from services.chassis.rpc.server import Binding, build_server
from services.chassis.telemetry.tracing import Tracing, start_tracing, trace_context
from services.kernel.errors import DomainError, ErrorKind
from tests.support.echo import VALID, EchoStub, Response, echo

_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
_SPAN = "00f067aa0ba902b7"


class _Collector:
    """Keeps what it receives, as OTLP's JSON says it."""

    def __init__(self) -> None:
        self.spans: list[dict[str, Any]] = []
        self.resources: set[str] = set()

    async def export(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for group in json.loads(body)["resourceSpans"]:
            attributes = group["resource"]["attributes"]
            self.resources |= {str(each["value"].get("stringValue")) for each in attributes}
            for scope in group["scopeSpans"]:
                self.spans.extend(scope["spans"])
        return web.json_response({})


@asynccontextmanager
async def _collecting(ratio: float) -> AsyncIterator[tuple[_Collector, Tracing]]:
    collector = _Collector()
    application = web.Application()
    application.router.add_post("/v1/traces", collector.export)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    tracing = start_tracing("market", "market-1", f"http://127.0.0.1:{runner.addresses[0][1]}", ratio)
    assert tracing is not None
    try:
        yield collector, tracing
    finally:
        await asyncio.to_thread(tracing.close)
        await runner.cleanup()


@asynccontextmanager
async def _traced(binding: Binding, tracing: Tracing) -> AsyncIterator[EchoStub]:
    server = await build_server([binding], registry=CollectorRegistry(), tracing=tracing)
    await server.start()
    target = f"127.0.0.1:{server.port}"
    channel = carrying(
        lambda interceptors: grpc.aio.insecure_channel(target, interceptors=interceptors), {}, tracing
    )
    try:
        async with channel:
            yield EchoStub(channel)
    finally:
        await server.stop(0)


@pytest.fixture(autouse=True)
def _no_trace() -> Iterator[None]:
    token = trace_context.set(None)
    yield
    trace_context.reset(token)


async def _tell(_: Any, __: Any) -> Response:
    present = trace_context.get()
    assert present is not None
    return Response(next_page_token=present.header)


@pytest.mark.parametrize("shape", ["unary", "stream"])
async def test_a_sampled_call_has_a_span_under_its_callers(shape: str) -> None:
    async with _collecting(0) as (collector, tracing), _traced(echo(_tell), tracing) as stub:
        metadata = [("traceparent", f"00-{_TRACE}-{_SPAN}-01")]
        call = getattr(stub, shape)(VALID, metadata=metadata)
        answer = await (call if shape == "unary" else call.read())
        await asyncio.to_thread(tracing.close)
        (span,) = collector.spans
    assert span["traceId"] == _TRACE
    assert span.get("parentSpanId") == _SPAN
    assert span["name"] == f"/trademesh.market.v1.EchoService/{shape.capitalize()}"
    # What the handler logs and passes on names the new span.
    assert answer.next_page_token == f"00-{_TRACE}-{span['spanId']}-01"
    assert {"market", "market-1", "trademesh"} <= collector.resources


async def test_a_hop_makes_a_span_on_either_side() -> None:
    async with _collecting(0) as (collector, tracing), _traced(echo(_tell), tracing) as back:

        async def forward(_: Any, __: Any) -> Response:
            answer: Response = await back.unary(VALID)
            return answer

        async with _traced(echo(forward), tracing) as front:
            await front.unary(VALID, metadata=[("traceparent", f"00-{_TRACE}-{_SPAN}-01")])
        await asyncio.to_thread(tracing.close)
    by_parent = {span.get("parentSpanId"): span for span in collector.spans}
    parent, kinds = _SPAN, []
    while parent in by_parent:
        kinds.append(by_parent[parent]["kind"])
        parent = by_parent[parent]["spanId"]
    assert kinds == [2, 3, 2]  # server, client, server
    assert {span["traceId"] for span in collector.spans} == {_TRACE}


@pytest.mark.parametrize(("ratio", "expected"), [(0.0, 0), (1.0, 1)])
async def test_the_ratio_decides_for_traces_that_begin_here(ratio: float, expected: int) -> None:
    async with _collecting(ratio) as (collector, tracing), _traced(echo(_tell), tracing) as stub:
        server_only = stub  # the call below carries no context of its own
        await server_only.unary(VALID, metadata=[("traceparent", "none")])
        await asyncio.to_thread(tracing.close)
    assert len(collector.spans) == expected


async def test_a_failed_call_marks_its_span() -> None:
    async def fail(_: Any, __: Any) -> Response:
        raise DomainError("GONE", "gone", kind=ErrorKind.UNAVAILABLE)

    async with _collecting(0) as (collector, tracing), _traced(echo(fail), tracing) as stub:
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.unary(VALID, metadata=[("traceparent", f"00-{_TRACE}-{_SPAN}-01")])
        await asyncio.to_thread(tracing.close)
    (span,) = collector.spans
    attributes = {each["key"]: each["value"].get("intValue") for each in span["attributes"]}
    assert int(attributes["rpc.grpc.status_code"]) == grpc.StatusCode.UNAVAILABLE.value[0]


async def test_a_collector_that_is_away_harms_no_call() -> None:
    tracing = start_tracing("market", "market-1", "http://127.0.0.1:1", 1.0)
    assert tracing is not None
    async with _traced(echo(_tell), tracing) as stub:
        answer = await stub.unary(VALID, metadata=[("traceparent", f"00-{_TRACE}-{_SPAN}-01")])
        assert answer.next_page_token.startswith(f"00-{_TRACE}-")
    await asyncio.wait_for(asyncio.to_thread(tracing.close), 30)
