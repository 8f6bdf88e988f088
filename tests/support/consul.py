"""A real Consul agent for tests: Connect on, ACLs on demand, free ports, stopped by its pid."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from services import toolchain

START_TIMEOUT_S = 30.0
MANAGEMENT_TOKEN = "11111111-2222-3333-4444-555555555555"
_OK = 200


class ConsulServer:
    """One agent with one data directory; it can be killed and started again on the same ports.

    Args:
        binary: Consul's program.
        folder: holds its configuration, data and log.
        acl: whether ACLs are on, default deny, with :data:`MANAGEMENT_TOKEN`.
    """

    def __init__(self, binary: Path, folder: Path, *, acl: bool = False) -> None:
        self._binary = binary
        self._folder = folder
        self._acl = acl
        self._process: asyncio.subprocess.Process | None = None
        self._generation = 0
        self.port, self._server_port, self._serf_port = free_ports(3)

    @property
    def address(self) -> str:
        """``host:port`` of its HTTP API."""
        return f"127.0.0.1:{self.port}"

    @property
    def token(self) -> str | None:
        """A token that may do everything; None without ACLs."""
        return MANAGEMENT_TOKEN if self._acl else None

    async def start(self) -> None:
        """Start it and wait until it leads and its CA signs."""
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "agent.json"
        configuration.write_text(json.dumps(self._configuration()), encoding="utf-8")
        with (self._folder / "consul.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._binary, "agent", f"-config-file={configuration}", stdout=log, stderr=log
            )
        async with asyncio.timeout(START_TIMEOUT_S):
            await until(self._ready)

    async def kill(self) -> None:
        """End it without a chance to say goodbye; its data stays."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """End it."""
        await self._end(signal.SIGTERM)

    def forget(self) -> None:
        """Let the next start begin with an empty data directory."""
        self._generation += 1

    async def request(self, method: str, path: str, body: Any = None) -> Any:
        """Call its HTTP API; the decoded answer."""
        headers = {"X-Consul-Token": self.token} if self.token else {}
        async with (
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=10)) as session,
            session.request(method, f"http://{self.address}{path}", json=body) as response,
        ):
            text = await response.text()
            if response.status != _OK:
                raise RuntimeError(f"{method} {path}: {response.status} {text}")
            return json.loads(text) if text.strip() else None

    async def register(self, service: str, port: int, *, instance: str = "", **meta: str) -> str:
        """Announce a passing instance; its id."""
        name = instance or f"{service}-{port}"
        check = {"TTL": "60s", "Status": "passing", "DeregisterCriticalServiceAfter": "10m"}
        body = {
            "ID": name,
            "Name": service,
            "Address": "127.0.0.1",
            "Port": port,
            "Meta": meta,
            "Check": check,
        }
        await self.request("PUT", "/v1/agent/service/register", body)
        return name

    async def deregister(self, instance: str) -> None:
        """Take an instance back."""
        await self.request("PUT", f"/v1/agent/service/deregister/{instance}")

    async def report(self, instance: str, status: str) -> None:
        """Set an instance's check: passing, warning or critical."""
        await self.request("PUT", f"/v1/agent/check/update/service:{instance}", {"Status": status})

    async def _ready(self) -> bool:
        if self._process is not None and self._process.returncode is not None:
            log = (self._folder / "consul.log").read_text(encoding="utf-8")
            raise RuntimeError(f"consul ended: {log[-2000:]}")
        try:
            leader = await self.request("GET", "/v1/status/leader")
            roots = await self.request("GET", "/v1/connect/ca/roots")
            services = await self.request("GET", "/v1/health/service/consul")
        except (aiohttp.ClientError, RuntimeError, TimeoutError):
            return False
        return bool(leader and roots["Roots"] and services)

    async def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            os.kill(self._process.pid, number)
            await self._process.wait()
        self._process = None

    def _configuration(self) -> dict[str, Any]:
        acl: dict[str, Any] = {"enabled": self._acl, "default_policy": "deny"}
        if self._acl:
            acl["tokens"] = {"master": MANAGEMENT_TOKEN, "agent": MANAGEMENT_TOKEN}
        return {
            "server": True,
            "bootstrap_expect": 1,
            "node_name": "test",
            "datacenter": "dc1",
            "data_dir": str(self._folder / f"data-{self._generation}"),
            "bind_addr": "127.0.0.1",
            "client_addr": "127.0.0.1",
            "ports": {
                "http": self.port,
                "server": self._server_port,
                "serf_lan": self._serf_port,
                "serf_wan": -1,
                "dns": -1,
                "grpc": -1,
            },
            "connect": {"enabled": True},
            "limits": {"http_max_conns_per_client": 4096},
            "performance": {"raft_multiplier": 1},
            "disable_update_check": True,
            "acl": acl,
        }


def free_ports(count: int) -> list[int]:
    """Different TCP ports that are free on loopback now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


async def until(
    condition: Callable[[], Awaitable[bool] | bool], *, within: float = 20.0, every: float = 0.02
) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it does not within that many seconds.
    """
    async with asyncio.timeout(within):
        while True:
            holds = condition()
            if await holds if isinstance(holds, Awaitable) else holds:
                return
            await asyncio.sleep(every)


def consul_binary() -> Path:
    """Consul's program, fetched first where there is none; without it the test skips, or fails on CI."""
    try:
        return toolchain.ensure(toolchain.Tool.CONSUL)
    except toolchain.ToolMissing as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))


@pytest.fixture
async def consul(tmp_path: Path) -> AsyncIterator[ConsulServer]:
    """A running agent without ACLs."""
    server = ConsulServer(consul_binary(), tmp_path / "consul")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def consul_with_acl(tmp_path: Path) -> AsyncIterator[ConsulServer]:
    """A running agent with ACLs, default deny."""
    server = ConsulServer(consul_binary(), tmp_path / "consul", acl=True)
    await server.start()
    yield server
    await server.stop()
