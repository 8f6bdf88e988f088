"""Every public rpc of every service through the edge: with real grpcurl, and by its REST binding."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.doors import Door
from tests.support.grpcurl import Grpcurl
from tests.support.public_rpcs import PublicRpc, public_rpcs
from tests.support.recorded_mesh import RecordedMesh
from tests.support.rpc_examples import EXAMPLES

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
BY_NAME = {rpc.name: rpc for rpc in public_rpcs()}


@pytest.fixture
def grpcurl(recorded_mesh: RecordedMesh, grpcurl_binary: Path) -> Grpcurl:
    return recorded_mesh.grpcurl(grpcurl_binary)


def test_every_public_rpc_has_an_example_and_a_binding() -> None:
    assert BY_NAME.keys() == EXAMPLES.keys()
    assert [name for name, rpc in BY_NAME.items() if rpc.http is None] == []


def test_grpcurl_lists_every_public_service_and_nothing_else_of_ours(grpcurl: Grpcurl) -> None:
    listed = grpcurl.run("list").split()
    ours = [service for service in listed if service.startswith("trademesh.")]
    assert ours == sorted({rpc.policy.service for rpc in public_rpcs()})
    assert set(listed) - set(ours) == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }


@pytest.mark.parametrize("service", sorted({rpc.policy.service for rpc in public_rpcs()}))
def test_grpcurl_describes_services_and_messages(grpcurl: Grpcurl, service: str) -> None:
    text = grpcurl.run("describe", service)
    for rpc in public_rpcs():
        if rpc.policy.service == service:
            assert f"rpc {rpc.name.partition('.')[2]} (" in text
            request = rpc.request_class.DESCRIPTOR.full_name
            assert f"message {request.rpartition('.')[2]} {{" in grpcurl.run("describe", request)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_grpcurl_calls(recorded_mesh: RecordedMesh, grpcurl: Grpcurl, name: str) -> None:
    _try(recorded_mesh, grpcurl, name)


@pytest.mark.parametrize("name", sorted(name for name, rpc in BY_NAME.items() if rpc.http))
def test_rest_calls(recorded_mesh: RecordedMesh, name: str) -> None:
    _try(recorded_mesh, recorded_mesh.rest, name)


def _try(mesh: RecordedMesh, door: Door, name: str) -> None:
    rpc, example = BY_NAME[name], EXAMPLES[name]
    request = example.request(mesh)
    try:
        answer = _ask(door, rpc, request)
    finally:
        example.undo(mesh)
    if example.proves:
        assert getattr(answer, example.proves), answer
    else:
        assert not answer.ListFields()


def _ask(door: Door, rpc: PublicRpc, request: dict[str, Any]) -> Any:
    return door.first_frame(rpc, request) if rpc.policy.streaming else door.call(rpc, request)
