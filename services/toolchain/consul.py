"""Consul: CONSUL_BIN, then PATH, then Debian's package unpacked among our tools."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from services.toolchain.debian import DebianError, private_apt
from services.toolchain.places import placed, tools_directory
from services.toolchain.tools import Announce, Tool, ToolMissing

OLDEST = (1, 8, 7)
"""The oldest Consul the mesh was measured with."""

SUITE = "bullseye"
"""The last Debian release that ships Consul."""

_FOLDER = f"consul-{SUITE}"
_ADVICE = "install the vendor's package `consul` (1.8.7 or newer) or set CONSUL_BIN to its path"


def find() -> Path | None:
    """The consul to use, or None.

    Raises:
        ToolMissing: CONSUL_BIN names no program, or what was found is too old.
    """
    chosen = os.environ.get("CONSUL_BIN")
    if chosen:
        if not os.access(chosen, os.X_OK):
            raise ToolMissing(Tool.CONSUL, f"CONSUL_BIN={chosen} is not a program")
        return _recent(Path(chosen).resolve())
    on_path = shutil.which("consul")
    if on_path:
        return _recent(Path(on_path).resolve())
    ours = tools_directory() / _FOLDER / "usr" / "bin" / "consul"
    return ours if ours.is_file() else None


def install(announce: Announce) -> Path:
    """Fetches Debian's package and unpacks it.

    Raises:
        ToolMissing: not a Debian, or its mirror cannot be reached.
    """

    def build(folder: Path) -> None:
        announce(f"fetching consul (Debian's {SUITE} package, unpacked, not installed) ...")
        with private_apt(SUITE) as apt:
            apt.unpack(["consul"], into=folder)

    try:
        return _recent(placed(_FOLDER, build) / "usr" / "bin" / "consul")
    except DebianError as error:
        raise ToolMissing(Tool.CONSUL, f"{error}; {_ADVICE}") from error


def _recent(binary: Path) -> Path:
    try:
        done = subprocess.run(  # noqa: S603 - the binary the person chose
            [binary, "version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolMissing(Tool.CONSUL, f"{binary} does not run: {error}") from error
    match = re.search(r"Consul v(\d+)\.(\d+)\.(\d+)", done.stdout)
    if match is None:
        raise ToolMissing(Tool.CONSUL, f"{binary} does not say its version; {_ADVICE}")
    if tuple(int(part) for part in match.groups()) < OLDEST:
        raise ToolMissing(Tool.CONSUL, f"{binary} is version {'.'.join(match.groups())}: too old; {_ADVICE}")
    return binary
