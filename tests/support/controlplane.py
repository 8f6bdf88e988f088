"""The control plane as a process of its own, and members of the mesh with identities from Consul."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
import grpc
import grpc.aio
import pytest

from services.chassis.discovery.agent import ConsulAgent, Instance
from services.chassis.discovery.presence import Presence
from services.chassis.identity.certificates import CertificateFolder
from services.chassis.identity.credentials import server_credentials
from services.chassis.identity.leaf import Identity
from tests.support.consul import ConsulServer, free_ports, until
from tests.support.xds_caller import Caller, xds_caller

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 20.0


class ControlPlaneProcess:
    """``python -m services.controlplane`` on free ports.

    Args:
        consul: whom it follows.
        folder: its state directory.
        environment: more settings.
    """

    def __init__(
        self, consul: ConsulServer, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._consul = consul
        ads, self._metrics_port = free_ports(2)
        self.address = f"127.0.0.1:{ads}"
        self._environment = dict(environment or {})
        self._process: asyncio.subprocess.Process | None = None

    @property
    def roots(self) -> Path:
        """The CA file that clients need."""
        return self.folder / "controlplane" / "ca" / "ca.pem"

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return (self.folder / "controlplane.log").read_text(encoding="utf-8")

    async def start(self) -> None:
        """Start it and wait until it serves."""
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'gen' / 'python'}",
            "TRADEMESH_STATE_DIR": str(self.folder),
            "TRADEMESH_CONSUL_ADDRESS": self._consul.address,
            "TRADEMESH_ADS_ADDRESS": self.address,
            "TRADEMESH_METRICS_PORT": str(self._metrics_port),
            **self._environment,
        }
        if self._consul.token is not None:
            token = self.folder / "token"
            token.write_text(self._consul.token, encoding="utf-8")
            environment["TRADEMESH_CONSUL_TOKEN_FILE"] = str(token)
        with (self.folder / "controlplane.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services.controlplane", env=environment, stdout=log, stderr=log
            )
        await until(self._serving, within=START_TIMEOUT_S)

    async def kill(self) -> None:
        """End it without a chance to say goodbye."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int | None:
        """End it; its exit code."""
        return await self._end(signal.SIGTERM)

    async def metric(self, pattern: str) -> float:
        """Sum of the samples whose line matches ``pattern``."""
        url = f"http://127.0.0.1:{self._metrics_port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            page = await response.text()
        lines = [line for line in page.splitlines() if not line.startswith("#") and re.search(pattern, line)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def _serving(self) -> bool:
        assert self._process is not None
        if self._process.returncode is not None:
            raise RuntimeError(f"the control plane ended: {self.log[-3000:]}")
        return '"event": "serving"' in self.log

    async def _end(self, number: signal.Signals) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            os.kill(process.pid, number)
        return await process.wait()


class Member:
    """A service with an identity from Consul's CA.

    Args:
        consul: whose CA signs.
        service: whose identity it is.
        folder: where its certificates go.
    """

    def __init__(self, consul: ConsulServer, service: str, folder: Path) -> None:
        self.service = service
        self.certificates = CertificateFolder(folder)
        self._agent = ConsulAgent(consul.address, lambda: consul.token)
        self.identity = Identity(self._agent, service, self.certificates)
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._following = asyncio.create_task(self.identity.run())
        await asyncio.wait_for(self.identity.wait(), 20)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
        await self._agent.close()


@dataclass
class Backend:
    """A server of any unary method, with a member's identity.

    Attributes:
        name: what it answers.
        port: where it listens.
        failures: how many calls it will still answer with UNAVAILABLE.
        calls: methods it was called with.
        metadata: metadata of the last call.
    """

    name: str
    port: int = 0
    failures: int = 0
    calls: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    answer: Callable[[bytes, Any], Awaitable[bytes]] | None = None


@asynccontextmanager
async def backend(member: Member, name: str) -> AsyncIterator[Backend]:
    """Serve with mutual TLS on a free port."""
    state = Backend(name)

    class Handlers(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
            method = handler_call_details.method

            async def handle(request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
                state.calls.append(method)
                state.metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
                if state.failures > 0:
                    state.failures -= 1
                    await context.abort(grpc.StatusCode.UNAVAILABLE, f"{name} is told to fail")
                if state.answer is not None:
                    return await state.answer(request, context)
                return name.encode()

            return grpc.unary_unary_rpc_method_handler(handle)

    async with serving(member, lambda server: server.add_generic_rpc_handlers((Handlers(),))) as port:
        state.port = port
        yield state


@asynccontextmanager
async def serving(member: Member, add: Callable[[grpc.aio.Server], None]) -> AsyncIterator[int]:
    """A server with a member's identity on a free port, which it gives; ``add`` binds its servicers."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    add(server)
    credentials = server_credentials(lambda: member.identity.material)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


@asynccontextmanager
async def announced(consul: ConsulServer, service: str, port: int) -> AsyncIterator[str]:
    """Keep an instance announced as a service does, with a TTL of two seconds; gives its id."""
    instance = Instance(service, f"{service}-{port}", "127.0.0.1", port, {}, check_ttl_s=2.0)
    async with ConsulAgent(consul.address, lambda: consul.token) as agent:
        presence = Presence(agent, instance, interval=0.3)
        beating = asyncio.create_task(presence.run())
        try:
            await asyncio.wait_for(presence.announced.wait(), 20)
            yield instance.id
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating


def calling(plane: ControlPlaneProcess, member: Member, target: str) -> AbstractAsyncContextManager[Caller]:
    """A process that is ``member`` and calls ``target`` through this control plane."""
    return xds_caller(
        ads_address=plane.address,
        ads_roots=plane.roots,
        certificates=member.certificates.current,
        service=member.service,
        target=target,
        folder=plane.folder,
    )


@pytest.fixture
async def plane(consul: ConsulServer, tmp_path: Path) -> AsyncIterator[ControlPlaneProcess]:
    """A control plane on a Consul without ACLs, with a short grace time."""
    process = ControlPlaneProcess(consul, tmp_path / "state", {"TRADEMESH_CONTROLPLANE_GRACE": "5"})
    await process.start()
    yield process
    await process.stop()
