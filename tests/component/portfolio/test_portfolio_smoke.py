"""The portfolio service from a synchronous client, through pytest-grpc's fixtures."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from trademesh.portfolio.v1 import portfolio_service_pb2, portfolio_service_pb2_grpc

from services.portfolio.app import build
from tests.support.application import alone
from tests.support.smoke import Servicing


@pytest.fixture(scope="module")
def grpc_add_to_server() -> Callable[[Any, Any], None]:
    return portfolio_service_pb2_grpc.add_PortfolioServiceServicer_to_server


@pytest.fixture(scope="module")
def grpc_servicer(tmp_path_factory: pytest.TempPathFactory) -> Servicing:
    file = tmp_path_factory.mktemp("portfolio") / "portfolio.sqlite3"
    return lambda: alone("portfolio", build, file)


@pytest.fixture(scope="module")
def grpc_stub_cls() -> type[portfolio_service_pb2_grpc.PortfolioServiceStub]:
    return portfolio_service_pb2_grpc.PortfolioServiceStub


def test_portfolio_answers_a_synchronous_client(
    grpc_stub: portfolio_service_pb2_grpc.PortfolioServiceStub,
) -> None:
    request = portfolio_service_pb2.GetTrialBalanceRequest(name="accounts/paper/trialBalance")
    with pytest.raises(grpc.RpcError) as caught:
        grpc_stub.GetTrialBalance(request, timeout=5)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert "nothing was ever booked" in (caught.value.details() or "")
