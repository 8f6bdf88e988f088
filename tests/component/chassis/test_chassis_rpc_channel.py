"""What a channel of the chassis adds to every call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest

from services.chassis.rpc.channel import CarryingChannel
from services.chassis.telemetry.correlation import correlated, correlation_id
from services.chassis.telemetry.tracing import TraceContext, trace_context
from tests.support.echo import SERVICE, VALID, EchoStub, Response, echo
from tests.support.rpc import Serve

_TRACE = TraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", "a=b")


async def _tell_metadata(_: Any, context: Any) -> Response:
    carried = [f"{key}={value}" for key, value in context.invocation_metadata()]
    return Response(next_page_token="|".join(carried))


@asynccontextmanager
async def _channel(
    serve: Serve, unary: Any = _tell_metadata, deadlines: dict[str, float] | None = None
) -> AsyncIterator[EchoStub]:
    async with serve([echo(unary)]) as channel:
        yield EchoStub(CarryingChannel(channel, deadlines or {}))


async def test_calls_of_every_shape_carry_correlation_and_trace(serve: Serve) -> None:
    async with _channel(serve) as stub:
        trace_context.set(_TRACE)
        with correlated("cause-1"):
            answers = [
                await stub.unary(VALID),
                await stub.stream(VALID).read(),
                await stub.chat(iter([VALID])).read(),
            ]
    for answer in answers:
        carried = answer.next_page_token.split("|")
        assert "x-correlation-id=cause-1" in carried
        assert "traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00" in carried
        assert "tracestate=a=b" in carried


async def test_a_call_outside_of_any_cause_begins_one(serve: Serve) -> None:
    async with _channel(serve) as stub:
        assert correlation_id.get() == ""
        carried = (await stub.unary(VALID)).next_page_token
    assert "x-correlation-id=" in carried
    assert "traceparent=00-" in carried


async def test_the_callers_own_metadata_wins(serve: Serve) -> None:
    async with _channel(serve) as stub:
        with correlated("cause-1"):
            own = [("x-correlation-id", "mine"), ("x-extra", "1")]
            carried = (await stub.unary(VALID, metadata=own)).next_page_token.split("|")
    assert "x-correlation-id=mine" in carried
    assert "x-extra=1" in carried
    assert "x-correlation-id=cause-1" not in carried


async def _tell_time(_: Any, context: Any) -> Response:
    left = context.time_remaining()
    return Response(next_page_token="none" if left is None else str(round(left)))


async def test_the_contracts_deadline_holds_where_the_caller_set_none(serve: Serve) -> None:
    async with _channel(serve, _tell_time, {f"/{SERVICE}/Unary": 7.0}) as stub:
        assert (await stub.unary(VALID)).next_page_token == "7"
        assert (await stub.unary(VALID, timeout=20)).next_page_token == "20"
        assert (await stub.stream(VALID).read()).next_page_token == "none"


async def test_the_default_deadline_fires(serve: Serve) -> None:
    async def wait(_: Any, __: Any) -> Response:
        await asyncio.Event().wait()
        return Response()

    async with _channel(serve, wait, {f"/{SERVICE}/Unary": 0.05}) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.unary(VALID)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_server_passes_the_cause_on_to_its_upstream(serve: Serve) -> None:
    async with _channel(serve) as upstream:

        async def forward(_: Any, __: Any) -> Response:
            answer: Response = await upstream.unary(VALID)
            return answer

        async with serve([echo(forward)]) as front:
            metadata = [("x-correlation-id", "cause-2"), *_TRACE.metadata]
            answer = await EchoStub(front).unary(VALID, metadata=metadata)
    carried = answer.next_page_token
    assert "x-correlation-id=cause-2" in carried
    assert "traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00" in carried
