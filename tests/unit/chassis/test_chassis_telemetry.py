"""Trace context, log lines, metrics page, identifiers."""

import json
import logging
from collections.abc import Iterator
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
from services.chassis.telemetry.logs import configure_logging
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


@pytest.fixture
def _log() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("_log")
def test_a_log_line_says_who_and_for_what(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("market", "market-1")
    context = TraceContext.parse(_HEADER)
    reset = trace_context.set(context)
    with correlated("cause-1"):
        structlog.get_logger("any").info("order_accepted", price="1.5", api_token="abc")
    trace_context.reset(reset)
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


@pytest.mark.usefixtures("_log")
def test_other_peoples_logs_and_tracebacks_are_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("market", "market-1", "warning")
    structlog.get_logger("any").info("unheard")
    try:
        int("boom")
    except ValueError:
        logging.getLogger("asyncio").exception("task failed")
        structlog.get_logger("any").exception("rpc_failed")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["task failed", "rpc_failed"]
    assert all("ValueError: invalid literal" in line["exception"] for line in lines)
    assert all(line["service"] == "market" for line in lines)


@pytest.mark.usefixtures("_log")
def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="loud"):
        configure_logging("market", "market-1", "loud")


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
