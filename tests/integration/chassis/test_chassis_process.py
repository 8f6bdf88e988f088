"""A service as its own process: start, announcement, self tests, drain, faults of Consul."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import grpc.aio
import pytest

from tests.support.consul import ConsulServer, consul_binary, until
from tests.support.controlplane import Member
from tests.support.echo import VALID, EchoStub, Request, Response
from tests.support.tls import tls_channel

pytestmark = pytest.mark.integration

_ROOT = Path(__file__).resolve().parents[3]
_RULES = 'service "market" { policy = "write" }'


class _Service:
    """One process of the test service, with the rights a real one has."""

    def __init__(self, consul: ConsulServer, folder: Path, settings: Mapping[str, str]) -> None:
        self._consul = consul
        self._settings = dict(settings)
        self._process: asyncio.subprocess.Process | None = None
        self.state = folder / "state"
        self.flags = folder / "flags"
        self._log = folder / "service.log"
        self.flags.mkdir()
        # Its channels never connect in these tests; it only waits for the file.
        authority = self.state / "controlplane" / "ca"
        authority.mkdir(parents=True)
        (authority / "ca.pem").touch()

    async def start(self) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'gen' / 'python'}",
            "ECHO_FLAGS": str(self.flags),
            "TRADEMESH_INSTANCE": "market-test",
            "TRADEMESH_STATE_DIR": str(self.state),
            "TRADEMESH_CONSUL_ADDRESS": self._consul.address,
            "TRADEMESH_SELF_TEST_INTERVAL": "0.1",
            "TRADEMESH_ZONE": "east",
            **self._settings,
        }
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.support.echo_service", env=environment, stdout=log, stderr=log
            )

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self) -> int:
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), 20)

    async def end(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def events(self) -> list[str]:
        return [str(line["event"]) for line in self.lines()]

    async def found(self) -> dict[str, Any] | None:
        """Its entry in Consul, with the state of its check."""
        entries = await self._consul.request("GET", "/v1/health/service/market")
        return entries[0] if entries else None

    async def status(self) -> str:
        entry = await self.found()
        if entry is None:
            return "absent"
        (check,) = [each for each in entry["Checks"] if each["ServiceID"]]
        return str(check["Status"])

    async def is_(self, status: str) -> None:
        async def reached() -> bool:
            assert self._process is not None
            if self._process.returncode is not None and status != "absent":
                raise RuntimeError(self._log.read_text())
            return await self.status() == status

        await until(reached)


@asynccontextmanager
async def _service(consul: ConsulServer, folder: Path, **settings: str) -> AsyncIterator[_Service]:
    service = _Service(consul, folder, settings)
    await service.start()
    try:
        yield service
    finally:
        await service.end()


@asynccontextmanager
async def _caller(consul: ConsulServer, folder: Path, service: _Service) -> AsyncIterator[EchoStub]:
    """A caller with an intention, straight to the announced port."""
    entry = await service.found()
    assert entry is not None
    async with (
        Member(consul, "risk", folder / "risk") as member,
        tls_channel(entry["Service"]["Port"], member.identity.material) as channel,
    ):
        yield EchoStub(channel)


async def _let(consul: ConsulServer, source: str) -> None:
    body = {"SourceName": source, "DestinationName": "market", "SourceType": "consul", "Action": "allow"}
    await consul.request("POST", "/v1/connect/intentions", body)


async def _token(consul: ConsulServer, folder: Path) -> str:
    await consul.request("PUT", "/v1/acl/policy", {"Name": "market", "Rules": _RULES})
    answer = await consul.request("PUT", "/v1/acl/token", {"Policies": [{"Name": "market"}]})
    file = folder / "token"
    file.write_text(answer["SecretID"])
    return str(file)


async def test_it_is_announced_with_its_rights_and_serves(
    consul_with_acl: ConsulServer, tmp_path: Path
) -> None:
    consul = consul_with_acl
    await _let(consul, "risk")
    token = await _token(consul, tmp_path)
    async with _service(consul, tmp_path, TRADEMESH_CONSUL_TOKEN_FILE=token) as service:
        await service.is_("passing")
        entry = await service.found()
        assert entry is not None
        meta = entry["Service"]["Meta"]
        assert entry["Service"]["ID"] == meta["instance"] == "market-test"
        assert (meta["protocol"], meta["zone"], meta["weight"]) == ("grpc", "east", "100")
        assert (service.flags / "prepared").exists()
        async with _caller(consul, tmp_path, service) as stub:
            metadata = [("x-correlation-id", "cause-1")]
            assert await stub.unary(VALID, timeout=10, metadata=metadata) == Response()
        url = f"http://127.0.0.1:{meta['metrics_port']}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as page:
            assert 'code="OK",method="/trademesh.market.v1.EchoService/Unary"} 1.0' in await page.text()
        service.signal(signal.SIGTERM)
        assert await service.ended() == 0
        assert await service.status() == "absent"
        assert (service.flags / "closed").exists()
        assert not (service.state / "run" / "market-test").exists()


async def test_a_failing_self_test_takes_it_out_of_traffic_and_back(
    consul: ConsulServer, tmp_path: Path
) -> None:
    async with _service(consul, tmp_path) as service:
        await service.is_("passing")
        (service.flags / "sick").touch()
        await service.is_("critical")
        (service.flags / "sick").unlink()
        await service.is_("passing")


async def test_it_drains_in_order(consul: ConsulServer, tmp_path: Path) -> None:
    await _let(consul, "risk")
    async with _service(consul, tmp_path, TRADEMESH_DRAIN_PUSH="1") as service:
        await service.is_("passing")
        async with _caller(consul, tmp_path, service) as stub:
            slow = asyncio.ensure_future(
                stub.unary(Request(parent="venues/a", page_token="slow"), timeout=30)
            )
            await until((service.flags / "entered").exists)
            service.signal(signal.SIGTERM)
            await service.is_("critical")
            # Routing may still send calls: they are answered.
            assert await stub.unary(VALID, timeout=10) == Response()
            assert not slow.done()

            async def closed() -> bool:
                return await stub.unary(VALID, timeout=10).code() is grpc.StatusCode.UNAVAILABLE

            await until(closed, every=0.1)
            # The door is shut, the call inside goes on, and the entry stays until it is done.
            assert await service.status() == "critical"
            (service.flags / "release").touch()
            assert (await slow).next_page_token == "slow"
        assert await service.ended() == 0
        assert await service.status() == "absent"


async def test_a_stop_while_it_waits_for_consul_is_clean(tmp_path: Path) -> None:
    absent = ConsulServer(consul_binary(), tmp_path / "consul")
    async with _service(absent, tmp_path) as service:
        await until(lambda: "consul_watch_lost" in service.events())
        service.signal(signal.SIGTERM)
        assert await service.ended() == 0


async def test_it_waits_for_consul_and_survives_its_loss(tmp_path: Path) -> None:
    consul = ConsulServer(consul_binary(), tmp_path / "consul")
    async with _service(consul, tmp_path) as service:
        await until(lambda: "consul_watch_lost" in service.events())
        await consul.start()
        try:
            await service.is_("passing")
            await consul.kill()
            consul.forget()
            await consul.start()
            # The new Consul knows nobody: it is told again, and its new CA signs a new certificate.
            await service.is_("passing")
            await until(lambda: service.events().count("certificate_renewed") > 1, within=30)
            lost = [line for line in service.lines() if line["event"] == "consul_watch_lost"]
            assert len(lost) <= 6  # three watches, twice: once per change of state, not per attempt
            service.signal(signal.SIGTERM)
            assert await service.ended() == 0
        finally:
            await consul.stop()


@pytest.mark.parametrize(("flag", "event"), [("crash", "background_crashed"), ("no_build", "start_failed")])
async def test_a_fault_ends_the_process_with_one(
    consul: ConsulServer, tmp_path: Path, flag: str, event: str
) -> None:
    service = _Service(consul, tmp_path, {})
    (service.flags / flag).touch()
    await service.start()
    try:
        assert await service.ended() == 1
        assert event in service.events()
        assert await service.status() == "absent"
    finally:
        await service.end()
