"""Domain errors as ``google.rpc.Status``, and back."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.kernel.errors import DomainError, ErrorKind, Resource, Violation

CODES: Final[Mapping[ErrorKind, grpc.StatusCode]] = MappingProxyType(
    {
        ErrorKind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
        ErrorKind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
        ErrorKind.ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
        ErrorKind.PRECONDITION: grpc.StatusCode.FAILED_PRECONDITION,
        ErrorKind.DENIED: grpc.StatusCode.PERMISSION_DENIED,
        ErrorKind.EXHAUSTED: grpc.StatusCode.RESOURCE_EXHAUSTED,
        ErrorKind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
        ErrorKind.ABORTED: grpc.StatusCode.ABORTED,
        ErrorKind.OUT_OF_RANGE: grpc.StatusCode.OUT_OF_RANGE,
        ErrorKind.DEADLINE: grpc.StatusCode.DEADLINE_EXCEEDED,
        ErrorKind.INTERNAL: grpc.StatusCode.INTERNAL,
    }
)
_KINDS: Final = {code.value[0]: kind for kind, code in CODES.items()}
MESSAGE_LIMIT = 1024
"""Most characters of a message on the wire: it travels in a header."""
_BASE = "trademesh"


def area_of(service: str) -> str:
    """The error domain's first part: ``market`` for ``trademesh.market.v1.MarketService``."""
    parts = service.split(".")
    return parts[1] if parts[0] == _BASE and len(parts) > 1 else "mesh"


def status_of(error: DomainError, area: str) -> grpc.Status:
    """The wire form of a call that failed; arguments as of :func:`message_of`."""
    return rpc_status.to_status(message_of(error, area))


def message_of(error: DomainError, area: str) -> status_pb2.Status:
    """The error as a message: exactly one ErrorInfo, and the details that fit.

    Args:
        error: what the handler raised.
        area: area of the contract, as in ``market``; the domain is ``market.trademesh``.
    """
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=f"{area}.{_BASE}", metadata=error.metadata)
    ]
    if error.violations:
        fields = [
            error_details_pb2.BadRequest.FieldViolation(field=each.field, description=each.description)
            for each in error.violations
        ]
        details.append(error_details_pb2.BadRequest(field_violations=fields))
    if error.resource is not None:
        details.append(
            error_details_pb2.ResourceInfo(
                resource_type=error.resource.type, resource_name=error.resource.name
            )
        )
    if error.retry_after is not None:
        details.append(error_details_pb2.RetryInfo(retry_delay=_duration(error.retry_after)))
    return _message(CODES[error.kind], error.message[:MESSAGE_LIMIT], details)


def error_of(message: status_pb2.Status) -> DomainError:
    """The error that :func:`message_of` made a message of."""
    info, fields = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    resource, retry = error_details_pb2.ResourceInfo(), error_details_pb2.RetryInfo()
    there = {detail.TypeName() for detail in message.details}
    for detail in message.details:
        for each in (info, fields, resource, retry):
            detail.Unpack(each)
    return DomainError(
        info.reason,
        message.message,
        kind=_KINDS[message.code],
        metadata=dict(info.metadata),
        resource=Resource(resource.resource_type, resource.resource_name)
        if resource.DESCRIPTOR.full_name in there
        else None,
        violations=[Violation(each.field, each.description) for each in fields.field_violations],
        retry_after=retry.retry_delay.ToTimedelta() if retry.DESCRIPTOR.full_name in there else None,
    )


def internal_status(area: str) -> grpc.Status:
    """The answer to a fault of ours: it says nothing about the inside."""
    return rpc_status.to_status(internal_message(area))


def internal_message(area: str) -> status_pb2.Status:
    """A fault of ours as a message, for one of many in an answer."""
    info = error_details_pb2.ErrorInfo(reason="INTERNAL", domain=f"{area}.{_BASE}")
    return _message(grpc.StatusCode.INTERNAL, "internal error", [info])


def details_of(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    """The ``google.rpc.Status`` a failed call brought, if it brought a readable one."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None


def _duration(delta: timedelta) -> duration_pb2.Duration:
    message = duration_pb2.Duration()
    message.FromTimedelta(delta)
    return message


def _message(code: grpc.StatusCode, text: str, details: list[Message]) -> status_pb2.Status:
    packed = []
    for detail in details:
        wrapper = any_pb2.Any()
        wrapper.Pack(detail)
        packed.append(wrapper)
    number: int = code.value[0]
    return status_pb2.Status(code=number, message=text, details=packed)
