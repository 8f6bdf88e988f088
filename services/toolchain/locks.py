"""Proves, offline, that the lock files fit what they were made from.

`python -m services.toolchain.locks`: each requirement is locked at a version it allows, every locked
package has hashes, and both lock files agree.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from services.toolchain.places import ROOT

PAIRS = (("requirements.in", "requirements.txt"), ("requirements-dev.in", "requirements-dev.txt"))

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)(?P<more> \\)?$")


def problems(root: Path) -> list[str]:
    """One line per problem; none means the lock files are current."""
    found: list[str] = []
    locks: list[dict[str, Version]] = []
    for source, lock in PAIRS:
        pins, unhashed = _pins(root / lock)
        locks.append(pins)
        found += [f"{lock}: {name} has no hash" for name in unhashed]
        for requirement in _requirements(root / source):
            version = pins.get(canonicalize_name(requirement.name))
            if version is None:
                found.append(f"{lock}: {requirement.name}, wanted by {source}, is not locked")
            elif not requirement.specifier.contains(version, prereleases=True):
                found.append(f"{lock}: {requirement.name} {version} is not {requirement.specifier}")
    runtime, development = locks
    found += [
        f"{name}: {version} in {PAIRS[0][1]}, {development.get(name, 'nothing')} in {PAIRS[1][1]}"
        for name, version in runtime.items()
        if development.get(name) != version
    ]
    return found


def _requirements(file: Path) -> Iterator[Requirement]:
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.split("#", 1)[0].strip()
        if text.startswith("-r "):
            yield from _requirements(file.parent / text.removeprefix("-r ").strip())
        elif text and not text.startswith("-"):
            yield Requirement(text)


def _pins(file: Path) -> tuple[dict[str, Version], list[str]]:
    pins: dict[str, Version] = {}
    unhashed: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        match = _PIN.match(line)
        if match:
            name = canonicalize_name(match["name"])
            pins[name] = Version(match["version"])
            if not match["more"]:
                unhashed.append(name)
    return pins, unhashed


def main() -> int:
    """Prints the problems; exit code 1 where there are any."""
    found = problems(ROOT)
    if found:
        print(*found, sep="\n")  # noqa: T201 - for people
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
