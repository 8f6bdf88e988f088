"""Everything that is measured side by side, brought up at once, each server a process of its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.answer import REST_PATH, ticker
from tests.bench.http1 import HttpPool
from tests.bench.processes import Worker, worker
from tests.support.consul import ConsulServer, consul_binary, free_ports
from tests.support.controlplane import ControlPlaneProcess

_ROUTED_S = 20.0


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to make the call.

    Attributes:
        name: what the client process calls it.
        title: for people.
        client: who makes the calls.
        servers: whose work it is to answer them.
    """

    name: str
    title: str
    client: Worker
    servers: tuple[Worker, ...]


@asynccontextmanager
async def contenders(folder: Path) -> AsyncIterator[list[Contender]]:
    """Bring everything up; all of it ends with the block.

    Args:
        folder: for state and logs.
    """
    async with AsyncExitStack() as stack:

        async def start(name: str, *command: str, **more: Any) -> Worker:
            return await stack.enter_async_context(worker(*command, log=folder / f"{name}.log", **more))

        async def listening(name: str, *command: str) -> tuple[Worker, int]:
            server = await start(name, *command)
            return server, int((await server.hear())["port"])

        member, port = await _mesh(stack, folder)
        ports = {"TRADEMESH_EDGE_PORT": str(port), "TRADEMESH_EDGE_ADMIN_PORT": str(free_ports(1)[0])}
        edge = await start("edge", "services.edge", environment=member | ports, speaks=False)
        market = await start("market", "tests.bench.mesh_service", environment=member, speaks=False)
        inside = await start("strategy", "tests.bench.mesh_client", environment=member)
        bare, bare_port = await listening("bare", "tests.bench.bare_server")
        service, service_port = await listening("service", "tests.bench.usual_stack", "service")
        upstream = f"http://127.0.0.1:{service_port}"
        gateway, gateway_port = await listening("gateway", "tests.bench.usual_stack", "gateway", upstream)
        outside = await start(
            "client",
            "tests.bench.plain_client",
            f"bare=grpc:{bare_port}",
            f"edge-grpc=grpc:{port}",
            f"edge-rest=rest:{port}",
            f"gateway=rest:{gateway_port}",
        )
        for client in (inside, outside):
            await client.hear()
        for one in (port, gateway_port):
            await _check_answer(one)
        yield [
            Contender("bare", "bare grpc.aio handler, no TLS", outside, (bare,)),
            Contender("mesh", "chassis, mTLS, xds:///", inside, (market,)),
            Contender("edge-grpc", "Envoy, gRPC", outside, (edge, market)),
            Contender("edge-rest", "Envoy, REST", outside, (edge, market)),
            Contender("gateway", "FastAPI + httpx gateway, FastAPI", outside, (gateway, service)),
        ]


async def _mesh(stack: AsyncExitStack, folder: Path) -> tuple[dict[str, str], int]:
    """Consul with ACLs and intentions, and a control plane; what members need, and a port for the edge.

    Without the supervisor, which would take what it did not start itself out of the registry.
    """
    consul = ConsulServer(consul_binary(), folder / "consul", acl=True)
    await consul.start()
    stack.push_async_callback(consul.stop)
    for caller in ("edge", "strategy"):
        intention = {
            "SourceName": caller,
            "DestinationName": "market",
            "SourceType": "consul",
            "Action": "allow",
        }
        await consul.request("POST", "/v1/connect/intentions", intention)
    plane = ControlPlaneProcess(consul, folder)
    await plane.start()
    stack.push_async_callback(plane.stop)
    member = {
        "TRADEMESH_STATE_DIR": str(folder),
        "TRADEMESH_CONSUL_ADDRESS": consul.address,
        "TRADEMESH_CONSUL_TOKEN_FILE": str(folder / "token"),
        "TRADEMESH_ADS_ADDRESS": plane.address,
    }
    return member, free_ports(1)[0]


async def _check_answer(port: int) -> None:
    """Wait until the way is open, and see that it gives the very answer."""
    pool = HttpPool("127.0.0.1", port, REST_PATH)
    async with asyncio.timeout(_ROUTED_S):
        while True:
            try:
                answer = json.loads(await pool.get())
                break
            except OSError:
                await asyncio.sleep(0.1)
    wanted = ticker()
    assert answer["last_price"] == wanted.last_price
    assert answer["name"] == wanted.name
