"""The export command on a mesh that has traded: what is in the files is what the services answer."""

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from tests.support.account_books import pages, read_books
from tests.support.recorded_mesh import RecordedMesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def rested(recorded_mesh: RecordedMesh) -> Iterator[RecordedMesh]:
    recorded_mesh.start_trading()
    recorded_mesh.wait_filled_cycles(2)
    recorded_mesh.come_to_rest()
    yield recorded_mesh
    recorded_mesh.start_trading()


def exported(mesh: RecordedMesh, kind: str, out: Path, file_format: str) -> dict[str, Any]:
    done = mesh.harness.run("export", kind, "--out", str(out), "--format", file_format, "--json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_ledger_in_a_file_balances(rested: RecordedMesh, tmp_path: Path) -> None:
    books = read_books(rested.stubs)
    done = exported(rested, "ledger", tmp_path / "ledger.parquet", "parquet")
    table = parquet.read_table(tmp_path / "ledger.parquet")
    assert done["rows"] == table.num_rows == len(books.ledger)
    sums: dict[str, Decimal] = {}
    for row in table.to_pylist():
        sums[row["asset"]] = sums.get(row["asset"], Decimal(0)) + row["amount"]
    assert set(sums.values()) == {Decimal(0)}
    assert table.column("name").to_pylist() == [entry.name for entry in reversed(books.ledger)]


@pytest.mark.parametrize(
    ("kind", "rpc", "field"),
    [
        ("fills", "ExchangeService.ListFills", "fills"),
        ("gains", "PortfolioService.ListRealizedGains", "realized_gains"),
        ("equity", "PortfolioService.ListEquityPoints", "equity_points"),
    ],
)
def test_each_kind_is_what_the_service_lists(
    rested: RecordedMesh, tmp_path: Path, kind: str, rpc: str, field: str
) -> None:
    done = exported(rested, kind, tmp_path / "rows.csv", "csv")
    with (tmp_path / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    listed = pages(rested.stubs, rpc, field)
    assert done["rows"] == len(rows)
    assert [row["name"] for row in rows] == [each.name for each in listed][: len(rows)]
    assert rows
