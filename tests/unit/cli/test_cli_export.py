"""Exports: every row once, whatever interrupts; exact amounts in both formats."""

import csv
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pytest
from google.api import annotations_pb2
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from trademesh.exchange.v1 import exchange_service_pb2, fill_pb2
from trademesh.portfolio.v1 import equity_pb2, ledger_pb2, portfolio_service_pb2, tax_lot_pb2

from services.cli.datasets import DATASETS, Column, ColumnType, Kind
from services.cli.export import Asked, Exported, Pages, export
from services.cli.tabular import Format, decimal_scales, write_parquet
from services.supervisor.failure import ExitCode, MeshError

ROWS = 2500
_PAGE = 1000


def entry(number: int) -> dict[str, Any]:
    return {
        "name": f"accounts/paper/ledgerEntries/{number}",
        "transaction_id": f"t{number // 2}",
        "kind": "LEDGER_TRANSACTION_KIND_FILL",
        "ledger_account": "assets:sim:usdt",
        "asset": "usdt",
        "amount": f"{'-' if number % 2 else ''}{number}.{number % 7}",
        "reason": 'said "so", twice' if number == 3 else "",
        "exchange_time": "2024-08-08T12:00:00.123456Z",
        "create_time": "2024-08-08T12:00:01Z",
    }


class _Edge(ThreadingHTTPServer):
    """Pages of ledger entries; remembers what was asked."""

    asked: list[dict[str, str]]
    failures: list[int]


class _Handler(BaseHTTPRequestHandler):
    server: _Edge

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        self.server.asked.append(query)
        status, body = 200, self._page(query)
        if url.path != "/v1/accounts/paper/ledgerEntries":
            status, body = 404, {"message": "nothing was ever booked for accounts/nobody"}
        elif self.server.failures:
            status, body = self.server.failures.pop(0), {"message": "not now"}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        first = int(query["page_token"] or 0)
        last = min(first + _PAGE, ROWS)
        return {
            "ledger_entries": [entry(number) for number in range(first, last)],
            "next_page_token": str(last) if last < ROWS else "",
        }

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def edge() -> Iterator[_Edge]:
    server = _Edge(("127.0.0.1", 0), _Handler)
    server.asked, server.failures = [], []
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def asked(out: Path, file_format: Format = Format.CSV, **more: Any) -> Asked:
    return Asked(
        more.pop("kind", Kind.LEDGER),
        more.pop("account", "paper"),
        more.pop("filters", {}),
        file_format,
        out,
        **more,
    )


def pages(edge: _Edge) -> Pages:
    return Pages(edge.server_address[1], pause=lambda _: None)


def silent(rows: int) -> None:
    """Nobody is told."""


def interrupted_after(count: int) -> Any:
    def tell(rows: int) -> None:
        if rows >= count:
            raise KeyboardInterrupt

    return tell


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_comes_once_and_in_order(edge: _Edge, tmp_path: Path) -> None:
    told: list[int] = []
    done = export(asked(tmp_path / "ledger.csv"), pages(edge), told.append)
    assert done == Exported(str(tmp_path / "ledger.csv"), "ledger", "csv", ROWS, 0, ())
    assert told == [1000, 2000, 2500]
    rows = read_csv(tmp_path / "ledger.csv")
    assert [row["name"].rpartition("/")[2] for row in rows] == [str(number) for number in range(ROWS)]
    assert [row["amount"] for row in rows] == [entry(number)["amount"] for number in range(ROWS)]
    assert rows[3]["reason"] == 'said "so", twice'
    assert rows[0]["kind"] == "fill"
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.csv"]
    assert edge.asked[0] == {"oldest_first": "true", "page_size": "1000", "page_token": ""}


@pytest.mark.parametrize("file_format", Format)
def test_an_interrupted_export_goes_on(edge: _Edge, tmp_path: Path, file_format: Format) -> None:
    out = tmp_path / "ledger.out"
    with pytest.raises(MeshError, match="1000 rows are kept") as stopped:
        export(asked(out, file_format), pages(edge), interrupted_after(1000))
    assert stopped.value.code is ExitCode.INTERRUPTED
    assert not out.exists()
    # As after a crash in the middle of a page: half a row beyond what the cursor knows.
    with (tmp_path / "ledger.out.part").open("a") as part:
        part.write('["accounts/paper/led')
    done = export(asked(out, file_format), pages(edge), silent)
    assert (done.rows, done.resumed_rows) == (ROWS, 1000)
    assert [query["page_token"] for query in edge.asked] == ["", "1000", "2000"]
    whole = tmp_path / "whole.out"
    export(asked(whole, file_format), pages(edge), silent)
    assert out.read_bytes() == whole.read_bytes()


def test_what_was_read_whole_is_written_without_asking_again(edge: _Edge, tmp_path: Path) -> None:
    out = tmp_path / "ledger.csv"
    with pytest.raises(MeshError):
        export(asked(out), pages(edge), interrupted_after(ROWS))
    count = len(edge.asked)
    assert export(asked(out), pages(edge), silent).resumed_rows == ROWS
    assert len(edge.asked) == count


def test_the_rest_of_another_export_is_not_taken_for_ours(edge: _Edge, tmp_path: Path) -> None:
    out = tmp_path / "ledger.csv"
    with pytest.raises(MeshError):
        export(asked(out), pages(edge), interrupted_after(1000))
    ours = {"strategy": "strategies/sma-cross"}
    with pytest.raises(MeshError, match="belongs to another export: kind=ledger account=paper") as refused:
        export(asked(out, filters=ours), pages(edge), silent)
    assert refused.value.code is ExitCode.USAGE
    assert export(asked(out, filters=ours, restart=True), pages(edge), silent).resumed_rows == 0
    assert edge.asked[-1]["strategy"] == "strategies/sma-cross"


def test_a_mesh_that_is_busy_is_asked_again(edge: _Edge, tmp_path: Path) -> None:
    edge.failures += [503, 503, 429]
    assert export(asked(tmp_path / "ledger.csv"), pages(edge), silent).rows == ROWS


def test_a_refusal_ends_it_at_once(edge: _Edge, tmp_path: Path) -> None:
    with pytest.raises(MeshError, match="404 nothing was ever booked") as refused:
        export(asked(tmp_path / "x.csv", account="nobody"), pages(edge), silent)
    assert refused.value.code is ExitCode.FAILED
    assert len(edge.asked) == 1
    assert list(tmp_path.iterdir()) == []


def test_no_mesh_and_wrong_usage(edge: _Edge, tmp_path: Path) -> None:
    nobody = Pages(1, pause=lambda _: None)
    with pytest.raises(MeshError, match="no answer from") as away:
        export(asked(tmp_path / "ledger.csv"), nobody, silent)
    assert away.value.code is ExitCode.NOT_RUNNING
    with pytest.raises(MeshError, match="lots cannot be chosen by --start") as wrong:
        export(asked(tmp_path / "x.csv", kind=Kind.LOTS, filters={"start_time": "x"}), pages(edge), silent)
    assert wrong.value.code is ExitCode.USAGE
    with pytest.raises(MeshError, match="there is no folder"):
        export(asked(tmp_path / "gone" / "x.csv"), pages(edge), silent)


def test_parquet_has_exact_decimals_and_moments(edge: _Edge, tmp_path: Path) -> None:
    done = export(asked(tmp_path / "ledger.parquet", Format.PARQUET), pages(edge), silent)
    assert done.text_columns == ()
    table = parquet.read_table(tmp_path / "ledger.parquet")
    assert table.schema.field("amount").type == pa.decimal128(38, 1)
    assert table.schema.field("exchange_time").type == pa.timestamp("us", tz="UTC")
    assert table.column("amount").to_pylist() == [Decimal(entry(number)["amount"]) for number in range(ROWS)]
    assert table.column("exchange_time")[0].as_py().isoformat() == "2024-08-08T12:00:00.123456+00:00"


amounts = st.one_of(
    st.just(""),
    st.decimals("-1e19", "1e19", places=18).map(lambda amount: format(amount, "f")),
    st.integers(-(10**6), 10**6).map(str),
)


@given(st.lists(st.tuples(amounts, amounts), max_size=20))
def test_amounts_come_back_from_parquet_digit_by_digit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    columns = [Column(name, ColumnType.DECIMAL, str) for name in "ab"]
    path = tmp_path_factory.mktemp("parquet") / "x.parquet"
    kept_as_text = write_parquet(path, columns, lambda: rows)
    table = parquet.read_table(path)
    assert not kept_as_text
    for place, name in enumerate("ab"):
        expected = [Decimal(row[place]) if row[place] else None for row in rows]
        assert table.column(name).to_pylist() == expected


def test_amounts_that_do_not_fit_together_stay_text(tmp_path: Path) -> None:
    columns = [Column(name, ColumnType.DECIMAL, str) for name in "ab"]
    rows = [("1" * 30, "1.5"), ("0." + "0" * 20 + "1", "")]
    assert decimal_scales(columns, rows) == {"a": None, "b": 1}
    assert write_parquet(tmp_path / "x.parquet", columns, lambda: rows) == ["a"]
    table = parquet.read_table(tmp_path / "x.parquet")
    assert table.column("a").to_pylist() == [row[0] for row in rows]
    assert table.column("b").to_pylist() == [Decimal("1.5"), None]


CONTRACTS: Mapping[Kind, tuple[Any, Any]] = {
    Kind.LEDGER: (ledger_pb2.LedgerEntry, portfolio_service_pb2.ListLedgerEntriesRequest),
    Kind.FILLS: (fill_pb2.Fill, exchange_service_pb2.ListFillsRequest),
    Kind.LOTS: (tax_lot_pb2.TaxLot, portfolio_service_pb2.ListTaxLotsRequest),
    Kind.GAINS: (tax_lot_pb2.RealizedGain, portfolio_service_pb2.ListRealizedGainsRequest),
    Kind.EQUITY: (equity_pb2.EquityPoint, portfolio_service_pb2.ListEquityPointsRequest),
}


class _Asking(dict[str, Any]):
    """A row that remembers which fields it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.fields.add(key)
        return default


@pytest.mark.parametrize("kind", Kind)
def test_columns_paths_and_filters_are_those_of_the_contract(kind: Kind) -> None:
    message, request = CONTRACTS[kind]
    dataset = DATASETS[kind]
    row = _Asking()
    for column in dataset.columns:
        column.read(row)
    fields = set(message.DESCRIPTOR.fields_by_name)
    assert row.fields <= fields
    # What is left out of a file is left out on purpose.
    assert fields - row.fields <= {"contract"}
    assert {*dataset.query, *dataset.filters} <= set(request.DESCRIPTOR.fields_by_name)
    service = request.DESCRIPTOR.file.services_by_name
    (rpc,) = (
        method
        for found in service.values()
        for method in found.methods
        if method.input_type.full_name == request.DESCRIPTOR.full_name
    )
    path = rpc.GetOptions().Extensions[annotations_pb2.http].get
    assert path == f"/v1/{{parent=accounts/*}}/{dataset.collection}"
    assert dataset.field in rpc.output_type.fields_by_name
