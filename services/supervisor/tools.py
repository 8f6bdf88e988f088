"""The programs the mesh runs that are not Python, found or installed by the toolchain."""

from collections.abc import Callable
from pathlib import Path

from services.supervisor.failure import ExitCode, MeshError
from services.toolchain import Tool, ToolMissing, ensure


def require(tool: Tool, announce: Callable[[str], None] = lambda _: None) -> Path:
    """The program, installed first where it is absent.

    Raises:
        MeshError: it cannot be had; the toolchain's line says what to do.
    """
    try:
        return ensure(tool, announce)
    except ToolMissing as error:
        raise MeshError(str(error), ExitCode.TOOL_MISSING) from error
