"""The risk service from a synchronous client, through pytest-grpc's fixtures."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from trademesh.risk.v1 import risk_service_pb2, risk_service_pb2_grpc
from trademesh.type.v1 import side_pb2

from services.risk.app import build
from tests.support.application import alone
from tests.support.smoke import Servicing


@pytest.fixture(scope="module")
def grpc_add_to_server() -> Callable[[Any, Any], None]:
    return risk_service_pb2_grpc.add_RiskServiceServicer_to_server


@pytest.fixture(scope="module")
def grpc_servicer(tmp_path_factory: pytest.TempPathFactory) -> Servicing:
    file = tmp_path_factory.mktemp("risk") / "risk.sqlite3"
    return lambda: alone("risk", build, file)


@pytest.fixture(scope="module")
def grpc_stub_cls() -> type[risk_service_pb2_grpc.RiskServiceStub]:
    return risk_service_pb2_grpc.RiskServiceStub


def test_risk_answers_a_synchronous_client(grpc_stub: risk_service_pb2_grpc.RiskServiceStub) -> None:
    limits = grpc_stub.GetLimits(risk_service_pb2.GetLimitsRequest(name="accounts/paper/limits"), timeout=5)
    assert (limits.version, limits.price_collar) == (1, "0.05")


def test_risk_that_has_read_no_events_fails_closed(
    grpc_stub: risk_service_pb2_grpc.RiskServiceStub,
) -> None:
    request = risk_service_pb2.CheckOrderRequest(
        account="accounts/paper",
        instrument="venues/sim/instruments/btc-usdt",
        side=side_pb2.SIDE_BUY,
        quantity="0.01",
        validate_only=True,
    )
    with pytest.raises(grpc.RpcError) as caught:
        grpc_stub.CheckOrder(request, timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
