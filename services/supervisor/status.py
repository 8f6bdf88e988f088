"""What the supervisor says about itself: plain values, the same on both ends of the socket."""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    """Where one instance stands."""

    WAITING = "waiting"  # not started yet
    STARTING = "starting"  # its process runs and is not serving yet
    SERVING = "serving"
    UNHEALTHY = "unhealthy"  # its process runs, was serving and is not any more
    BACKING_OFF = "backing off"  # died, will be started again
    CRASH_LOOPING = "crash looping"  # died several times in a row, will be started again
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceStatus:
    """One instance of one service.

    Attributes:
        service: name of the service.
        slot: number of the instance, from 1.
        instance: id of the present process, unique per start; empty where none runs.
        phase: where it stands.
        pid: process id; 0 where none runs.
        restarts: starts after the first one.
        uptime: seconds the present process runs.
        ports: port by what it is for (grpc, metrics, http ...).
        log: path of the log file.
        detail: how the last process ended, if one did.
    """

    service: str
    slot: int
    instance: str
    phase: Phase
    pid: int
    restarts: int
    uptime: float
    ports: dict[str, int]
    log: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshStatus:
    """The whole mesh.

    Attributes:
        pid: process id of the supervisor.
        start_time: when it started, by the machine's clock.
        state_dir: its state directory.
        consul_reachable: whether the registry answered last time; if not, who serves is what
            was last known.
        stopping: whether the mesh is going down.
        edge_port: port of the public door.
        instances: every instance, in the order of starting.
    """

    pid: int
    start_time: datetime
    state_dir: str
    consul_reachable: bool
    stopping: bool
    edge_port: int
    instances: tuple[InstanceStatus, ...]

    @property
    def serving(self) -> bool:
        """Whether every instance serves."""
        return bool(self.instances) and all(i.phase is Phase.SERVING for i in self.instances)

    def to_value(self) -> dict[str, Any]:
        """As values of JSON."""
        return asdict(self) | {"start_time": self.start_time.isoformat(), "serving": self.serving}

    @classmethod
    def from_value(cls, value: dict[str, Any]) -> "MeshStatus":
        """Reads what ``to_value`` wrote."""
        rows = tuple(InstanceStatus(**(row | {"phase": Phase(row["phase"])})) for row in value["instances"])
        return cls(
            pid=value["pid"],
            start_time=datetime.fromisoformat(value["start_time"]),
            state_dir=value["state_dir"],
            consul_reachable=value["consul_reachable"],
            stopping=value["stopping"],
            edge_port=value["edge_port"],
            instances=rows,
        )
