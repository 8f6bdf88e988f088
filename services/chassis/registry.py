"""The service registry: reads ``services/registry.toml`` into frozen values, strictly."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final

REGISTRY_FILE: Final = Path(__file__).resolve().parent.parent / "registry.toml"
"""The registry of this installation."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_CODES = frozenset({"cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"})
_MAX_ATTEMPTS = 5


class RegistryError(ValueError):
    """The registry file says something that cannot be meant."""


class LbPolicy(StrEnum):
    """How calls spread over the instances of a service."""

    ROUND_ROBIN = "round_robin"
    LEAST_REQUEST = "least_request"


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """Bounds on what may be under way towards one service.

    Attributes:
        max_connections: open connections (Envoy only).
        max_pending_requests: calls waiting for a connection (Envoy only).
        max_requests: calls under way; the next one fails at once with UNAVAILABLE.
        max_retries: retries under way (Envoy only).
    """

    max_connections: int
    max_pending_requests: int
    max_requests: int
    max_retries: int

    def __post_init__(self) -> None:
        for name in ("max_connections", "max_pending_requests", "max_requests", "max_retries"):
            _bounded(f"circuit_breaker.{name}", getattr(self, name), 1, 1_000_000)


@dataclass(frozen=True, slots=True)
class OutlierDetection:
    """When an instance that answers badly is left out for a while.

    Attributes:
        consecutive_5xx: failures in a row that eject it (Envoy only; 0 switches it off).
        failure_percentage: share of failed calls within one interval that ejects it.
        minimum_hosts: instances a service must have before percentages are judged.
        request_volume: calls an instance must have had within one interval to be judged.
        interval: length of one interval.
        base_ejection: first ejection; it grows with each further one.
        max_ejection_percent: most of the instances that may be out at once.
    """

    consecutive_5xx: int
    failure_percentage: int
    minimum_hosts: int
    request_volume: int
    interval: timedelta
    base_ejection: timedelta
    max_ejection_percent: int

    def __post_init__(self) -> None:
        _bounded("outlier_detection.consecutive_5xx", self.consecutive_5xx, 0, 1_000_000)
        _bounded("outlier_detection.failure_percentage", self.failure_percentage, 1, 100)
        _bounded("outlier_detection.minimum_hosts", self.minimum_hosts, 1, 1_000)
        _bounded("outlier_detection.request_volume", self.request_volume, 1, 1_000_000)
        _bounded("outlier_detection.max_ejection_percent", self.max_ejection_percent, 0, 100)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how fast the mesh sends a call again. Whether it may is the method's retry class.

    Attributes:
        attempts: sendings in all, the first one included; 1 to 5 (gRPC's own upper bound).
        codes: gRPC status codes, lower-case with hyphens, after which a call is sent again.
        backoff: mean pause before the first repeat; doubles with each further one.
        max_backoff: longest mean pause.
    """

    attempts: int
    codes: tuple[str, ...]
    backoff: timedelta
    max_backoff: timedelta

    def __post_init__(self) -> None:
        _bounded("retry.attempts", self.attempts, 1, _MAX_ATTEMPTS)
        if unknown := set(self.codes) - _CODES:
            raise RegistryError(f"retry.codes: not a retriable code: {sorted(unknown)}")
        if self.backoff > self.max_backoff:
            raise RegistryError("retry: backoff_ms is longer than max_backoff_ms")


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One service of the mesh.

    Attributes:
        name: Consul service, xDS resource, and ``<area>`` in ``trademesh.<area>.v1``.
        instances: how many the supervisor starts.
        database: whether it has a database of its own.
        calls: services it may call; everything else is refused.
        lb_policy: how calls spread over its instances.
        weight: share of one instance that names no weight itself.
        zone: zone of an instance that names none itself.
        circuit_breaker: bounds towards it.
        outlier_detection: when an instance of it is left out.
        retry: repeats of calls to it.
    """

    name: str
    instances: int
    database: bool
    calls: tuple[str, ...]
    lb_policy: LbPolicy
    weight: int
    zone: str
    circuit_breaker: CircuitBreaker
    outlier_detection: OutlierDetection
    retry: Retry

    def __post_init__(self) -> None:
        _named(self.name)
        _bounded(f"{self.name}.instances", self.instances, 0, 100)
        _bounded(f"{self.name}.weight", self.weight, 1, 10_000)


@dataclass(frozen=True, slots=True)
class Registry:
    """All services, and who may call whom.

    Attributes:
        services: by name, in the order of the file.
        infrastructure: members that are no service (edge, controlplane), with what they may call.
    """

    EDGE: ClassVar[str] = "edge"
    CONTROL_PLANE: ClassVar[str] = "controlplane"

    services: Mapping[str, ServiceSpec]
    infrastructure: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        if both := self.services.keys() & self.infrastructure.keys():
            raise RegistryError(f"both service and infrastructure: {sorted(both)}")
        for caller, callee in self.calls():
            if callee not in self.services:
                raise RegistryError(f"{caller} calls {callee}, which is no service")

    @property
    def members(self) -> frozenset[str]:
        """Every name that may have an identity in the mesh."""
        return frozenset(self.services) | frozenset(self.infrastructure)

    def calls(self) -> Iterator[tuple[str, str]]:
        """Every allowed pair of caller and callee: the intentions."""
        for spec in self.services.values():
            yield from ((spec.name, callee) for callee in spec.calls)
        for name, callees in self.infrastructure.items():
            yield from ((name, callee) for callee in callees)

    def __getitem__(self, service: str) -> ServiceSpec:
        """The service of that name.

        Raises:
            KeyError: there is none.
        """
        return self.services[service]


def load_registry(path: Path | None = None) -> Registry:
    """Read the registry.

    Args:
        path: another file than the installed one.

    Raises:
        RegistryError: an unknown or missing key, a wrong type, a value out of its bounds, or a
            call to a service that does not exist. The message names the key.
        OSError: the file cannot be read.
    """
    file = path or REGISTRY_FILE
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RegistryError(f"{file}: {error}") from error
    return parse_registry(document)


def parse_registry(document: Mapping[str, Any]) -> Registry:
    """Make a registry of a parsed TOML document.

    Raises:
        RegistryError: as for :func:`load_registry`.
    """
    root = _Table("", document, allowed={"defaults", "services", "infrastructure"})
    defaults = root.table("defaults")
    services = {name: _service(name, table, defaults) for name, table in root.tables("services")}
    infrastructure = {
        _named(name): _Table(name, table, allowed={"calls"}).texts("calls")
        for name, table in root.tables("infrastructure")
    }
    return Registry(MappingProxyType(services), MappingProxyType(infrastructure))


_SECTIONS: Final = {
    "circuit_breaker": CircuitBreaker,
    "outlier_detection": OutlierDetection,
    "retry": Retry,
}


def _service(name: str, table: Mapping[str, Any], defaults: Mapping[str, Any]) -> ServiceSpec:
    allowed = {field.name for field in fields(ServiceSpec)} - {"name"}
    _Table("defaults", defaults, allowed=allowed)
    own = _Table(name, table, allowed=allowed)
    merged = _Table(name, {**defaults, **own.content}, allowed=allowed)
    sections = {key: _section(kind, name, key, own, defaults) for key, kind in _SECTIONS.items()}
    return ServiceSpec(
        name=name,
        instances=merged.number("instances"),
        database=merged.flag("database"),
        calls=merged.texts("calls"),
        lb_policy=_lb_policy(name, merged.text("lb_policy")),
        weight=merged.number("weight"),
        zone=merged.text("zone"),
        **sections,
    )


def _section(kind: type, name: str, key: str, own: "_Table", defaults: Mapping[str, Any]) -> Any:
    """One nested section: the defaults' keys under the service's own."""
    spelled = {_spelling(field.name, field.type): field for field in fields(kind)}
    for layer in (_Table("defaults", defaults), own):
        _Table(f"{layer.path}.{key}", layer.table(key, optional=True), allowed=set(spelled))
    merged = {**_Table("defaults", defaults).table(key, optional=True), **own.table(key, optional=True)}
    table = _Table(f"{name}.{key}", merged)
    values: dict[str, Any] = {}
    for spelling, field in spelled.items():
        if field.type is timedelta:
            values[field.name] = timedelta(milliseconds=table.number(spelling, least=1))
        elif field.type is int:
            values[field.name] = table.number(spelling)
        else:
            values[field.name] = table.texts(spelling)
    return kind(**values)


def _spelling(name: str, kind: Any) -> str:
    return f"{name}_ms" if kind is timedelta else name


def _lb_policy(name: str, text: str) -> LbPolicy:
    try:
        return LbPolicy(text)
    except ValueError:
        raise RegistryError(
            f"{name}.lb_policy: {text!r} is none of {[str(one) for one in LbPolicy]}"
        ) from None


def _named(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise RegistryError(f"not a service name: {name!r}")
    return name


def _bounded(path: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise RegistryError(f"{path} = {value} is not within {least} to {most}")


class _Table:
    """A TOML table that knows its path, refuses unknown keys and checks types."""

    def __init__(self, path: str, content: Any, allowed: set[str] | None = None) -> None:
        if not isinstance(content, Mapping):
            raise RegistryError(f"{path or 'registry'}: a table is expected")
        if allowed is not None and (unknown := content.keys() - allowed):
            raise RegistryError(f"{path or 'registry'}: unknown keys {sorted(unknown)}")
        self.path = path
        self.content: Mapping[str, Any] = content

    def table(self, key: str, *, optional: bool = False) -> Mapping[str, Any]:
        value = self.content.get(key, {} if optional else MISSING)
        return _Table(self._at(key), value).content

    def tables(self, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for name in self.table(key):
            yield name, _Table(self._at(key), self.table(key)).table(name)

    def number(self, key: str, *, least: int = 0) -> int:
        value = self._typed(key, int, "a whole number")
        if isinstance(value, bool) or value < least:
            raise RegistryError(f"{self._at(key)}: a whole number of at least {least} is expected")
        return int(value)

    def flag(self, key: str) -> bool:
        return bool(self._typed(key, bool, "true or false"))

    def text(self, key: str) -> str:
        return str(self._typed(key, str, "a text"))

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._typed(key, list, "a list of texts")
        if not all(isinstance(item, str) for item in value) or len(set(value)) != len(value):
            raise RegistryError(f"{self._at(key)}: a list of different texts is expected")
        return tuple(value)

    def _typed(self, key: str, kind: type, wording: str) -> Any:
        value = self.content.get(key, MISSING)
        if not isinstance(value, kind):
            raise RegistryError(f"{self._at(key)}: {wording} is expected")
        return value

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key
