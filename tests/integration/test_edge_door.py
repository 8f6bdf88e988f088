"""The edge with a real Envoy: reflection and health of the whole mesh, and what happens when Envoy dies."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc.aio
import psutil
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from services.chassis.descriptor import mesh_descriptor, policies_of
from services.edge.reflection import HEALTH, V1, V1ALPHA
from tests.support.mesh import MeshHarness, running_mesh, wait_until

pytestmark = pytest.mark.integration
_DEADLINE = 10.0


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeshHarness]:
    with running_mesh(tmp_path_factory.mktemp("edge"), "--only", "edge") as mesh:
        yield mesh


@pytest.fixture
async def channel(bare: MeshHarness) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{bare.edge}") as channel:
        yield channel


async def _reflect(channel: grpc.aio.Channel, service: str, **request: Any) -> Any:
    call = channel.stream_stream(
        f"/{service}/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )(timeout=_DEADLINE)
    await call.write(reflection_pb2.ServerReflectionRequest(**request))
    await call.done_writing()
    return await call.read()


def _public() -> set[str]:
    return {policy.path for policy in policies_of(mesh_descriptor()).values() if policy.public}


@pytest.mark.parametrize("version", [V1, V1ALPHA])
async def test_reflection_lists_every_public_contract(channel: grpc.aio.Channel, version: str) -> None:
    answer = await _reflect(channel, version, list_services="")
    names = [service.name for service in answer.list_services_response.service]
    contracts = {path[1:].partition("/")[0] for path in _public()}
    assert len(contracts) >= 6
    assert names == sorted({*contracts, V1, V1ALPHA, HEALTH})


@pytest.mark.parametrize("version", [V1, V1ALPHA])
async def test_reflection_shows_public_rpcs_and_no_others(channel: grpc.aio.Channel, version: str) -> None:
    shown = set()
    for contract in sorted({path[1:].partition("/")[0] for path in _public()}):
        answer = await _reflect(channel, version, file_containing_symbol=contract)
        files = [
            FileDescriptorProto.FromString(data)
            for data in answer.file_descriptor_response.file_descriptor_proto
        ]
        names = {file.name for file in files}
        assert all(dependency in names for file in files for dependency in file.dependency)
        shown |= {
            f"/{file.package}.{service.name}/{method.name}"
            for file in files
            for service in file.service
            for method in service.method
            if f"{file.package}.{service.name}" == contract
        }
    assert shown == _public()


@pytest.mark.parametrize("symbol", ["CreateOrder", "CreateOrderRequest", "ExchangeService.CreateOrder"])
async def test_reflection_finds_messages_and_rpcs(channel: grpc.aio.Channel, symbol: str) -> None:
    answer = await _reflect(channel, V1, file_containing_symbol=f"trademesh.exchange.v1.{symbol}")
    found = answer.WhichOneof("message_response") == "file_descriptor_response"
    assert found == (symbol != "CreateOrder")


@pytest.mark.parametrize("symbol", ["AstrologyService", "AstrologyService.Predict"])
async def test_reflection_of_something_unknown_says_not_found(channel: grpc.aio.Channel, symbol: str) -> None:
    answer = await _reflect(channel, V1, file_containing_symbol=f"trademesh.astrology.v1.{symbol}")
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


async def test_the_edge_says_how_it_is(channel: grpc.aio.Channel) -> None:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=_DEADLINE)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_the_health_page_is_plain(bare: MeshHarness) -> None:
    assert bare.get("healthz") == {"status": "SERVING"}


async def test_an_internal_contract_does_not_exist_at_the_edge(channel: grpc.aio.Channel) -> None:
    call: Any = channel.unary_unary("/trademesh.simvenue.v1.SimVenueService/GetTime")
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call(b"", timeout=_DEADLINE)
    assert refusal.value.code() in {grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.NOT_FOUND}


def test_admin_and_public_port_are_on_loopback_only(bare: MeshHarness) -> None:
    (envoy,) = [process for process in bare.processes() if process.name == "envoy"]
    listening = {
        connection.laddr
        for connection in psutil.Process(envoy.pid).net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {address.port for address in listening} == {bare.edge, bare.admin}
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_the_key_on_disk_is_the_owners_alone(bare: MeshHarness) -> None:
    current = bare.state_dir / "edge" / "tls" / "current"
    assert (current / "private_key.pem").stat().st_mode & 0o077 == 0
    assert (bare.state_dir / "edge" / "local.sock").stat().st_mode & 0o077 == 0


def test_when_envoy_dies_the_edge_ends_and_a_new_one_comes(bare: MeshHarness) -> None:
    (envoy,) = [process for process in bare.processes() if process.name == "envoy"]
    before = bare.instances("edge")[0]
    os.kill(envoy.pid, signal.SIGKILL)
    wait_until(lambda: bare.instances("edge")[0].pid not in {0, before.pid}, "a new edge")
    (after,) = bare.wait_serving("edge")
    assert after.restarts == before.restarts + 1
    assert after.detail == "exit code 1"
    assert "Envoy ended with -9" in bare.log("edge")
