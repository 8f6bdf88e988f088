"""The xDS bootstrap: how this process's gRPC channels reach the control plane and who they are."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.chassis.identity.certificates import CERTIFICATE, PRIVATE_KEY, ROOTS

VARIABLE = "GRPC_XDS_BOOTSTRAP"
CERTIFICATE_PROVIDER = "mesh"
_REFRESH = "5s"


def bootstrap(
    *, ads_address: str, ads_roots: Path, certificates: Path, node_id: str, service: str, zone: str
) -> Mapping[str, Any]:
    """The bootstrap document.

    Args:
        ads_address: ``host:port`` of the control plane.
        ads_roots: PEM file with the root of the control plane's own certificate.
        certificates: folder with this process's certificate, key and the mesh's roots.
        node_id: id of this process.
        service: name of this service; the control plane sees it as the node's cluster.
        zone: where this process runs.
    """
    own = {
        "certificate_file": str(certificates / CERTIFICATE),
        "private_key_file": str(certificates / PRIVATE_KEY),
        "refresh_interval": _REFRESH,
    }
    return {
        "xds_servers": [
            {
                "server_uri": ads_address,
                "channel_creds": [{"type": "tls", "config": {**own, "ca_certificate_file": str(ads_roots)}}],
                "server_features": ["xds_v3", "ignore_resource_deletion"],
            }
        ],
        "certificate_providers": {
            CERTIFICATE_PROVIDER: {
                "plugin_name": "file_watcher",
                "config": {**own, "ca_certificate_file": str(certificates / ROOTS)},
            }
        },
        "node": {
            "id": node_id,
            "cluster": service,
            "locality": {"zone": zone},
            "metadata": {"service": service, "instance": node_id},
        },
    }


def install_bootstrap(document: Mapping[str, Any], path: Path) -> None:
    """Write the document and point gRPC at it; before the first channel of the process is made."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    os.environ[VARIABLE] = str(path)
