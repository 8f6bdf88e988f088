"""What a service is made of, and the ``main`` that runs it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc.aio

from services.chassis.rpc.server import Binding
from services.chassis.settings import ChassisSettings
from services.kernel.clock import Clock, IdSource

if TYPE_CHECKING:
    from services.chassis.persistence import Database
    from services.chassis.registry import ServiceSpec

__all__ = ["Application", "Background", "Binding", "Build", "Runtime", "main"]


@dataclass(frozen=True, slots=True)
class Background:
    """Work that runs as long as the service.

    Attributes:
        name: for the log, as in ``outbox_dispatch``.
        run: the work; where it ends or raises, the process ends with exit code 1.
    """

    name: str
    run: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Application:
    """What a service's ``build`` makes.

    Attributes:
        servicers: the contracts it serves.
        background: work that runs as long as the service, begun after ``prepare``.
        self_tests: each raises where the service is not fit for calls; part of the TTL check.
        prepare: recovery, before the service says SERVING.
        close: what to release at the end, after the last call.
    """

    servicers: Sequence[Binding]
    background: Sequence[Background] = ()
    self_tests: Sequence[Callable[[], Awaitable[None]]] = ()
    prepare: Callable[[], Awaitable[None]] | None = None
    close: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True)
class Runtime:
    """What the chassis gives to a service's ``build``.

    Attributes:
        spec: the service's entry in the registry.
        settings: settings of the chassis.
        clock: the time.
        ids: fresh identifiers.
        database: opened and migrated, where the registry says the service has one.
        connect: opens the channel to a service.
    """

    spec: "ServiceSpec"
    settings: ChassisSettings
    clock: Clock
    ids: IdSource
    database: "Database | None"
    connect: Callable[[str], grpc.aio.Channel]

    def require_database(self) -> "Database":
        """The database of a service whose registry entry says that it has one.

        Raises:
            LookupError: the entry says it has none.
        """
        if self.database is None:
            msg = f"{self.spec.name} has no database in the service registry"
            raise LookupError(msg)
        return self.database

    def channel(self, service: str) -> grpc.aio.Channel:
        """The shared channel to a service of the mesh, as in ``runtime.channel("market")``.

        Its calls carry the correlation id and the trace context, and get the method's default
        deadline where they have none.
        """
        return self.connect(service)


Build = Callable[[Runtime], Awaitable[Application]]


def main(name: str, build: Build) -> None:
    """Run a service until SIGTERM or SIGINT.

    Args:
        name: name in the registry, as in ``market``.
        build: wires the service.

    Raises:
        SystemExit: 0 after a drain, 1 where the service failed.
    """
    from services.chassis.process import run  # noqa: PLC0415 - tests import this module, not the mesh

    raise SystemExit(run(name, build))
