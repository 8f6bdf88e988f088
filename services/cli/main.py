"""The commands of ``trademesh``."""

import importlib.metadata
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.cli.datasets import Kind
from services.cli.doctor import examine
from services.cli.export import Asked, Pages, export
from services.cli.logs import log_files, print_logs
from services.cli.show import services_table, show_mesh, show_status
from services.cli.tabular import Format
from services.cli.up import bring_up
from services.supervisor.client import Supervisor, default_state_dir
from services.supervisor.failure import ExitCode, MeshError
from services.supervisor.options import MeshOptions
from services.supervisor.paths import StatePaths
from services.toolchain import Tool, ToolMissing, find, version

_EPILOG = (
    "Exit codes: 0 fine; 1 failed; 2 wrong usage; 3 no mesh runs; 4 a tool is missing; 5 a port is busy; "
    "6 a service has no package; 7 not ready in time; 130 interrupted."
)

app = typer.Typer(
    name="trademesh",
    help="Runs a trading mesh on this machine: Consul, control plane, Envoy and every service.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_PIPE_WIDTH = 160
# Into a pipe a row stays on one line, so that grep finds it whole.
_out = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
_err = Console(stderr=True)

StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", help="Folder of everything the mesh keeps.", envvar="TRADEMESH_STATE_DIR"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
EdgePort = Annotated[
    int, typer.Option(help="Public port (REST, gRPC, gRPC-Web).", envvar="TRADEMESH_EDGE_PORT")
]
AdminPort = Annotated[int, typer.Option(help="Envoy's admin page.", envvar="TRADEMESH_ADMIN_PORT")]
ConsulPort = Annotated[int, typer.Option(help="Consul's HTTP API.", envvar="TRADEMESH_CONSUL_PORT")]
AdsPort = Annotated[int, typer.Option(help="The control plane.", envvar="TRADEMESH_ADS_PORT")]


@app.command(epilog=_EPILOG)
def up(
    recording: Annotated[
        Path | None, typer.Option(help="Recorded market data to replay; a seeded market without it.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.01, help="Times faster than real time.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic market.")] = 1,
    edge_port: EdgePort = 8080,
    admin_port: AdminPort = 9901,
    consul_port: ConsulPort = 8500,
    ads_port: AdsPort = 18000,
    state_dir: StateDir = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            envvar="TRADEMESH_DATABASE_URL",
            help="PostgreSQL instead of SQLite, a database per service: "
            "postgresql+asyncpg://user@host/{service}. Missing databases are made.",
        ),
    ] = None,
    log_level: Annotated[str, typer.Option(help="Lowest level the services log.")] = "info",
    only: Annotated[
        list[str] | None, typer.Option(help="Run only these services (may be given several times).")
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds until everything must serve.")] = 120.0,
    as_json: Json = False,
) -> None:
    """Start everything, wait until it serves and has traded, and show it. Harmless where it runs."""
    options = MeshOptions(
        state_dir=_state_dir(state_dir),
        edge_port=edge_port,
        admin_port=admin_port,
        consul_port=consul_port,
        ads_port=ads_port,
        database_url=database_url,
        recording=recording.resolve() if recording else None,
        speed=speed,
        seed=seed,
        log_level=log_level,
        only=tuple(only or ()),
    )
    with _err.status("starting") as spinner:

        def tell(line: str) -> None:
            if _err.is_terminal:
                spinner.update(line)
            else:
                _err.print(f"trademesh: {line}", highlight=False, soft_wrap=True)

        status, trade, present = bring_up(options, timeout=timeout, tell=tell)
    if as_json:
        value = status.to_value() | {"trade": asdict(trade) if trade else None, "was_up": present}
        typer.echo(json.dumps(value))
        return
    if present:
        _out.print("the mesh is up already\n")
    show_mesh(_out, status, trade)


@app.command()
def down(state_dir: StateDir = None) -> None:
    """Drain and stop everything. Harmless where nothing runs."""
    supervisor = Supervisor(_state_dir(state_dir))
    if not supervisor.is_running():
        _out.print(f"no mesh runs on {supervisor.paths.root}", soft_wrap=True)
        return
    with _err.status("draining"):
        supervisor.stop()
    _out.print("stopped")


@app.command()
def status(state_dir: StateDir = None, as_json: Json = False) -> None:
    """Show every instance: state, pid, restarts, uptime, ports. Works with Consul down."""
    found = Supervisor(_state_dir(state_dir)).status()
    if as_json:
        typer.echo(json.dumps(found.to_value()))
    else:
        show_status(_out, found)


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="Service, instance (market-2) or supervisor.")] = None,
    service: Annotated[str | None, typer.Option(help="The same, as an option.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 50,
    state_dir: StateDir = None,
) -> None:
    """Show the log of a service."""
    wanted = name or service
    if wanted is None:
        raise MeshError("which service? as in: trademesh logs market -f", ExitCode.USAGE)
    files = log_files(StatePaths(_state_dir(state_dir)), wanted)
    try:
        print_logs(files, count=lines, follow=follow)
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # The reader (head, less) has seen enough; nothing may be written while Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@app.command()
def scale(service: str, count: int, state_dir: StateDir = None) -> None:
    """Run so many instances of a service; the newest are drained first."""
    supervisor = Supervisor(_state_dir(state_dir))
    with _err.status(f"scaling {service} to {count}"):
        supervisor.scale(service, count)
        found = supervisor.wait_serving(service)
    _out.print(services_table(found))


@app.command()
def restart(service: str, state_dir: StateDir = None) -> None:
    """Restart the instances of a service, one after another."""
    with _err.status(f"restarting {service}"):
        found = Supervisor(_state_dir(state_dir)).restart(service)
    _out.print(services_table(found))


@app.command()
def doctor(
    edge_port: EdgePort = 8080,
    admin_port: AdminPort = 9901,
    consul_port: ConsulPort = 8500,
    ads_port: AdsPort = 18000,
    state_dir: StateDir = None,
) -> None:
    """Check what a mesh needs here: Python, packages, tools, disk, ports."""
    options = MeshOptions(
        state_dir=_state_dir(state_dir),
        edge_port=edge_port,
        admin_port=admin_port,
        consul_port=consul_port,
        ads_port=ads_port,
    )
    table = Table("", "what", "found", box=None, pad_edge=False)
    findings = list(examine(options))
    for finding in findings:
        mark = "[green]ok[/green]" if finding.ok else "[bold red]no[/bold red]"
        table.add_row(mark, finding.subject, finding.detail)
    _out.print(table)
    wrong = [finding for finding in findings if not finding.ok]
    if wrong:
        raise MeshError(f"{wrong[0].subject}: {wrong[0].detail}", wrong[0].code)


@app.command(name="export")
def export_rows(
    kind: Annotated[Kind, typer.Argument(help="Which rows.")],
    out: Annotated[Path, typer.Option(help="The file to write; replaced where it is there.")],
    file_format: Annotated[Format, typer.Option("--format", help="Of the file.")] = Format.CSV,
    account: Annotated[str, typer.Option(help="Id of the account.")] = "paper",
    start: Annotated[str, typer.Option(help="Only from this time on, as in 2024-08-08T00:00:00Z.")] = "",
    end: Annotated[str, typer.Option(help="Only before this time.")] = "",
    instrument: Annotated[
        str, typer.Option(help="Lots and gains: as in venues/sim/instruments/btc-usdt.")
    ] = "",
    strategy: Annotated[str, typer.Option(help="Ledger: as in strategies/sma-cross, or manual.")] = "",
    restart: Annotated[bool, typer.Option("--restart", help="Drop what an interrupted export left.")] = False,
    edge_port: Annotated[
        int | None,
        typer.Option(help="Public port of the mesh; that of the running one.", envvar="TRADEMESH_EDGE_PORT"),
    ] = None,
    state_dir: StateDir = None,
    as_json: Json = False,
) -> None:
    """Copy ledger, fills, lots, gains or equity curve into a CSV or Parquet file; goes on after a break."""
    filters = {"start_time": start, "end_time": end, "instrument": instrument, "strategy": strategy}
    asked = Asked(kind, account, filters, file_format, out.resolve(), restart)
    port = edge_port or Supervisor(_state_dir(state_dir)).status().edge_port
    with _err.status(f"exporting {kind.value}") as spinner:
        done = export(asked, Pages(port), lambda rows: spinner.update(f"exporting {kind.value}: {rows} rows"))
    if as_json:
        typer.echo(json.dumps(asdict(done)))
        return
    _out.print(f"{done.rows} rows of {done.kind} in {done.file}", soft_wrap=True, highlight=False)
    for name in done.text_columns:
        _out.print(f"{name} does not fit into 38 digits and is text", highlight=False)


@app.command(name="version")
def show_version() -> None:
    """Show the versions of the mesh and of what it stands on."""
    _out.print(f"trademesh {_own_version()}")
    for tool in (Tool.CONSUL, Tool.ENVOY):
        try:
            _out.print(f"{tool.value} {version(tool, find(tool))}")
        except ToolMissing:
            _out.print(f"{tool.value} not installed")
    _out.print(f"grpcio {importlib.metadata.version('grpcio')}")


def run() -> None:
    """Entry point of the console script: a ``MeshError`` becomes one line and its exit code."""
    try:
        app()
    except MeshError as error:
        _err.print(f"trademesh: {error.message}", style="red", highlight=False, soft_wrap=True, markup=False)
        sys.exit(int(error.code))
    except KeyboardInterrupt:
        sys.exit(int(ExitCode.INTERRUPTED))


def _state_dir(given: Path | None) -> Path:
    return given.resolve() if given else default_state_dir()


def _own_version() -> str:
    try:
        return importlib.metadata.version("trademesh")
    except importlib.metadata.PackageNotFoundError:
        return "0.1.0 (not installed)"
