"""The exchange on the real simulated venue: both services whole, gRPC between them."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import order_pb2
from trademesh.simvenue.v1 import simvenue_service_pb2 as venue_pb
from trademesh.type.v1 import side_pb2

from services.chassis.clock import SystemClock
from services.exchange.ports import Step
from services.exchange.upstreams import MarketPrices
from services.exchange.venues.simvenue import SimVenue
from services.market.app import assemble as assemble_market
from services.market.metrics import MarketMetrics
from services.market.settings import MarketSettings
from tests.support.application import runtime_of, serving_application
from tests.support.exchange import (
    PAPER,
    PATIENT,
    eventually,
    limit_order,
    market_order,
    running_exchange,
    several,
    stop_order,
)
from tests.support.exchange_prices import FakePrices
from tests.support.simvenue import RunningVenue, running_venue, simvenue_settings, sqlite_url

_S = order_pb2


def adapter(venue: RunningVenue) -> Any:
    return SimVenue("sim", venue.channel, SystemClock())


async def _fills(venue: RunningVenue) -> dict[str, tuple[str, str, str]]:
    answer = await venue.stub.ListFills(venue_pb.ListFillsRequest(account="paper"))
    return {str(fill.trade_id): (fill.price, fill.quantity, fill.fee) for fill in answer.fills}


async def test_trades_cancels_and_balances_agree_with_the_venue(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/exchange.sqlite3"
    async with (
        running_venue(sqlite_url(tmp_path), simvenue_settings()) as venue,
        running_exchange(url, adapter=adapter(venue), timing=PATIENT) as exchange,
    ):
        bought = await exchange.create(market_order("0.05"))
        assert bought.state == _S.ORDER_STATE_FILLED
        resting = await exchange.create(limit_order("0.01", "1000"))
        assert resting.state == _S.ORDER_STATE_OPEN
        assert (await exchange.cancel(resting.name)).state == _S.ORDER_STATE_CANCELLED
        killed = limit_order("0.01", "1000")
        killed.order.limit.time_in_force = side_pb2.TIME_IN_FORCE_IOC
        expired = await exchange.create(killed)
        assert (expired.state, expired.reason) == (_S.ORDER_STATE_EXPIRED, "IMMEDIATE_OR_CANCEL")
        poor = await exchange.create(market_order("10"))
        assert poor.state == _S.ORDER_STATE_REJECTED
        assert poor.reason == "INSUFFICIENT_BALANCE"

        ours = {each.venue_trade_id: (each.price, each.quantity, each.fee) for each in await exchange.fills()}
        assert ours == await _fills(venue)
        balances = (await exchange.stub.ListBalances(pb.ListBalancesRequest(parent=PAPER))).balances
        held = {each.asset: Decimal(each.free) + Decimal(each.locked) for each in balances}
        spent = sum(
            (Decimal(price) * Decimal(quantity) + Decimal(fee) for price, quantity, fee in ours.values()),
            Decimal(0),
        )
        assert held == {"btc": Decimal("0.05"), "usdt": Decimal(100_000) - spent}
        transfers = [each for each in await exchange.events() if each.DESCRIPTOR.name == "TransferRecorded"]
        assert [(each.transfer.asset, each.transfer.amount) for each in transfers] == [("usdt", "100000")]


async def test_a_bracket_closes_what_it_opened_by_its_stop(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/exchange.sqlite3"
    prices = FakePrices("60000")
    profit = limit_order("0.05", "90000")
    profit.order.side = side_pb2.SIDE_SELL
    request = several(
        market_order("0.05"),
        profit,
        stop_order("0.05", "50000"),
        contingency=order_pb2.CONTINGENCY_BRACKET,
    )
    async with (
        running_venue(sqlite_url(tmp_path), simvenue_settings()) as venue,
        running_exchange(url, adapter=adapter(venue), timing=PATIENT, prices=prices) as exchange,
    ):
        entry, target, stop = (each.order for each in (await exchange.create_several(request)).results)
        assert entry.state == _S.ORDER_STATE_FILLED
        await exchange.settled(target.name, "OPEN")
        held = await exchange.settled(stop.name, "HELD")
        # The venue has stops of its own; beside the other leg this one is held here all the same.
        assert held.handling == _S.ORDER_HANDLING_EMULATED
        prices.set("49000")
        sold = await exchange.settled(stop.name, "FILLED")
        assert (sold.quantity, sold.filled_quantity) == ("0.05", "0.05")
        assert (await exchange.settled(target.name, "CANCELLED")).reason == "OTHER_LEG_DONE"
        balances = (await exchange.stub.ListBalances(pb.ListBalancesRequest(parent=PAPER))).balances
        held_now = {each.asset: Decimal(each.free) + Decimal(each.locked) for each in balances}
        assert held_now.get("btc", Decimal(0)) == 0


async def test_killed_while_the_venue_trades_on(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/exchange.sqlite3"
    async with running_venue(sqlite_url(tmp_path), simvenue_settings()) as venue:
        request = market_order("0.05")
        async with running_exchange(
            url, adapter=adapter(venue), timing=PATIENT, crash_at=Step.VENUE_ANSWERED
        ) as exchange:
            await asyncio.gather(exchange.create(request, within=5), return_exceptions=True)
        await venue.stub.PlaceOrder(
            venue_pb.PlaceOrderRequest(
                account="paper",
                client_order_id="by-hand",
                symbol="btc-usdt",
                side=side_pb2.SIDE_SELL,
                quantity="0.02",
                market={},
            )
        )
        async with running_exchange(url, adapter=adapter(venue), timing=PATIENT) as exchange:
            order = await exchange.create(request)
            assert (await exchange.settled(order.name, "FILLED")).filled_quantity == "0.05"
            adopted = [each for each in await exchange.orders() if each.client_order_id == "by-hand"]
            assert [each.state for each in adopted] == [_S.ORDER_STATE_FILLED]
            ours = {
                each.venue_trade_id: (each.price, each.quantity, each.fee) for each in await exchange.fills()
            }
            assert ours == await _fills(venue)


async def test_the_venue_restarts_under_way(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/exchange.sqlite3"
    async with (
        running_venue(sqlite_url(tmp_path), simvenue_settings()) as venue,
        running_exchange(url, adapter=adapter(venue), timing=PATIENT) as exchange,
    ):
        resting = await exchange.create(limit_order("0.01", "1000"))
    async with (
        running_venue(sqlite_url(tmp_path), simvenue_settings()) as venue,
        running_exchange(url, adapter=adapter(venue), timing=PATIENT) as exchange,
    ):
        assert (await exchange.order(resting.name)).state == _S.ORDER_STATE_OPEN
        assert (await exchange.cancel(resting.name)).state == _S.ORDER_STATE_CANCELLED
        await eventually(exchange.orders)


async def test_triggers_at_the_venue_and_here(tmp_path: Path) -> None:
    """A stop that the venue works, and a trailing stop that is held here, on the market service's prices."""
    url = f"sqlite+aiosqlite:///{tmp_path}/exchange.sqlite3"
    async with running_venue(sqlite_url(tmp_path), simvenue_settings(speed=Decimal(20))) as venue:
        runtime = runtime_of("market", {"simvenue": venue.channel})
        market = assemble_market(runtime, MarketSettings(), MarketMetrics(CollectorRegistry()))
        async with serving_application(market) as channel:
            for self_test in market.self_tests:
                await self_test()
            prices = MarketPrices(channel)
            async with running_exchange(
                url, adapter=adapter(venue), timing=PATIENT, prices=prices
            ) as exchange:
                assert (await exchange.create(market_order("0.05"))).state == _S.ORDER_STATE_FILLED
                stop = await exchange.create(stop_order("0.02", "1000"))
                assert (stop.state, stop.handling) == (_S.ORDER_STATE_OPEN, _S.ORDER_HANDLING_NATIVE)
                trailing = stop_order("0.02")
                trailing.order.trailing_stop.ticks = 1
                held = await exchange.create(trailing)
                assert (held.state, held.handling) == (_S.ORDER_STATE_HELD, _S.ORDER_HANDLING_EMULATED)
                done = await exchange.settled(held.name, "FILLED")
                trigger = Decimal(done.trigger.price)
                assert (
                    Decimal(done.trigger.trigger_market_price) <= trigger < Decimal(done.trigger.best_price)
                )
                assert (await exchange.cancel(stop.name)).state == _S.ORDER_STATE_CANCELLED
                spent = market_order()
                spent.order.quantity, spent.order.quote_quantity = "", "500"
                bought = await exchange.settled((await exchange.create(spent)).name, "FILLED")
                assert Decimal(450) < Decimal(bought.filled_notional) <= Decimal(500)
                assert bought.quantity == bought.filled_quantity
                ours = {
                    each.venue_trade_id: (each.price, each.quantity, each.fee)
                    for each in await exchange.fills()
                }
                assert ours == await _fills(venue)
