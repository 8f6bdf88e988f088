"""What Consul says about the instances of this mesh."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.supervisor.consul_api import ConsulApi, ConsulError

_PASSING = "passing"


@dataclass(frozen=True, slots=True)
class Registration:
    """One instance in the agent's registry.

    Attributes:
        id: its id in Consul.
        service: its service.
        instance: id of the process that registered it.
        passing: whether all of its checks pass.
        ports: its ports by purpose.
    """

    id: str
    service: str
    instance: str
    passing: bool
    ports: Mapping[str, int]


async def registrations(api: ConsulApi) -> tuple[Registration, ...]:
    """Everything registered with the agent.

    Raises:
        ConsulError: Consul does not answer.
    """
    services, checks = await asyncio.gather(
        api.call("GET", "agent/services"), api.call("GET", "agent/checks")
    )
    return read(services or {}, checks or {})


def read(services: Mapping[str, Any], checks: Mapping[str, Any]) -> tuple[Registration, ...]:
    """Joins the agent's services with their checks; one without a check does not pass."""
    states: dict[str, list[str]] = {}
    for check in checks.values():
        states.setdefault(check.get("ServiceID", ""), []).append(check.get("Status", ""))
    found = []
    for identifier, service in services.items():
        meta = service.get("Meta") or {}
        own = states.get(identifier, [])
        ports = {"grpc": int(service.get("Port") or 0)}
        if str(meta.get("metrics_port", "")).isdigit():
            ports["metrics"] = int(meta["metrics_port"])
        found.append(
            Registration(
                id=identifier,
                service=service.get("Service", ""),
                instance=meta.get("instance", identifier),
                passing=bool(own) and all(state == _PASSING for state in own),
                ports={name: port for name, port in ports.items() if port},
            )
        )
    return tuple(found)


async def remove(api: ConsulApi, registration: Registration) -> bool:
    """Takes an instance whose process is gone out of the registry; False where Consul does not answer."""
    try:
        await api.call("PUT", f"agent/service/deregister/{registration.id}")
    except ConsulError:
        return False
    return True
