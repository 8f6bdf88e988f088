"""Puts the interceptors around each method of a servicer, once, before the server starts."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc
import grpc.aio

from services.chassis.rpc.interceptor import Call, Context, Interceptor, Method
from services.chassis.rpc.interceptors.validation import RequestReader

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic in its stubs only


class WrappingServer:
    """Stands in for the server while a servicer registers, and passes on wrapped methods.

    Args:
        server: the real server.
        interceptors: outermost first.
    """

    def __init__(self, server: grpc.aio.Server, interceptors: Sequence[Interceptor]) -> None:
        self._server = server
        self._interceptors = interceptors
        self.services: list[str] = []

    def bind(self, add_to_server: Callable[[Any, Any], None], servicer: object) -> None:
        """Register a servicer with its generated ``add_<Service>Servicer_to_server``."""
        add_to_server(servicer, self)

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Ignored: generated code registers every method twice, and the other way names them."""

    def add_registered_method_handlers(
        self, service_name: str, method_handlers: Mapping[str, Handler]
    ) -> None:
        """Register the methods of a service with the interceptors around each.

        As generic ones, though they are known: grpc.aio waits for a call of each registered method at
        once, and goes through all of those waits at every call (12 % of a call, with 31 methods).
        """
        wrapped = {
            name: wrap(_method(service_name, name, handler), handler, self._interceptors)
            for name, handler in method_handlers.items()
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service_name, wrapped),))
        self.services.append(service_name)


def wrap(method: Method, handler: Handler, interceptors: Sequence[Interceptor]) -> Handler:
    """The handler with everything of the chassis around it.

    Decoding and encoding happen inside, so that their failures are answered like any other, and a
    caller who is refused never has a byte parsed.
    """
    call, encode = _core(method, handler)
    call = RequestReader(handler.request_deserializer or _identity).wrap(method, call)
    for interceptor in reversed(interceptors):
        call = interceptor.wrap(method, call)
    return _FACTORIES[method.request_streaming, method.response_streaming](
        call, request_deserializer=None, response_serializer=encode
    )


def _method(service: str, name: str, handler: Handler) -> Method:
    return Method(service, name, bool(handler.request_streaming), bool(handler.response_streaming))


def _core(method: Method, handler: Handler) -> tuple[Call, Callable[[Any], bytes] | None]:
    """The servicer's method as one coroutine, and the encoder that gRPC is left with."""
    behaviour = _behaviour(method, handler)
    encode = handler.response_serializer or _identity
    if not method.response_streaming:
        return _unary(behaviour, encode), None
    if inspect.isasyncgenfunction(behaviour):
        return _stream(behaviour, encode), None
    # It writes its messages itself, through the context, which encodes them.
    return behaviour, encode


def _behaviour(method: Method, handler: Handler) -> Callable[[Any, Context], Any]:
    kinds = {
        (False, False): handler.unary_unary,
        (False, True): handler.unary_stream,
        (True, False): handler.stream_unary,
        (True, True): handler.stream_stream,
    }
    behaviour: Any = kinds[method.request_streaming, method.response_streaming]
    if inspect.iscoroutinefunction(behaviour) or inspect.isasyncgenfunction(behaviour):
        return behaviour  # type: ignore[no-any-return]
    if getattr(behaviour, "__module__", "").endswith("_pb2_grpc"):
        # The servicer did not override what its generated base class declares.
        return _unimplemented
    msg = f"{method.path}: handlers are coroutines or asynchronous generators"
    raise TypeError(msg)


async def _unimplemented(request: Any, context: Context) -> None:  # noqa: ARG001 - a handler's shape
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "not implemented by this server")


def _unary(behaviour: Callable[[Any, Context], Any], encode: Callable[[Any], bytes]) -> Call:
    async def answer(request: Any, context: Context) -> bytes:
        return encode(await behaviour(request, context))

    return answer


def _stream(behaviour: Callable[[Any, Context], AsyncIterator[Any]], encode: Callable[[Any], bytes]) -> Call:
    async def answers(request: Any, context: Context) -> None:
        generator: Any = behaviour(request, context)
        async with aclosing(generator) as messages:
            async for message in messages:
                await context.write(encode(message))

    return answers


def _identity(raw: Any) -> Any:
    return raw


_FACTORIES: Mapping[tuple[bool, bool], Callable[..., Handler]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
