"""Kinds of import contracts for import-linter, for rules that must hold for services nobody has written yet.

The rules themselves stand in pyproject.toml. A pattern is a module name in which `*` stands for one part;
it means the modules that fit and everything below them. A pattern that fits nothing is no error.
"""

import re
import sys
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class _Rule(Contract):
    """A contract that is a function from the import graph to violations, one line each."""

    @abstractmethod
    def violations(self, graph: ImportGraph) -> Iterator[str]:
        """Says what is wrong, one line per violation."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - import-linter's signature
        """Called by import-linter."""
        found = sorted(set(self.violations(graph)))
        return ContractCheck(kept=not found, metadata={"violations": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Called by import-linter."""
        for line in check.metadata["violations"]:
            output.print_error(line)


def _strings() -> Any:
    return fields.ListField(subfield=fields.StringField())


class PureContract(_Rule):
    """`modules` import only their own package, `allowed`, and the standard library without `impure`."""

    type_name = "pure"

    modules = _strings()
    allowed = _strings()
    impure = _strings()

    def violations(self, graph: ImportGraph) -> Iterator[str]:
        """See `_Rule`."""
        standard = sys.stdlib_module_names - set(self.impure)
        for importer, imported in _imports(graph, self.modules):
            own = _matched(importer, self.modules)
            if imported.split(".", 1)[0] not in standard and not _under(imported, [own, *self.allowed]):
                yield _line(graph, importer, imported)


class KnownOnlyByContract(_Rule):
    """Of our modules, only those that fit `only` import `packages` directly."""

    type_name = "known_only_by"

    packages = _strings()
    only = _strings()

    def violations(self, graph: ImportGraph) -> Iterator[str]:
        """See `_Rule`."""
        for importer, imported in _imports(graph, ["services"]):
            if _matched(imported, self.packages) and not _matched(importer, self.only):
                yield _line(graph, importer, imported)


class PackagesContract(_Rule):
    """Packages below `root` import each other only as said: `rules` as in "supervisor: toolchain chassis".

    A package without a rule of its own may import `default`.
    """

    type_name = "packages"

    root = fields.StringField()
    default = _strings()
    rules = _strings()

    def violations(self, graph: ImportGraph) -> Iterator[str]:
        """See `_Rule`."""
        root = str(self.root)
        table = {
            name.strip(): set(allowed.split())
            for name, _, allowed in (rule.partition(":") for rule in self.rules)
        }
        for importer, imported in _imports(graph, [f"{root}.*"]):
            if not imported.startswith(f"{root}."):
                continue
            own, other = importer.split(".")[1], imported.split(".")[1]
            if other not in {own, *table.get(own, self.default)}:
                yield _line(graph, importer, imported)


class NeverReachesContract(_Rule):
    """`modules` import none of `packages`, not even through others."""

    type_name = "never_reaches"

    modules = _strings()
    packages = _strings()

    def violations(self, graph: ImportGraph) -> Iterator[str]:
        """See `_Rule`."""
        targets = [name for name in graph.modules if _matched(name, self.packages)]
        for module in sorted(name for name in graph.modules if _matched(name, self.modules)):
            for target in targets:
                chain = graph.find_shortest_chain(importer=module, imported=target)
                if chain:
                    yield "; ".join(
                        _line(graph, importer, imported) for importer, imported in pairwise(chain)
                    )


def _imports(graph: ImportGraph, patterns: Iterable[str]) -> Iterator[tuple[str, str]]:
    wanted = list(patterns)
    for importer in graph.modules:
        if _matched(importer, wanted):
            for imported in graph.find_modules_directly_imported_by(importer):
                yield importer, imported


def _matched(module: str, patterns: Iterable[str]) -> str:
    """The part of the module's name that fits one of the patterns, or ""."""
    for pattern in patterns:
        expression = re.escape(pattern).replace(r"\*", r"[^.]+")
        match = re.match(rf"{expression}(?=\.|$)", module)
        if match:
            return match[0]
    return ""


def _under(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _line(graph: ImportGraph, importer: str, imported: str) -> str:
    details = graph.get_import_details(importer=importer, imported=imported)
    where = f" (line {details[0]['line_number']})" if details else ""
    return f"{importer} imports {imported}{where}"
