"""The Consul agent of one mesh: its configuration and its command."""

import json
from collections.abc import Sequence
from pathlib import Path
from string import Template

from services.supervisor.paths import ROOT, StatePaths
from services.supervisor.ports import free_ports, is_busy

_TEMPLATE = ROOT / "consul" / "agent.hcl"


def configure(paths: StatePaths, http_port: int) -> Path:
    """Writes the agent's configuration; returns its path.

    The server and gossip ports of the last run are taken again where they are free.
    """
    server_port, serf_port = _inner_ports(paths.consul / "ports.json")
    data = paths.consul / "data"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        data_dir=json.dumps(str(data))[1:-1],
        http_port=http_port,
        server_port=server_port,
        serf_port=serf_port,
    )
    file = paths.consul / "agent.hcl"
    file.write_text(text, encoding="utf-8")
    return file


def command(binary: Path, configuration: Path) -> Sequence[str]:
    """How the agent is started."""
    return (str(binary), "agent", f"-config-file={configuration}")


def _inner_ports(file: Path) -> tuple[int, int]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        server, serf = int(kept["server"]), int(kept["serf"])
        if not is_busy(server) and not is_busy(serf):
            return server, serf
    except (OSError, ValueError, KeyError, TypeError):
        pass
    server, serf = free_ports(2)
    file.write_text(json.dumps({"server": server, "serf": serf}), encoding="utf-8")
    return server, serf
