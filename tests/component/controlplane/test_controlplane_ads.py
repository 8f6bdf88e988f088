"""The ADS server over real gRPC streams, with a catalog in hand instead of Consul."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import grpc
import grpc.aio
import pytest
from envoy.config.core.v3.base_pb2 import Node
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.service.discovery.v3 import ads_pb2_grpc, discovery_pb2
from google.protobuf.struct_pb2 import Struct
from google.rpc.status_pb2 import Status

from services.controlplane.ads.admission import OpenAdmission
from services.controlplane.ads.world import World
from services.controlplane.app import build_server
from services.controlplane.domain.catalog import Instance
from services.controlplane.domain.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTES, SECRET
from services.controlplane.metrics import Metrics
from tests.support import echo_mesh
from tests.support.consul import until


@dataclass
class Plane:
    """A served control plane whose world the test decides."""

    world: World
    metrics: Metrics
    stub: Any

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"trademesh_controlplane_{name}", labels) or 0.0

    def instances(self, *ports: int) -> None:
        alive = tuple(Instance(f"echo-{port}", "127.0.0.1", port) for port in ports)
        self.world.set_service("echo", alive)


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    metrics = Metrics()
    world = World(metrics)
    server = build_server(world, echo_mesh.views(metrics), OpenAdmission(), metrics)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Plane(world, metrics, ads_pb2_grpc.AggregatedDiscoveryServiceStub(channel))
    world.close()
    await server.stop(1)


@dataclass
class Sotw:
    """One state-of-the-world stream."""

    call: Any
    node: Node

    async def ask(self, url: str, *names: str, nonce: str = "", error: str = "") -> None:
        detail = Status(code=3, message=error) if error else None
        await self.call.write(
            discovery_pb2.DiscoveryRequest(
                node=self.node, type_url=url, resource_names=names, response_nonce=nonce, error_detail=detail
            )
        )

    async def read(self) -> Any:
        return await asyncio.wait_for(self.call.read(), 5)


@asynccontextmanager
async def sotw(plane: Plane, cluster: str = "hidden", **metadata: Any) -> AsyncIterator[Sotw]:
    struct = Struct()
    struct.update(metadata)
    call = plane.stub.StreamAggregatedResources()
    yield Sotw(call, Node(id="test", cluster=cluster, metadata=struct))
    call.cancel()


def ports(response: Any) -> list[int]:
    """Ports of the one load assignment of a response."""
    (packed,) = response.resources
    body = getattr(packed, "resource", packed)
    assignment = ClusterLoadAssignment.FromString(body.value)
    return [
        one.endpoint.address.socket_address.port_value
        for locality in assignment.endpoints
        for one in locality.lb_endpoints
    ]


async def test_nothing_is_sent_before_the_world_is_known(plane: Plane) -> None:
    async with sotw(plane) as stream:
        await stream.ask(ENDPOINTS, "echo")
        plane.instances(1)
        await until(lambda: plane.metric("streams", view="grpc", variant="sotw") == 1)
        assert plane.metric("pushes_total", view="grpc", type="ClusterLoadAssignment") == 0
        plane.world.set_trust_domain(echo_mesh.TRUST_DOMAIN)
        assert ports(await stream.read()) == [1]


async def test_a_slow_client_gets_the_newest_and_never_a_queue(plane: Plane) -> None:
    plane.world.set_trust_domain(echo_mesh.TRUST_DOMAIN)
    plane.instances(1)
    async with sotw(plane) as stream:
        await stream.ask(ENDPOINTS, "echo")
        first = await stream.read()
        for port in range(2, 200):
            plane.instances(port)
        await stream.ask(ENDPOINTS, "echo", nonce=first.nonce)
        second = await stream.read()
        assert ports(second) == [199]
        await stream.ask(ENDPOINTS, "echo", nonce=second.nonce)
        plane.instances(1)
        assert ports(await stream.read()) == [1]
        assert plane.metric("pushes_total", view="grpc", type="ClusterLoadAssignment") == 3


async def test_only_the_type_that_changed_is_pushed(plane: Plane) -> None:
    plane.world.set_trust_domain(echo_mesh.TRUST_DOMAIN)
    plane.instances(1)
    async with sotw(plane) as stream:
        for url in (CLUSTER, LISTENER, ROUTES, ENDPOINTS):
            await stream.ask(url, "echo")
            response = await stream.read()
            assert response.type_url == url
            await stream.ask(url, "echo", nonce=response.nonce)
        plane.instances(2)
        response = await stream.read()
        assert (response.type_url, ports(response)) == (ENDPOINTS, [2])


async def test_a_rejection_is_counted_and_not_repeated(plane: Plane) -> None:
    plane.world.set_trust_domain(echo_mesh.TRUST_DOMAIN)
    plane.instances(1)
    async with sotw(plane) as stream:
        await stream.ask(CLUSTER)
        first = await stream.read()
        assert len(first.resources) == 2
        await stream.ask(CLUSTER, nonce=first.nonce, error="cannot be meant")
        await until(lambda: plane.metric("nacks_total", view="grpc", type="Cluster") == 1)
        # The stream lives on, and the rejected clusters do not come again.
        await stream.ask(ENDPOINTS, "echo")
        assert (await stream.read()).type_url == ENDPOINTS
        plane.world.set_trust_domain("another.consul")
        third = await stream.read()
        assert (third.type_url, len(third.resources)) == (CLUSTER, 2)
        assert third.version_info != first.version_info


async def test_delta_sends_what_changed_and_says_what_is_gone(plane: Plane) -> None:
    plane.world.set_trust_domain(echo_mesh.TRUST_DOMAIN)
    plane.instances(1)
    call = plane.stub.DeltaAggregatedResources()
    node = Node(id="test", cluster="hidden")
    ask = discovery_pb2.DeltaDiscoveryRequest
    await call.write(ask(node=node, type_url=ENDPOINTS, resource_names_subscribe=["echo", "nobody"]))
    first = await asyncio.wait_for(call.read(), 5)
    assert (ports(first), list(first.removed_resources)) == ([1], ["nobody"])
    await call.write(ask(type_url=ENDPOINTS, response_nonce=first.nonce))
    plane.instances(1, 2)
    second = await asyncio.wait_for(call.read(), 5)
    assert ports(second) == [1, 2]
    await call.write(
        ask(type_url=ENDPOINTS, response_nonce=second.nonce, resource_names_unsubscribe=["echo"])
    )
    plane.instances(3)
    await call.write(
        ask(
            type_url=CLUSTER,
            resource_names_subscribe=["*"],
            initial_resource_versions={"gone": "1"},
        )
    )
    third = await asyncio.wait_for(call.read(), 5)
    assert (third.type_url, sorted(one.name for one in third.resources)) == (CLUSTER, ["echo", "hidden"])
    await call.write(ask(type_url=CLUSTER, response_nonce=third.nonce))
    fourth = await asyncio.wait_for(call.read(), 5)
    assert (fourth.type_url, list(fourth.removed_resources)) == (CLUSTER, ["gone"])
    call.cancel()


async def test_an_edge_gets_its_own_view(plane: Plane) -> None:
    plane.world.set_trust_domain(echo_mesh.TRUST_DOMAIN)
    plane.instances(1)
    where = {
        "edge_address": "127.0.0.1",
        "edge_port": 8080,
        "certificate_dir": "/state/edge/tls",
        "local_socket": "/state/edge/local.sock",
    }
    async with sotw(plane, "edge", **where) as stream:
        await stream.ask(CLUSTER)
        assert len((await stream.read()).resources) == 2
        await stream.ask(SECRET, "edge-certificate")
        assert b"/state/edge/tls/current/private_key.pem" in (await stream.read()).resources[0].value


@pytest.mark.parametrize("missing", ["edge_port", "certificate_dir"])
async def test_an_edge_that_does_not_say_where_it_is_gets_a_clear_answer(plane: Plane, missing: str) -> None:
    where = {"edge_address": "127.0.0.1", "edge_port": 1, "certificate_dir": "/a", "local_socket": "/b"}
    del where[missing]
    async with sotw(plane, "edge", **where) as stream:
        await stream.ask(CLUSTER)
        with pytest.raises(grpc.aio.AioRpcError, match=missing) as caught:
            await stream.read()
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_streams_end_when_the_control_plane_does(plane: Plane) -> None:
    plane.world.set_trust_domain(echo_mesh.TRUST_DOMAIN)
    async with sotw(plane) as stream:
        await stream.ask(CLUSTER)
        await stream.read()
        plane.world.close()
        assert await stream.read() is grpc.aio.EOF
        assert await stream.call.code() is grpc.StatusCode.OK


async def test_equal_news_is_no_news(plane: Plane) -> None:
    plane.world.set_trust_domain(echo_mesh.TRUST_DOMAIN)
    plane.instances(1)
    async with sotw(plane) as stream:
        await stream.ask(ENDPOINTS, "echo")
        first = await stream.read()
        await stream.ask(ENDPOINTS, "echo", nonce=first.nonce)
        plane.instances(1)
        # A version alone changes no endpoint: nothing is pushed for it either.
        (one,) = plane.world.catalog.services["echo"]
        plane.world.set_service("echo", (replace(one, version="2"),))
        plane.instances(7)
        assert ports(await stream.read()) == [7]
