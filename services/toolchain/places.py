"""Where the toolchain keeps what it installs, and how two runs at once do not disturb each other."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout: the folder with Makefile, proto/, gen/ and services/."""


def tools_directory() -> Path:
    """Folder of installed tools: TRADEMESH_TOOLS_DIR, or `.trademesh/tools` in the checkout."""
    chosen = os.environ.get("TRADEMESH_TOOLS_DIR")
    return Path(chosen).resolve() if chosen else ROOT / ".trademesh" / "tools"


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Holds the lock called `name` against every other process that uses the same tools folder."""
    folder = tools_directory()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def placed(name: str, build: Callable[[Path], None]) -> Path:
    """Returns the folder `name` among the tools, building it first where it does not exist.

    `build` fills an empty folder. The result appears under its final name in one step, so that an
    interrupted build leaves nothing that looks finished, and of two builders at once one waits.
    """
    target = tools_directory() / name
    if target.is_dir():
        return target
    with locked(name):
        if target.is_dir():
            return target
        draft = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=target.parent))
        try:
            draft.chmod(0o755)
            build(draft)
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return target
