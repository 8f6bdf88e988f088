"""REST: HTTP and JSON to gRPC and back, as the contracts' HTTP bindings say."""

from collections.abc import Iterable
from typing import Final

from envoy.extensions.filters.http.grpc_json_transcoder.v3.transcoder_pb2 import GrpcJsonTranscoder
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from services.controlplane.xds import number

FILTER: Final = "envoy.filters.http.grpc_json_transcoder"
MAX_REQUEST_BYTES: Final = 1 << 20
MAX_RESPONSE_BYTES: Final = 16 << 20


def transcoder(descriptor: FileDescriptorSet, services: Iterable[str]) -> GrpcJsonTranscoder:
    """The transcoder for ``services`` of ``descriptor``.

    JSON fields go out under their names in the contract, which are the names the examples send.
    """
    return GrpcJsonTranscoder(
        proto_descriptor_bin=descriptor.SerializeToString(deterministic=True),
        services=services,
        print_options=GrpcJsonTranscoder.PrintOptions(
            preserve_proto_field_names=True,
            always_print_primitive_fields=True,
            stream_newline_delimited=True,
        ),
        request_validation_options=GrpcJsonTranscoder.RequestValidationOptions(
            reject_unknown_method=True, reject_unknown_query_parameters=True
        ),
        convert_grpc_status=True,
        max_request_body_size=number(MAX_REQUEST_BYTES),
        max_response_body_size=number(MAX_RESPONSE_BYTES),
    )
