"""Both views of a fixed mesh, as text, so that a change of what proxies are told is seen in review.

To accept a change: ``UPDATE_GOLDEN=1 pytest tests/contract/controlplane``.
"""

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret
from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass

from services.chassis.descriptor import policies_of, public_descriptor
from services.controlplane.domain.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    PUSH_ORDER,
    ROUTES,
    SECRET,
    Snapshot,
)
from services.controlplane.envoy_view import EdgeNode, EnvoyView
from services.controlplane.envoy_view.transcoder import FILTER
from services.controlplane.grpc_view import GrpcView
from services.controlplane.xds import EndpointSets
from tests.support import echo_mesh

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "controlplane"
KINDS: dict[str, Any] = {
    CLUSTER: Cluster,
    ENDPOINTS: ClusterLoadAssignment,
    LISTENER: Listener,
    ROUTES: RouteConfiguration,
    SECRET: Secret,
}
EDGE = EdgeNode(
    address="127.0.0.1",
    port=8080,
    certificate_dir=PurePosixPath("/state/edge/tls"),
    local_socket=PurePosixPath("/state/edge/local.sock"),
)


def grpc_snapshot() -> Snapshot:
    policies = policies_of(echo_mesh.descriptor())
    view = GrpcView(echo_mesh.registry(), policies, EndpointSets())
    return view.snapshot(echo_mesh.catalog())


def envoy_snapshot() -> Snapshot:
    contracts = echo_mesh.descriptor()
    view = EnvoyView(echo_mesh.registry(), policies_of(contracts), contracts, EndpointSets())
    return view.snapshot(echo_mesh.catalog(), EDGE)


def as_text(snapshot: Snapshot) -> str:
    """Every resource in push order, with what lies in ``Any`` written out."""
    parts = []
    for url in PUSH_ORDER:
        for resource in snapshot.of_type(url).by_name.values():
            message = KINDS[url].FromString(resource.body)
            without_descriptor(message)
            text = text_format.MessageToString(message, descriptor_pool=Default())
            parts.append(f"# {url.rpartition('.')[2]} {resource.name}\n{text}")
    return "\n".join(parts)


def without_descriptor(message: Any) -> None:
    """Leave the transcoder's descriptor out: it is bytes, and has a test of its own."""
    if not isinstance(message, Listener) or not message.filter_chains:
        return
    packed = message.filter_chains[0].filters[0].typed_config
    manager = unpacked(packed)
    for one in manager.http_filters:
        if one.name == FILTER:
            transcoder = unpacked(one.typed_config)
            transcoder.proto_descriptor_bin = b"..."
            one.typed_config.Pack(transcoder)
    packed.Pack(manager)


def unpacked(packed: Any) -> Any:
    kind = GetMessageClass(Default().FindMessageTypeByName(packed.TypeName()))
    return kind.FromString(packed.value)


@pytest.mark.parametrize(("name", "make"), [("grpc_view", grpc_snapshot), ("envoy_view", envoy_snapshot)])
def test_the_view_is_as_agreed(name: str, make: Callable[[], Snapshot]) -> None:
    file = GOLDEN / f"{name}.txtpb"
    text = as_text(make())
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_the_views_are_the_same_in_every_process() -> None:
    assert grpc_snapshot().version == grpc_snapshot().version
    assert envoy_snapshot().version == envoy_snapshot().version


def test_unknown_services_are_withheld_and_hidden_ones_never_reach_the_edge() -> None:
    assert grpc_snapshot().is_withheld(ENDPOINTS, "hidden")
    assert set(grpc_snapshot().of_type(CLUSTER).by_name) == {"echo", "hidden"}
    assert set(envoy_snapshot().of_type(CLUSTER).by_name) == {"echo", "edge-local"}


def test_the_edge_sees_public_methods_only() -> None:
    shown: FileDescriptorSet = public_descriptor(echo_mesh.descriptor())
    methods = {
        f"{service.name}.{method.name}"
        for file in shown.file
        for service in file.service
        for method in service.method
    }
    assert methods == {"EchoService.GetNote", "EchoService.CreateNote", "EchoService.WatchNotes"}
    assert "google/rpc/error_details.proto" in {file.name for file in shown.file}
