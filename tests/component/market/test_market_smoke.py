"""The market service from a synchronous client, through pytest-grpc's fixtures."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from trademesh.market.v1 import market_service_pb2, market_service_pb2_grpc

from services.market.servicer import MarketServicer
from tests.support.market import BTC, open_market
from tests.support.smoke import Servicing


@asynccontextmanager
async def _servicer() -> AsyncIterator[MarketServicer]:
    yield open_market().servicer


@pytest.fixture(scope="module")
def grpc_add_to_server() -> Callable[[Any, Any], None]:
    return market_service_pb2_grpc.add_MarketServiceServicer_to_server


@pytest.fixture(scope="module")
def grpc_servicer() -> Servicing:
    return _servicer


@pytest.fixture(scope="module")
def grpc_stub_cls() -> type[market_service_pb2_grpc.MarketServiceStub]:
    return market_service_pb2_grpc.MarketServiceStub


def test_market_answers_a_synchronous_client(grpc_stub: market_service_pb2_grpc.MarketServiceStub) -> None:
    request = market_service_pb2.GetTickerRequest(name=f"{BTC}/ticker")
    ticker = grpc_stub.GetTicker(request, timeout=5)
    assert (ticker.bid_price, ticker.ask_price) == ("99", "101")


def test_market_streams_to_a_synchronous_client(
    grpc_stub: market_service_pb2_grpc.MarketServiceStub,
) -> None:
    call = grpc_stub.WatchMarket(market_service_pb2.WatchMarketRequest(instrument=str(BTC)), timeout=5)
    assert next(iter(call)).ticker.bid_price == "99"
    call.cancel()


def test_market_refuses_in_the_one_error_shape(grpc_stub: market_service_pb2_grpc.MarketServiceStub) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        grpc_stub.GetTicker(market_service_pb2.GetTickerRequest(name="nonsense"), timeout=5)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
