"""Generates everything below gen/ from the contracts, or proves that it is current.

`python -m services.toolchain.contracts` writes; with `--check` it generates into a temporary folder,
compares and touches nothing. buf compiles once; every plugin reads the resulting descriptor set.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from services.toolchain import staging
from services.toolchain.finder import ensure
from services.toolchain.places import ROOT, locked
from services.toolchain.tools import Tool, ToolMissing

GEN = ROOT / "gen"
OWNED = ("descriptors", "openapi", "python")
"""The folders of gen/ that are made here; nothing else may stand in them."""

DESCRIPTORS = Path("descriptors") / "mesh.binpb"
_VALIDATION = "buf/validate/validate.proto"
_PLUGIN_SECONDS = 120


class GenerationError(Exception):
    """A contract or a plugin is wrong. The message is what the compiler said."""


def render(into: Path) -> None:
    """Generates everything below `into`, which is empty.

    Raises:
        GenerationError: the contracts do not compile.
        ToolMissing: a program that is needed is not there.
    """
    buf = str(ensure(Tool.BUF))
    openapi = ensure(Tool.PROTOC_GEN_OPENAPI)
    staging.stage()
    image = into / DESCRIPTORS
    image.parent.mkdir()
    _run([buf, "build", "--as-file-descriptor-set", "-o", str(image)])
    _render_python(image, into / "python")
    template = ["--template", "buf.gen.yaml", "--path", "trademesh"]
    _run([buf, "generate", str(image), *template, "-o", str(into)], extra_path=str(openapi.parent))


def _render_python(image: Path, into: Path) -> None:
    into.mkdir()
    ours = sorted(path.relative_to(ROOT / "proto").as_posix() for path in (ROOT / "proto").rglob("*.proto"))
    services = [name for name in ours if name.endswith("_service.proto")]
    _protoc(image, into, ("python", "pyi"), [*ours, _VALIDATION])
    _protoc(image, into, ("grpc_python", "mypy_grpc"), services)
    for folder in [path for path in into.rglob("*") if path.is_dir()]:
        (folder / "__init__.py").touch()
    for package in into.iterdir():
        (package / "py.typed").touch()


def _protoc(image: Path, into: Path, plugins: Sequence[str], files: Sequence[str]) -> None:
    outputs = [f"--{plugin}_out={into}" for plugin in plugins]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={image}", *outputs, *files]
    # protoc-gen-mypy_grpc stands beside the interpreter of the virtual environment.
    _run(command, extra_path=str(Path(sys.executable).parent))


def _run(command: list[str], extra_path: str = "") -> None:
    variables = {
        **os.environ,
        "PATH": os.pathsep.join(filter(None, [extra_path, os.environ.get("PATH", "")])),
    }
    done = subprocess.run(  # noqa: S603 - programs we found, arguments of ours
        command,
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        timeout=_PLUGIN_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise GenerationError((done.stdout + done.stderr).strip())


def differences(rendered: Path, committed: Path) -> Iterator[str]:
    """Paths, below gen/, whose content differs or that only one side has."""
    for folder in OWNED:
        new, old = _contents(rendered / folder), _contents(committed / folder)
        for name in sorted(new.keys() | old.keys()):
            if new.get(name) != old.get(name):
                yield f"{folder}/{name}"


def publish(rendered: Path, committed: Path) -> list[str]:
    """Makes `committed` equal to `rendered`, touching only what differs; returns the changed paths."""
    changed = list(differences(rendered, committed))
    for name in changed:
        source, target = rendered / name, committed / name
        if not source.is_file():
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.new")
        draft.write_bytes(source.read_bytes())
        draft.replace(target)
    for folder in OWNED:
        _remove_empty_folders(committed / folder)
    return changed


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _remove_empty_folders(folder: Path) -> None:
    for path in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        if not any(path.iterdir()):
            path.rmdir()


def main() -> int:
    """Writes gen/, or with --check compares; exit code 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m services.toolchain.contracts", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare; exit code 1 on a difference")
    check: bool = parser.parse_args().check
    try:
        with locked("generation"), tempfile.TemporaryDirectory(prefix="trademesh-gen-") as folder:
            render(Path(folder))
            changed = list(differences(Path(folder), GEN)) if check else publish(Path(folder), GEN)
    except ToolMissing as missing:
        return _without_tool(missing, check=check)
    except GenerationError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the compiler's words, for people
        return 1
    if check and changed:
        print("gen/ is not what the contracts generate; run `make gen`:", *changed, sep="\n  ")  # noqa: T201
        return 1
    if not check:
        print(f"gen: {len(changed)} files changed")  # noqa: T201 - for people
    return 0


def _without_tool(missing: ToolMissing, *, check: bool) -> int:
    """A check may be left out on a developer's machine, never on CI."""
    skip = check and os.environ.get("CI") != "true"
    print(f"{'skipped: ' if skip else ''}{missing}", file=sys.stderr)  # noqa: T201 - for people
    return 0 if skip else 1


if __name__ == "__main__":
    sys.exit(main())
