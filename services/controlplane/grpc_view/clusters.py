"""Clusters for gRPC channels.

Measured on the C core: it rejects LEAST_REQUEST, ignores ``consecutive_5xx``, ``max_connections``
and ``match_typed_subject_alt_names``, and honours what is set here.
"""

from typing import Final

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.cluster.v3.outlier_detection_pb2 import OutlierDetection
from envoy.config.core.v3.base_pb2 import TransportSocket
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import (
    CertificateProviderPluginInstance,
    CertificateValidationContext,
)
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import CommonTlsContext, UpstreamTlsContext
from envoy.type.matcher.v3.string_pb2 import StringMatcher

from services.chassis import registry
from services.controlplane.xds import circuit_breakers, duration, from_ads, number, pack, spiffe_id

PROVIDER: Final = "mesh"
"""Certificate provider instance that every channel's bootstrap defines."""


def cluster(spec: registry.ServiceSpec, trust_domain: str) -> Cluster:
    """The cluster of one service: discovered endpoints, round robin, mutual TLS to exactly that service."""
    return Cluster(
        name=spec.name,
        type=Cluster.EDS,
        eds_cluster_config=Cluster.EdsClusterConfig(eds_config=from_ads(), service_name=spec.name),
        lb_policy=Cluster.ROUND_ROBIN,
        circuit_breakers=circuit_breakers(spec.circuit_breaker),
        outlier_detection=outlier_detection(spec.outlier_detection),
        transport_socket=TransportSocket(
            name="envoy.transport_sockets.tls",
            typed_config=pack(mutual_tls(spiffe_id(trust_domain, spec.name))),
        ),
    )


def outlier_detection(spec: registry.OutlierDetection) -> OutlierDetection:
    """Ejection by failure percentage; by success rate not, since few instances make it arbitrary."""
    return OutlierDetection(
        interval=duration(spec.interval),
        base_ejection_time=duration(spec.base_ejection),
        max_ejection_percent=number(spec.max_ejection_percent),
        enforcing_success_rate=number(0),
        enforcing_failure_percentage=number(100),
        failure_percentage_threshold=number(spec.failure_percentage),
        failure_percentage_minimum_hosts=number(spec.minimum_hosts),
        failure_percentage_request_volume=number(spec.request_volume),
    )


def mutual_tls(identity: str) -> UpstreamTlsContext:
    """Show our certificate, and accept only a server with exactly that SPIFFE identity.

    The legacy ``match_subject_alt_names`` is meant: the C core silently ignores its successor, and
    would then accept every member of the mesh as the server.
    """
    instance = CertificateProviderPluginInstance(instance_name=PROVIDER)
    validation = CertificateValidationContext(
        ca_certificate_provider_instance=instance,
        match_subject_alt_names=[StringMatcher(exact=identity)],
    )
    return UpstreamTlsContext(
        common_tls_context=CommonTlsContext(
            tls_certificate_provider_instance=instance,
            combined_validation_context=CommonTlsContext.CombinedCertificateValidationContext(
                default_validation_context=validation
            ),
        )
    )
