"""`python -m services.toolchain`: shows every tool; `--ensure` installs what is absent."""

import argparse
import json
import sys

from rich.console import Console
from rich.table import Table

from services.toolchain import Tool, ToolMissing, ensure, find, version


def main() -> int:
    """Prints the tools; exit code 1 where one that was asked for is missing."""
    parser = argparse.ArgumentParser(prog="python -m services.toolchain", description=__doc__)
    parser.add_argument("tools", nargs="*", type=Tool, help=f"of {', '.join(Tool)}; default all")
    parser.add_argument("--ensure", action="store_true", help="install what is absent")
    parser.add_argument("--optional", action="store_true", help="a missing tool is a warning")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quiet", action="store_true", help="print only what is missing")
    arguments = parser.parse_args()
    rows = [_row(tool, install=arguments.ensure) for tool in arguments.tools or Tool]
    missing = [row for row in rows if not row["path"]]
    if arguments.json:
        print(json.dumps(rows, indent=2))  # noqa: T201 - the answer
    elif not arguments.quiet:
        _print_table(rows)
    if arguments.quiet:
        for row in missing:
            print(row["problem"], file=sys.stderr)  # noqa: T201 - the answer
    return 1 if missing and not arguments.optional else 0


def _row(tool: Tool, *, install: bool) -> dict[str, str]:
    try:
        path = ensure(tool) if install else find(tool)
        return {"tool": tool, "version": version(tool, path), "path": str(path), "problem": ""}
    except ToolMissing as missing:
        return {"tool": tool, "version": "", "path": "", "problem": str(missing)}


def _print_table(rows: list[dict[str, str]]) -> None:
    table = Table("tool", "version", "where")
    for row in rows:
        where = row["path"] or row["problem"].partition(": ")[2]
        table.add_row(row["tool"], row["version"], where, style=None if row["path"] else "yellow")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
