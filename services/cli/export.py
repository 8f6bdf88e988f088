"""Copies what an account's books hold into a file, page by page over the public REST API."""

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.cli.datasets import DATASETS, Dataset, Kind
from services.cli.spool import Cursor, Spool
from services.cli.tabular import WRITERS, Format
from services.supervisor.failure import ExitCode, MeshError

_PAGE_SIZE = "1000"
_TIMEOUT = 10.0
_ATTEMPTS = 6
_FIRST_PAUSE = 0.2
_AGAIN = frozenset({429, 502, 503, 504})
Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What to export, and where to.

    Attributes:
        kind: which rows.
        account: id of the account.
        filters: by option; empty ones count for nothing.
        format: of the file.
        out: the file.
        restart: drop what an interrupted export left.
    """

    kind: Kind
    account: str
    filters: Mapping[str, str]
    format: Format
    out: Path
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        file: where.
        kind: which rows.
        format: of the file.
        rows: how many.
        resumed_rows: how many of them an interrupted export had read before.
        text_columns: decimal columns whose values do not fit into 38 digits, written as text.
    """

    file: str
    kind: str
    format: str
    rows: int
    resumed_rows: int
    text_columns: tuple[str, ...]


class Pages:
    """Pages of a collection, over REST.

    Args:
        port: port of the edge on this machine.
        pause: sleeps so many seconds between two attempts.
    """

    def __init__(self, port: int, pause: Callable[[float], None] = time.sleep) -> None:
        self._base = f"http://127.0.0.1:{port}/"
        self._pause = pause
        # The edge is on this machine: a proxy of the shell has no business here.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def read(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """One page. What may pass by itself is tried again a few times.

        Raises:
            MeshError: the mesh does not answer, or refuses.
        """
        url = f"{self._base}{path}?{urllib.parse.urlencode(query)}"
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._pause(_FIRST_PAUSE * 2 ** (attempt - 1))
            try:
                with self._opener.open(url, timeout=_TIMEOUT) as answer:
                    page: dict[str, Any] = json.load(answer)
                    return page
            except urllib.error.HTTPError as error:
                with error:
                    told = f"{error.code} {_reason(error)}"
                    if error.code not in _AGAIN:
                        raise MeshError(f"the mesh refuses: {told}") from error
            except (OSError, ValueError, http.client.HTTPException) as error:
                told = str(error)
        raise MeshError(f"no answer from {self._base}: {told}", ExitCode.NOT_RUNNING)


def export(asked: Asked, pages: Pages, tell: Tell) -> Exported:
    """Read every page, then write the file.

    Args:
        asked: what, and where to.
        pages: where from.
        tell: told after each page how many rows there are.

    Raises:
        MeshError: the export cannot be begun, or stopped on its way; what was read is kept, and the same
            command goes on from there.
    """
    dataset = DATASETS[asked.kind]
    query = {**dataset.query, **_filters(asked, dataset)}
    source = {"kind": asked.kind.value, "account": asked.account, **query}
    if not asked.out.parent.is_dir():
        raise MeshError(f"there is no folder {asked.out.parent}", ExitCode.USAGE)
    spool = Spool(asked.out)
    cursor = spool.begin(source, restart=asked.restart)
    resumed = cursor.rows
    try:
        while not cursor.complete:
            cursor = _read_page(asked, dataset, query, pages, spool, cursor)
            tell(cursor.rows)
    except KeyboardInterrupt:
        raise _stopped("interrupted", ExitCode.INTERRUPTED, spool, cursor) from None
    except MeshError as error:
        raise _stopped(error.message, error.code, spool, cursor) from error
    fresh = asked.out.with_name(f"{asked.out.name}.new")
    text_columns = WRITERS[asked.format](fresh, dataset.columns, spool.rows)
    fresh.replace(asked.out)
    spool.remove()
    return Exported(
        str(asked.out), asked.kind.value, asked.format.value, cursor.rows, resumed, tuple(text_columns)
    )


def _read_page(
    asked: Asked, dataset: Dataset, query: Mapping[str, str], pages: Pages, spool: Spool, cursor: Cursor
) -> Cursor:
    page = pages.read(
        f"v1/accounts/{asked.account}/{dataset.collection}",
        {**query, "page_size": _PAGE_SIZE, "page_token": cursor.page_token},
    )
    rows = [[column.read(row) for column in dataset.columns] for row in page.get(dataset.field, [])]
    return spool.add(cursor, rows, str(page.get("next_page_token", "")))


def _filters(asked: Asked, dataset: Dataset) -> Mapping[str, str]:
    given = {name: value for name, value in asked.filters.items() if value}
    unknown = sorted(given.keys() - dataset.filters)
    if unknown:
        option = unknown[0].replace("_", "-").removesuffix("-time")
        raise MeshError(f"{asked.kind.value} cannot be chosen by --{option}", ExitCode.USAGE)
    return given


def _stopped(message: str, code: ExitCode, spool: Spool, cursor: Cursor) -> MeshError:
    """The error that ends an export on its way, with what is left of it."""
    if not cursor.rows:
        spool.remove()
        return MeshError(message, code)
    return MeshError(f"{message}; {cursor.rows} rows are kept, and the same command goes on from there", code)


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error).get("message", error.reason))
    except (ValueError, AttributeError, OSError):
        return str(error.reason)
