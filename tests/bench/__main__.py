"""``python -m tests.bench``: everything side by side, in one run. Nothing here passes or fails."""

import asyncio
import logging
import os
import tempfile
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.console import Console

from tests.bench.contenders import Contender, contenders
from tests.bench.engine import measure_engine
from tests.bench.load import Figures
from tests.bench.orders import OrderReport, measure_orders
from tests.bench.report import Report, Round, Row
from tests.bench.routes import Times, measure_routes

_WARM_UP_S = 1.0
_err = Console(stderr=True)


async def _throughput(folder: Path, rounds: int, seconds: float, in_flight: int) -> list[Row]:
    """Rounds interleaved, so that a slow moment of the machine meets everybody."""
    async with contenders(folder) as present:
        found: dict[str, list[Round]] = {one.name: [] for one in present}
        for number in range(rounds + 1):
            for one in present:
                _err.print(f"round {number} of {rounds}: {one.title}", highlight=False)
                measured = await _round(one, seconds if number else _WARM_UP_S, in_flight)
                if number:
                    found[one.name].append(measured)
        return [Row.of(one.name, one.title, found[one.name]) for one in present]


async def _round(contender: Contender, seconds: float, in_flight: int) -> Round:
    def used() -> float:
        return sum(server.cpu_seconds() for server in contender.servers)

    before = used()
    answer = await contender.client.ask(
        within=seconds + 30, call=contender.name, seconds=seconds, in_flight=in_flight
    )
    figures = Figures(**answer)
    return Round(figures, (used() - before) / figures.calls * 1e6)


async def _run(
    folder: Path, rounds: int, order_rounds: int, seconds: float, in_flight: int, services: int, changes: int
) -> Report:
    load = os.getloadavg()[0]
    rows: list[Row] = []
    orders: OrderReport | None = None
    routes: dict[str, Times] = {}
    if rounds:
        (folder / "contenders").mkdir()
        rows = await _throughput(folder / "contenders", rounds, seconds, in_flight)
    if order_rounds:
        _err.print(f"{order_rounds} rounds of orders through a whole mesh", highlight=False)
        (folder / "orders").mkdir()
        orders = await measure_orders(folder / "orders", order_rounds, seconds)
    if changes:
        _err.print(f"{changes} changes with {services} services", highlight=False)
        (folder / "routes").mkdir()
        routes = await measure_routes(folder / "routes", services, changes)
    return Report(rows, orders, routes, services, load)


class Part(StrEnum):
    """A part of the bench."""

    CONTENDERS = "contenders"
    ORDERS = "orders"
    ROUTES = "routes"
    ENGINE = "engine"


def main(
    rounds: Annotated[int, typer.Option(min=0, help="Rounds of every contender; 0 leaves them out.")] = 5,
    order_rounds: Annotated[int, typer.Option(min=0, help="Rounds of orders; 0 leaves them out.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.1, help="Length of one round.")] = 3.0,
    in_flight: Annotated[int, typer.Option(min=1, help="Calls of a contender under way at any moment.")] = 16,
    services: Annotated[int, typer.Option(min=20, help="Services registered while routes change.")] = 100,
    changes: Annotated[int, typer.Option(min=0, help="Changes of a route; 0 leaves them out.")] = 30,
    engine_rounds: Annotated[int, typer.Option(min=0, help="Rounds of the engine; 0 leaves it out.")] = 5,
    only: Annotated[Part | None, typer.Option(help="This part alone.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Compare the mesh with a bare handler and with the usual stack."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if only is not None:
        rounds = rounds if only is Part.CONTENDERS else 0
        order_rounds = order_rounds if only is Part.ORDERS else 0
        changes = changes if only is Part.ROUTES else 0
        engine_rounds = engine_rounds if only is Part.ENGINE else 0
    engine = measure_engine(engine_rounds) if engine_rounds else []
    with tempfile.TemporaryDirectory(prefix="trademesh-bench-") as folder:
        report = asyncio.run(_run(Path(folder), rounds, order_rounds, seconds, in_flight, services, changes))
    report = replace(report, engine=engine)
    if as_json:
        typer.echo(report.to_json())
    else:
        report.show(Console())


if __name__ == "__main__":
    typer.run(main)
