"""A real Envoy on the edge's own bootstrap, fed by a control plane, without the edge process."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from services import toolchain
from services.edge.bootstrap import EdgeFiles, write
from services.edge.settings import EdgeSettings
from tests.support.consul import ConsulServer, free_ports, until
from tests.support.controlplane import ControlPlaneProcess, Member

START_TIMEOUT_S = 30.0
_OK = 200


@dataclass(frozen=True)
class EnvoyEdge:
    """A running Envoy.

    Attributes:
        port: of the public listener.
        admin_port: of the admin page.
        folder: holds its bootstrap and its output.
    """

    port: int
    admin_port: int
    folder: Path

    @property
    def url(self) -> str:
        """Where REST begins."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """What it has written so far: its log and the access log."""
        return (self.folder / "envoy.log").read_text(encoding="utf-8")

    async def statistics(self, pattern: str) -> dict[str, float]:
        """Its counters and gauges whose name matches."""
        url = f"http://127.0.0.1:{self.admin_port}/stats?format=json&filter={pattern}"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            document: dict[str, Any] = await response.json(content_type=None)
        return {one["name"]: one["value"] for one in document["stats"] if "name" in one}

    async def get(self, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        """Status, body and lower-case headers of a GET."""
        shown = {key.replace("_", "-"): value for key, value in headers.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.url + path, headers=shown) as response,
        ):
            text = await response.text()
            return response.status, text, {key.lower(): value for key, value in response.headers.items()}

    async def healthy(self) -> bool:
        """Whether it serves its routes."""
        try:
            return (await self.get("/healthz"))[0] == _OK
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def envoy_edge(
    consul: ConsulServer, plane: ControlPlaneProcess, folder: Path, *, delta: bool = False
) -> AsyncIterator[EnvoyEdge]:
    """Start Envoy as the edge; end it with the block."""
    files = EdgeFiles(folder=folder, ads_roots=plane.roots)
    port, admin_port = free_ports(2)
    settings = EdgeSettings(port=port, admin_port=admin_port)
    edge = EnvoyEdge(port, admin_port, folder)
    async with Member(consul, "edge", files.certificates):
        bootstrap = write(files, settings, instance="edge-test", zone="local", ads_address=plane.address)
        if delta:
            text = bootstrap.read_text(encoding="utf-8")
            bootstrap.write_text(text.replace("api_type: GRPC", "api_type: DELTA_GRPC"), encoding="utf-8")
        binary = toolchain.ensure(toolchain.Tool.ENVOY)
        options = (
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "--log-level",
            "warning",
            "--file-flush-interval-msec",
            "200",
        )
        with (folder / "envoy.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                binary, "-c", str(bootstrap), *options, stdout=log, stderr=log
            )
        try:
            await until(edge.healthy, within=START_TIMEOUT_S)
            yield edge
        except TimeoutError:
            raise AssertionError(f"{edge.output[-4000:]}\n{plane.log[-4000:]}") from None
        finally:
            os.kill(process.pid, signal.SIGTERM)
            await process.wait()
