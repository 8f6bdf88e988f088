"""The edge's certificate and roots: named here, kept in files by the edge itself.

Only file names travel; the private key never leaves the edge's directory. Envoy reads the files
again when ``current`` is moved into place.
"""

from typing import Final

from envoy.config.core.v3.base_pb2 import DataSource, WatchedDirectory
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import CertificateValidationContext, TlsCertificate
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import SdsSecretConfig, Secret

from services.controlplane.envoy_view.node import EdgeNode
from services.controlplane.xds import from_ads

CERTIFICATE: Final = "edge-certificate"
ROOTS: Final = "mesh-roots"


def secrets(node: EdgeNode) -> list[Secret]:
    """The edge's certificate and the mesh's roots, as files below the node's directory."""
    current = node.certificate_dir / "current"
    watched = WatchedDirectory(path=str(node.certificate_dir))
    certificate = TlsCertificate(
        certificate_chain=DataSource(filename=str(current / "certificate.pem")),
        private_key=DataSource(filename=str(current / "private_key.pem")),
        watched_directory=watched,
    )
    roots = CertificateValidationContext(
        trusted_ca=DataSource(filename=str(current / "roots.pem")), watched_directory=watched
    )
    return [
        Secret(name=CERTIFICATE, tls_certificate=certificate),
        Secret(name=ROOTS, validation_context=roots),
    ]


def reference(name: str) -> SdsSecretConfig:
    """A reference to one of them."""
    return SdsSecretConfig(name=name, sds_config=from_ads())
