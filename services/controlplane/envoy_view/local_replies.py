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

DOMAIN: Final = "edge.trademesh"
"""Domain of the ErrorInfo in Envoy's own answers; its reason is the name of the gRPC code."""

_ANSWERS: Final = {
    400: (Code.INVALID_ARGUMENT, "The request is malformed."),
    401: (Code.UNAUTHENTICATED, "The caller is not known."),
    403: (Code.PERMISSION_DENIED, "The caller may not do this."),
    404: (Code.NOT_FOUND, "There is nothing here."),
    405: (Code.UNIMPLEMENTED, "This cannot be done here."),
    408: (Code.DEADLINE_EXCEEDED, "The request took too long."),
    413: (Code.INVALID_ARGUMENT, "The request is too large."),
    415: (Code.INVALID_ARGUMENT, "The request's format is not known."),
    429: (Code.RESOURCE_EXHAUSTED, "Too many requests."),
    431: (Code.INVALID_ARGUMENT, "The request's headers are too large."),
    500: (Code.INTERNAL, "The edge failed."),
    501: (Code.UNIMPLEMENTED, "This cannot be done here."),
    502: (Code.UNAVAILABLE, "The service answered nonsense."),
    503: (Code.UNAVAILABLE, "The service cannot be reached."),
    504: (Code.DEADLINE_EXCEEDED, "The service did not answer in time."),
}
_FIRST_ERROR: Final = 400
_OTHER: Final = (Code.UNKNOWN, "The edge refused the request.")


def local_replies() -> LocalReplyConfig:
    """A body for every error that Envoy answers by itself."""
    return LocalReplyConfig(
        mappers=[
            *(_mapper(ComparisonFilter.EQ, status, *answer) for status, answer in _ANSWERS.items()),
            # Not as the default format: answers below 400, as of the health page, keep their body.
            _mapper(ComparisonFilter.GE, _FIRST_ERROR, *_OTHER),
        ]
    )


def _mapper(op: ComparisonFilter.Op, status: int, code: int, sentence: str) -> ResponseMapper:
    name = ComparisonFilter.Op.Name(op).lower()
    value = RuntimeUInt32(default_value=status, runtime_key=f"edge.local_reply.{name}.{status}")
    comparison = ComparisonFilter(op=op, value=value)
    return ResponseMapper(
        filter=AccessLogFilter(status_code_filter=StatusCodeFilter(comparison=comparison)),
        body_format_override=_body(code, sentence),
    )


def _body(code: int, sentence: str) -> SubstitutionFormatString:
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": Code.Name(code),
        "domain": DOMAIN,
        "metadata": {"details": "%RESPONSE_CODE_DETAILS%"},
    }
    shape = Struct()
    shape.update({"code": code, "message": f"{sentence} %LOCAL_REPLY_BODY%", "details": [info]})
    return SubstitutionFormatString(json_format=shape, content_type="application/json")
