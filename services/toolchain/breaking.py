"""Proves that the contracts still honour what callers were given: buf breaking, against an earlier commit.

`python -m services.toolchain.breaking [--against REF]`. On a branch the earlier commit is where it left the
default branch; on the default branch itself it is the commit before, or, while protos are being edited, the
last commit. A break that is meant is a new version (`v2`), or, before the first release, a commit whose
message says `Breaking-Contract: why`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from services.toolchain.finder import ensure
from services.toolchain.places import ROOT
from services.toolchain.staging import stage
from services.toolchain.tools import Tool, ToolMissing

_IMAGE = "gen/descriptors/mesh.binpb"


def baseline() -> str:
    """The commit to compare with, or "" where there is none (no git, no commit)."""
    head = _git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if not head:
        return ""
    for default in ("origin/HEAD", "origin/main", "main"):
        base = _git("merge-base", "HEAD", default)
        if base and base != head:
            return base
    if _git("status", "--porcelain", "--", "proto"):
        return head
    return _git("rev-parse", "--verify", "--quiet", "HEAD^1") or head


def compare(buf: Path, against: bytes, folder: Path) -> str:
    """What breaks between an earlier descriptor set and the protos as they are now; "" for nothing."""
    earlier, now = folder / "earlier.binpb", folder / "now.binpb"
    earlier.write_bytes(against)
    built = _run([str(buf), "build", "--as-file-descriptor-set", "-o", str(now)])
    if built.returncode:
        return _said(built)
    options = ["--config", "buf.yaml", "--path", "trademesh"]
    broken = _run([str(buf), "breaking", str(now), "--against", str(earlier), *options])
    return "" if broken.returncode == 0 else _said(broken)


def main() -> int:
    """Prints what breaks; exit code 1 where something does."""
    parser = argparse.ArgumentParser(prog="python -m services.toolchain.breaking", description=__doc__)
    parser.add_argument("--against", default="", help="commit to compare with")
    base: str = parser.parse_args().against or baseline()
    if not base:
        return 0
    image = _run(["git", "cat-file", "blob", f"{base}:{_IMAGE}"])
    if image.returncode:
        # The commit is older than the contracts: nothing was promised yet.
        return 0
    try:
        stage()
        buf = ensure(Tool.BUF)
    except ToolMissing as missing:
        skip = os.environ.get("CI") != "true"
        print(f"{'skipped: ' if skip else ''}{missing}")  # noqa: T201 - for people
        return 0 if skip else 1
    with tempfile.TemporaryDirectory(prefix="trademesh-breaking-") as folder:
        broken = compare(buf, image.stdout, Path(folder)).strip()
    if not broken:
        return 0
    accepted = _git("log", "--format=%(trailers:key=Breaking-Contract,valueonly)", f"{base}..HEAD")
    if accepted:
        print(f"skipped: the contracts break since {base[:12]}, as a commit says: {accepted.splitlines()[0]}")  # noqa: T201
        return 0
    print(broken, f"the contracts break what {base[:12]} promised", sep="\n")  # noqa: T201 - for people
    return 1


def _git(*arguments: str) -> str:
    done = _run(["git", *arguments])
    return done.stdout.decode().strip() if done.returncode == 0 else ""


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return (done.stdout + done.stderr).decode(errors="replace")


def _run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=120)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
