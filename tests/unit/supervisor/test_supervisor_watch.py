"""What the supervisor takes out of the registry: told by a Consul that writes down what it is asked."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiohttp import web

from services.supervisor.consul_api import ConsulApi
from services.supervisor.watch import Watch

REGISTERED = {
    "dead": ("market", "market-1-aa"),
    "by-hand": ("market", "market-by-hand"),
    "left-out": ("risk", "risk-1-cc"),
    "foreign": ("billing", "billing-1"),
}


class Agent:
    """A Consul agent with four instances, none of which runs."""

    def __init__(self) -> None:
        self.removed: list[str] = []
        self.cleared = asyncio.Event()
        self._looks = 0

    async def services(self, _: web.Request) -> web.Response:
        """What is registered."""
        self._looks += 1
        if self._looks > 1:  # all that the first look led to was done before this one
            self.cleared.set()
        answer = {
            identifier: {"Service": service, "Port": 1, "Meta": {"instance": instance}}
            for identifier, (service, instance) in REGISTERED.items()
            if identifier not in self.removed
        }
        return web.Response(text=json.dumps(answer))

    async def checks(self, _: web.Request) -> web.Response:
        """No checks."""
        return web.Response(text="{}")

    async def deregister(self, request: web.Request) -> web.Response:
        """Written down."""
        self.removed.append(request.match_info["id"])
        return web.Response()


@asynccontextmanager
async def _agent(folder: Path) -> AsyncIterator[tuple[Agent, ConsulApi]]:
    agent = Agent()
    application = web.Application()
    application.router.add_get("/v1/agent/services", agent.services)
    application.router.add_get("/v1/agent/checks", agent.checks)
    application.router.add_put("/v1/agent/service/deregister/{id}", agent.deregister)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    api = ConsulApi(f"{host}:{port}", folder / "no-token")
    try:
        yield agent, api
    finally:
        await api.close()
        await runner.cleanup()


async def _removed(folder: Path, started: frozenset[str] | None) -> list[str]:
    async with _agent(folder) as (agent, api):
        watch = Watch(api, frozenset({"market", "risk"}), list, lambda _: True, lambda: started)
        looking = asyncio.ensure_future(watch.run(lambda: True))
        while not agent.cleared.is_set():
            watch.wake()
            await asyncio.sleep(0)
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        return sorted(agent.removed)


async def test_a_whole_mesh_clears_every_dead_instance_of_its_services(tmp_path: Path) -> None:
    assert await _removed(tmp_path, None) == ["by-hand", "dead", "left-out"]


async def test_a_part_of_a_mesh_clears_only_what_it_started(tmp_path: Path) -> None:
    assert await _removed(tmp_path, frozenset({"market-1-aa", "market-1-bb"})) == ["dead"]
