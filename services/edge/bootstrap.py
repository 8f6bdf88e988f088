"""Envoy's bootstrap: the templates in envoy/ filled in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

import services
from services.edge.settings import EdgeSettings

TEMPLATES = Path(services.__file__).resolve().parent.parent / "envoy"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeFiles:
    """Where the edge keeps its files.

    Attributes:
        folder: the edge's folder in the state directory.
        ads_roots: root certificate of the control plane, kept by the control plane.
    """

    folder: Path
    ads_roots: Path

    @property
    def certificates(self) -> Path:
        """Folder whose ``current`` leads to the newest certificate, key and roots."""
        return self.folder / "tls"

    @property
    def socket(self) -> Path:
        """Unix socket of reflection and health."""
        return self.folder / "local.sock"


def write(files: EdgeFiles, settings: EdgeSettings, *, instance: str, zone: str, ads_address: str) -> Path:
    """Writes bootstrap and the two files it names; returns the bootstrap's path."""
    current = files.certificates / "current"
    certificate = _render(
        files,
        "certificate.yaml",
        {
            "certificate": str(current / "certificate.pem"),
            "private_key": str(current / "private_key.pem"),
            "certificate_dir": str(files.certificates),
        },
    )
    roots = _render(
        files, "roots.yaml", {"roots": str(files.ads_roots), "roots_dir": str(files.ads_roots.parent)}
    )
    ads_host, _, ads_port = ads_address.rpartition(":")
    return _render(
        files,
        "bootstrap.yaml",
        {
            "instance": instance,
            "zone": zone,
            "edge_address": settings.address,
            "edge_port": settings.port,
            "admin_port": settings.admin_port,
            "certificate_dir": str(files.certificates),
            "local_socket": str(files.socket),
            "ads_host": ads_host,
            "ads_port": int(ads_port),
            "certificate_sds": str(certificate),
            "roots_sds": str(roots),
            "max_heap_bytes": settings.max_heap_bytes,
            "max_connections": settings.max_connections,
        },
    )


def _render(files: EdgeFiles, name: str, values: Mapping[str, str | int]) -> Path:
    template = Template((TEMPLATES / name).read_text(encoding="utf-8"))
    text = template.substitute({key: json.dumps(value) for key, value in values.items()})
    path = files.folder / name
    path.write_text(text, encoding="utf-8")
    return path
