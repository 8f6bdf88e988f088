"""A whole mesh with what a fault test needs beside it: ways in, members, orders, and the invariants."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import grpc

from services.chassis.registry import load_registry
from services.supervisor.status import InstanceStatus, Phase
from tests.support import invariants
from tests.support.doors import Rest, Stubs
from tests.support.member import Member, member_of
from tests.support.mesh import MeshHarness, running_mesh, wait_until
from tests.support.metrics_page import samples

VENUE: Final = "simvenue"
SERVICES: Final = tuple(name for name in load_registry().services if name != VENUE)
"""The services that may run several instances."""

_BACK_S: Final = 60.0


class HurtMesh:
    """A mesh that trades, and whose parts are killed.

    Attributes:
        harness: the commands on it.
        rest: REST at its edge.
        stubs: gRPC at its edge.
        caller: a process with the identity of the orchestrator, which may call every service but itself.

    Args:
        harness: the mesh; it is up.
        caller: the orchestrator's identity.
        exchange: a process with the identity of the exchange, which may call the venue.
        edge: plain channel to the edge.
    """

    def __init__(self, harness: MeshHarness, caller: Member, exchange: Member, edge: grpc.Channel) -> None:
        self.harness = harness
        self.caller = caller
        self.rest = Rest(harness.edge)
        self.stubs = Stubs(edge)
        self._exchange = exchange

    def double(self) -> None:
        """Runs two instances of every service that may."""
        for service in SERVICES:
            self.harness.supervisor.scale(service, 2)
        for service in SERVICES:
            self.harness.wait_serving(service, 2)

    def kill(self, service: str, slot: int = 1, *, hurry: bool = False) -> None:
        """Kills one instance with -9 and waits until another stands in its place and serves.

        Args:
            service: its service.
            slot: number of the instance.
            hurry: ends the supervisor's wait before the next start, which grows with each death.
        """
        count = len(self.harness.instances(service))
        dead = self.harness.kill(service, slot)
        if hurry:
            waiting = {Phase.BACKING_OFF, Phase.CRASH_LOOPING}
            wait_until(lambda: self._row(service, slot).phase in waiting, f"{service}-{slot} is dead")
            self.harness.supervisor.restart(service)
        self.wait_replaced(service, slot, dead)
        self.harness.wait_serving(service, count, _BACK_S)

    def wait_replaced(self, service: str, slot: int, dead: int) -> None:
        """Waits until another process than the dead one runs in a slot."""

        wait_until(
            lambda: self._row(service, slot).pid not in {0, dead}, f"another {service}-{slot}", _BACK_S
        )

    def wait_all_serving(self) -> None:
        """Waits until everything serves."""
        wait_until(lambda: self.harness.status().serving, "everything serving", _BACK_S)

    def calls_of(self, service: str, slot: int) -> int:
        """How many calls of its contract an instance has answered."""
        row = self._row(service, slot)
        method = f"/trademesh.{service}.v1."
        return int(samples(row.ports["metrics"], "trademesh_rpc_requests_total", code="OK", under=method))

    def wait_called(self, service: str, slot: int) -> None:
        """Waits until an instance has answered calls."""
        wait_until(lambda: self.calls_of(service, slot) >= 5, f"calls reach {service}-{slot}")

    def kill_envoy(self) -> None:
        """Kills Envoy itself, not the process that owns it."""
        (envoy,) = [one for one in self.harness.processes() if one.name == "envoy"]
        os.kill(envoy.pid, signal.SIGKILL)
        wait_until(lambda: not envoy.is_alive(), "Envoy is gone")

    def check(self, acknowledged: Mapping[str, str] | None = None) -> invariants.Evidence:
        """Brings trading to rest, checks the invariants, and lets it go on."""
        self.wait_all_serving()
        invariants.come_to_rest(self.harness, self.stubs)
        try:
            evidence = invariants.gather(self.stubs, self.caller, self._exchange)
            invariants.check(evidence, acknowledged)
            invariants.wait_logs_read(self.harness, evidence)
        finally:
            invariants.start_trading(self.stubs)
        return evidence

    def wait_filled_cycles(self, more: int, bound: float = 60.0) -> None:
        """Waits until so many more cycles have traded."""
        before = self._filled()
        wait_until(lambda: self._filled() >= before + more, f"{more} more cycles", bound)

    def eventually(self, call: Callable[[], Any], what: str, bound: float = 30.0) -> Any:
        """The result of a call that may fail at first."""

        def tried() -> Any:
            try:
                return call() or True
            except Exception:  # noqa: BLE001 - it is tried again until the bound
                return None

        return wait_until(tried, what, bound)

    def _row(self, service: str, slot: int) -> InstanceStatus:
        return next(row for row in self.harness.instances(service) if row.slot == slot)

    def _filled(self) -> int:
        status = invariants.persistent(self.stubs, "OrchestratorService.GetTradingStatus", {}, 30)
        return int(status.filled_cycle_count)


@contextmanager
def hurt_mesh(state_dir: Path, *arguments: str) -> Iterator[HurtMesh]:
    """A mesh that is up and trades; stopped at the end."""
    with (
        running_mesh(state_dir, *arguments) as harness,
        member_of(harness, "orchestrator") as caller,
        member_of(harness, "exchange") as exchange,
        grpc.insecure_channel(f"127.0.0.1:{harness.edge}") as edge,
    ):
        yield HurtMesh(harness, caller, exchange, edge)
