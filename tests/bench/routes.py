"""How long a change in Consul takes to become a changed route in a client, with many services registered.

Real Consul, real control plane, a real ``xds:///`` channel over mTLS that calls without a pause. The clock
starts before Consul is told and stops when the client's calls go another way.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Self

from services.chassis.identity.bootstrap import VARIABLE, bootstrap
from services.chassis.registry import REGISTRY_FILE, load_registry
from tests.bench.processes import Worker, worker
from tests.support.consul import ConsulServer, consul_binary, free_ports
from tests.support.controlplane import ControlPlaneProcess, Member, backend

_OWN = tuple(load_registry().services)
_TARGET = "market"
_CALLER = "strategy"
_METHOD = "/trademesh.market.v1.MarketService/GetTicker"
_BOUND_S = 10.0
_SETTLE_S = 0.3
_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds that one kind of change took, again and again."""

    median_ms: float
    p90_ms: float
    worst_ms: float

    @classmethod
    def of(cls, nanoseconds: list[int]) -> Self:
        """Sum up."""
        values = [one / _MS for one in nanoseconds]
        return cls(median(values), quantiles(values, n=10)[8], max(values))


async def measure_routes(folder: Path, services: int, changes: int) -> dict[str, Times]:
    """Let an instance leave and come back, so many times.

    Args:
        folder: for state and logs.
        services: how many are registered, with one instance each beside the one that is called.
        changes: how often.
    """
    async with AsyncExitStack() as stack:
        consul = ConsulServer(consul_binary(), folder / "consul")
        await consul.start()
        stack.push_async_callback(consul.stop)
        names = [f"crowd-{number}" for number in range(services - len(_OWN))]
        registry = folder / "registry.toml"
        registry.write_text(
            REGISTRY_FILE.read_text(encoding="utf-8") + "".join(f"\n[services.{name}]\n" for name in names),
            encoding="utf-8",
        )
        crowd = [*names, *(name for name in _OWN if name != _TARGET)]
        ports = free_ports(len(crowd))
        await asyncio.gather(*(consul.register(name, port) for name, port in zip(crowd, ports, strict=True)))
        environment = {"TRADEMESH_CONTROLPLANE_REGISTRY": str(registry)}
        plane = ControlPlaneProcess(consul, folder / "plane", environment)
        await plane.start()
        stack.push_async_callback(plane.stop)
        own = await stack.enter_async_context(Member(consul, _TARGET, folder / "target"))
        steady = await stack.enter_async_context(backend(own, "steady"))
        moving = await stack.enter_async_context(backend(own, "moving"))
        await consul.register(_TARGET, steady.port, instance="steady")
        await consul.register(_TARGET, moving.port, instance="moving")
        client = await stack.enter_async_context(_client(consul, plane, folder))
        await _wait_first(client, "moving", time.monotonic_ns())
        return await _change(consul, client, changes)


async def _change(consul: ConsulServer, client: Worker, changes: int) -> dict[str, Times]:
    critical: list[int] = []
    passing: list[int] = []
    for _ in range(changes):
        began = time.monotonic_ns()
        await consul.report("moving", "critical")
        critical.append(await _wait_gone(client, "moving", began) - began)
        began = time.monotonic_ns()
        await consul.report("moving", "passing")
        passing.append(await _wait_first(client, "moving", began) - began)
    return {"check goes critical": Times.of(critical), "check passes again": Times.of(passing)}


async def _wait_first(client: Worker, name: str, since: int) -> int:
    """When the first call begun after ``since`` was answered by a backend."""
    async with asyncio.timeout(_BOUND_S):
        while True:
            answer = await client.ask(since=since)
            if name in answer["first"]:
                return int(answer["first"][name])
            await asyncio.sleep(0.02)


async def _wait_gone(client: Worker, name: str, since: int) -> int:
    """When the last call to a backend began; it must have had none for a while."""
    async with asyncio.timeout(_BOUND_S):
        while True:
            answer = await client.ask(since=since)
            last = int(answer["last"].get(name, since))
            if answer["now"] - last > _SETTLE_S * 1000 * _MS:
                assert not [other for other in answer["last"] if other.startswith("!")], answer
                return last
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _client(consul: ConsulServer, plane: ControlPlaneProcess, folder: Path) -> AsyncIterator[Worker]:
    async with Member(consul, _CALLER, folder / "caller") as member:
        document: Any = bootstrap(
            ads_address=plane.address,
            ads_roots=plane.roots,
            certificates=member.certificates.current,
            node_id=f"{_CALLER}-bench",
            service=_CALLER,
            zone="local",
        )
        file = folder / "xds.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        command = ("tests.bench.route_client", _TARGET, _METHOD)
        async with worker(*command, log=folder / "client.log", environment={VARIABLE: str(file)}) as client:
            await client.hear()
            yield client
