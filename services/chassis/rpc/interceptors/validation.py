"""Reads requests and holds them to the rules beside their fields."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from google.protobuf.message import Message
from protovalidate import Validator
from protovalidate import Violation as RuleViolation

from services.chassis.rpc.interceptor import Call, Context, Method
from services.kernel.errors import DomainError, ErrorKind, Violation

Decode = Callable[[bytes], Any]
MAX_VIOLATIONS = 32
"""Most violations one answer lists: the details travel in a header of limited size."""

_validator = Validator()


class RequestReader:
    """Decodes and validates what a caller sent, one message or a stream of them.

    It stands behind authorization: bytes of a caller who may not call are never parsed.
    """

    def __init__(self, decode: Decode) -> None:
        self._decode = decode

    def wrap(self, method: Method, call: Call) -> Call:
        """The call that takes the raw request."""
        decode = self._decode
        if method.request_streaming:

            async def streaming(requests: AsyncIterator[bytes], context: Context) -> Any:
                return await call(_each(requests, decode), context)

            return streaming

        async def single(raw: bytes, context: Context) -> Any:
            return await call(read(raw, decode), context)

        return single


def read(raw: bytes, decode: Decode) -> Any:
    """One message, decoded and valid.

    Raises:
        DomainError: INVALID with reason INVALID_REQUEST: bytes that are no such message, or fields
            that break a rule.
    """
    try:
        request = decode(raw)
    except Exception as error:
        msg = "the request's bytes are not a message of the contract"
        raise DomainError("INVALID_REQUEST", msg, kind=ErrorKind.INVALID) from error
    check(request)
    return request


def check(request: Message) -> None:
    """Hold a message to its ``buf.validate`` rules.

    Raises:
        DomainError: INVALID with reason INVALID_REQUEST and the fields that break a rule.
    """
    violations = _validator.collect_violations(request)
    if not violations:
        return
    listed = [_violation(each) for each in violations[:MAX_VIOLATIONS]]
    first = listed[0]
    raise DomainError(
        "INVALID_REQUEST",
        f"{first.field}: {first.description}" if first.field else first.description,
        kind=ErrorKind.INVALID,
        violations=listed,
    )


async def _each(requests: AsyncIterator[bytes], decode: Decode) -> AsyncIterator[Any]:
    async for raw in requests:
        yield read(raw, decode)


def _violation(found: RuleViolation) -> Violation:
    proto = found.proto
    return Violation(_path(proto.field), proto.message or proto.rule_id)


def _path(field: Any) -> str:
    """A proto field path as text: ``order.legs[2].price``, ``labels["a"]``."""
    if field is None:
        return ""
    return ".".join(_element(element) for element in field.elements)


def _element(element: Any) -> str:
    subscript = element.subscript
    if subscript is None:
        return str(element.field_name)
    value = subscript.value
    return f'{element.field_name}["{value}"]' if isinstance(value, str) else f"{element.field_name}[{value}]"
