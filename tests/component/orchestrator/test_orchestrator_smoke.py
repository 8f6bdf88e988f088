"""The orchestrator from a synchronous client, through pytest-grpc's fixtures."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from trademesh.orchestrator.v1 import (
    orchestrator_service_pb2,
    orchestrator_service_pb2_grpc,
    trading_status_pb2,
)

from services.orchestrator.app import build
from tests.support.application import alone
from tests.support.smoke import Servicing


@pytest.fixture(scope="module")
def grpc_add_to_server() -> Callable[[Any, Any], None]:
    return orchestrator_service_pb2_grpc.add_OrchestratorServiceServicer_to_server


@pytest.fixture(scope="module")
def grpc_servicer(tmp_path_factory: pytest.TempPathFactory) -> Servicing:
    file = tmp_path_factory.mktemp("orchestrator") / "orchestrator.sqlite3"
    return lambda: alone("orchestrator", build, file)


@pytest.fixture(scope="module")
def grpc_stub_cls() -> type[orchestrator_service_pb2_grpc.OrchestratorServiceStub]:
    return orchestrator_service_pb2_grpc.OrchestratorServiceStub


def test_orchestrator_answers_a_synchronous_client(
    grpc_stub: orchestrator_service_pb2_grpc.OrchestratorServiceStub,
) -> None:
    request = orchestrator_service_pb2.StopTradingRequest(request_id=str(uuid4()), reason="lunch")
    stopped = grpc_stub.StopTrading(request, timeout=5)
    assert stopped.mode == trading_status_pb2.TRADING_MODE_STOPPED
    status = grpc_stub.GetTradingStatus(orchestrator_service_pb2.GetTradingStatusRequest(), timeout=5)
    assert status == stopped
