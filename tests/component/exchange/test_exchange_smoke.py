"""The exchange service from a synchronous client, through pytest-grpc's fixtures."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import exchange_service_pb2_grpc, order_pb2

from tests.support.exchange import PAPER, assembled_exchange, limit_order, market_order
from tests.support.smoke import Servicing


@pytest.fixture(scope="module")
def grpc_add_to_server() -> Callable[[Any, Any], None]:
    return exchange_service_pb2_grpc.add_ExchangeServiceServicer_to_server


@pytest.fixture(scope="module")
def grpc_servicer(tmp_path_factory: pytest.TempPathFactory) -> Servicing:
    folder: Path = tmp_path_factory.mktemp("exchange")

    @asynccontextmanager
    async def servicer() -> AsyncIterator[Any]:
        async with assembled_exchange(f"sqlite+aiosqlite:///{folder}/x.sqlite3") as assembled:
            yield assembled.application.servicers[0].servicer

    return servicer


@pytest.fixture(scope="module")
def grpc_stub_cls() -> type[exchange_service_pb2_grpc.ExchangeServiceStub]:
    return exchange_service_pb2_grpc.ExchangeServiceStub


def test_exchange_answers_a_synchronous_client(
    grpc_stub: exchange_service_pb2_grpc.ExchangeServiceStub,
) -> None:
    order = grpc_stub.CreateOrder(market_order("2"), timeout=10)
    assert order.state == order_pb2.ORDER_STATE_FILLED
    assert grpc_stub.GetOrder(pb.GetOrderRequest(name=order.name), timeout=5) == order


def test_exchange_streams_to_a_synchronous_client(
    grpc_stub: exchange_service_pb2_grpc.ExchangeServiceStub,
) -> None:
    order = grpc_stub.CreateOrder(limit_order(), timeout=10)
    call = grpc_stub.WatchOrders(pb.WatchOrdersRequest(parent=PAPER), timeout=5)
    assert next(iter(call)).order == order
    call.cancel()


def test_exchange_refuses_in_the_one_error_shape(
    grpc_stub: exchange_service_pb2_grpc.ExchangeServiceStub,
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        grpc_stub.GetOrder(pb.GetOrderRequest(name="nonsense"), timeout=5)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
