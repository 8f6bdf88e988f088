"""What a person sees: tables and durations."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table

from services.cli.trade import Trade
from services.supervisor.plan import CONSUL, CONTROL_PLANE, EDGE, VENUE
from services.supervisor.status import InstanceStatus, MeshStatus, Phase

_COLOURS = {
    Phase.SERVING: "green",
    Phase.CRASH_LOOPING: "bold red",
    Phase.BACKING_OFF: "red",
    Phase.UNHEALTHY: "red",
}
_MINUTE = 60
_HOUR = 3600
_DAY = 86400


def services_table(status: MeshStatus) -> Table:
    """One row for each service: instances, state, address."""
    table = Table("service", "instances", "state", "address", box=None, pad_edge=False)
    for service, group in groupby(status.instances, key=lambda row: row.service):
        rows = list(group)
        serving = sum(row.phase is Phase.SERVING for row in rows)
        table.add_row(service, f"{serving}/{len(rows)}", _phases(rows), ", ".join(_addresses(rows)))
    return table


def instances_table(status: MeshStatus) -> Table:
    """One row for each instance: state, pid, restarts, uptime, ports."""
    columns = ("service", "#", "state", "pid", "restarts", "uptime", "ports", "last exit")
    table = Table(*columns, box=None, pad_edge=False)
    for row in status.instances:
        ports = " ".join(f"{name}:{port}" for name, port in row.ports.items())
        table.add_row(
            row.service,
            str(row.slot),
            _coloured(row.phase),
            str(row.pid or "-"),
            str(row.restarts),
            duration(row.uptime) if row.pid else "-",
            ports or "-",
            row.detail or "-",
        )
    return table


def next_steps(port: int, services: Sequence[str]) -> Sequence[str]:
    """The next three things to try; nothing in them needs a service that does not run.

    Args:
        port: of the edge.
        services: those that run, in the order of starting.
    """
    call = "trademesh status"
    if {"market", VENUE} <= set(services):
        call = f"curl localhost:{port}/v1/venues/sim/instruments/btc-usdt/ticker"
    own = [name for name in services if name not in {CONSUL, CONTROL_PLANE, EDGE}]
    log = "orchestrator" if "orchestrator" in own else next(iter(own), EDGE)
    return (call, f"grpcurl -plaintext localhost:{port} list", f"trademesh logs {log} -f")


def show_mesh(console: Console, status: MeshStatus, trade: Trade | None) -> None:
    """The table of ``up``, the trade, and what to try next."""
    console.print(services_table(status))
    if trade is not None:
        console.print(
            f"\ntraded: {trade.side} {trade.quantity} {trade.instrument} at {trade.price}, "
            f"position {trade.position} (correlation id {trade.correlation_id})",
            soft_wrap=True,
        )
    console.print("\ntry next:")
    for step in next_steps(status.edge_port, [row.service for row in status.instances]):
        console.print(f"  {step}", highlight=False, soft_wrap=True)


def show_status(console: Console, status: MeshStatus) -> None:
    """The table of ``status``, with what is unusual in words."""
    console.print(instances_table(status))
    if not status.consul_reachable:
        console.print("\nConsul does not answer: states are those last known", style="yellow")
    if status.stopping:
        console.print("\nthe mesh is going down", style="yellow")


def duration(seconds: float) -> str:
    """As in ``42s``, ``3m05s``, ``2h10m`` or ``4d03h``."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m{whole % _MINUTE:02d}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02d}m"
    return f"{whole // _DAY}d{whole % _DAY // _HOUR:02d}h"


def _phases(rows: Iterable[InstanceStatus]) -> str:
    return ", ".join(_coloured(phase) for phase in dict.fromkeys(row.phase for row in rows))


def _coloured(phase: Phase) -> str:
    colour = _COLOURS.get(phase, "yellow")
    return f"[{colour}]{phase.value}[/{colour}]"


def _addresses(rows: Iterable[InstanceStatus]) -> list[str]:
    return [f"127.0.0.1:{next(iter(row.ports.values()))}" for row in rows if row.ports]
