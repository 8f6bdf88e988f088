"""The edge's one public listener."""

from datetime import timedelta
from typing import Final

from envoy.config.accesslog.v3.accesslog_pb2 import AccessLog
from envoy.config.core.v3.protocol_pb2 import Http2ProtocolOptions, HttpProtocolOptions
from envoy.config.core.v3.substitution_format_string_pb2 import SubstitutionFormatString
from envoy.config.listener.v3.listener_components_pb2 import Filter, FilterChain
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.access_loggers.stream.v3.stream_pb2 import StdoutAccessLog
from envoy.extensions.filters.http.grpc_json_transcoder.v3.transcoder_pb2 import GrpcJsonTranscoder
from envoy.extensions.filters.http.grpc_web.v3.grpc_web_pb2 import GrpcWeb
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    HttpFilter,
    Rds,
)
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.wrappers_pb2 import BoolValue

from services.controlplane.envoy_view import routes, transcoder
from services.controlplane.envoy_view.local_replies import local_replies
from services.controlplane.envoy_view.node import EdgeNode
from services.controlplane.xds import duration, from_ads, number, pack, socket_address

NAME: Final = "edge"

_MAX_HEADERS_KB: Final = 32
_MAX_HEADERS: Final = 100
_MAX_STREAMS_PER_CONNECTION: Final = 256
_BUFFER_BYTES: Final = 1 << 20
_IDLE_CONNECTION: Final = timedelta(hours=1)
_HEADERS_WITHIN: Final = timedelta(seconds=10)
_IDLE_STREAM: Final = timedelta(minutes=5)

# What was answered, or null. %GRPC_STATUS% guesses from the HTTP status where the transcoder has taken the
# header of an error away, and calls every 404 UNIMPLEMENTED.
_GRPC_STATUS: Final = (
    '%COALESCE({"operators": [{"command": "TRAILER", "param": "grpc-status"}, '
    '{"command": "RESP", "param": "grpc-status"}]})%'
)
_LOG_FIELDS: Final = {
    "timestamp": "%START_TIME%",
    "event": "request_served",
    "service": "edge",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "rpc": "%REQ(:PATH)%",
    "status": "%RESPONSE_CODE%",
    "grpc_status": _GRPC_STATUS,
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "duration_ms": "%DURATION%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "upstream": "%UPSTREAM_HOST%",
    "cluster": "%UPSTREAM_CLUSTER%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "correlation_id": "%REQ(X-CORRELATION-ID)%",
    "traceparent": "%REQ(TRACEPARENT)%",
}


def listener(node: EdgeNode, json_transcoder: GrpcJsonTranscoder) -> Listener:
    """The listener at the node's address: gRPC, gRPC-Web and REST on one port."""
    manager = Filter(
        name="envoy.filters.network.http_connection_manager", typed_config=pack(_manager(json_transcoder))
    )
    return Listener(
        name=NAME,
        address=socket_address(node.address, node.port),
        per_connection_buffer_limit_bytes=number(_BUFFER_BYTES),
        filter_chains=[FilterChain(filters=[manager])],
    )


def _manager(json_transcoder: GrpcJsonTranscoder) -> HttpConnectionManager:
    return HttpConnectionManager(
        stat_prefix=NAME,
        rds=Rds(config_source=from_ads(), route_config_name=routes.NAME),
        http_filters=[
            _filter("envoy.filters.http.grpc_web", GrpcWeb()),
            _filter(transcoder.FILTER, json_transcoder),
            _filter("envoy.filters.http.router", Router(suppress_envoy_headers=True)),
        ],
        local_reply_config=local_replies(),
        access_log=[AccessLog(name="envoy.access_loggers.stdout", typed_config=pack(_access_log()))],
        # Nobody outside is trusted with headers that steer Envoy.
        use_remote_address=BoolValue(value=True),
        internal_address_config=HttpConnectionManager.InternalAddressConfig(),
        preserve_external_request_id=True,
        always_set_request_id_in_response=True,
        normalize_path=BoolValue(value=True),
        path_with_escaped_slashes_action=HttpConnectionManager.REJECT_REQUEST,
        max_request_headers_kb=number(_MAX_HEADERS_KB),
        common_http_protocol_options=HttpProtocolOptions(
            idle_timeout=duration(_IDLE_CONNECTION), max_headers_count=number(_MAX_HEADERS)
        ),
        http2_protocol_options=Http2ProtocolOptions(
            max_concurrent_streams=number(_MAX_STREAMS_PER_CONNECTION)
        ),
        request_headers_timeout=duration(_HEADERS_WITHIN),
        stream_idle_timeout=duration(_IDLE_STREAM),
    )


def _filter(name: str, config: Message) -> HttpFilter:
    return HttpFilter(name=name, typed_config=pack(config))


def _access_log() -> StdoutAccessLog:
    fields = Struct()
    fields.update(_LOG_FIELDS)
    return StdoutAccessLog(log_format=SubstitutionFormatString(json_format=fields))
