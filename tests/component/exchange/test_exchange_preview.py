"""PreviewOrder and ListPositions through real gRPC."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import order_pb2
from trademesh.type.v1 import contract_pb2

from services.exchange.domain.assets import Contract
from services.exchange.domain.positions import VenuePosition
from services.exchange.domain.preview import Book, Level
from services.exchange.ports import Approved, Denied
from services.kernel.names import InstrumentName
from tests.support.exchange import (
    PAPER,
    RunningExchange,
    limit_order,
    market_order,
    reason_of,
    running_exchange,
    stop_order,
)
from tests.support.exchange_venue import MOMENT, FakeRisk, FakeVenue


class FakeBooks:
    """One book, or none."""

    def __init__(self, book: Book | None) -> None:
        self.asked: list[str] = []
        self._book = book

    async def book(self, instrument: InstrumentName, within: float) -> Book | None:
        assert within > 0
        self.asked.append(str(instrument))
        return self._book


BOOK = Book(bids=[Level(Decimal(99), Decimal(5))], asks=[Level(Decimal(101), Decimal(5))])


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3"


async def preview(exchange: RunningExchange, request: pb.CreateOrderRequest) -> Any:
    return await exchange.stub.PreviewOrder(
        pb.PreviewOrderRequest(parent=request.parent, order=request.order), timeout=5
    )


async def test_it_says_what_the_order_would_do_and_leaves_nothing(database_url: str) -> None:
    risk = FakeRisk(verdict=Approved(Decimal("202.4")))
    async with running_exchange(database_url, risk=risk, books=FakeBooks(BOOK)) as exchange:
        answer = await preview(exchange, market_order("2"))
        assert answer == pb.PreviewOrderResponse(
            approved=True,
            handling=order_pb2.ORDER_HANDLING_NATIVE,
            expected_price="101",
            expected_notional="202",
            expected_fee="0.404",
            fee_asset="usdt",
            required_quantity="202.4",
            required_asset="usdt",
            takes_liquidity=True,
        )
        assert await exchange.orders() == []
        assert await exchange.events() == []
        assert (risk.reserved, exchange.venue.sendings) == (set(), [])


async def test_a_resting_order_and_no_market(url: str) -> None:
    async with running_exchange(url) as exchange:
        answer = await preview(exchange, limit_order("2", "90"))
        assert (answer.approved, answer.expected_price, answer.takes_liquidity) == (True, "90", False)
        assert (answer.expected_notional, answer.expected_fee) == ("180", "0.18")
        nothing = await preview(exchange, market_order("2"))
        assert (nothing.approved, nothing.expected_price, nothing.expected_fee) == (True, "", "")


async def test_an_order_that_would_be_held(url: str) -> None:
    async with running_exchange(url, books=FakeBooks(BOOK)) as exchange:
        answer = await preview(exchange, stop_order(trigger="90"))
        assert (answer.approved, answer.handling) == (True, order_pb2.ORDER_HANDLING_EMULATED)
        assert (answer.expected_price, answer.takes_liquidity) == ("90", False)
        at_once = await preview(exchange, stop_order(trigger="110"))
        assert (at_once.approved, at_once.reason) == (False, "TRIGGER_AT_ONCE")
        assert await exchange.orders() == []


async def test_what_would_be_denied_is_an_answer(url: str) -> None:
    risk = FakeRisk(verdict=Denied("BALANCE", "too little usdt", Decimal(202)))
    async with running_exchange(url, risk=risk, books=FakeBooks(BOOK)) as exchange:
        denied = await preview(exchange, market_order("2"))
        assert (denied.approved, denied.reason, denied.reason_message) == (
            False,
            "BALANCE",
            "too little usdt",
        )
        assert (denied.expected_price, denied.required_quantity) == ("101", "202")
        off_tick = await preview(exchange, limit_order("2", "90.3"))
        assert (off_tick.approved, off_tick.reason) == (False, "PRICE_OFF_TICK")
        risk.reachable = False
        closed = await preview(exchange, market_order("2"))
        assert (closed.approved, closed.reason) == (False, "RISK_UNAVAILABLE")
        exchange.venue.vanish()
        for _ in range(2):
            away = await preview(exchange, market_order("2"))
        risk.reachable = True
        assert not away.approved


async def test_an_instrument_that_does_not_exist_is_an_error(url: str) -> None:
    async with running_exchange(url) as exchange:
        request = market_order("2")
        request.order.instrument = "venues/sim/instruments/none"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await preview(exchange, request)
        assert reason_of(caught.value) == "INSTRUMENT_NOT_FOUND"
        request.parent = "accounts/nobody"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await preview(exchange, request)
        assert reason_of(caught.value) == "ACCOUNT_NOT_FOUND"


async def test_positions_are_what_the_venue_says(url: str) -> None:
    venue = FakeVenue()
    async with running_exchange(url, venue) as exchange:
        request = pb.ListPositionsRequest(parent=PAPER)
        assert not (await exchange.stub.ListPositions(request)).positions
        short = VenuePosition(
            account="paper",
            venue="sim",
            instrument="btc-usdt-perp",
            quantity=Decimal(-3),
            contract=Contract(Decimal("0.01"), "usdt"),
            receive_time=MOMENT,
            entry_price=Decimal(100),
        )
        venue.held = [replace(short, instrument="eth-usdt-perp"), short, replace(short, account="other")]
        first, second = (await exchange.stub.ListPositions(request)).positions
        assert (first.instrument, second.instrument) == (
            "venues/sim/instruments/btc-usdt-perp",
            "venues/sim/instruments/eth-usdt-perp",
        )
        assert (first.quantity, first.entry_price, first.mark_price) == ("-3", "100", "")
        assert first.contract.kind == contract_pb2.INSTRUMENT_KIND_PERPETUAL
        venue.vanish()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await exchange.stub.ListPositions(request)
        assert reason_of(caught.value) == "VENUE_UNAVAILABLE"
