"""What every contract of the mesh must honour, as functions from a descriptor set to violations.

Each rule yields one line per violation, beginning with the full name of what is wrong.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from google.api import annotations_pb2, field_behavior_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)
from trademesh.options.v1 import method_pb2
from trademesh.type.v1 import rules_pb2

from buf.validate import validate_pb2

_AMOUNT = re.compile(
    r"(^|_)(price|quantity|notional|amount|fee|fees|pnl|volume|balance|equity|deposits|free|locked|collar"
    r"|tick_size|lot_size|fee_rate)$|^(open|high|low|close)$"
)
"""Names of fields that hold money, a price or a quantity."""

REQUEST_ID_BY_ANOTHER_NAME = {
    "trademesh.risk.v1.RiskService.CheckOrder": "order_id",
    "trademesh.risk.v1.RiskService.ReserveOrders": "orders",  # each with its order_id
}
"""Idempotent rpcs whose request id is the id of the thing they are about; the contract says so."""

_PERMISSION = re.compile(r"[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*")
_VERSION = re.compile(r"\.(v\d+)(?:\.|$)")


@dataclass(frozen=True)
class Rpc:
    """One rpc of ours, with what the rules need to know about it."""

    file: FileDescriptorProto
    service: str
    method: MethodDescriptorProto

    @property
    def name(self) -> str:
        return f"{self.file.package}.{self.service}.{self.method.name}"

    @property
    def policy(self) -> method_pb2.MethodPolicy:
        policy: method_pb2.MethodPolicy = option(self.method.options, method_pb2.method)
        return policy

    @property
    def streaming(self) -> bool:
        return self.method.client_streaming or self.method.server_streaming

    @property
    def paths(self) -> list[str]:
        """The HTTP paths it is bound to."""
        if not self.method.options.HasExtension(annotations_pb2.http):
            return []
        rule = self.method.options.Extensions[annotations_pb2.http]
        found: list[str] = []
        for binding in [rule, *rule.additional_bindings]:
            kind = binding.WhichOneof("pattern")
            if kind == "custom":
                found.append(binding.custom.path)
            elif kind is not None:
                found.append(getattr(binding, kind))
        return found


@dataclass
class Contracts:
    """The descriptor set, indexed."""

    files: FileDescriptorSet
    messages: dict[str, DescriptorProto] = field(default_factory=dict)
    rpcs: list[Rpc] = field(default_factory=list)

    def __post_init__(self) -> None:
        for file in self.files.file:
            for message in file.message_type:
                self._index(f".{file.package}", message)
            if file.package.startswith("trademesh."):
                self.rpcs += [
                    Rpc(file, service.name, rpc) for service in file.service for rpc in service.method
                ]

    def _index(self, scope: str, message: DescriptorProto) -> None:
        name = f"{scope}.{message.name}"
        self.messages[name] = message
        for nested in message.nested_type:
            self._index(name, nested)

    def sent_by_callers(self) -> dict[str, DescriptorProto]:
        """Our messages that a request is, or holds at any depth in a field that callers set."""
        found: dict[str, DescriptorProto] = {}
        waiting = [rpc.method.input_type for rpc in self.rpcs]
        while waiting:
            name = waiting.pop()
            if name.startswith(".trademesh.") and name not in found:
                found[name] = self.messages[name]
                waiting += [
                    part.type_name
                    for part in found[name].field
                    if part.type == part.TYPE_MESSAGE and not _output_only(part)
                ]
        return {name: message for name, message in found.items() if not message.options.map_entry}


Rule = Callable[[Contracts], Iterator[str]]


def policies_are_complete(contracts: Contracts) -> Iterator[str]:
    """Every rpc says permission, retry and rate class, and every unary one a deadline."""
    for rpc in contracts.rpcs:
        if rpc.policy == method_pb2.MethodPolicy():
            yield f"{rpc.name}: no (trademesh.options.v1.method)"
            continue
        if not _PERMISSION.fullmatch(rpc.policy.permission):
            yield f"{rpc.name}: permission '{rpc.policy.permission}' is not like market.read"
        if rpc.policy.retry == method_pb2.RETRY_CLASS_UNSPECIFIED:
            yield f"{rpc.name}: no retry class"
        if rpc.policy.rate == method_pb2.RATE_CLASS_UNSPECIFIED:
            yield f"{rpc.name}: no rate class"
        if not rpc.streaming and rpc.policy.default_deadline.ToMilliseconds() <= 0:
            yield f"{rpc.name}: no default deadline"
        if rpc.streaming and rpc.policy.HasField("default_deadline"):
            yield f"{rpc.name}: a stream with a deadline"
        if rpc.streaming and rpc.policy.retry != method_pb2.RETRY_CLASS_NEVER:
            yield f"{rpc.name}: a stream that the mesh retries"


def public_rpcs_have_http(contracts: Contracts) -> Iterator[str]:
    """Every unary rpc that is public at the edge has an HTTP binding, and no other has one."""
    for rpc in contracts.rpcs:
        if rpc.policy.public and not rpc.streaming and not rpc.paths:
            yield f"{rpc.name}: public, without google.api.http"
        if rpc.paths and not rpc.policy.public:
            yield f"{rpc.name}: has google.api.http and is not public"


def http_paths_carry_the_version(contracts: Contracts) -> Iterator[str]:
    """Every HTTP path starts with the version of its package."""
    for rpc in contracts.rpcs:
        version = _VERSION.search(rpc.file.package)
        for path in rpc.paths:
            if version is None or not path.startswith(f"/{version[1]}/"):
                yield f"{rpc.name}: path {path} does not start with its version"


def http_paths_are_unique(contracts: Contracts) -> Iterator[str]:
    """No two rpcs have the same HTTP verb and path, whatever their variables are called."""
    seen: dict[str, str] = {}
    for rpc in contracts.rpcs:
        verb = rpc.method.options.Extensions[annotations_pb2.http].WhichOneof("pattern")
        for path in rpc.paths:
            shape = f"{verb} {_shape(path)}"
            if shape in seen:
                yield f"{rpc.name}: {shape} is also {seen[shape]}"
            seen[shape] = rpc.name


def mutations_have_request_ids(contracts: Contracts) -> Iterator[str]:
    """Every rpc that is retried as idempotent takes a `request_id` that must be a UUID."""
    for rpc in contracts.rpcs:
        if rpc.policy.retry != method_pb2.RETRY_CLASS_IDEMPOTENT:
            continue
        fields = {part.name: part for part in contracts.messages[rpc.method.input_type].field}
        if REQUEST_ID_BY_ANOTHER_NAME.get(rpc.name) in fields:
            continue
        request_id = fields.get("request_id")
        if request_id is None:
            yield f"{rpc.name}: idempotent, without request_id"
            continue
        rules = option(request_id.options, validate_pb2.field)
        # A plain string that is absent is "", which is no UUID; `optional` and `ignore` would let it through.
        required = rules.required or (
            not request_id.proto3_optional and rules.ignore == validate_pb2.IGNORE_UNSPECIFIED
        )
        if not (rules.string.uuid and required):
            yield f"{rpc.name}: request_id is not a required UUID"


def amounts_are_decimals(contracts: Contracts) -> Iterator[str]:
    """Every amount is a string, and one that callers send carries a rule for decimals."""
    rules = (rules_pb2.decimal, rules_pb2.positive_decimal, rules_pb2.nonnegative_decimal)
    sent = contracts.sent_by_callers()
    for name, message in contracts.messages.items():
        if not name.startswith(".trademesh."):
            continue
        for part in message.field:
            if not _AMOUNT.search(part.name) or part.type in {
                part.TYPE_MESSAGE,
                part.TYPE_ENUM,
                part.TYPE_BOOL,
            }:
                continue
            full = f"{name[1:]}.{part.name}"
            if part.type != part.TYPE_STRING:
                yield f"{full}: an amount that is not a string"
            elif name in sent and not _output_only(part):
                said = option(part.options, validate_pb2.field)
                strings = said.repeated.items.string if part.label == part.LABEL_REPEATED else said.string
                if not any(strings.HasExtension(rule) and strings.Extensions[rule] for rule in rules):
                    yield f"{full}: an amount without a decimal rule"


def no_field_is_a_float(contracts: Contracts) -> Iterator[str]:
    """Money is never a float, so nothing is."""
    for name, message in contracts.messages.items():
        for part in message.field:
            if name.startswith(".trademesh.") and part.type in {part.TYPE_DOUBLE, part.TYPE_FLOAT}:
                yield f"{name[1:]}.{part.name}: a float"


def error_reasons_exist(contracts: Contracts) -> Iterator[str]:
    """Every package with a public rpc has an ErrorReason enum with something to say."""
    for package in sorted({rpc.file.package for rpc in contracts.rpcs if rpc.policy.public}):
        enums = [enum for file in contracts.files.file if file.package == package for enum in file.enum_type]
        reasons = [enum for enum in enums if enum.name == "ErrorReason"]
        if not reasons:
            yield f"{package}: no enum ErrorReason"
        elif len(reasons[0].value) < 2:
            yield f"{package}.ErrorReason: no reason"


RULES: tuple[Rule, ...] = (
    policies_are_complete,
    public_rpcs_have_http,
    http_paths_carry_the_version,
    http_paths_are_unique,
    mutations_have_request_ids,
    amounts_are_decimals,
    no_field_is_a_float,
    error_reasons_exist,
)


def option(options: Any, extension: Any) -> Any:
    """The value of a custom option, to read or to change; the generated stubs do not type extensions."""
    return options.Extensions[extension]


def _output_only(part: FieldDescriptorProto) -> bool:
    return field_behavior_pb2.OUTPUT_ONLY in part.options.Extensions[field_behavior_pb2.field_behavior]


def _shape(path: str) -> str:
    """The path as a router sees it: `{name=accounts/*}` is `accounts/*`."""
    return re.sub(r"\{[^=}]+(?:=([^}]*))?\}", lambda match: match[1] or "*", path)
