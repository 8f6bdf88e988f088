"""Which tools exist, and the one error that says why one of them cannot be had."""

import sys
from collections.abc import Callable
from enum import StrEnum

Announce = Callable[[str], None]
"""Tells a person, in one line, what takes time now."""


class Tool(StrEnum):
    """A program that is not Python and that we start."""

    CONSUL = "consul"
    ENVOY = "envoy"
    BUF = "buf"
    POSTGRES = "postgres"
    """The PostgreSQL server; `initdb` and `pg_ctl` stand beside it. It refuses to run as root."""
    GRPCURL = "grpcurl"
    PROTOC_GEN_OPENAPI = "protoc-gen-openapi"


class ToolMissing(Exception):  # noqa: N818 - it reads as what it says
    """A tool is neither present nor can it be installed here. The message is one line for people."""

    def __init__(self, tool: str, why: str) -> None:
        """Says which tool is missing and what to do."""
        self.tool = tool
        super().__init__(f"{tool}: {' '.join(why.split())}")


def announce_on_stderr(line: str) -> None:
    """The default way to tell a person about progress."""
    print(f"trademesh: {line}", file=sys.stderr, flush=True)  # noqa: T201 - progress for people
