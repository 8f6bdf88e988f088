"""TLS of the server: always the newest certificate, and only callers who show one."""

from collections.abc import Callable

import grpc

from services.chassis.identity.certificates import KeyMaterial


def server_credentials(newest: Callable[[], KeyMaterial]) -> grpc.ServerCredentials:
    """Credentials that follow the newest material without a restart.

    gRPC asks before each handshake, from a thread of its own; connections that stand keep the
    certificate they began with.

    Args:
        newest: gives the material; must be quick and safe to call from any thread.
    """
    used = newest()

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        nonlocal used
        material = newest()
        if material is used:
            return None
        used = material
        return _configuration(material)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(used),
        fetch,  # type: ignore[arg-type] # None says "unchanged", which the stubs leave out
        require_client_authentication=True,
    )


def _configuration(material: KeyMaterial) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(material.private_key, material.certificate)], root_certificates=material.roots
    )
