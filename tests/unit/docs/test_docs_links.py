"""The documents speak of what exists, and each check can fail."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support import documents as docs
from tests.support.documents import ROOT, Document

Check = Callable[[Document], Iterator[str]]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CHECKS: dict[str, Check] = {
    "links": docs.broken_links,
    "paths": docs.missing_paths,
    "settings": docs.unknown_variables,
    "targets": partial(docs.unknown_targets, makefile=MAKEFILE),
    "commands": docs.unknown_commands,
}
SETTINGS = "docs/settings.md"


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return docs.documents()


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS.keys())
def test_documents_speak_of_what_exists(check: Check, documents: list[Document]) -> None:
    assert [line for document in documents for line in check(document)] == []


def test_every_document_is_looked_at(documents: list[Document]) -> None:
    names = {document.name for document in documents}
    assert {"README.md", "ARCHITECTURE.md", SETTINGS, "docs/adding-a-service.md"} <= names
    assert any(name.startswith("docs/adr/") for name in names)


def test_readme_is_read_in_one_sitting(documents: list[Document]) -> None:
    readme = next(document for document in documents if document.name == "README.md")
    assert len(readme.text.splitlines()) < 300


def test_architecture_draws_the_tree_as_it_is(documents: list[Document]) -> None:
    text = next(document.text for document in documents if document.name == "ARCHITECTURE.md")
    first = text.split("```")[1]
    drawn = docs.tree(Document("ARCHITECTURE.md", f"```{first}```"))
    assert [path for path in drawn if not (ROOT / path).exists()] == []
    packages = {
        file.parent.relative_to(ROOT).as_posix()
        for pattern in ("services/*/__init__.py", "services/chassis/*/__init__.py")
        for file in ROOT.glob(pattern)
    }
    assert packages <= set(drawn)


def test_a_drawn_tree_is_read_level_by_level() -> None:
    text = "```\na/   first\n  b.py c.py   two\n  d/       <x>\n    e.py\nf/  last\n```"
    assert docs.tree(Document("SAMPLE.md", text)) == ["a", "a/b.py", "a/c.py", "a/d", "a/d/e.py", "f"]


def test_every_setting_is_listed_with_its_default(documents: list[Document]) -> None:
    text = next(document.text for document in documents if document.name == SETTINGS)
    rows = {
        cells[0].strip("` "): cells[1].strip("` ")
        for line in text.splitlines()
        if line.startswith("| `TRADEMESH_") and len(cells := line.strip("|").split(" | ")) == 3
    }
    expected = docs.settings()
    # One for each processor, at most two: the machine decides.
    del expected["TRADEMESH_EDGE_CONCURRENCY"]
    assert expected.keys() <= rows.keys()
    assert {name: rows[name] for name in expected} == {name: shown(value) for name, value in expected.items()}


def shown(value: object) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | dict):
        return "see below"
    return f"{value:g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("links", "See [there](docs/nowhere.md)."),
        ("links", "See [there](README.md#no-such-heading)."),
        ("links", "See [there](#no-such-heading)."),
        ("paths", "It stands in `services/nowhere/app.py`."),
        ("paths", "They stand in `services/*/nowhere.py`."),
        ("settings", "Set `TRADEMESH_NO_SUCH_SETTING`."),
        ("settings", "```\nTRADEMESH_MARKET_NO_SUCH=1 make up\n```"),
        ("settings", "All begin with `TRADEMESH_NOBODY_`."),
        ("targets", "Run `make nonsense`."),
        ("targets", "```\n$ make up nonsense\n```"),
        ("commands", "Run `trademesh nonsense`."),
        ("commands", "```\n.venv/bin/trademesh nonsense --state-dir x\n```"),
    ],
)
def test_each_check_fails_on_what_does_not_exist(check: str, text: str) -> None:
    assert list(CHECKS[check](Document("SAMPLE.md", text)))


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("links", "[a](README.md) [b](https://example.org/x) [c](#here)\n\n## Here"),
        ("paths", "`services/chassis/settings.py` `services/*/app.py` `accounts/paper/orders` `a/b`"),
        ("settings", "`TRADEMESH_LOG_LEVEL` `TRADEMESH_MARKET_` `TRADEMESH_ADMIN_PORT`"),
        ("targets", "`make up` and `make PYTHON=/usr/bin/python3 setup`; make sure of it"),
        ("commands", "`trademesh up` `trademesh: port 8080 is in use` `trademesh.market.v1`"),
    ],
)
def test_each_check_passes_on_what_exists(check: str, text: str) -> None:
    assert list(CHECKS[check](Document("SAMPLE.md", text))) == []


def test_an_example_excuses_only_its_own_document(tmp_path: Path) -> None:
    (tmp_path / "services").mkdir()
    text = "`services/clock/app.py`"
    assert list(docs.missing_paths(Document("docs/adding-a-service.md", text), tmp_path)) == []
    assert list(docs.missing_paths(Document("README.md", text), tmp_path))
