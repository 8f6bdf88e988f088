"""`make setup`: makes the virtual environment from the lock file. Runs on a bare Python 3.11.

A Debian Python without `python3.11-venv` has no ensurepip: pip then comes from Debian's own pip wheel,
unpacked, not installed.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from services.toolchain.debian import DebianError, private_apt
from services.toolchain.places import ROOT, locked, placed
from services.toolchain.tools import announce_on_stderr

PYTHON = (3, 11)
"""The version the lock file was made for."""

_LOCK = "requirements-dev.txt"


class SetupError(Exception):
    """The environment cannot be made. The message is one line for people."""


def fingerprint(root: Path) -> str:
    """Changes whenever the environment has to be brought up to date."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    installed = [project["build-system"], project["project"], project["tool"]["setuptools"]]
    digest = hashlib.sha256(f"{root}\n{sys.version}\n{installed}".encode())
    for name in (_LOCK, "requirements.in"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def make(root: Path) -> bool:
    """Makes or updates `.venv`; returns whether there was anything to do.

    Raises:
        SetupError: it cannot be made here.
    """
    venv = root / ".venv"
    stamp = venv / ".current"
    wanted = fingerprint(root)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    with locked("setup"):
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
            return False
        stamp.unlink(missing_ok=True)
        if not _usable(venv):
            _create(venv)
        announce_on_stderr("installing the locked packages into .venv ...")
        pip = [str(venv / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        _run("pip", [*pip, "--require-hashes", "-r", _LOCK], root)
        _run("pip", [*pip, "--no-deps", "--no-build-isolation", "--editable", "."], root)
        stamp.write_text(wanted, encoding="utf-8")
    return True


def _usable(venv: Path) -> bool:
    """Whether it is of this Python, stands where it was made, and has pip."""
    python = venv / "bin" / "python"
    # Scripts name their interpreter by its full path: after a move they would run another one, or none.
    if not python.exists() or str(python) not in _text(venv / "bin" / "pip"):
        return False
    code = f"import sys, pip; sys.exit(sys.version != {sys.version!r})"
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0  # noqa: S603


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _create(venv: Path) -> None:
    announce_on_stderr("making the virtual environment .venv ...")
    shutil.rmtree(venv, ignore_errors=True)
    _run("venv", [sys.executable, "-m", "venv", "--without-pip", str(venv)], venv.parent)
    python = str(venv / "bin" / "python")
    if importlib.util.find_spec("ensurepip") is not None:
        _run("ensurepip", [python, "-m", "ensurepip", "--default-pip"], venv.parent)
    else:
        _run(
            "pip",
            [python, str(debian_pip() / "pip"), "--quiet", "install", *_locked_pip(venv.parent)],
            venv.parent,
        )


def debian_pip() -> Path:
    """Debian's pip as a wheel, which runs without being installed.

    Raises:
        SetupError: not a Debian, or its mirror cannot be reached.
    """

    def build(folder: Path) -> None:
        announce_on_stderr("fetching pip (Debian's wheel, unpacked, not installed) ...")
        with private_apt() as apt:
            apt.unpack(["python3-pip-whl"], into=folder)

    try:
        wheels = sorted(placed("python3-pip-whl", build).glob("usr/share/python-wheels/pip-*.whl"))
    except DebianError as error:
        raise SetupError(
            f"this Python has no ensurepip: install the package python3.11-venv ({error})"
        ) from error
    if not wheels:
        raise SetupError("this Python has no ensurepip: install the package python3.11-venv")
    return wheels[-1]


def _locked_pip(root: Path) -> list[str]:
    """Arguments that install exactly the locked pip, hashes checked."""
    lines = iter((root / _LOCK).read_text(encoding="utf-8").splitlines())
    entry: list[str] = []
    for line in lines:
        if line.startswith("pip=="):
            entry.append(line)
            while entry[-1].endswith("\\"):
                entry.append(next(lines))
    pinned = root / ".venv" / "pip.txt"
    pinned.write_text("\n".join(entry) + "\n", encoding="utf-8")
    return ["--require-hashes", "-r", str(pinned)]


def _run(what: str, command: list[str], folder: Path) -> None:
    # Nothing of the caller's own Python may leak into the environment that is made.
    variables = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONHOME"}}
    done = subprocess.run(  # noqa: S603 - our own interpreter
        command,
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        lines = [
            line for line in done.stderr.splitlines() if line.startswith("ERROR")
        ] or done.stderr.splitlines()
        raise SetupError(f"{what} failed: {lines[0] if lines else f'exit code {done.returncode}'}")


def main() -> int:
    """Brings `.venv` up to date; silent when it already is."""
    if sys.version_info[:2] != PYTHON:
        announce_on_stderr(
            f"setup needs Python 3.11, this is {sys.version.split()[0]}: make PYTHON=/path/to/python3.11"
        )
        return 1
    try:
        if make(ROOT):
            announce_on_stderr("setup is complete")
    except SetupError as error:
        announce_on_stderr(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
