"""A consistent set of typed resources, each versioned by its content."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from types import MappingProxyType
from typing import Final

CLUSTER: Final = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
ENDPOINTS: Final = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
LISTENER: Final = "type.googleapis.com/envoy.config.listener.v3.Listener"
ROUTES: Final = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
SECRET: Final = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"  # noqa: S105

PUSH_ORDER: Final = (CLUSTER, ENDPOINTS, SECRET, LISTENER, ROUTES)
"""Make before break: what is referred to goes before what refers to it. Removals go the other way."""

COMPLETE_TYPES: Final = frozenset({CLUSTER, LISTENER})
"""Types of which a state-of-the-world response must name every resource: absence is removal."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One xDS resource.

    Attributes:
        name: unique within its type.
        version: hash of the body.
        body: the serialised message.
    """

    name: str
    version: str
    body: bytes

    @classmethod
    def of(cls, name: str, body: bytes) -> "Resource":
        """A resource whose version is the hash of its body."""
        return cls(name, _digest((body,)), body)


@dataclass(frozen=True)
class ResourceSet:
    """All resources of one type.

    Attributes:
        by_name: resources by name, in name order.
    """

    by_name: Mapping[str, Resource]

    @classmethod
    def of(cls, resources: Iterable[Resource]) -> "ResourceSet":
        """A set of those resources.

        Raises:
            ValueError: two of them have one name.
        """
        ordered = sorted(resources, key=lambda one: one.name)
        by_name = {one.name: one for one in ordered}
        if len(by_name) != len(ordered):
            raise ValueError("two resources of one type have the same name")
        return cls(MappingProxyType(by_name))

    @cached_property
    def version(self) -> str:
        """Hash over every name and version: equal content, equal version, in every process."""
        return version_of(self.by_name.values())


def version_of(resources: Iterable[Resource]) -> str:
    """Version of a group of resources, in the order given."""
    return _digest(part.encode() for one in resources for part in (one.name, one.version))


def _digest(parts: Iterable[bytes]) -> str:
    digest = blake2b(digest_size=12)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


EMPTY: Final = ResourceSet.of(())


@dataclass(frozen=True)
class Snapshot:
    """All resources of one view at one moment.

    Attributes:
        sets: resources by type URL.
        withheld: by type URL, names of resources that exist but whose content is not known yet.
            A client is neither given them nor told that they do not exist.
    """

    sets: Mapping[str, ResourceSet]
    withheld: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(
        cls,
        sets: Mapping[str, Iterable[Resource]],
        withheld: Mapping[str, frozenset[str]] = MappingProxyType({}),
    ) -> "Snapshot":
        """A snapshot of those resources by type URL."""
        made = {url: ResourceSet.of(resources) for url, resources in sets.items()}
        return cls(MappingProxyType(made), withheld)

    def of_type(self, type_url: str) -> ResourceSet:
        """Resources of one type; empty for a type this view has not."""
        return self.sets.get(type_url, EMPTY)

    def is_withheld(self, type_url: str, name: str) -> bool:
        """Whether that resource exists without its content being known yet."""
        return name in self.withheld.get(type_url, frozenset())

    @cached_property
    def version(self) -> str:
        """Hash over the versions of all types."""
        return _digest(f"{url}={self.sets[url].version}".encode() for url in sorted(self.sets))
