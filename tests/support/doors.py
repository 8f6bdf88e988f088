"""The three ways into the mesh: REST, gRPC with the generated stubs, and real grpcurl.

Each takes and gives the same messages, so that a test can hold one against another.
"""

import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any, Protocol

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message

from tests.support.public_rpcs import PublicRpc, public_rpcs

_BOUND = 15.0


class RefusedError(Exception):
    """The mesh answered with an error; ``code`` is the name of the gRPC code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Door(Protocol):
    """A way in."""

    def call(self, rpc: PublicRpc, request: Mapping[str, Any]) -> Any:
        """One unary call; the request is JSON with the contract's field names.

        Raises:
            RefusedError: the answer is an error.
        """
        ...

    def first_frame(self, rpc: PublicRpc, request: Mapping[str, Any]) -> Any:
        """The first frame of a server stream, which is then ended by the caller."""
        ...


def rpc_named(name: str) -> PublicRpc:
    """As in ``ExchangeService.ListFills``."""
    return next(rpc for rpc in public_rpcs() if rpc.name == name)


def parse(rpc: PublicRpc, value: Mapping[str, Any]) -> Message:
    """JSON to the rpc's response; an unknown field fails."""
    return json_format.ParseDict(dict(value), rpc.response_class())


@dataclass(frozen=True, slots=True)
class Answer:
    """What REST answered."""

    status: int
    headers: Mapping[str, str]
    text: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


class Rest:
    """HTTP/1.1 and JSON.

    Args:
        port: of the edge on this machine.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    def send(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        within: float = _BOUND,
    ) -> Answer:
        """One request; a body that is no bytes goes as JSON.

        Raises:
            OSError: there is no answer.
        """
        with self._asked(method, target, body, headers, within) as response:
            text = response.read()
            return Answer(response.status, _headers(response), text)

    @contextmanager
    def lines(self, target: str, *, within: float = _BOUND) -> Iterator[Iterator[Any]]:
        """A stream as newline-delimited JSON: each line as it comes, until the server ends it."""
        with self._asked("GET", target, None, None, within) as response:
            assert response.status == 200, response.read()
            yield (json.loads(line) for line in iter(response.readline, b"") if line.strip())

    def call(self, rpc: PublicRpc, request: Mapping[str, Any]) -> Any:
        """As in :class:`Door`."""
        http = rpc.http_call(request)
        answer = self.send(http.method, http.target, http.body)
        if answer.status != 200:
            raise RefusedError(grpc_code(answer.json["code"]), answer.json["message"])
        return parse(rpc, answer.json)

    def first_frame(self, rpc: PublicRpc, request: Mapping[str, Any]) -> Any:
        """As in :class:`Door`."""
        with self.lines(rpc.http_call(request).target) as lines:
            return parse(rpc, next(lines))

    @contextmanager
    def _asked(
        self, method: str, target: str, body: Any, headers: Mapping[str, str] | None, within: float
    ) -> Iterator[HTTPResponse]:
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json"} if content is not None else {}
        connection = HTTPConnection("127.0.0.1", self._port, timeout=within)
        try:
            connection.request(method, target, content, {**sent, **(headers or {})})
            with connection.getresponse() as response:
                yield response
        finally:
            connection.close()


class Stubs:
    """The generated Python stubs over plain gRPC.

    Args:
        channel: to the edge.
    """

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel

    def call(self, rpc: PublicRpc, request: Mapping[str, Any]) -> Any:
        """As in :class:`Door`."""
        try:
            return self._method(rpc)(_message(rpc, request), timeout=_BOUND)
        except grpc.RpcError as error:
            raise RefusedError(error.code().name, error.details() or "") from error

    def first_frame(self, rpc: PublicRpc, request: Mapping[str, Any]) -> Any:
        """As in :class:`Door`."""
        stream = self._method(rpc)(_message(rpc, request), timeout=_BOUND)
        try:
            return next(stream)
        finally:
            stream.cancel()

    def _method(self, rpc: PublicRpc) -> Any:
        area, (service, _, method) = rpc.policy.area, rpc.name.partition(".")
        module = importlib.import_module(f"trademesh.{area}.v1.{area}_service_pb2_grpc")
        return getattr(getattr(module, f"{service}Stub")(self._channel), method)


def grpc_code(number: int) -> str:
    """Name of a gRPC code."""
    return next(code.name for code in grpc.StatusCode if code.value[0] == number)


def _message(rpc: PublicRpc, request: Mapping[str, Any]) -> Message:
    return json_format.ParseDict(dict(request), rpc.request_class())


def _headers(response: HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}
