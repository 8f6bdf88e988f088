"""The public rpcs of the mesh and their HTTP bindings, as the descriptor says: no second table."""

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from google.api import annotations_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message

from services.chassis.descriptor import MethodPolicy, method_policies

_VARIABLE = re.compile(r"\{([a-z_.]+)(?:=[^}]*)?\}")


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One REST request.

    Attributes:
        method: GET, POST ...
        target: path and query.
        body: JSON value; None where the binding has no body.
    """

    method: str
    target: str
    body: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class PublicRpc:
    """One rpc that callers outside the mesh may use.

    Attributes:
        policy: its options in the contract.
        http: method and path template of its binding; empty where it has none.
        has_body: whether the fields outside the path travel as a JSON body.
    """

    policy: MethodPolicy
    http: tuple[str, str] | None
    has_body: bool

    @property
    def path(self) -> str:
        """As gRPC names it."""
        return self.policy.path

    @property
    def name(self) -> str:
        """``MarketService.GetTicker``: for test ids and tables."""
        service, _, method = self.path.rpartition(".")[2].partition("/")
        return f"{service}.{method}"

    @property
    def request_class(self) -> type[Message]:
        """The class of its request."""
        return message_factory.GetMessageClass(self._method().input_type)

    @property
    def response_class(self) -> type[Message]:
        """The class of its response, or of one frame of its stream."""
        return message_factory.GetMessageClass(self._method().output_type)

    def http_call(self, request: Mapping[str, Any]) -> HttpCall:
        """The REST request that carries a request, given as JSON with the contract's field names."""
        assert self.http is not None
        method, template = self.http
        rest = _copied(request)
        path = _VARIABLE.sub(lambda match: quote(_take(rest, match[1].split(".")), safe="/"), template)
        if self.has_body:
            return HttpCall(method, path, rest)
        query = urlencode(list(_query(rest)))
        return HttpCall(method, f"{path}?{query}" if query else path, None)

    def _method(self) -> Any:
        load_contracts()
        service, _, method = self.path[1:].partition("/")
        pool: Any = descriptor_pool.Default()
        return pool.FindServiceByName(service).methods_by_name[method]


@cache
def load_contracts() -> None:
    """Import the generated code of every public contract, so that the default pool knows it."""
    for area in sorted({policy.area for policy in method_policies().values()}):
        importlib.import_module(f"trademesh.{area}.v1.{area}_service_pb2" if area != "events" else _EVENTS)


_EVENTS = "trademesh.events.v1.outbox_service_pb2"


@cache
def public_rpcs() -> tuple[PublicRpc, ...]:
    """Every public rpc of the mesh, by path."""
    load_contracts()
    return tuple(_rpc(policy) for path, policy in sorted(method_policies().items()) if policy.public and path)


def _rpc(policy: MethodPolicy) -> PublicRpc:
    service, _, method = policy.path[1:].partition("/")
    pool: Any = descriptor_pool.Default()
    options = pool.FindServiceByName(service).methods_by_name[method].GetOptions()
    rule = options.Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    if verb is None:
        return PublicRpc(policy, None, has_body=False)
    assert rule.body in {"", "*"}, f"{policy.path}: a body of one field is not known here"
    return PublicRpc(policy, (verb.upper(), getattr(rule, verb)), has_body=rule.body == "*")


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(one) for key, one in value.items()}
    return list(value) if isinstance(value, list) else value


def _take(value: dict[str, Any], steps: list[str]) -> str:
    """Take a field out: what stands in the path does not stand in the body as well."""
    for step in steps[:-1]:
        value = value[step]
    return str(value.pop(steps[-1]))


def _query(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, one in value.items():
        if isinstance(one, Mapping):
            yield from _query(one, f"{prefix}{key}.")
        elif isinstance(one, list):
            yield from ((prefix + key, str(item)) for item in one)
        else:
            yield prefix + key, str(one)
