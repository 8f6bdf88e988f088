"""PostgreSQL's server programs, for tests: POSTGRES_BIN_DIR, PATH, Debian's folder, else its package.

The server refuses to run as root: whoever starts it as root does so through an unprivileged user such as
`nobody`, who must be able to reach the programs (each folder above them needs the x permission for all).
"""

import os
import re
import shutil
from pathlib import Path

from services.toolchain.debian import DebianError, installed_packages, private_apt
from services.toolchain.places import placed, tools_directory
from services.toolchain.tools import Announce, Tool, ToolMissing

_FOLDER = "postgresql"
_UNUSED = ("libc6", "libgcc", "libstdc++", "libllvm", "libz3")
"""Of the machine, whatever it is called there; or of the compiler, see `unpack`."""
_SERVER = re.compile(r"postgresql(-client)?-\d+$")


def find() -> Path | None:
    """The `postgres` program with `initdb` beside it, or None.

    Raises:
        ToolMissing: POSTGRES_BIN_DIR holds no server.
    """
    chosen = os.environ.get("POSTGRES_BIN_DIR")
    if chosen:
        if not _complete(Path(chosen)):
            raise ToolMissing(Tool.POSTGRES, f"POSTGRES_BIN_DIR={chosen} holds no postgres and initdb")
        return Path(chosen).resolve() / "postgres"
    on_path = shutil.which("postgres")
    if on_path and _complete(Path(on_path).resolve().parent):
        return Path(on_path).resolve()
    return _newest(Path("/")) or _newest(tools_directory() / _FOLDER)


def install(announce: Announce) -> Path:
    """Unpacks the machine's own Debian release of the server, with the libraries it lacks.

    Raises:
        ToolMissing: not a Debian, or its mirror cannot be reached.
    """

    def build(folder: Path) -> None:
        announce("fetching PostgreSQL (Debian's packages, unpacked, not installed) ...")
        unpack(folder, present=installed_packages())

    advice = "install the package `postgresql` or set POSTGRES_BIN_DIR to the folder of postgres and initdb"
    try:
        folder = placed(_FOLDER, build)
    except DebianError as error:
        raise ToolMissing(Tool.POSTGRES, f"{error}; {advice}") from error
    found = _newest(folder)
    if found is None:
        raise ToolMissing(Tool.POSTGRES, f"Debian's package holds no server; {advice}")
    return found


def unpack(folder: Path, present: set[str]) -> None:
    """Unpacks server, client programs and the libraries that are not `present` below `folder`."""
    with private_apt() as apt:
        packages = [name for name in apt.needed_by("postgresql") if name not in present and _wanted(name)]
        apt.unpack(packages, into=folder)
    # The compiler of query expressions needs 100 MB of LLVM; without its plugin the server runs without it.
    for plugin in folder.glob("usr/lib/postgresql/*/lib/llvmjit*"):
        plugin.unlink()


def environment(binary: Path) -> dict[str, str]:
    """Variables that a server from our tools needs to find its libraries; none for an installed one."""
    root = tools_directory() / _FOLDER
    if not binary.is_relative_to(root):
        return {}
    folders = sorted(
        str(folder) for pattern in ("lib/*-linux-*", "usr/lib/*-linux-*") for folder in root.glob(pattern)
    )
    before = os.environ.get("LD_LIBRARY_PATH")
    return {"LD_LIBRARY_PATH": ":".join([*folders, *([before] if before else [])])}


def _wanted(package: str) -> bool:
    library = package.startswith("lib") and "perl" not in package and not package.startswith(_UNUSED)
    return library or _SERVER.fullmatch(package) is not None


def _complete(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb"))


def _newest(root: Path) -> Path | None:
    folders = [folder for folder in root.glob("usr/lib/postgresql/*/bin") if _complete(folder)]
    versions = {int(folder.parent.name): folder for folder in folders if folder.parent.name.isdecimal()}
    return versions[max(versions)] / "postgres" if versions else None
