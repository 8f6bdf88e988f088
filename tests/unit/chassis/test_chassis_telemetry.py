"""Trace context, log lines, metrics page, identifiers."""

import atexit
import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import RFC_4122

import aiohttp
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter

from services.chassis.clock import SystemClock
from services.chassis.ids import UuidSource
from services.chassis.settings import ChassisSettings
from services.chassis.telemetry.correlation import correlated, correlation_id
from services.chassis.telemetry.line_writer import LineWriter
from services.chassis.telemetry.logs import Line, configure_logging
from services.chassis.telemetry.metrics import MetricsPage
from services.chassis.telemetry.tracing import TraceContext, start_tracing, trace_context

_HEADER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_trace_context_goes_on_as_it_came() -> None:
    parsed = TraceContext.parse(_HEADER, "vendor=1")
    assert parsed is not None
    assert parsed.sampled
    assert parsed.metadata == (("traceparent", _HEADER), ("tracestate", "vendor=1"))


def test_a_later_version_of_the_header_is_read_as_far_as_it_is_known() -> None:
    parsed = TraceContext.parse("01" + _HEADER[2:] + "-more")
    assert parsed is not None
    assert parsed.metadata == (("traceparent", _HEADER),)


@pytest.mark.parametrize(
    "header", ["", "00", _HEADER.upper(), "ff" + _HEADER[2:], f"00-{'0' * 32}-00f067aa0ba902b7-01"]
)
def test_a_broken_header_is_no_context(header: str) -> None:
    assert TraceContext.parse(header) is None


@given(st.text(max_size=80) | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-x)?"))
def test_no_header_breaks_the_reader(header: str) -> None:
    parsed = TraceContext.parse(header)
    assert parsed is None or parsed.header == "00" + header[2:55]


def test_a_begun_trace_can_be_parsed() -> None:
    begun = TraceContext.begin(sampled=True)
    assert TraceContext.parse(dict(begun.metadata)["traceparent"]) == begun


def test_no_endpoint_means_no_spans() -> None:
    assert start_tracing("market", "market-1", None, 1.0) is None


_Configure = Callable[..., LineWriter]


@pytest.fixture
def configure() -> Iterator[_Configure]:
    """``configure_logging``, taken back after the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    writers: list[LineWriter] = []

    def configured(*arguments: str) -> LineWriter:
        writers.append(configure_logging(*arguments))
        return writers[-1]

    yield configured
    for writer in writers:
        writer.close()
        atexit.unregister(writer.close)
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_log_line_says_who_and_for_what(configure: _Configure, capsys: pytest.CaptureFixture[str]) -> None:
    writer = configure("market", "market-1")
    context = TraceContext.parse(_HEADER)
    reset = trace_context.set(context)
    with correlated("cause-1"):
        structlog.get_logger("any").info("order_accepted", price="1.5", api_token="abc")
    trace_context.reset(reset)
    writer.flush()
    line = json.loads(capsys.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "event": "order_accepted",
        "service": "market",
        "instance": "market-1",
        "correlation_id": "cause-1",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "price": "1.5",
        "api_token": "[hidden]",
    }


def test_other_peoples_logs_and_tracebacks_are_json_too(
    configure: _Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = configure("market", "market-1", "warning")
    structlog.get_logger("any").info("unheard")
    try:
        int("boom")
    except ValueError:
        logging.getLogger("asyncio").exception("task failed")
        structlog.get_logger("any").exception("rpc_failed")
    writer.flush()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["task failed", "rpc_failed"]
    assert all("ValueError: invalid literal" in line["exception"] for line in lines)
    assert all(line["service"] == "market" for line in lines)


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="loud"):
        configure_logging("market", "market-1", "loud")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.text(), _VALUES, max_size=5), st.text())
def test_a_line_is_one_json_object_whatever_is_logged(fields: dict[str, Any], event: str) -> None:
    text = Line("market", "market-1")(None, "info", {**fields, "event": event})
    assert text.isascii()
    assert text.isprintable()
    read = json.loads(text)
    assert read["event"] == event
    named = {key: value for key, value in fields.items() if read[key] != "[hidden]" and key != "event"}
    assert {key: read[key] for key in named} == named


def test_a_name_that_is_ours_stays_ours() -> None:
    fields = {"service": "other", "trace_id": 7, "event": "odd"}
    read = json.loads(Line("market", "market-1")(None, "info", fields))
    assert (read["service"], read["service_"]) == ("market", "other")
    assert (read["trace_id"], read["trace_id_"]) == ("", 7)


def test_what_json_does_not_know_is_text() -> None:
    fields = {"price": Decimal("1.50"), "when": datetime(2026, 1, 1, tzinfo=UTC), "kind": _Kind.BUY}
    read = json.loads(Line("market", "market-1")(None, "exception", {**fields, "event": "odd"}))
    assert (read["price"], read["when"], read["kind"]) == ("1.50", "2026-01-01 00:00:00+00:00", "buy")
    assert read["level"] == "error"


class _Kind(StrEnum):
    BUY = "buy"


class _Pipe(io.StringIO):
    """A file that remembers its writes, and can be closed like a pipe whose reader is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.gone = False

    def write(self, text: str) -> int:
        if self.gone:
            raise BrokenPipeError
        self.pieces.append(text)
        return len(text)


def test_lines_are_written_whole_in_order_and_many_at_a_time() -> None:
    pipe = _Pipe()
    writer = LineWriter(pipe)
    lines = [str(number) * (number % 90) for number in range(1000)] + ["x" * 40_000, "last"]
    for line in lines:
        writer.write(line)
    writer.close()
    assert "".join(pipe.pieces).split("\n") == [*lines, ""]
    assert all(piece.endswith("\n") for piece in pipe.pieces)
    assert all(len(piece) <= 32 * 1024 or piece.count("\n") == 1 for piece in pipe.pieces)
    assert len(pipe.pieces) < len(lines) / 4


def test_lines_are_written_without_anybody_asking() -> None:
    pipe = _Pipe()
    writer = LineWriter(pipe)
    writer.write("one")
    while not pipe.pieces:
        time.sleep(0.001)
    writer.close()
    assert pipe.pieces == ["one\n"]


def test_a_pipe_that_nobody_reads_any_more_harms_nobody() -> None:
    pipe = _Pipe()
    pipe.gone = True
    writer = LineWriter(pipe)
    writer.write("one")
    writer.flush()
    pipe.gone = False
    writer.write("two")
    writer.close()
    assert pipe.pieces == ["two\n"]


def test_what_is_too_much_for_a_stuck_pipe_is_counted() -> None:
    pipe = _Pipe()
    writer = LineWriter(pipe)
    with writer._writing:  # as if the pipe took nothing
        for _ in range(50_010):
            writer.write("x")
    writer.close()
    *written, last, _ = "".join(pipe.pieces).split("\n")
    assert written == ["x"] * 50_000
    assert json.loads(last) == {"level": "warning", "event": "log_lines_dropped", "count": 10}


def test_correlation_ends_with_its_block() -> None:
    with correlated("outer"):
        with correlated(""):
            assert len(correlation_id.get()) == 32
        assert correlation_id.get() == "outer"
    assert correlation_id.get() == ""


async def test_the_metrics_page_shows_the_registry() -> None:
    registry = CollectorRegistry()
    Counter("seen_total", "Seen.", registry=registry).inc(3)
    async with (
        MetricsPage(registry=registry) as page,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{page.port}/metrics") as answer,
    ):
        text = await answer.text()
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
    assert "seen_total 3.0" in text


def test_identifiers_are_version_7_and_sort_by_time() -> None:
    source = UuidSource()
    made = [source.new() for _ in range(100)]
    assert {(each.version, each.variant) for each in made} == {(7, RFC_4122)}
    assert len(set(made)) == 100
    stamps = [each.int >> 80 for each in made]
    assert stamps == sorted(stamps)


def test_the_clock_tells_utc() -> None:
    now = SystemClock().now()
    assert now.utcoffset() is not None
    assert not now.utcoffset()


def test_the_database_of_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEMESH_STATE_DIR", "/var/mesh")
    monkeypatch.delenv("TRADEMESH_DATABASE_URL", raising=False)
    assert ChassisSettings().database_url_for("risk") == "sqlite+aiosqlite:////var/mesh/data/risk.sqlite3"
    monkeypatch.setenv("TRADEMESH_DATABASE_URL", "postgresql+asyncpg://h/d")
    assert ChassisSettings().database_url_for("risk") == "postgresql+asyncpg://h/d"
