"""Go programs and proto files, pinned in tools/go.mod and checked against tools/go.sum."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from services.toolchain.places import ROOT, placed, tools_directory
from services.toolchain.tools import Announce, Tool, ToolMissing

BUILD_SECONDS = 900
"""Longest that one run of go may take, downloads included."""

_PACKAGES = {
    Tool.GRPCURL: "github.com/fullstorydev/grpcurl/cmd/grpcurl",
    Tool.PROTOC_GEN_OPENAPI: "github.com/google/gnostic/cmd/protoc-gen-openapi",
}


def pins() -> str:
    """A short name of the pinned versions: it changes whenever a pin does."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        digest.update((ROOT / "tools" / name).read_bytes())
    return digest.hexdigest()[:12]


def find(tool: Tool) -> Path | None:
    """The program built from the current pins, or None."""
    binary = tools_directory() / f"{tool}-{pins()}" / tool
    return binary if binary.is_file() else None


def install(tool: Tool, announce: Announce) -> Path:
    """Builds the program once.

    Raises:
        ToolMissing: no Go, or its modules cannot be reached.
    """

    def build(folder: Path) -> None:
        announce(f"building {tool} (Go module, pinned in tools/go.mod) ...")
        _run(tool, ["build", "-o", str(folder / tool), _PACKAGES[tool]])

    return placed(f"{tool}-{pins()}", build) / tool


def module_folder(module: str) -> Path:
    """The read-only folder of a module's files, downloaded and checked where it is not there yet.

    Raises:
        ToolMissing: no Go, or the module cannot be reached.
    """
    answer: dict[str, str] = json.loads(_run(module, ["mod", "download", "-json", module]))
    return Path(answer["Dir"])


def pinned_version(tool: Tool) -> str:
    """The version of the program's module in tools/go.mod, without its v."""
    for line in (ROOT / "tools" / "go.mod").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) > 1 and words[1].startswith("v") and _PACKAGES[tool].startswith(f"{words[0]}/"):
            return words[1].removeprefix("v")
    raise ToolMissing(tool, "tools/go.mod does not pin it")


def _run(wanted: str, arguments: list[str]) -> str:
    go = shutil.which("go")
    if go is None:
        raise ToolMissing(wanted, "it is built with Go, and there is no `go` on the PATH")
    # Pins come from our go.mod alone: no workspace around it, no rewriting of it, no C compiler needed.
    variables = {**os.environ, "GOWORK": "off", "GOFLAGS": "-mod=readonly -trimpath", "CGO_ENABLED": "0"}
    if arguments[0] != "build":
        variables["GOFLAGS"] = "-mod=readonly"
    try:
        done = subprocess.run(  # noqa: S603 - go, with arguments of ours
            [go, *arguments],
            cwd=ROOT / "tools",
            env=variables,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise ToolMissing(wanted, f"go took longer than {BUILD_SECONDS} seconds") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if not line.startswith("go: downloading")]
        raise ToolMissing(wanted, f"go {arguments[0]} failed: {lines[0] if lines else done.returncode}")
    return done.stdout
