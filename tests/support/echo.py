"""A servicer on messages of a real contract, with one rpc of every shape; tests script what it does."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import grpc
import grpc.aio
from trademesh.market.v1 import market_service_pb2 as pb

from services.chassis.rpc.server import Binding

SERVICE = "trademesh.market.v1.EchoService"
Request = pb.ListInstrumentsRequest
Response = pb.ListInstrumentsResponse
VALID = Request(parent="venues/sim", page_size=1)
INVALID = Request(parent="Venues", page_size=-1)

Unary = Callable[[Any, Any], Awaitable[Any]]


async def _answer(request: Any, _: Any) -> Response:
    return Response(next_page_token=request.page_token)


class Echo:
    """Answers with the request's page token; ``unary`` and ``stream`` replace the behaviour."""

    def __init__(
        self, unary: Unary = _answer, stream: Callable[[Any, Any], AsyncIterator[Any]] | None = None
    ) -> None:
        self._unary = unary
        self._stream = stream

    async def unary_unary(self, request: Any, context: Any) -> Any:
        return await self._unary(request, context)

    async def unary_stream(self, request: Any, context: Any) -> AsyncIterator[Any]:
        if self._stream is None:
            for _ in range(request.page_size):
                yield await self._unary(request, context)
            return
        async for response in self._stream(request, context):
            yield response

    async def stream_unary(self, requests: AsyncIterator[Any], _: Any) -> Response:
        return Response(next_page_token=",".join([request.page_token async for request in requests]))

    async def stream_stream(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            yield await self._unary(request, context)

    async def writer(self, request: Any, context: Any) -> None:
        for _ in range(request.page_size):
            await context.write(await self._unary(request, context))


def add_to_server(servicer: Echo, server: Any) -> None:
    codec: Any = {
        "request_deserializer": Request.FromString,
        "response_serializer": Response.SerializeToString,
    }
    handlers: Mapping[str, Any] = {
        "Unary": grpc.unary_unary_rpc_method_handler(servicer.unary_unary, **codec),
        "Stream": grpc.unary_stream_rpc_method_handler(servicer.unary_stream, **codec),
        "Collect": grpc.stream_unary_rpc_method_handler(servicer.stream_unary, **codec),
        "Chat": grpc.stream_stream_rpc_method_handler(servicer.stream_stream, **codec),
        "Writer": grpc.unary_stream_rpc_method_handler(servicer.writer, **codec),
    }
    server.add_registered_method_handlers(SERVICE, handlers)


def echo(unary: Unary = _answer, stream: Callable[[Any, Any], AsyncIterator[Any]] | None = None) -> Binding:
    """The servicer, ready to be served."""
    return Binding(Echo(unary, stream), add_to_server)


class EchoStub:
    """Calls of every shape; ``raw=True`` sends and returns bytes as they are."""

    def __init__(self, channel: grpc.aio.Channel, *, raw: bool = False) -> None:
        encode, decode = (None, None) if raw else (Request.SerializeToString, Response.FromString)
        path = f"/{SERVICE}/"
        self.unary: Any = channel.unary_unary(path + "Unary", encode, decode)
        self.stream: Any = channel.unary_stream(path + "Stream", encode, decode)
        self.collect: Any = channel.stream_unary(path + "Collect", encode, decode)
        self.chat: Any = channel.stream_stream(path + "Chat", encode, decode)
        self.writer: Any = channel.unary_stream(path + "Writer", encode, decode)
