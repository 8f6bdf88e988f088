"""Strategies as resources through real gRPC, on both databases."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2
from trademesh.strategy.v1 import strategy_pb2, strategy_service_pb2_grpc
from trademesh.strategy.v1 import strategy_service_pb2 as pb

from services.chassis.rpc.status import details_of
from services.strategy import convert
from tests.support.rpc import Serve
from tests.support.strategy import DEFINITION, opened, wired

_NAME = "strategies/cross"


def _id() -> str:
    return str(uuid4())


def _create(request_id: str, strategy_id: str = "cross") -> pb.CreateStrategyRequest:
    strategy = convert.definition_to_proto(DEFINITION)
    return pb.CreateStrategyRequest(request_id=request_id, strategy_id=strategy_id, strategy=strategy)


async def _reason(call: Awaitable[object]) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    status = details_of(caught.value)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "strategy.trademesh"
    return caught.value.code().name, info.reason


@asynccontextmanager
async def _stub(serve: Serve, database_url: str) -> AsyncIterator[Any]:
    async with opened(database_url) as database, serve(wired(database).bindings) as channel:
        yield strategy_service_pb2_grpc.StrategyServiceStub(channel)


async def test_create_get_list_and_page(serve: Serve, database_url: str) -> None:
    async with _stub(serve, database_url) as stub:
        made = [await stub.CreateStrategy(_create(_id(), name)) for name in ("b", "a", "c")]
        assert made[0].name == "strategies/b"
        assert made[0].state == strategy_pb2.STRATEGY_STATE_DISABLED
        assert await stub.GetStrategy(pb.GetStrategyRequest(name="strategies/b")) == made[0]
        first = await stub.ListStrategies(pb.ListStrategiesRequest(page_size=2))
        rest = await stub.ListStrategies(pb.ListStrategiesRequest(page_token=first.next_page_token))
        names = [each.name for each in (*first.strategies, *rest.strategies)]
        assert names == ["strategies/a", "strategies/b", "strategies/c"]
        assert rest.next_page_token == ""
        taken = await _reason(stub.CreateStrategy(_create(_id(), "a")))
        assert taken == ("ALREADY_EXISTS", "STRATEGY_EXISTS")
        missing = await _reason(stub.GetStrategy(pb.GetStrategyRequest(name="strategies/none")))
        assert missing == ("NOT_FOUND", "STRATEGY_NOT_FOUND")


async def test_a_repeat_gets_the_first_answer_and_another_body_is_refused(
    serve: Serve, database_url: str
) -> None:
    async with _stub(serve, database_url) as stub:
        request_id = _id()
        first = await stub.CreateStrategy(_create(request_id))
        await stub.EnableStrategy(pb.EnableStrategyRequest(name=_NAME, request_id=_id()))
        assert await stub.CreateStrategy(_create(request_id)) == first
        assert await stub.CreateStrategy(_create(request_id.upper().lower())) == first
        other = await _reason(stub.CreateStrategy(_create(request_id, "other")))
        assert other == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
        enable = pb.EnableStrategyRequest(name=_NAME, request_id=request_id)
        assert await _reason(stub.EnableStrategy(enable)) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")


async def test_an_update_takes_a_mask_and_an_etag(serve: Serve, database_url: str) -> None:
    async with _stub(serve, database_url) as stub:
        made = await stub.CreateStrategy(_create(_id()))
        change = strategy_pb2.Strategy(name=_NAME, quantity="0.5", etag=made.etag)
        request = pb.UpdateStrategyRequest(
            request_id=_id(), strategy=change, update_mask=FieldMask(paths=["quantity"])
        )
        changed = await stub.UpdateStrategy(request)
        assert (changed.quantity, changed.instrument) == ("0.5", made.instrument)
        assert changed.etag != made.etag
        request.request_id = _id()
        assert await _reason(stub.UpdateStrategy(request)) == ("ABORTED", "ETAG_MISMATCH")
        request.strategy.etag = ""
        request.strategy.quantity = "-1"
        assert await _reason(stub.UpdateStrategy(request)) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
        request.update_mask.paths[:] = ["etag"]
        assert await _reason(stub.UpdateStrategy(request)) == ("INVALID_ARGUMENT", "INVALID_UPDATE_MASK")


async def test_an_enabled_strategy_neither_changes_nor_goes(serve: Serve, database_url: str) -> None:
    async with _stub(serve, database_url) as stub:
        made = await stub.CreateStrategy(_create(_id()))
        enabled = await stub.EnableStrategy(pb.EnableStrategyRequest(name=_NAME, request_id=_id()))
        assert enabled.state == strategy_pb2.STRATEGY_STATE_ENABLED
        same = await stub.EnableStrategy(pb.EnableStrategyRequest(name=_NAME, request_id=_id()))
        assert same == enabled
        refusal = ("FAILED_PRECONDITION", "STRATEGY_ENABLED")
        update = pb.UpdateStrategyRequest(request_id=_id(), strategy=made)
        update.strategy.etag = ""
        assert await _reason(stub.UpdateStrategy(update)) == refusal
        delete = pb.DeleteStrategyRequest(name=_NAME, request_id=_id())
        assert await _reason(stub.DeleteStrategy(delete)) == refusal
        await stub.DisableStrategy(pb.DisableStrategyRequest(name=_NAME, request_id=_id()))
        await stub.DeleteStrategy(delete)
        await stub.DeleteStrategy(delete)
        gone = await _reason(stub.GetStrategy(pb.GetStrategyRequest(name=_NAME)))
        assert gone == ("NOT_FOUND", "STRATEGY_NOT_FOUND")
