"""What the exchange asks risk and the market, over real gRPC."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from google.rpc import status_pb2
from trademesh.risk.v1 import decision_pb2, risk_service_pb2, risk_service_pb2_grpc
from trademesh.type.v1 import contract_pb2, side_pb2

from services.chassis.rpc.status import internal_message, message_of
from services.chassis.runtime import Binding
from services.exchange.domain.assets import Assets, Contract, Side
from services.exchange.domain.order import Order, OrderIntent
from services.exchange.domain.terms import (
    LimitTerms,
    Offset,
    OffsetKind,
    StopLimitTerms,
    Terms,
    TrailingStopTerms,
    Trigger,
)
from services.exchange.domain.triggers import Quote, TriggerStatus
from services.exchange.ports import Approved, Denied, PricesLostError, RiskUnavailableError
from services.exchange.upstreams import MarketPrices, RiskService
from services.kernel.errors import DomainError, ErrorKind
from tests.support.exchange import eventually
from tests.support.market import BTC, open_market
from tests.support.rpc import Serve

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class NotingRisk(risk_service_pb2_grpc.RiskServiceServicer):
    """Approves, unless told otherwise, and notes what it was asked.

    Attributes:
        asked: every order, in the order in which they came.
        calls: how many orders came with each call.
        refusals: what it answers in place of a decision, by order id.
        go: lets calls be answered.
    """

    def __init__(self) -> None:
        self.asked: list[risk_service_pb2.CheckOrderRequest] = []
        self.causes: list[str] = []
        self.calls: list[int] = []
        self.refusals: dict[str, status_pb2.Status] = {}
        self.go = asyncio.Event()
        self.go.set()

    async def ReserveOrders(  # noqa: N802 - the contract's name
        self, request: risk_service_pb2.ReserveOrdersRequest, context: Any
    ) -> risk_service_pb2.ReserveOrdersResponse:
        self.asked += request.orders
        self.causes += request.correlation_ids
        self.calls.append(len(request.orders))
        await self.go.wait()
        return risk_service_pb2.ReserveOrdersResponse(
            results=[self._result(each.order_id) for each in request.orders]
        )

    def _result(self, order_id: str) -> risk_service_pb2.ReserveOrderResult:
        if order_id in self.refusals:
            return risk_service_pb2.ReserveOrderResult(refusal=self.refusals[order_id])
        return risk_service_pb2.ReserveOrderResult(decision=decision_pb2.Decision(approved=True))


ADD_RISK = risk_service_pb2_grpc.add_RiskServiceServicer_to_server


def order(terms: Terms, side: Side = Side.BUY, **more: Any) -> Order:
    intent = OrderIntent(
        account="paper",
        venue="sim",
        instrument="btc-usdt",
        side=side,
        quantity=Decimal(2),
        terms=terms,
        strategy="sma-cross",
        reduce_only=True,
    )
    return replace(Order.intended(intent, Assets("btc", "usdt"), uuid4(), "cause", NOW), **more)


async def test_risk_hears_all_that_it_reserves_by(serve: Serve) -> None:
    risk = NotingRisk()
    stop = order(
        StopLimitTerms(Trigger(Decimal("110.5")), LimitTerms(Decimal(112))),
        contract=Contract(Decimal("0.1"), "usdt"),
    )
    async with serve([Binding(risk, ADD_RISK)]) as channel:
        assert isinstance(await RiskService(channel).reserve(stop, 5), Approved)
    asked = risk.asked[0]
    assert (asked.trigger_price, asked.limit_price, asked.quantity) == ("110.5", "112", "2")
    assert (asked.reduce_only, asked.strategy, asked.side) == (
        True,
        "strategies/sma-cross",
        side_pb2.SIDE_BUY,
    )
    assert asked.contract.kind == contract_pb2.INSTRUMENT_KIND_PERPETUAL
    assert (asked.contract.contract_size, asked.order_id) == ("0.1", str(stop.order_id))
    assert (asked.validate_only, risk.causes) == (False, ["cause"])


async def test_orders_that_come_while_risk_decides_are_decided_on_together_and_in_their_order(
    serve: Serve,
) -> None:
    risk = NotingRisk()
    orders = [order(LimitTerms(Decimal(100))) for _ in range(20)]
    async with serve([Binding(risk, ADD_RISK)]) as channel:
        gate = RiskService(channel)
        risk.go.clear()
        first = asyncio.create_task(gate.reserve(orders[0], 5))
        await eventually(lambda: _now(risk.calls == [1]))
        rest = [asyncio.create_task(gate.reserve(each, 5)) for each in orders[1:]]
        risk.go.set()
        verdicts = await asyncio.gather(first, *rest)
    assert verdicts == [Approved()] * 20
    assert risk.calls == [1, 19]
    assert [each.order_id for each in risk.asked] == [str(each.order_id) for each in orders]


async def test_one_of_several_that_risk_refuses_or_fails_at_is_not_another_ones_affair(serve: Serve) -> None:
    risk = NotingRisk()
    fine, refused, failed = (order(LimitTerms(Decimal(100))) for _ in range(3))
    reused = DomainError("ORDER_ID_REUSED", "another order had this id", kind=ErrorKind.ALREADY_EXISTS)
    risk.refusals = {
        str(refused.order_id): message_of(reused, "risk"),
        str(failed.order_id): internal_message("risk"),
    }
    async with serve([Binding(risk, ADD_RISK)]) as channel:
        gate = RiskService(channel)
        verdicts = await asyncio.gather(
            *(gate.reserve(each, 5) for each in (fine, refused, failed)), return_exceptions=True
        )
    assert risk.calls == [3]
    assert verdicts[:2] == [Approved(), Denied("ORDER_ID_REUSED", "another order had this id")]
    assert isinstance(verdicts[2], RiskUnavailableError)


async def test_whoever_waits_too_long_for_risk_has_no_decision(serve: Serve) -> None:
    risk = NotingRisk()
    risk.go.clear()
    async with serve([Binding(risk, ADD_RISK)]) as channel:
        gate = RiskService(channel)
        with pytest.raises(RiskUnavailableError):
            await gate.reserve(order(LimitTerms(Decimal(100))), 0.05)
        risk.go.set()
        assert await gate.reserve(order(LimitTerms(Decimal(100))), 5) == Approved()


@pytest.mark.parametrize(
    ("side", "offset", "status", "expected"),
    [
        (Side.BUY, Offset(OffsetKind.ABSOLUTE, Decimal(5)), TriggerStatus(), Decimal(95)),
        (Side.BUY, Offset(OffsetKind.PERCENT, Decimal(10)), TriggerStatus(), Decimal(99)),
        (Side.SELL, Offset(OffsetKind.PERCENT, Decimal(10)), TriggerStatus(), Decimal(81)),
        (Side.BUY, Offset(OffsetKind.TICKS, Decimal(3)), TriggerStatus(), Decimal(90)),
        (Side.BUY, Offset(OffsetKind.ABSOLUTE, Decimal(5)), TriggerStatus(Decimal(70)), Decimal(70)),
    ],
)
def test_a_trailing_stop_is_reserved_at_the_trigger_it_will_have_first(
    side: Side, offset: Offset, status: TriggerStatus, expected: Decimal
) -> None:
    waiting = order(TrailingStopTerms(offset, activation_price=Decimal(90)), side, trigger=status)
    assert waiting.trigger_price == expected


async def test_each_trade_is_a_price_and_none_comes_after_a_newer_one(serve: Serve) -> None:
    made = open_market()
    async with serve([made.binding]) as channel, aclosing(MarketPrices(channel).watch(BTC)) as quotes:
        first = await anext(quotes)
        assert (first.bid, first.ask) == (Decimal(99), Decimal(101))
        # All at once: the ticker that the market sends first knows the last of these trades already.
        made.trade(11, 1, "95")
        made.trade(12, 2, "120")
        made.trade(13, 3, "118")
        lasts: list[Decimal] = []
        while len(lasts) < 3:
            quote = await anext(quotes)
            if quote.last is not None:
                lasts.append(quote.last)
        assert lasts == [Decimal(95), Decimal(120), Decimal(118)]
        made.change(14, 4, ("99.5", "4"))
        while (await anext(quotes)).bid != Decimal("99.5"):
            pass
        assert await MarketPrices(channel).quote(BTC) == Quote(Decimal(118), Decimal("99.5"), Decimal(101))
        made.streams.drain()
        with pytest.raises(PricesLostError, match="SERVER_DRAINING"):
            await _to_the_end(quotes)


async def _now(fact: bool) -> bool:
    return fact


async def _to_the_end(quotes: AsyncIterator[Quote]) -> None:
    async for _ in quotes:
        pass


async def test_no_market_is_no_price(serve: Serve) -> None:
    async with serve([]) as channel:
        prices = MarketPrices(channel)
        assert await prices.quote(BTC) == Quote()
        with pytest.raises(PricesLostError):
            await anext(prices.watch(BTC))
