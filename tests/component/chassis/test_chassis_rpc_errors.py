"""Errors of a served handler as a caller sees them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details_pb

from services.chassis.rpc.client import MeshError
from services.chassis.rpc.status import CODES, details_of
from services.kernel.errors import DomainError, ErrorKind, Resource, Violation
from tests.support.echo import INVALID, VALID, EchoStub, Request, Response, echo
from tests.support.rpc import Serve


async def _drain(call: Any) -> None:
    """Read a call to its end, whatever its shape."""
    if not hasattr(call, "read"):
        await call
        return
    while await call.read() is not grpc.aio.EOF:
        pass


async def _failure(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _drain(call)
    return caught.value


def _details(error: grpc.aio.AioRpcError) -> dict[str, Message]:
    status = details_of(error)
    assert status is not None
    assert status.code == error.code().value[0]
    assert status.message == error.details()
    kinds = (details_pb.ErrorInfo, details_pb.BadRequest, details_pb.ResourceInfo, details_pb.RetryInfo)
    found: dict[str, Message] = {}
    for packed in status.details:
        for kind in kinds:
            message = kind()
            if packed.Unpack(message):
                assert kind.__name__ not in found
                found[kind.__name__] = message
    return found


def _info(error: grpc.aio.AioRpcError) -> tuple[str, str]:
    info: Any = _details(error)["ErrorInfo"]
    return info.reason, info.domain


@pytest.mark.parametrize("kind", list(ErrorKind))
async def test_every_kind_has_its_code_and_one_error_info(serve: Serve, kind: ErrorKind) -> None:
    async def fail(_: Any, __: Any) -> Response:
        raise DomainError("SOME_REASON", "with 3 of 5", kind=kind, metadata={"limit": "5"})

    async with serve([echo(fail)]) as channel:
        error = await _failure(EchoStub(channel).unary(VALID))
    assert error.code() is CODES[kind]
    assert error.details() == "with 3 of 5"
    assert _info(error) == ("SOME_REASON", "market.trademesh")
    assert MeshError.of(error) == MeshError(
        CODES[kind], "SOME_REASON", "market.trademesh", "with 3 of 5", {"limit": "5"}
    )


async def test_details_that_fit_go_along(serve: Serve) -> None:
    async def fail(_: Any, __: Any) -> Response:
        raise DomainError(
            "ORDER_NOT_FOUND",
            "no such order",
            kind=ErrorKind.NOT_FOUND,
            resource=Resource("trademesh/Order", "accounts/paper/orders/1"),
            violations=[Violation("name", "is not known")],
            retry_after=timedelta(milliseconds=1500),
        )

    async with serve([echo(fail)]) as channel:
        error = await _failure(EchoStub(channel).stream(VALID))
    found: dict[str, Any] = dict(_details(error))
    assert found["ResourceInfo"].resource_name == "accounts/paper/orders/1"
    assert found["BadRequest"].field_violations[0].field == "name"
    assert found["RetryInfo"].retry_delay.ToTimedelta() == timedelta(seconds=1.5)


async def test_a_stream_keeps_what_it_sent_before_it_failed(serve: Serve) -> None:
    async def stream(_: Any, __: Any) -> AsyncIterator[Response]:
        yield Response(next_page_token="one")
        raise DomainError("CURSOR_GONE", "too old", kind=ErrorKind.OUT_OF_RANGE)

    async with serve([echo(stream=stream)]) as channel:
        call = EchoStub(channel).stream(VALID)
        assert (await call.read()).next_page_token == "one"
        error = await _failure(call)
    assert error.code() is grpc.StatusCode.OUT_OF_RANGE
    assert _info(error)[0] == "CURSOR_GONE"


@pytest.mark.parametrize("shape", ["unary", "stream", "writer"])
async def test_a_fault_of_ours_says_nothing_about_the_inside(serve: Serve, shape: str) -> None:
    async def fail(_: Any, __: Any) -> Response:
        raise ZeroDivisionError("secret /etc/passwd")

    async with serve([echo(fail)]) as channel:
        error = await _failure(getattr(EchoStub(channel), shape)(VALID))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert _info(error) == ("INTERNAL", "market.trademesh")
    assert "secret" not in f"{error.details()}{error.trailing_metadata()}"


async def test_a_response_of_the_wrong_type_is_a_fault_of_ours(serve: Serve) -> None:
    async def fail(_: Any, __: Any) -> Any:
        return "no message"

    async with serve([echo(fail)]) as channel:
        error = await _failure(EchoStub(channel).unary(VALID))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert error.details() == "internal error"


@pytest.mark.parametrize("shape", ["unary", "stream", "collect", "chat", "writer"])
async def test_garbage_bytes_are_an_invalid_argument(serve: Serve, shape: str) -> None:
    async with serve([echo()]) as channel:
        call = getattr(EchoStub(channel, raw=True), shape)
        request: Any = iter([b"\xff\xff\xff"]) if shape in {"collect", "chat"} else b"\xff\xff\xff"
        error = await _failure(call(request))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert _info(error) == ("INVALID_REQUEST", "market.trademesh")


async def test_an_invalid_request_names_its_fields(serve: Serve) -> None:
    async with serve([echo()]) as channel:
        error = await _failure(EchoStub(channel).unary(INVALID))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    found: dict[str, Any] = dict(_details(error))
    assert {each.field for each in found["BadRequest"].field_violations} == {"parent", "page_size"}
    assert all(each.description for each in found["BadRequest"].field_violations)


async def test_a_stream_of_requests_is_validated_message_by_message(serve: Serve) -> None:
    async with serve([echo()]) as channel:
        stub = EchoStub(channel)
        tokens = [Request(parent="venues/sim", page_token=token) for token in "abc"]
        assert (await stub.collect(iter(tokens))).next_page_token == "a,b,c"
        chat = stub.chat()
        await chat.write(tokens[0])
        assert (await chat.read()).next_page_token == "a"
        await chat.write(INVALID)
        error = await _failure(chat)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert _info(error)[0] == "INVALID_REQUEST"


async def test_a_handlers_own_abort_passes(serve: Serve) -> None:
    async def abort(_: Any, context: Any) -> Any:
        return await context.abort(grpc.StatusCode.DATA_LOSS, "as it said")

    async with serve([echo(abort)]) as channel:
        error = await _failure(EchoStub(channel).unary(VALID))
    assert (error.code(), error.details()) == (grpc.StatusCode.DATA_LOSS, "as it said")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE),
        (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.DEADLINE_EXCEEDED),
        (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INTERNAL),
    ],
)
async def test_an_upstream_nobody_translated(
    serve: Serve, code: grpc.StatusCode, expected: grpc.StatusCode
) -> None:
    async def fail(_: Any, __: Any) -> Response:
        raise grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details="upstream detail")

    async with serve([echo(fail)]) as channel:
        error = await _failure(EchoStub(channel).unary(VALID))
    assert error.code() is expected
    assert "upstream detail" not in (error.details() or "")


async def test_cancellation_reaches_the_handler_untouched(serve: Serve) -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(_: Any, __: Any) -> Response:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return Response()

    async with serve([echo(wait)]) as channel:
        call = EchoStub(channel).unary(VALID)
        waiting = asyncio.ensure_future(call.code())
        await asyncio.wait_for(entered.wait(), 5)
        call.cancel()
        assert await waiting is grpc.StatusCode.CANCELLED
        await asyncio.wait_for(cancelled.wait(), 5)


async def test_a_reader_that_leaves_ends_the_generator_at_once(serve: Serve) -> None:
    ended = asyncio.Event()

    async def stream(_: Any, __: Any) -> AsyncIterator[Response]:
        try:
            while True:
                yield Response()
                await asyncio.sleep(0)
        finally:
            ended.set()

    async with serve([echo(stream=stream)]) as channel:
        call = EchoStub(channel).stream(VALID)
        await call.read()
        call.cancel()
        await asyncio.wait_for(ended.wait(), 5)


async def test_an_unknown_method_is_unimplemented(serve: Serve) -> None:
    async with serve([echo()]) as channel:
        nothing: Any = channel.unary_unary("/trademesh.market.v1.EchoService/Nothing")
        error = await _failure(nothing(b""))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_an_answer_without_details_still_reads() -> None:
    bare = grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), details="connection lost"
    )
    read = MeshError.of(bare)
    assert (read.code, read.reason, read.message) == (grpc.StatusCode.UNAVAILABLE, "", "connection lost")
    assert not read.definite


@pytest.mark.parametrize(
    ("reason", "kind", "definite"),
    [
        ("INSUFFICIENT_BALANCE", ErrorKind.PRECONDITION, True),
        ("ORDER_NOT_FOUND", ErrorKind.NOT_FOUND, True),
        ("INVALID_REQUEST", ErrorKind.INVALID, True),
        ("REQUEST_ID_REUSED", ErrorKind.ALREADY_EXISTS, True),
        ("REQUEST_IN_PROGRESS", ErrorKind.ABORTED, False),
        ("SERVER_DRAINING", ErrorKind.UNAVAILABLE, False),
        ("SERVER_OVERLOADED", ErrorKind.UNAVAILABLE, False),
        ("STORAGE_UNAVAILABLE", ErrorKind.UNAVAILABLE, False),
        ("UPSTREAM_UNAVAILABLE", ErrorKind.UNAVAILABLE, False),
        ("UPSTREAM_UNAVAILABLE", ErrorKind.DEADLINE, False),
        ("INTERNAL", ErrorKind.INTERNAL, False),
    ],
)
async def test_only_a_decision_is_definite(
    serve: Serve, reason: str, kind: ErrorKind, *, definite: bool
) -> None:
    async def refusing(_: Any, __: Any) -> Response:
        raise DomainError(reason, "words", kind=kind)

    async with serve([echo(refusing)]) as channel:
        error = await _failure(EchoStub(channel).unary(VALID))
    read = MeshError.of(error)
    assert (read.reason, read.definite) == (reason, definite)
    assert str(read) == f"{error.code().name}: words"


async def test_a_fault_of_the_handler_leaves_open_whether_the_call_took_effect(serve: Serve) -> None:
    async def crashing(_: Any, __: Any) -> Response:
        raise RuntimeError("after the commit")

    async with serve([echo(crashing)]) as channel:
        error = await _failure(EchoStub(channel).unary(VALID))
    read = MeshError.of(error)
    assert (read.reason, read.definite) == ("INTERNAL", False)
