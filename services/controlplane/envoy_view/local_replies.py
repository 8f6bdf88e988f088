"""Envoy's own answers in the shape of every other error: ``google.rpc.Status`` as JSON."""

from typing import Final

from envoy.config.accesslog.v3.accesslog_pb2 import AccessLogFilter, ComparisonFilter, StatusCodeFilter
from envoy.config.core.v3.base_pb2 import RuntimeUInt32
from envoy.config.core.v3.substitution_format_string_pb2 import SubstitutionFormatString
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    LocalReplyConfig,
    ResponseMapper,
)
from google.protobuf.struct_pb2 import Struct
from google.rpc.code_pb2 import Code

_UNKNOWN: Final = Code.UNKNOWN
_CODES: Final = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    408: Code.DEADLINE_EXCEEDED,
    413: Code.INVALID_ARGUMENT,
    415: Code.INVALID_ARGUMENT,
    429: Code.RESOURCE_EXHAUSTED,
    431: Code.INVALID_ARGUMENT,
    500: Code.INTERNAL,
    501: Code.UNIMPLEMENTED,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}


def local_replies() -> LocalReplyConfig:
    """A body for every status that Envoy answers by itself."""
    return LocalReplyConfig(
        mappers=[_mapper(status, code) for status, code in _CODES.items()],
        body_format=_body(_UNKNOWN),
    )


def _mapper(status: int, code: int) -> ResponseMapper:
    value = RuntimeUInt32(default_value=status, runtime_key=f"edge.local_reply.{status}")
    comparison = ComparisonFilter(op=ComparisonFilter.EQ, value=value)
    return ResponseMapper(
        filter=AccessLogFilter(status_code_filter=StatusCodeFilter(comparison=comparison)),
        body_format_override=_body(code),
    )


def _body(code: int) -> SubstitutionFormatString:
    shape = Struct()
    shape.update({"code": code, "message": "%LOCAL_REPLY_BODY%", "details": []})
    return SubstitutionFormatString(json_format=shape, content_type="application/json")
