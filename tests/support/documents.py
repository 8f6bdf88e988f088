"""The documents of the repository, and what they say about it that can be checked."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings
from typer.main import get_command

import services
from services.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = {"docs/adding-a-service.md": "clock"}
"""Documents with a worked example: the area of it exists only while somebody tries it."""

_FENCE = re.compile(r"^(```+|~~~+)")
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*?) *$")
_PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")
_VARIABLE = re.compile(r"\bTRADEMESH_[A-Z0-9_]*")
_READ_DIRECTLY = re.compile(r"environ(?:\.get\(|\[)\s*\"(TRADEMESH_\w+)\"")
_MAKE = re.compile(r"(?:^|[\s;&(])make((?: +[A-Za-z_]+=\S+)*)((?: +[a-z][a-z-]*)+)")
_COMMAND = re.compile(r"(?:^|[\s/])trademesh +([a-z]+)")
_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


@dataclass(frozen=True)
class Document:
    """One Markdown file.

    Attributes:
        name: its path in the repository.
        text: what it says.
    """

    name: str
    text: str

    @property
    def fenced(self) -> list[str]:
        """The lines inside code fences."""
        return [line for line, code in self._lines() if code]

    @property
    def prose(self) -> str:
        """Everything outside of code fences."""
        return "\n".join(line for line, code in self._lines() if not code)

    @property
    def spans(self) -> list[str]:
        """What stands in backticks."""
        return _SPAN.findall(self.prose)

    @property
    def links(self) -> list[str]:
        """Targets of links."""
        return _LINK.findall(_SPAN.sub("", self.prose))

    @property
    def anchors(self) -> set[str]:
        """Names that a link's fragment may have, as GitHub makes them of headings."""
        titles = [match[1] for line in self.prose.splitlines() if (match := _HEADING.match(line))]
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

    def _lines(self) -> Iterator[tuple[str, bool]]:
        inside = ""
        for line in self.text.splitlines():
            fence = _FENCE.match(line)
            if fence and (not inside or line.startswith(inside)):
                inside = "" if inside else fence[1]
                continue
            yield line, bool(inside)


def documents(root: Path = ROOT) -> list[Document]:
    """README and its neighbours, and everything in docs/."""
    files = [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]
    return [Document(file.relative_to(root).as_posix(), file.read_text(encoding="utf-8")) for file in files]


def broken_links(document: Document, root: Path = ROOT) -> Iterator[str]:
    """Links to files or headings that do not exist."""
    for link in document.links:
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        file = (root / document.name).parent / target
        if target and not file.exists():
            yield f"{document.name}: link to {link}"
            continue
        read = Document(target, file.read_text(encoding="utf-8")) if target.endswith(".md") else document
        if anchor and anchor not in read.anchors:
            yield f"{document.name}: no heading for {link}"


def missing_paths(document: Document, root: Path = ROOT) -> Iterator[str]:
    """Paths in backticks that begin at a folder of the repository and lead nowhere."""
    folders = {
        each.name for each in root.iterdir() if each.is_dir() and each.name not in {".trademesh", ".venv"}
    }
    for span in document.spans:
        if not _PATH.fullmatch(span) or "/" not in span or span.split("/")[0] not in folders:
            continue
        if EXAMPLES.get(document.name) in span.split("/"):
            continue
        if not any(root.glob(span.rstrip("/"))):
            yield f"{document.name}: path {span}"


def tree(document: Document) -> list[str]:
    """The paths of a tree drawn by indentation, two spaces a level, names before two or more spaces."""
    found: list[str] = []
    parents: list[str] = []
    for line in document.fenced:
        entry = re.match(r"( *)((?:[\w.-]+(?:/[\w.-]+)*/? )*[\w.-]+(?:/[\w.-]+)*/?)(?: {2,}|$)", line)
        if entry is None:
            continue
        depth = len(entry[1]) // 2
        names = entry[2].split()
        if depth > len(parents):
            continue
        del parents[depth:]
        above = "/".join(parents)
        found += [f"{above}/{name}".strip("/") for name in names]
        parents.append(names[-1].rstrip("/"))
    return found


def unknown_variables(document: Document) -> Iterator[str]:
    """Settings that nothing reads."""
    known = settings().keys() | command_variables() | read_directly()
    for variable in sorted(set(_VARIABLE.findall(document.text))):
        prefix = variable.endswith("_") and any(name.startswith(variable) for name in known)
        if not prefix and variable not in known:
            yield f"{document.name}: setting {variable}"


def unknown_targets(document: Document, makefile: str) -> Iterator[str]:
    """Make targets that the Makefile does not have."""
    targets = set(_TARGET.findall(makefile))
    for code in [*document.spans, *document.fenced]:
        for _, names in _MAKE.findall(code.partition("#")[0]):
            for name in names.split():
                if name not in targets:
                    yield f"{document.name}: make {name}"


def unknown_commands(document: Document) -> Iterator[str]:
    """Commands that the console script does not have."""
    for code in [*document.spans, *document.fenced]:
        for name in _COMMAND.findall(code):
            if name not in commands():
                yield f"{document.name}: trademesh {name}"


def settings() -> dict[str, Any]:
    """Every variable of every settings class, with its default."""
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(services.__path__, "services."):
        try:
            imported = importlib.import_module(f"{module.name}.settings")
        except ModuleNotFoundError:
            continue
        for _, kind in inspect.getmembers(imported, inspect.isclass):
            if issubclass(kind, BaseSettings) and kind.__module__ == imported.__name__:
                prefix = str(kind.model_config["env_prefix"])
                for name, field in kind.model_fields.items():
                    found[f"{prefix}{name.upper()}"] = field.get_default(call_default_factory=True)
    return found


def commands() -> set[str]:
    """The subcommands of ``trademesh``."""
    return set(_group().commands)


def command_variables() -> set[str]:
    """Variables that options of the console script are taken from."""
    return {
        option.envvar
        for command in _group().commands.values()
        for option in command.params
        if isinstance(option.envvar, str)
    }


def read_directly() -> set[str]:
    """Variables that the toolchain, the supervisor or the tests read without a settings class."""
    files = [*(ROOT / "services").rglob("*.py"), *(ROOT / "tests" / "support").glob("*.py")]
    return {name for file in files for name in _READ_DIRECTLY.findall(file.read_text(encoding="utf-8"))}


def _group() -> Any:
    return get_command(app)
