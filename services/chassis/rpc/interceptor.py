"""How the chassis puts behaviour around every rpc, at no cost per call.

An interceptor of gRPC's own kind is asked anew at each call and wraps the handler anew. Ours wraps
each method once, when the server is built; a call then only runs the wrapped coroutines. Streams
have the same shape as unary calls: the innermost step writes the messages of the servicer's
generator, so that every interceptor is one coroutine and its ``finally`` runs when the call ends.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import grpc.aio

Context = grpc.aio.ServicerContext[Any, Any]
Call = Callable[[Any, Context], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Method:
    """One rpc of one service.

    Attributes:
        service: full service name, as in ``trademesh.market.v1.MarketService``.
        name: name of the rpc, as in ``GetTicker``.
        request_streaming: whether the caller sends a stream.
        response_streaming: whether the server answers with a stream.
    """

    service: str
    name: str
    request_streaming: bool
    response_streaming: bool

    @property
    def path(self) -> str:
        """The path on the wire, as in ``/trademesh.market.v1.MarketService/GetTicker``."""
        return f"/{self.service}/{self.name}"

    @property
    def infrastructure(self) -> bool:
        """Whether it is gRPC's own (health, reflection) and no contract of the mesh."""
        return self.service.startswith("grpc.")


class Interceptor(Protocol):
    """Puts behaviour around the calls of a method."""

    def wrap(self, method: Method, call: Call) -> Call:
        """The call with the behaviour around it."""
        ...
