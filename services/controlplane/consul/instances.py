"""Consul's health answers as instances of the domain."""

from collections.abc import Mapping
from typing import Any

from services.chassis.registry import ServiceSpec
from services.controlplane.domain.catalog import Health, Instance

_MAX_WEIGHT = 10_000
_ORDER = (Health.PASSING, Health.WARNING, Health.CRITICAL)


def instances_of(answer: Any, spec: ServiceSpec) -> tuple[Instance, ...]:
    """Read the body of ``/v1/health/service/<name>``, sorted by id.

    A weight or zone that an instance does not announce, or announces as nonsense, is the registry's.

    Raises:
        ValueError: the body is not what Consul answers.
    """
    try:
        return tuple(sorted(_instance(entry, spec) for entry in answer))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"health of {spec.name}: {type(error).__name__}: {error}") from error


def changes_of(answer: Any) -> Mapping[str, int]:
    """Index at which the checks of each instance last changed, by instance id.

    Raises:
        ValueError: the body is not what Consul answers.
    """
    try:
        return {
            entry["Service"]["ID"]: max((int(check["ModifyIndex"]) for check in entry["Checks"]), default=0)
            for entry in answer
        }
    except (KeyError, TypeError) as error:
        raise ValueError(f"health: {type(error).__name__}: {error}") from error


def _instance(entry: Mapping[str, Any], spec: ServiceSpec) -> Instance:
    service = entry["Service"]
    meta = service.get("Meta") or {}
    return Instance(
        id=service["ID"],
        address=service["Address"] or entry["Node"]["Address"],
        port=int(service["Port"]),
        health=_worst(check["Status"] for check in entry["Checks"]),
        weight=_weight(meta.get("weight", ""), spec.weight),
        zone=meta.get("zone") or spec.zone,
        version=meta.get("version", ""),
    )


def _worst(statuses: Any) -> Health:
    """The worst of all checks; whatever Consul may add to the three counts as critical."""
    known = {str(health): health for health in _ORDER}
    found = [known.get(status, Health.CRITICAL) for status in statuses]
    return max(found, key=_ORDER.index, default=Health.PASSING)


def _weight(text: str, default: int) -> int:
    return int(text) if text.isdecimal() and 1 <= int(text) <= _MAX_WEIGHT else default
