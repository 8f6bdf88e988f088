"""A tiny fixed mesh for tests of the control plane: two services, one contract, no generated code."""

import tomllib
from typing import Any

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from trademesh.options.v1 import method_pb2

from services.chassis.descriptor import policies_of
from services.chassis.registry import Registry, parse_registry
from services.controlplane.ads.views import Views
from services.controlplane.domain.catalog import Catalog, Health, Instance
from services.controlplane.envoy_view import EnvoyView
from services.controlplane.grpc_view import GrpcView
from services.controlplane.metrics import Metrics
from services.controlplane.xds import EndpointSets

TRUST_DOMAIN = "11111111-2222-3333-4444-555555555555.consul"
REGISTRY = """
[defaults]
instances = 1
database = true
lb_policy = "round_robin"
weight = 100
zone = "local"
calls = []
circuit_breaker = { max_connections = 1, max_pending_requests = 2, max_requests = 3, max_retries = 4 }
retry = { attempts = 3, codes = ["unavailable"], backoff_ms = 25, max_backoff_ms = 250 }
[defaults.outlier_detection]
consecutive_5xx = 5
failure_percentage = 60
minimum_hosts = 2
request_volume = 20
interval_ms = 2000
base_ejection_ms = 5000
max_ejection_percent = 50

[services.echo]
calls = ["hidden"]
lb_policy = "least_request"
circuit_breaker = { max_requests = 7 }

[services.hidden]
retry = { attempts = 1 }

[infrastructure.edge]
calls = ["echo"]

[infrastructure.controlplane]
calls = []
"""
READ = method_pb2.RETRY_CLASS_READ
IDEMPOTENT = method_pb2.RETRY_CLASS_IDEMPOTENT
NEVER = method_pb2.RETRY_CLASS_NEVER


def registry() -> Registry:
    """The services ``echo``, which is public, and ``hidden``, which is not."""
    return parse_registry(tomllib.loads(REGISTRY))


def descriptor() -> FileDescriptorSet:
    """The contracts of both."""
    made = FileDescriptorSet()
    for area in ("echo", "hidden"):
        made.file.append(_contract(area))
    return made


def views(metrics: Metrics) -> Views:
    """Both views of this mesh."""
    endpoints, contracts = EndpointSets(), descriptor()
    policies = policies_of(contracts)
    grpc_view = GrpcView(registry(), policies, endpoints)
    return Views(grpc_view, EnvoyView(registry(), policies, contracts, endpoints), metrics)


def catalog() -> Catalog:
    """Three instances of echo in two zones, one of them critical; of hidden nothing is known."""
    alive = (
        Instance("echo-1", "127.0.0.1", 5001, weight=100, zone="east", version="1"),
        Instance("echo-2", "127.0.0.1", 5002, weight=50, zone="east", version="2"),
        Instance("echo-3", "127.0.0.1", 5003, health=Health.CRITICAL, zone="west"),
        Instance("echo-4", "127.0.0.1", 5004, health=Health.WARNING, zone="west"),
    )
    return Catalog().with_trust_domain(TRUST_DOMAIN).with_service("echo", alive)


def _contract(area: str) -> FileDescriptorProto:
    file = FileDescriptorProto(
        name=f"trademesh/{area}/v1/{area}_service.proto", package=f"trademesh.{area}.v1", syntax="proto3"
    )
    file.message_type.add(name="Note").field.add(name="text", number=1, type=9, label=1)
    service = file.service.add(name=f"{area.capitalize()}Service")
    public = area == "echo"
    _method(service, area, "GetNote", READ, public=public, binding=http_pb2.HttpRule(get="/v1/notes/{text}"))
    create = http_pb2.HttpRule(post="/v1/notes", body="*")
    _method(service, area, "CreateNote", IDEMPOTENT, public=public, binding=create)
    watch = http_pb2.HttpRule(get="/v1/notes:watch")
    _method(service, area, "WatchNotes", NEVER, public=public, binding=watch, stream=True)
    _method(
        service, area, "PurgeNotes", NEVER, public=False, binding=http_pb2.HttpRule(post="/v1/notes:purge")
    )
    return file


def _method(
    service: Any,
    area: str,
    name: str,
    retry: int,
    *,
    public: bool,
    binding: http_pb2.HttpRule,
    stream: bool = False,
) -> None:
    note = f".trademesh.{area}.v1.Note"
    method = service.method.add(name=name, input_type=note, output_type=note, server_streaming=stream)
    policy = method.options.Extensions[method_pb2.method]
    policy.permission = f"{area}.use"
    policy.retry = retry
    policy.rate = method_pb2.RATE_CLASS_READ
    policy.public = public
    if not stream:
        policy.default_deadline.FromSeconds(2)
    method.options.Extensions[annotations_pb2.http].CopyFrom(binding)
