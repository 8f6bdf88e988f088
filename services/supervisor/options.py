"""What one mesh was asked to be: ports, folders, market data, database."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from services.supervisor.failure import ExitCode, MeshError

# A unix socket path holds 107 bytes; ours are named `<state>/edge/local.sock` at the longest.
_LONGEST_STATE_DIR = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshOptions:
    """Options of ``trademesh up``, handed to the supervisor as JSON.

    Attributes:
        state_dir: absolute folder of everything this mesh keeps.
        edge_port: port of the public door (REST, gRPC, gRPC-Web), loopback.
        admin_port: port of Envoy's admin page, loopback.
        consul_port: port of Consul's HTTP API, loopback.
        ads_port: port of the control plane.
        database_url: SQLAlchemy URL with ``{service}`` in it; SQLite files where it is absent.
        recording: folder of recorded market data; a seeded synthetic market where it is absent.
        speed: how many times faster than real time the simulated market runs.
        seed: seed of the synthetic market.
        log_level: lowest level the services log.
        only: services to run; all of the registry where it is empty. Consul, control plane and edge
            run in any case.
    """

    state_dir: Path
    edge_port: int = 8080
    admin_port: int = 9901
    consul_port: int = 8500
    ads_port: int = 18000
    database_url: str | None = None
    recording: Path | None = None
    speed: float = 10.0
    seed: int = 1
    log_level: str = "info"
    only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(str(self.state_dir).encode()) > _LONGEST_STATE_DIR:
            message = (
                f"the state directory {self.state_dir} is too long for the unix sockets in it: "
                f"at most {_LONGEST_STATE_DIR} bytes; choose another with --state-dir"
            )
            raise MeshError(message, ExitCode.USAGE)
        if self.database_url is not None and "{service}" not in self.database_url:
            message = "--database-url needs {service} in it, as in postgresql+asyncpg://user@host/{service}"
            raise MeshError(message, ExitCode.USAGE)

    def to_json(self) -> str:
        """The options as one line of JSON."""
        values = asdict(self)
        return json.dumps(
            {key: str(value) if isinstance(value, Path) else value for key, value in values.items()}
        )

    @classmethod
    def from_json(cls, text: str) -> "MeshOptions":
        """Reads what ``to_json`` wrote.

        Raises:
            MeshError: the text is not what ``to_json`` writes.
        """
        try:
            values = json.loads(text)
            known = {field.name for field in fields(cls)}
            values = {key: value for key, value in values.items() if key in known}
            values["state_dir"] = Path(values["state_dir"])
            values["recording"] = Path(values["recording"]) if values.get("recording") else None
            values["only"] = tuple(values.get("only", ()))
            return cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise MeshError(f"the options of the mesh cannot be read: {error}") from error

    def ports(self) -> dict[str, int]:
        """The fixed ports of this mesh by the option that sets them."""
        return {
            "--consul-port": self.consul_port,
            "--ads-port": self.ads_port,
            "--edge-port": self.edge_port,
            "--admin-port": self.admin_port,
        }
