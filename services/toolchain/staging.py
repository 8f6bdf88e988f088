"""Third-party protos that our contracts import, copied from packages into the git-ignored `third_party/`."""

import hashlib
import importlib.metadata
import os
import shutil
import sys
from pathlib import Path

from services.toolchain import golang
from services.toolchain.places import ROOT
from services.toolchain.tools import ToolMissing

STAGED = ROOT / "third_party"

_WHEEL = "googleapis-common-protos"
_FROM_WHEEL = (
    "google/api/annotations.proto",
    "google/api/field_behavior.proto",
    "google/api/http.proto",
    "google/api/resource.proto",
    # Nobody imports these three: the edge needs them in the descriptor to show error details as JSON.
    "google/rpc/code.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
)
_MODULE = "github.com/bufbuild/protovalidate"
_FROM_MODULE = "buf/validate/validate.proto"


def stage() -> Path:
    """Makes `third_party/` hold exactly the staged protos, and returns it.

    Raises:
        ToolMissing: the wheel is not installed, or Go is needed and absent.
    """
    stamp = STAGED / ".stamp"
    wanted = _fingerprint()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return STAGED
    # Sources first: a missing one leaves what was staged before as it is.
    sources = {name: _wheel_file(name) for name in _FROM_WHEEL}
    sources[_FROM_MODULE] = golang.module_folder(_MODULE) / "proto" / "protovalidate" / _FROM_MODULE
    shutil.rmtree(STAGED, ignore_errors=True)
    for name, source in sources.items():
        target = STAGED / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    stamp.write_text(wanted, encoding="utf-8")
    return STAGED


def _fingerprint() -> str:
    try:
        version = importlib.metadata.version(_WHEEL)
    except importlib.metadata.PackageNotFoundError:
        raise ToolMissing(_WHEEL, "the wheel is not installed; `make setup` installs it") from None
    parts = [golang.pins(), version, *_FROM_WHEEL, _FROM_MODULE]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _wheel_file(name: str) -> Path:
    path = Path(str(importlib.metadata.distribution(_WHEEL).locate_file(name)))
    if not path.is_file():
        raise ToolMissing(_WHEEL, f"the wheel does not hold {name}")
    return path


def main() -> int:
    """Stages, then runs the command given as arguments: buf, which reads the staged protos."""
    try:
        stage()
    except ToolMissing as missing:
        skip = os.environ.get("CI") != "true"
        print(f"{'skipped: ' if skip else ''}{missing}")  # noqa: T201 - for people
        return 0 if skip else 1
    if sys.argv[1:]:
        os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - our Makefile's command
    return 0


if __name__ == "__main__":
    sys.exit(main())
