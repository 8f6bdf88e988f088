"""The edge's clusters: every public service, and the edge process itself."""

from datetime import timedelta
from typing import Final

from envoy.config.cluster.v3.circuit_breaker_pb2 import CircuitBreakers
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.cluster.v3.outlier_detection_pb2 import OutlierDetection
from envoy.config.core.v3.address_pb2 import Address, Pipe, TcpKeepalive
from envoy.config.core.v3.base_pb2 import TransportSocket
from envoy.config.core.v3.protocol_pb2 import Http2ProtocolOptions
from envoy.config.endpoint.v3.endpoint_components_pb2 import Endpoint, LbEndpoint, LocalityLbEndpoints
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import (
    CertificateValidationContext,
    SubjectAltNameMatcher,
)
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import CommonTlsContext, UpstreamTlsContext
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions
from envoy.type.matcher.v3.string_pb2 import StringMatcher

from services.chassis import registry
from services.controlplane.envoy_view import secrets
from services.controlplane.envoy_view.node import EdgeNode
from services.controlplane.xds import circuit_breakers, duration, from_ads, number, pack, spiffe_id

LOCAL: Final = "edge-local"
"""The edge process itself: reflection of the whole mesh, and health."""

_CONNECT_TIMEOUT: Final = timedelta(seconds=1)
_HTTP_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_LB_POLICIES: Final = {
    registry.LbPolicy.ROUND_ROBIN: Cluster.ROUND_ROBIN,
    registry.LbPolicy.LEAST_REQUEST: Cluster.LEAST_REQUEST,
}


def cluster(spec: registry.ServiceSpec, trust_domain: str) -> Cluster:
    """The cluster of one service: HTTP/2 over mutual TLS to exactly that service."""
    made = Cluster(
        name=spec.name,
        type=Cluster.EDS,
        eds_cluster_config=Cluster.EdsClusterConfig(eds_config=from_ads(), service_name=spec.name),
        connect_timeout=duration(_CONNECT_TIMEOUT),
        lb_policy=_LB_POLICIES[spec.lb_policy],
        circuit_breakers=breakers(spec.circuit_breaker),
        outlier_detection=outlier_detection(spec.outlier_detection),
        transport_socket=TransportSocket(
            name="envoy.transport_sockets.tls",
            typed_config=pack(mutual_tls(spiffe_id(trust_domain, spec.name))),
        ),
    )
    # By default Envoy gathers health changes for a second; an ejected instance would get calls meanwhile.
    made.common_lb_config.update_merge_window.CopyFrom(duration(timedelta()))
    made.upstream_connection_options.tcp_keepalive.CopyFrom(TcpKeepalive(keepalive_time=number(30)))
    made.typed_extension_protocol_options[_HTTP_OPTIONS].CopyFrom(pack(_http2()))
    return made


def breakers(spec: registry.CircuitBreaker) -> CircuitBreakers:
    """The registry's bounds, with what remains of each shown in the statistics."""
    return circuit_breakers(
        spec,
        max_connections=number(spec.max_connections),
        max_pending_requests=number(spec.max_pending_requests),
        max_retries=number(spec.max_retries),
        track_remaining=True,
    )


def outlier_detection(spec: registry.OutlierDetection) -> OutlierDetection:
    """Ejection after failures in a row, or by failure percentage."""
    return OutlierDetection(
        consecutive_5xx=number(spec.consecutive_5xx or 1),
        enforcing_consecutive_5xx=number(100 if spec.consecutive_5xx else 0),
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
    """Show the edge's certificate, and accept only a server with exactly that SPIFFE identity."""
    exact = SubjectAltNameMatcher(san_type=SubjectAltNameMatcher.URI, matcher=StringMatcher(exact=identity))
    return UpstreamTlsContext(
        common_tls_context=CommonTlsContext(
            alpn_protocols=["h2"],
            tls_certificate_sds_secret_configs=[secrets.reference(secrets.CERTIFICATE)],
            combined_validation_context=CommonTlsContext.CombinedCertificateValidationContext(
                default_validation_context=CertificateValidationContext(
                    match_typed_subject_alt_names=[exact]
                ),
                validation_context_sds_secret_config=secrets.reference(secrets.ROOTS),
            ),
        )
    )


def local_cluster(node: EdgeNode) -> Cluster:
    """The edge process, over its Unix socket."""
    endpoint = LbEndpoint(endpoint=Endpoint(address=Address(pipe=Pipe(path=str(node.local_socket)))))
    made = Cluster(
        name=LOCAL,
        type=Cluster.STATIC,
        connect_timeout=duration(_CONNECT_TIMEOUT),
        load_assignment=ClusterLoadAssignment(
            cluster_name=LOCAL, endpoints=[LocalityLbEndpoints(lb_endpoints=[endpoint])]
        ),
    )
    made.typed_extension_protocol_options[_HTTP_OPTIONS].CopyFrom(pack(_http2()))
    return made


def _http2() -> HttpProtocolOptions:
    return HttpProtocolOptions(
        explicit_http_config=HttpProtocolOptions.ExplicitHttpConfig(
            http2_protocol_options=Http2ProtocolOptions()
        )
    )
