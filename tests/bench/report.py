"""What the bench found, for people and for programs."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Self

import psutil
from rich.console import Console
from rich.table import Table

from tests.bench.engine import EngineRow
from tests.bench.load import Figures
from tests.bench.orders import OrderReport
from tests.bench.routes import Times

_AIM_REST = 8.0
_AIM_MESH = 0.7
_AIM_ROUTE_MS = 100.0
_AIM_ENGINE = 200_000.0
_AIM_ORDERS = 1000.0
_AIM_ORDER_MS = 50.0
_LEAST_US = 10.0
"""Processor time below it is not told."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round of one contender.

    Attributes:
        figures: what its client saw.
        cpu_us: processor time of all its servers for one call, in microseconds. It says more than the
            rate where others use the machine too.
    """

    figures: Figures
    cpu_us: float


@dataclass(frozen=True, slots=True)
class Row:
    """One contender, medians over all rounds; ``lowest`` and ``highest`` are its rates."""

    name: str
    title: str
    rate: float
    lowest: float
    highest: float
    median_ms: float
    p99_ms: float
    server_cpu_us: float

    @classmethod
    def of(cls, name: str, title: str, rounds: Sequence[Round]) -> Self:
        """Sum up the rounds."""
        figures = [one.figures for one in rounds]
        rates = [one.rate for one in figures]
        return cls(
            name,
            title,
            median(rates),
            min(rates),
            max(rates),
            median(one.median_ms for one in figures),
            median(one.p99_ms for one in figures),
            median(one.cpu_us for one in rounds),
        )


@dataclass(frozen=True, slots=True)
class Report:
    """One run.

    Attributes:
        rows: the contenders; empty where they were left out.
        orders: orders through a whole mesh; None where they were left out.
        routes: how long changes took to reach a client; empty where they were left out.
        services: how many were registered meanwhile.
        load: of the machine over the minute before, which tells whether it was ours alone.
        engine: the simulated venue's matching engine; empty where it was left out.
    """

    rows: Sequence[Row]
    orders: OrderReport | None
    routes: Mapping[str, Times]
    services: int
    load: float
    engine: Sequence[EngineRow] = ()

    def ratio(self, name: str, other: str) -> float:
        """Throughput of one contender over that of another."""
        rate = {row.name: row.rate for row in self.rows}
        return rate[name] / rate[other]

    def aims(self) -> list[tuple[str, str, str, bool]]:
        """What was aimed at, the aim, what came out, and whether that will do."""
        found = []
        if self.rows:
            rest, mesh = self.ratio("edge-rest", "gateway"), self.ratio("mesh", "bare")
            found += [
                ("REST through Envoy / usual gateway", f">= {_AIM_REST:g}", f"{rest:.2f}", rest >= _AIM_REST),
                ("chassis + mTLS + xDS / bare", f">= {_AIM_MESH:g}", f"{mesh:.2f}", mesh >= _AIM_MESH),
            ]
        if self.orders:
            taking = self.orders.rows[0]
            found += [
                ("orders a second", f">= {_AIM_ORDERS:g}", f"{taking.rate:.0f}", taking.rate >= _AIM_ORDERS),
                (
                    "orders, p99",
                    f"< {_AIM_ORDER_MS:g} ms",
                    f"{taking.p99_ms:.0f} ms",
                    taking.p99_ms < _AIM_ORDER_MS,
                ),
            ]
        for row in self.engine[:1]:
            aim, found_rate = f">= {_AIM_ENGINE:,.0f}", f"{row.rate:,.0f}"
            found.append((f"{row.title}, orders a second", aim, found_rate, row.rate >= _AIM_ENGINE))
        for change, times in self.routes.items():
            title = f"{change}: new route at {self.services} services"
            value = f"{times.median_ms:.1f} ms"
            found.append((title, f"< {_AIM_ROUTE_MS:g} ms", value, times.median_ms < _AIM_ROUTE_MS))
        return found

    def to_json(self) -> str:
        """All of it as one JSON object."""
        value = {
            "machine": machine(),
            "load_before": self.load,
            "contenders": [asdict(row) for row in self.rows],
            "orders": asdict(self.orders) if self.orders else None,
            "routes": {change: asdict(times) for change, times in self.routes.items()},
            "engine": [asdict(row) for row in self.engine],
            "services": self.services,
            "aims": [dict(zip(("what", "aim", "found", "met"), aim, strict=True)) for aim in self.aims()],
        }
        return json.dumps(value, indent=2)

    def show(self, console: Console) -> None:
        """All of it as tables."""
        console.print(f"{machine()}, load before {self.load:.1f}")
        if self.rows:
            console.print(_throughput(self))
        if self.orders:
            console.print(_orders(self.orders))
        if self.engine:
            console.print(_engine(self.engine))
        if self.routes:
            console.print(_changes(self))
        aims = Table("", "", "aim", "found", box=None, pad_edge=False)
        for title, aim, value, met in self.aims():
            aims.add_row("[green]met[/green]" if met else "[red]missed[/red]", title, aim, value)
        console.print(aims)


def machine() -> str:
    """What it ran on."""
    return f"{psutil.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}"


def _throughput(report: Report) -> Table:
    columns = ("contender", "calls/s", "range", "median ms", "p99 ms", "server CPU us", "/ bare", "/ gateway")
    table = Table(*columns, box=None, pad_edge=False)
    for row in report.rows:
        table.add_row(
            row.title,
            f"{row.rate:.0f}",
            f"{row.lowest:.0f}-{row.highest:.0f}",
            f"{row.median_ms:.2f}",
            f"{row.p99_ms:.2f}",
            f"{row.server_cpu_us:.0f}",
            f"{report.ratio(row.name, 'bare'):.2f}",
            f"{report.ratio(row.name, 'gateway'):.2f}",
        )
    return table


def _orders(orders: OrderReport) -> Table:
    title = (
        f"beside {orders.fsyncs:.0f} fsyncs and {orders.bare:.0f} bare calls a second; "
        f"the last fill booked {orders.booked_s:.1f} s after the last answer"
    )
    columns = ("orders", "a second", "median ms", "p99 ms", "processor us an order")
    table = Table(*columns, title=title, box=None, pad_edge=False)
    for row in orders.rows:
        by_service = sorted(row.cpu_us.items(), key=lambda each: -each[1])
        used = ", ".join(f"{name} {spent:.0f}" for name, spent in by_service if spent >= _LEAST_US)
        used = f"{sum(row.cpu_us.values()):.0f}: {used}"
        table.add_row(row.title, f"{row.rate:.0f}", f"{row.median_ms:.1f}", f"{row.p99_ms:.1f}", used)
    return table


def _engine(rows: Sequence[EngineRow]) -> Table:
    columns = ("simulated venue, in memory", "orders/s", "range", "a second of processor", "orders", "trades")
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        rates = f"{row.rate:,.0f}", f"{row.lowest:,.0f}-{row.highest:,.0f}", f"{row.cpu_rate:,.0f}"
        table.add_row(row.title, *rates, f"{row.orders:,}", f"{row.trades:,}")
    return table


def _changes(report: Report) -> Table:
    table = Table("change in Consul", "median ms", "p90 ms", "worst ms", box=None, pad_edge=False)
    for change, times in report.routes.items():
        table.add_row(change, *(f"{one:.1f}" for one in (times.median_ms, times.p90_ms, times.worst_ms)))
    return table
