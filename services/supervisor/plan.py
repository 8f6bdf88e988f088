"""From the service registry and the options to the processes of a mesh."""

import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from services.chassis.registry import Registry, ServiceSpec
from services.supervisor import consul_agent
from services.supervisor.failure import ExitCode, MeshError
from services.supervisor.options import MeshOptions
from services.supervisor.paths import StatePaths, import_path
from services.supervisor.records import RUN_VARIABLE

CONSUL = "consul"
CONTROL_PLANE = Registry.CONTROL_PLANE
EDGE = Registry.EDGE
VENUE = "simvenue"


class Stage(IntEnum):
    """The order of starting, one right after the other; they stop in reverse, each after the next is gone."""

    REGISTRY = 0
    CONTROL = 1
    VENUE = 2
    SERVICE = 3
    EDGE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One service as the supervisor runs it.

    Attributes:
        name: name of the service.
        stage: when it starts and stops.
        command: makes the command of the next start.
        environment: what its processes get beside the environment of the supervisor.
        instances: how many run at first.
        registered: whether its instances tell Consul that they serve; the others are asked by TCP.
        ports: ports fixed by the options, by purpose.
        grace: seconds between SIGTERM and SIGKILL.
        single: why it runs one instance only; empty where it may run several.
    """

    name: str
    stage: Stage
    command: Callable[[], Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    instances: int = 1
    registered: bool = True
    ports: Mapping[str, int] = field(default_factory=dict)
    grace: float = 15.0
    single: str = ""


def build(registry: Registry, options: MeshOptions, consul: Path, run: str) -> tuple[Unit, ...]:
    """The units of a mesh, in the order of starting.

    Args:
        registry: the service registry.
        options: what the mesh was asked to be.
        consul: Consul's binary.
        run: id of this run of the supervisor.

    Raises:
        MeshError: a service of the registry has no package, or wants several instances on SQLite.
    """
    specs = [spec for spec in registry.services.values() if not options.only or spec.name in options.only]
    _check_only(options.only, (*registry.services, *registry.infrastructure))
    infrastructure = [name for name in (CONTROL_PLANE, EDGE) if name in registry.infrastructure]
    require_packages([*infrastructure, *(spec.name for spec in specs)])
    paths = StatePaths(options.state_dir)
    base = environment(options, run)
    units = [
        _consul(options, paths, consul, base),
        Unit(
            name=CONTROL_PLANE,
            stage=Stage.CONTROL,
            command=module_command(CONTROL_PLANE),
            environment=base | _token(paths, CONTROL_PLANE),
            registered=False,
            ports={"ads": options.ads_port},
            single="the control plane runs once per mesh",
        ),
        *(_service(spec, options, paths, base) for spec in specs),
        Unit(
            name=EDGE,
            stage=Stage.EDGE,
            command=module_command(EDGE),
            environment=base | _token(paths, EDGE) | edge_environment(options),
            ports={"http": options.edge_port, "admin": options.admin_port},
            single="the edge runs once per mesh, on a fixed port",
        ),
    ]
    return tuple(sorted(units, key=lambda unit: unit.stage))


def module_command(name: str) -> Callable[[], Sequence[str]]:
    """Runs ``services.<name>`` with this interpreter."""
    return lambda: (sys.executable, "-m", f"services.{name}")


def require_packages(names: Iterable[str]) -> None:
    """Checks that every service has a package that can be started.

    Raises:
        MeshError: one has none; the line names it.
    """
    for name in names:
        package = f"services.{name}"
        try:
            found = importlib.util.find_spec(f"{package}.__main__") is not None
        except ModuleNotFoundError:
            found = False
        if not found:
            message = (
                f"service {name} is in services/registry.toml but {package} cannot be started: no __main__.py"
            )
            raise MeshError(message, ExitCode.PACKAGE_MISSING)


def environment(options: MeshOptions, run: str) -> dict[str, str]:
    """The environment every process of the mesh has in common."""
    common = {key: value for key, value in os.environ.items() if key != "TRADEMESH_DATABASE_URL"}
    return common | {
        RUN_VARIABLE: run,
        "PYTHONPATH": import_path(),
        "PYTHONUNBUFFERED": "1",
        "TRADEMESH_STATE_DIR": str(options.state_dir),
        "TRADEMESH_CONSUL_ADDRESS": f"127.0.0.1:{options.consul_port}",
        "TRADEMESH_ADS_ADDRESS": f"127.0.0.1:{options.ads_port}",
        "TRADEMESH_GRPC_PORT": "0",
        "TRADEMESH_METRICS_PORT": "0",
        "TRADEMESH_LOG_LEVEL": options.log_level,
    }


def edge_environment(options: MeshOptions) -> dict[str, str]:
    """What only the edge is told."""
    return {
        "TRADEMESH_EDGE_PORT": str(options.edge_port),
        "TRADEMESH_EDGE_ADMIN_PORT": str(options.admin_port),
    }


def venue_environment(options: MeshOptions) -> dict[str, str]:
    """What only the simulated venue is told."""
    values = {
        "TRADEMESH_SIMVENUE_SPEED": f"{options.speed:g}",
        "TRADEMESH_SIMVENUE_SEED": str(options.seed),
    }
    if options.recording is not None:
        values["TRADEMESH_SIMVENUE_RECORDING"] = str(options.recording)
    return values


def _service(spec: ServiceSpec, options: MeshOptions, paths: StatePaths, base: Mapping[str, str]) -> Unit:
    own = dict(base) | _token(paths, spec.name)
    single = ""
    if spec.database and options.database_url is not None:
        own["TRADEMESH_DATABASE_URL"] = options.database_url.replace("{service}", spec.name)
    if spec.database and not (options.database_url or "").startswith("postgresql"):
        single = (
            f"{spec.name} keeps its data in a SQLite file, which one instance may write; to run several, "
            "start the mesh on PostgreSQL: trademesh up --database-url postgresql+asyncpg://user@host/{service}"
        )
    if single and spec.instances > 1:
        raise MeshError(single, ExitCode.USAGE)
    if spec.name == VENUE:
        own |= venue_environment(options)
        # Its ledger is the venue's own truth: one process, whatever database it lies in.
        single = single or f"{VENUE} is one venue with one matching engine"
    return Unit(
        name=spec.name,
        stage=Stage.VENUE if spec.name == VENUE else Stage.SERVICE,
        command=module_command(spec.name),
        environment=own,
        instances=spec.instances,
        single=single,
    )


def _consul(options: MeshOptions, paths: StatePaths, binary: Path, base: Mapping[str, str]) -> Unit:
    def command() -> Sequence[str]:
        return consul_agent.command(binary, consul_agent.configure(paths, options.consul_port))

    # Consul reads CONSUL_* itself: a shell set up for another cluster must not reach this one.
    clean = {key: value for key, value in base.items() if not key.startswith("CONSUL_")}
    return Unit(
        name=CONSUL,
        stage=Stage.REGISTRY,
        command=command,
        environment=clean,
        registered=False,
        ports={"http": options.consul_port},
        grace=5.0,
        single="Consul runs once per mesh",
    )


def _token(paths: StatePaths, member: str) -> dict[str, str]:
    return {"TRADEMESH_CONSUL_TOKEN_FILE": str(paths.token_of(member))}


def _check_only(only: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in only if name not in known]
    if unknown:
        message = f"no such service: {', '.join(unknown)}; there are {', '.join(known)}"
        raise MeshError(message, ExitCode.USAGE)
