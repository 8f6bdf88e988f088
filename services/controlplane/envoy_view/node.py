"""What an edge says of itself in its node metadata."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

_MAX_PORT = 65535


class NodeError(ValueError):
    """The node metadata lacks something, or says something that cannot be meant."""


@dataclass(frozen=True, slots=True)
class EdgeNode:
    """Where one edge listens, and where its files are.

    Attributes:
        address: IP address of the public listener.
        port: TCP port of the public listener.
        certificate_dir: directory whose entry ``current`` leads to ``certificate.pem``,
            ``private_key.pem`` and ``roots.pem``. A rotation moves a new ``current`` into place.
        local_socket: Unix socket on which the edge process itself serves reflection and health.
    """

    address: str
    port: int
    certificate_dir: PurePosixPath
    local_socket: PurePosixPath

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> "EdgeNode":
        """Read ``edge_address``, ``edge_port``, ``certificate_dir`` and ``local_socket``.

        Raises:
            NodeError: one of them is missing or wrong; the message names it.
        """
        port = metadata.get("edge_port")
        if not isinstance(port, int | float | str) or not str(port).removesuffix(".0").isdigit():
            raise NodeError("node metadata edge_port: a port is expected")
        number = int(float(port))
        if not 0 < number <= _MAX_PORT:
            raise NodeError(f"node metadata edge_port: {number} is no port")
        return cls(
            address=_text(metadata, "edge_address"),
            port=number,
            certificate_dir=_absolute(metadata, "certificate_dir"),
            local_socket=_absolute(metadata, "local_socket"),
        )


def _text(metadata: Mapping[str, Any], key: str) -> str:
    value = metadata.get(key)
    if not isinstance(value, str) or not value:
        raise NodeError(f"node metadata {key}: a text is expected")
    return value


def _absolute(metadata: Mapping[str, Any], key: str) -> PurePosixPath:
    path = PurePosixPath(_text(metadata, key))
    if not path.is_absolute():
        raise NodeError(f"node metadata {key}: an absolute path is expected")
    return path
