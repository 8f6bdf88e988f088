"""Who gets into a server: certificates of a real Consul CA, real intentions, real TLS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import CollectorRegistry

from services.chassis.discovery.agent import ConsulAgent
from services.chassis.identity.credentials import server_credentials
from services.chassis.identity.intentions import Intentions
from services.chassis.rpc.client import MeshError
from services.chassis.rpc.server import RpcServer, build_server
from tests.support.consul import ConsulServer, consul_binary, until
from tests.support.controlplane import Member
from tests.support.echo import VALID, EchoStub, Response, echo
from tests.support.tls import tls_channel

pytestmark = pytest.mark.integration

_MEMBERS = {"market", "risk", "exchange", "edge"}


@dataclass
class _Scene:
    consul: ConsulServer
    folder: Path
    market: Member
    server: RpcServer
    intentions: Intentions

    @asynccontextmanager
    async def caller(self, service: str) -> AsyncIterator[grpc.aio.Channel]:
        async with (
            Member(self.consul, service, self.folder / service) as member,
            tls_channel(self.server.port, member.identity.material) as channel,
        ):
            yield channel


async def allow(consul: ConsulServer, source: str, destination: str, action: str = "allow") -> str:
    body = {"SourceName": source, "DestinationName": destination, "SourceType": "consul", "Action": action}
    answer = await consul.request("POST", "/v1/connect/intentions", body)
    return str(answer["ID"])


@pytest.fixture
async def scene(consul_with_acl: ConsulServer, tmp_path: Path) -> AsyncIterator[_Scene]:
    consul = consul_with_acl
    await allow(consul, "risk", "market")
    async with AsyncExitStack() as stack:
        market = await stack.enter_async_context(Member(consul, "market", tmp_path / "market"))
        agent = await stack.enter_async_context(ConsulAgent(consul.address, lambda: consul.token))
        intentions = Intentions(agent, "market", lambda: market.identity.trust_domain, _MEMBERS)
        following = asyncio.create_task(intentions.run())
        stack.callback(following.cancel)
        await asyncio.wait_for(intentions.wait(), 10)
        server = await build_server(
            [echo()],
            credentials=server_credentials(lambda: market.identity.material),
            access=intentions,
            registry=CollectorRegistry(),
        )
        await server.start()
        await server.serving()
        stack.push_async_callback(server.stop, 0)
        yield _Scene(consul, tmp_path, market, server, intentions)


async def _refusal(call: Any) -> MeshError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return MeshError.of(caught.value)


async def test_a_caller_with_an_intention_gets_in(scene: _Scene) -> None:
    async with scene.caller("risk") as channel:
        assert await EchoStub(channel).unary(VALID, timeout=10) == Response()


async def test_a_caller_without_an_intention_is_refused(scene: _Scene) -> None:
    async with scene.caller("exchange") as channel:
        refused = await _refusal(EchoStub(channel).unary(VALID, timeout=10))
        # Its bytes are not even read.
        unread = await _refusal(EchoStub(channel, raw=True).unary(b"\xff\xff", timeout=10))
        streamed = await _refusal(EchoStub(channel).stream(VALID, timeout=10).read())
    for error in (refused, unread, streamed):
        assert (error.code, error.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_ALLOWED")
        assert dict(error.metadata) == {"caller": "exchange"}


async def test_intentions_take_effect_while_it_runs(scene: _Scene) -> None:
    async with scene.caller("exchange") as channel:
        stub = EchoStub(channel)

        async def gets_in() -> bool:
            call = stub.unary(VALID, timeout=10)
            return await call.code() is grpc.StatusCode.OK

        assert not await gets_in()
        intention = await allow(scene.consul, "exchange", "market")
        await until(gets_in)
        await scene.consul.request("DELETE", f"/v1/connect/intentions/{intention}")

        async def refused() -> bool:
            return not await gets_in()

        await until(refused)


async def test_intentions_outlive_consul(scene: _Scene) -> None:
    async with scene.caller("risk") as risk, scene.caller("exchange") as exchange:
        await scene.consul.kill()
        assert await EchoStub(risk).unary(VALID, timeout=10) == Response()
        error = await _refusal(EchoStub(exchange).unary(VALID, timeout=10))
    assert error.code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_client_without_a_certificate_is_refused(scene: _Scene) -> None:
    async with tls_channel(scene.server.port, None) as channel:
        error = await _refusal(EchoStub(channel).unary(VALID, timeout=10))
    assert error.code is grpc.StatusCode.UNAVAILABLE


async def test_a_plaintext_client_is_refused(scene: _Scene) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{scene.server.port}") as channel:
        error = await _refusal(EchoStub(channel).unary(VALID, timeout=10))
    assert error.code is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_of_another_mesh_is_refused(scene: _Scene, tmp_path: Path) -> None:
    async with (
        _other_mesh(tmp_path) as consul,
        Member(consul, "risk", tmp_path / "stranger") as stranger,
        tls_channel(
            scene.server.port, stranger.identity.material, trust=scene.market.identity.material
        ) as channel,
    ):
        error = await _refusal(EchoStub(channel).unary(VALID, timeout=10))
    assert error.code is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(("service", "expected"), [("exchange", True), ("unheard-of", False)])
async def test_health_is_for_members_of_the_mesh(scene: _Scene, service: str, *, expected: bool) -> None:
    async with scene.caller(service) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        call = stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
        code = await call.code()
    assert code is (grpc.StatusCode.OK if expected else grpc.StatusCode.PERMISSION_DENIED)


async def test_certificates_rotate_without_a_restart(scene: _Scene) -> None:
    async with scene.caller("risk") as old:
        assert await EchoStub(old).unary(VALID, timeout=10) == Response()
        before = scene.market.identity.material
        await _replace_the_ca(scene.consul)
        # Consul spreads the renewal of its leaves over half a minute.
        await until(
            lambda: scene.market.identity.material.certificate != before.certificate, within=60, every=0.1
        )
        after = scene.market.identity.material
        assert after.private_key != before.private_key
        assert (scene.market.certificates.current / "certificate.pem").read_bytes() == after.certificate
        # What stands goes on; what comes new meets the new certificate.
        assert await EchoStub(old).unary(VALID, timeout=10) == Response()
        async with scene.caller("risk") as fresh:
            assert await EchoStub(fresh).unary(VALID, timeout=10) == Response()


@asynccontextmanager
async def _other_mesh(folder: Path) -> AsyncIterator[ConsulServer]:
    consul = ConsulServer(consul_binary(), folder / "other-consul")
    await consul.start()
    try:
        yield consul
    finally:
        await consul.stop()


async def _replace_the_ca(consul: ConsulServer) -> None:
    """Give Connect a new root, as an operator does."""
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    present = await consul.request("GET", "/v1/connect/ca/configuration")
    config = {**present["Config"], "PrivateKey": key.decode(), "RootCert": ""}
    await consul.request(
        "PUT", "/v1/connect/ca/configuration", {"Provider": present["Provider"], "Config": config}
    )
