"""Orders a second through the whole mesh, beside what the disk and a bare gRPC call give.

An order counts when the answer came back through Envoy: risk has decided and reserved, the exchange has
committed intent, submission and outcome, the venue has committed the order and its fills, each with
``synchronous=FULL``. Portfolio books each fill from the exchange's event stream; the time until it has
booked the last one is told, too.
"""

import os
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import uuid4

import grpc
import psutil

from tests.bench.load import Figures
from tests.bench.order_client import ACCOUNT, BATCH, INSTRUMENT
from tests.bench.processes import Worker, worker
from tests.support.account_books import wait_booked
from tests.support.doors import Rest, Stubs, rpc_named
from tests.support.mesh import MeshHarness, running_mesh

_FSYNC_S: Final = 1.0
_PAGE: Final = b"\0" * 4096
_WIDE: Final = "1000000000"
_WAIT_BOOKED_S: Final = 120.0
_CLIENT: Final = "client"


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to place orders: how many one call places, and how many calls are under way."""

    title: str
    orders: int
    in_flight: int


_WAYS: Final = {
    "single": _Way("market orders, one a call, 32 calls under way", 1, 32),
    "batch": _Way(f"market orders, {BATCH} a call, 4 calls under way", BATCH, 4),
}


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One way to place orders, medians over all rounds.

    Attributes:
        title: what was placed.
        rate: orders answered in a second.
        median_ms: time of one call, in milliseconds.
        p99_ms: time that one call in a hundred exceeds.
        cpu_us: processor time for one order by service, in microseconds; the bench's client among them.
    """

    title: str
    rate: float
    median_ms: float
    p99_ms: float
    cpu_us: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class OrderReport:
    """One run.

    Attributes:
        rows: by kind of order.
        fsyncs: appends of 4 KiB the disk made durable in a second, one after another.
        bare: calls a second of a bare grpc.aio handler, measured between the rounds.
        booked_s: seconds until portfolio and risk had booked the last fill, without those that it takes to
            look.
    """

    rows: list[OrderRow]
    fsyncs: float
    bare: float
    booked_s: float


async def measure_orders(folder: Path, rounds: int, seconds: float) -> OrderReport:
    """Bring a mesh up, place orders, take it down.

    Args:
        folder: for state and logs.
        rounds: of each way, interleaved; one more before them warms up.
        seconds: length of one round.
    """
    fsyncs = fsyncs_a_second(folder)
    with running_mesh(folder / "mesh") as mesh:
        _prepare(mesh)
        async with AsyncExitStack() as stack:

            async def start(*command: str) -> Worker:
                return await stack.enter_async_context(worker(*command, log=folder / f"{command[0]}.log"))

            placing = await start("tests.bench.order_client", str(mesh.edge))
            bare_server = await start("tests.bench.bare_server")
            bare_port = (await bare_server.hear())["port"]
            plain = await start("tests.bench.plain_client", f"bare=grpc:{bare_port}")
            for client in (placing, plain):
                await client.hear()
            found: dict[str, list[tuple[Figures, dict[str, float]]]] = {name: [] for name in _WAYS}
            bare: list[float] = []
            for number in range(rounds + 1):
                for name, way in _WAYS.items():
                    measured = await _round(mesh, placing, name, way, seconds)
                    if number:
                        found[name].append(measured)
                bare.append((await _ask(plain, "bare", seconds / 2, _WAYS["single"].in_flight)).rate)
        booked = _seconds_to_be_booked(mesh)
        look = _seconds_to_be_booked(mesh)  # now that they are: what looking takes, page by page
    return OrderReport(
        [_row(way, found[name]) for name, way in _WAYS.items()], fsyncs, median(bare), max(0.0, booked - look)
    )


def fsyncs_a_second(folder: Path) -> float:
    """How often the disk makes an append durable, one after another."""
    with (folder / "fsync").open("wb", buffering=0) as file:
        count, end = 0, time.perf_counter() + _FSYNC_S
        while time.perf_counter() < end:
            file.write(_PAGE)
            os.fdatasync(file.fileno())
            count += 1
    return count / _FSYNC_S


def _prepare(mesh: MeshHarness) -> None:
    """Stop the strategy, and lift the limits that a load test is meant to break."""
    with grpc.insecure_channel(f"127.0.0.1:{mesh.edge}") as channel:
        door = Stubs(channel)
        door.call(
            rpc_named("OrchestratorService.StopTrading"),
            {"request_id": str(uuid4()), "reason": "a bench runs"},
        )
        limits: dict[str, Any] = {
            "name": f"{ACCOUNT}/limits",
            "max_order_notional": _WIDE,
            "max_position_notional": _WIDE,
            "max_gross_notional": _WIDE,
            "max_open_orders": 10_000,
        }
        door.call(rpc_named("RiskService.UpdateLimits"), {"request_id": str(uuid4()), "limits": limits})
        # Buys and sells overtake each other: something to sell must be there.
        stock = {"instrument": INSTRUMENT, "side": "SIDE_BUY", "quantity": "0.1", "market": {}}
        ask = {"parent": ACCOUNT, "request_id": str(uuid4()), "order": stock}
        door.call(rpc_named("ExchangeService.CreateOrder"), ask)


async def _round(
    mesh: MeshHarness, client: Worker, name: str, way: _Way, seconds: float
) -> tuple[Figures, dict[str, float]]:
    """What the client saw, and the processor time for one order by service, in microseconds."""
    before = _cpu(mesh, client)
    figures = await _ask(client, name, seconds, way.in_flight)
    orders = figures.calls * way.orders
    return figures, {
        name: (spent - before[name]) / orders * 1e6 for name, spent in _cpu(mesh, client).items()
    }


def _seconds_to_be_booked(mesh: MeshHarness) -> float:
    began = time.perf_counter()
    wait_booked(Rest(mesh.edge), _WAIT_BOOKED_S)
    return time.perf_counter() - began


async def _ask(client: Worker, call: str, seconds: float, in_flight: int) -> Figures:
    answer = await client.ask(within=seconds + 60, call=call, seconds=seconds, in_flight=in_flight)
    return Figures(**answer)


def _cpu(mesh: MeshHarness, client: Worker) -> dict[str, float]:
    """Processor seconds of each service so far, and of the client."""
    used = {_CLIENT: client.cpu_seconds()}
    for row in mesh.status().instances:
        process = psutil.Process(row.pid)
        family = [process, *process.children(recursive=True)]
        used[row.service] = sum(one.cpu_times().user + one.cpu_times().system for one in family)
    return used


def _row(way: _Way, rounds: list[tuple[Figures, dict[str, float]]]) -> OrderRow:
    figures = [each for each, _ in rounds]
    services = rounds[0][1]
    return OrderRow(
        way.title,
        median(each.rate * way.orders for each in figures),
        median(each.median_ms for each in figures),
        median(each.p99_ms for each in figures),
        {name: median(used[name] for _, used in rounds) for name in services},
    )
