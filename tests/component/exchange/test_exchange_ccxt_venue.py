"""The whole exchange service over ccxt: at a local venue with Binance's wire format, and at none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import exchange_service_pb2_grpc, venue_pb2

from services.chassis.clock import SystemClock
from services.exchange.domain.assets import Side as OurSide
from services.exchange.domain.terms import LimitTerms
from services.exchange.ports import NotSent, VenueUnreachableError
from services.exchange.settings import AccountSettings, ExchangeSettings, VenueSettings
from services.exchange.venues.ccxt_adapter import CcxtVenue
from services.exchange.venues.ccxt_settings import CcxtSettings, KeySettings
from services.simvenue.domain.terms import Side
from tests.support.binance_venue import FUNDS, BinanceVenue, binance_venue, key_of, secret_of
from tests.support.exchange import (
    PATIENT,
    QUICK,
    RunningExchange,
    assembled_exchange,
    eventually,
    limit_order,
    market_order,
    running_exchange,
)
from tests.support.rpc import serving
from tests.support.tcp_gate import TcpGate, gate_before
from tests.support.venue_lab import new_order


def ccxt_settings(port: int, monkeypatch: pytest.MonkeyPatch) -> CcxtSettings:
    monkeypatch.setenv("PAPER_KEY", key_of("paper"))
    monkeypatch.setenv("PAPER_SECRET", secret_of("paper"))
    return CcxtSettings(
        exchange="binance",
        instruments=("btc-usdt",),
        keys={"paper": KeySettings(key_env="PAPER_KEY", secret_env="PAPER_SECRET")},
        rest_url=f"http://127.0.0.1:{port}",
        ws_url=f"ws://127.0.0.1:{port}",
    )


@dataclass
class Trading:
    exchange: RunningExchange
    venue: BinanceVenue
    gate: TcpGate


@pytest.fixture
async def trading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Trading]:
    """An exchange over ccxt, with a gate before the local venue."""
    async with (
        binance_venue(tmp_path, {"paper": FUNDS}) as venue,
        gate_before(venue.door.port) as gate,
        over_ccxt(tmp_path, gate.port, monkeypatch) as exchange,
    ):
        yield Trading(exchange, venue, gate)


@asynccontextmanager
async def over_ccxt(
    folder: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningExchange]:
    adapter = CcxtVenue("sim", ccxt_settings(port, monkeypatch), SystemClock())
    database = f"sqlite+aiosqlite:///{folder}/exchange.sqlite3"
    try:
        async with running_exchange(database, adapter=adapter, timing=PATIENT) as exchange:
            yield exchange
    finally:
        await adapter.close()


async def test_an_order_goes_all_the_way_and_its_fills_come_back(trading: Trading) -> None:
    order = await trading.exchange.create(limit_order("1", "50000"))
    await trading.exchange.settled(order.name, "OPEN")
    await trading.venue.hit(Side.SELL, "0.4", "50000")
    await trading.exchange.settled(order.name, "PARTIALLY_FILLED")
    await trading.venue.hit(Side.SELL, "0.6", "50000")
    await trading.exchange.settled(order.name, "FILLED")
    fills = await trading.exchange.fills()
    assert sorted(fill.quantity for fill in fills) == ["0.4", "0.6"]
    assert {fill.fee_asset for fill in fills} == {"usdt"}


async def test_a_market_order_is_filled_by_its_answer(trading: Trading) -> None:
    await trading.venue.rest(Side.SELL, "2", "50000")
    order = await trading.exchange.create(market_order("1"))
    done = await trading.exchange.settled(order.name, "FILLED")
    assert Decimal(done.average_price) == 50000


async def test_a_cancel_and_a_refusal(trading: Trading) -> None:
    order = await trading.exchange.create(limit_order("1", "50000"))
    await trading.exchange.cancel(order.name)
    await trading.exchange.settled(order.name, "CANCELLED")
    refused = await trading.exchange.create(limit_order("8000", "500000"))
    done = await trading.exchange.settled(refused.name, "REJECTED")
    assert done.reason == "INSUFFICIENT_BALANCE"


async def test_a_lost_answer_is_resolved_to_one_order(trading: Trading) -> None:
    await trading.venue.rest(Side.SELL, "10", "50000")
    trading.gate.deaf = True
    order = await trading.exchange.create(market_order("1"), within=10)
    await trading.exchange.settled(order.name, "UNKNOWN")
    await trading.gate.cut()
    trading.gate.deaf = False
    await trading.exchange.settled(order.name, "FILLED")
    assert [fill.quantity for fill in await trading.exchange.fills()] == ["1"]


async def test_fills_of_an_outage_are_booked_after_it(trading: Trading) -> None:
    order = await trading.exchange.create(limit_order("1", "50000"))
    await trading.exchange.settled(order.name, "OPEN")
    await trading.gate.shut()
    await trading.venue.hit(Side.SELL, "1", "50000")
    await trading.gate.open()
    await trading.exchange.settled(order.name, "FILLED")


@dataclass
class Reports:
    """Notes what an adapter tells of limits."""

    usage: dict[str, int] = field(default_factory=dict)
    pauses: list[tuple[float, bool]] = field(default_factory=list)

    def used(self, budget: str, amount: int) -> None:
        self.usage[budget] = amount

    def asked_to_wait(self, seconds: float, *, banned: bool) -> None:
        self.pauses.append((seconds, banned))


async def test_the_venues_count_and_its_wish_for_a_pause_are_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with binance_venue(tmp_path, {"paper": FUNDS}) as venue:
        adapter = CcxtVenue("sim", ccxt_settings(venue.door.port, monkeypatch), SystemClock())
        reports = Reports()
        adapter.report_to(reports)
        assert {budget.name for budget in adapter.rate_budgets()} == {"weight", "orders"}
        try:
            await adapter.balances("paper")
            used = reports.usage["weight"]
            await adapter.balances("paper")
            assert reports.usage["weight"] > used > 0
            venue.door.limits.exhaust("127.0.0.1")
            with pytest.raises(VenueUnreachableError) as raised:
                await adapter.balances("paper")
            ((seconds, banned),) = reports.pauses
            assert 0 < seconds <= 60
            assert not banned
            assert raised.value.retry_after == seconds
            venue.door.limits.ban("127.0.0.1")
            with pytest.raises(VenueUnreachableError):
                await adapter.balances("paper")
            assert reports.pauses[-1][1]
        finally:
            await adapter.close()


async def test_a_key_that_is_missing_or_wrong_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with binance_venue(tmp_path, {"paper": FUNDS}) as venue:
        settings = ccxt_settings(venue.door.port, monkeypatch)
        for secret, words in (("", "PAPER_SECRET"), ("wrong", "-1022")):
            monkeypatch.setenv("PAPER_SECRET", secret)
            adapter = CcxtVenue("sim", settings, SystemClock())
            try:
                order = new_order("paper", OurSide.BUY, "1", LimitTerms(Decimal(50000)), venue="sim")
                outcome = await adapter.place(order, 5)
                assert isinstance(outcome, NotSent), outcome
                assert words in outcome.message
                with pytest.raises(VenueUnreachableError, match=words):
                    await adapter.balances("paper")
            finally:
                await adapter.close()


async def test_a_venue_without_network_affects_nothing_else(
    tmp_path: Path, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start does not wait for it for long, one warning names it, and it joins when it answers."""
    settings = ExchangeSettings(
        venues=(
            VenueSettings(name="binance", adapter="ccxt", ccxt=ccxt_settings(unused_tcp_port, monkeypatch)),
            VenueSettings(name="sim"),
        ),
        accounts=(AccountSettings(name="paper", venues=("binance", "sim")),),
    )
    assert settings.venues[0].ccxt is not None
    adapter = CcxtVenue("binance", settings.venues[0].ccxt, SystemClock())
    patient = replace(QUICK, recovery=60.0)
    database = f"sqlite+aiosqlite:///{tmp_path}/exchange.sqlite3"
    with structlog.testing.capture_logs() as logs:
        async with (
            asyncio.timeout(40),
            assembled_exchange(
                database, timing=patient, others={"binance": adapter}, settings=settings
            ) as assembled,
            serving(assembled.application.servicers) as channel,
        ):
            stub: Any = exchange_service_pb2_grpc.ExchangeServiceStub(channel)
            order = await stub.CreateOrder(market_order("1"))
            assert order.state
            there = await stub.GetVenue(pb.GetVenueRequest(name="venues/binance"))
            assert there.state in {venue_pb2.VENUE_STATE_DISCONNECTED, venue_pb2.VENUE_STATE_TRIPPED}
            told = [each for each in logs if each["event"] == "venue_disconnected"]
            assert [each["venue"] for each in told] == ["binance"]
            async with binance_venue(tmp_path, {"paper": FUNDS}, binance_port=unused_tcp_port):

                async def connected() -> bool:
                    venue = await stub.GetVenue(pb.GetVenueRequest(name="venues/binance"))
                    return bool(venue.state == venue_pb2.VENUE_STATE_CONNECTED)

                await eventually(connected, within=20)
    await adapter.close()
    assert secret_of("paper") not in str(logs)
    assert "signature" not in str(logs)
