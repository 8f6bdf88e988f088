"""Who may open an ADS stream: members of the mesh, each as what it is."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from services.chassis.identity.spiffe import SpiffeId
from services.chassis.registry import Registry

_PEER = "peer_spiffe_id"


class RefusedError(Exception):
    """The client may not open this stream."""


class Admission(Protocol):
    """Decides who may open a stream."""

    def check(self, auth_context: Mapping[str, Iterable[bytes]], cluster: str) -> None:
        """Let the client pass.

        Args:
            auth_context: what TLS has proven of the client.
            cluster: what the client says it is.

        Raises:
            RefusedError: the client may not.
        """
        ...


class MeshAdmission:
    """Only members of the registry, by their certificate's SPIFFE id, and only edges as edges."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def check(self, auth_context: Mapping[str, Iterable[bytes]], cluster: str) -> None:
        """Let the client pass; raises as :class:`Admission` says."""
        texts = [text.decode() for text in auth_context.get(_PEER, ())]
        identity = SpiffeId.parse(texts[0]) if len(texts) == 1 else None
        if identity is None:
            raise RefusedError("no SPIFFE identity of the mesh")
        if identity.service not in self._registry.members:
            raise RefusedError(f"{identity.service} is no member of the mesh")
        is_edge = identity.service == Registry.EDGE
        if is_edge != (cluster == Registry.EDGE):
            raise RefusedError(f"{identity.service} asked as {cluster or 'nobody'}")


class OpenAdmission:
    """Everybody, for tests and benchmarks on plaintext loopback."""

    def check(self, auth_context: Mapping[str, Iterable[bytes]], cluster: str) -> None:
        """Let the client pass."""
