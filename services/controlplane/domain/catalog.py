"""What is alive in the mesh: an immutable catalog of services and their instances."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType


class Health(StrEnum):
    """What the registry says of an instance, over all its checks."""

    PASSING = "passing"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def takes_calls(self) -> bool:
        """Whether calls may go to an instance in this state."""
        return self is not Health.CRITICAL


@dataclass(frozen=True, slots=True, order=True)
class Instance:
    """One running copy of a service.

    Attributes:
        id: unique per start of the process.
        address: IP address.
        port: TCP port of its gRPC server.
        health: what the registry says of it.
        weight: share of calls against other instances, at least 1.
        zone: where it runs.
        version: version it announces; empty where it announces none.
    """

    id: str
    address: str
    port: int
    health: Health = Health.PASSING
    weight: int = 100
    zone: str = "local"
    version: str = ""


@dataclass(frozen=True, slots=True)
class Catalog:
    """All instances of the services that the registry has answered for.

    A service that is absent is unknown (nobody has answered yet); a service with no instances is
    known to have none.

    Attributes:
        services: instances by service name, sorted by id.
        trust_domain: SPIFFE trust domain of the mesh; empty while unknown.
    """

    services: Mapping[str, tuple[Instance, ...]] = field(default_factory=lambda: MappingProxyType({}))
    trust_domain: str = ""

    def with_service(self, name: str, instances: tuple[Instance, ...]) -> "Catalog":
        """A catalog in which ``name`` has exactly ``instances``; this one if nothing differs."""
        ordered = tuple(sorted(instances))
        if self.services.get(name) == ordered:
            return self
        return replace(self, services=MappingProxyType({**self.services, name: ordered}))

    def with_trust_domain(self, trust_domain: str) -> "Catalog":
        """A catalog of that trust domain; this one if it is of it already."""
        return self if self.trust_domain == trust_domain else replace(self, trust_domain=trust_domain)

    def ready(self, name: str) -> tuple[Instance, ...]:
        """Instances of ``name`` that take calls."""
        return tuple(one for one in self.services.get(name, ()) if one.health.takes_calls)
