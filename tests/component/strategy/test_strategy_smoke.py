"""The strategy service from a synchronous client, through pytest-grpc's fixtures."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from trademesh.strategy.v1 import strategy_pb2, strategy_service_pb2, strategy_service_pb2_grpc

from services.strategy import convert
from services.strategy.servicer import StrategyServicer
from tests.support.smoke import Servicing
from tests.support.strategy import DEFINITION, opened, wired


@pytest.fixture(scope="module")
def grpc_add_to_server() -> Callable[[Any, Any], None]:
    return strategy_service_pb2_grpc.add_StrategyServiceServicer_to_server


@pytest.fixture(scope="module")
def grpc_servicer(tmp_path_factory: pytest.TempPathFactory) -> Servicing:
    file: Path = tmp_path_factory.mktemp("strategy") / "strategy.sqlite3"

    @asynccontextmanager
    async def servicer() -> AsyncIterator[StrategyServicer]:
        async with opened(f"sqlite:///{file}") as database:
            yield wired(database).servicer

    return servicer


@pytest.fixture(scope="module")
def grpc_stub_cls() -> type[strategy_service_pb2_grpc.StrategyServiceStub]:
    return strategy_service_pb2_grpc.StrategyServiceStub


def test_strategy_answers_a_synchronous_client(
    grpc_stub: strategy_service_pb2_grpc.StrategyServiceStub,
) -> None:
    created = grpc_stub.CreateStrategy(
        strategy_service_pb2.CreateStrategyRequest(
            request_id=str(uuid4()), strategy_id="smoke", strategy=convert.definition_to_proto(DEFINITION)
        ),
        timeout=5,
    )
    listed = grpc_stub.ListStrategies(strategy_service_pb2.ListStrategiesRequest(), timeout=5)
    assert list(listed.strategies) == [created]
    assert created.state == strategy_pb2.STRATEGY_STATE_DISABLED
