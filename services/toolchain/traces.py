"""Proves that no file names the machine it was written on: no registry host, no path of a home or checkout.

`python -m services.toolchain.traces`. Which names to look for is read from the machine's own settings of
pip, npm, Go and apt, so that no such name stands here.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from services.toolchain.debian import read_sources
from services.toolchain.places import ROOT

_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\",|]+")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SHARED_FOLDERS = {"/", "/home", "/root", "/tmp", "/var/tmp", "/srv", "/opt", "/usr/src", "/mnt"}  # noqa: S108
_ANY_HOME = rb"(?<![\w./-])/(?:home|Users)/[a-z][\w.-]*/"


def hosts() -> set[str]:
    """Hosts of the registries and proxies this machine is set up to use."""
    texts = [
        _output(sys.executable, "-m", "pip", "config", "list"),
        _output("npm", "config", "get", "registry"),
        _output("go", "env", "GOPROXY", "GOSUMDB"),
        *(
            value
            for name, value in os.environ.items()
            if name.startswith(("PIP_", "NPM_CONFIG_", "UV_", "GO"))
        ),
    ]
    urls = [url for text in texts for url in _URL.findall(text)]
    urls += [source.uri for source in read_sources()]
    return {host for host in map(_host, urls) if host and host not in _LOOPBACK}


def folders(root: Path) -> set[str]:
    """Folders that exist only on this machine: the home, the checkout and what stands around it."""
    own = {str(Path.home()), str(root)}
    if str(root.parent) not in _SHARED_FOLDERS:
        own.add(str(root.parent))
    return own - {"/"}


def found_in(content: bytes, hosts: Iterable[str], folders: Iterable[str]) -> list[str]:
    """Which of the names stand in the content, as whole names."""
    seen = [
        name
        for name in hosts
        if re.search(rb"(?<![\w.-])" + re.escape(name.encode()) + rb"(?![\w-])", content)
    ]
    seen += [
        f"{folder}/"
        for folder in folders
        if re.search(rb"(?<![\w./-])" + re.escape(folder.encode()) + rb"(?=/)", content)
    ]
    homes = re.search(_ANY_HOME, content)
    if homes:
        seen.append(homes[0].decode())
    return sorted(set(seen))


def problems(root: Path) -> list[str]:
    """One line per file that names the machine, among all files git has or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=root,
        capture_output=True,
        check=True,
        timeout=60,
    )
    our_hosts, our_folders = hosts(), folders(root)
    lines: list[str] = []
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = root / name
        if path.is_file() and not path.is_symlink():
            names = found_in(path.read_bytes(), our_hosts, our_folders)
            if names:
                lines.append(f"{name}: {', '.join(names)}")
    return lines


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _output(program: str, *arguments: str) -> str:
    path = shutil.which(program)
    if path is None:
        return ""
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    return done.stdout


def main() -> int:
    """Prints the files that name the machine; exit code 1 where there are any."""
    found = problems(ROOT)
    if found:
        print("these files name this machine or its registries:", *found, sep="\n  ")  # noqa: T201 - for people
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
