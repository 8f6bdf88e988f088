"""The exchange before a venue that fails by a seeded script, and comes back: I1 to I5 for each seed."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import order_pb2
from trademesh.simvenue.v1 import fault_service_pb2
from trademesh.simvenue.v1 import simvenue_service_pb2 as venue_pb
from trademesh.type.v1 import side_pb2

from services.chassis.clock import SystemClock
from services.exchange.venues.simvenue import SimVenue
from tests.support.exchange import (
    QUICK,
    RunningExchange,
    eventually,
    limit_order,
    market_order,
    running_exchange,
)
from tests.support.order_books import check_orders, check_portfolio, no_gap_in_events
from tests.support.simvenue import SupervisedVenue, simvenue_settings, sqlite_url, supervised_venue

_SEEDS = range(20)
_SCRIPT = (
    "seed={seed} lost_request=0.06 lost_ack=0.12 error_after_accept=0.06 late_visibility=0.15 "
    "partial_fills=0.3 fill_after_cancel=0.3 duplicate_fill=0.2 reordered_fill=0.2 dropped_stream=0.02:3 "
    "rate_limited=0.04 reset=0.03:2 restart=0.03:1 hidden_seconds=0.2 retry_after_seconds=0.1 "
    "late_fill_seconds=0.1 away_seconds=0.2"
)
_TIMING = replace(QUICK, quiet=1.0, risk=10.0, send=1.0)
_LATE_S = 0.1
"""The script's late_fill_seconds."""
_GIVE_UP_S = 60.0
_AGAIN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.CANCELLED,
}
_DONE = {
    order_pb2.ORDER_STATE_FILLED,
    order_pb2.ORDER_STATE_CANCELLED,
    order_pb2.ORDER_STATE_DENIED,
    order_pb2.ORDER_STATE_REJECTED,
    order_pb2.ORDER_STATE_EXPIRED,
}


def _requests(dice: random.Random) -> list[pb.CreateOrderRequest]:
    """Orders that fill at once, rest, or are cancelled by the venue, in some order."""
    requests = []
    for _ in range(14):
        kind = dice.random()
        if kind < 0.5:
            request = market_order("0.02")
        elif kind < 0.8:
            request = limit_order("0.01", str(dice.randrange(1000, 2000)))
        else:
            request = limit_order("0.01", "1000")
            request.order.limit.time_in_force = side_pb2.TIME_IN_FORCE_IOC
        requests.append(request)
    return requests


async def _persistent(call: Any, request: Any) -> Any:
    """The answer of a mutation that is repeated, with its request_id, until it has one."""
    async with asyncio.timeout(_GIVE_UP_S):
        while True:
            try:
                return await call(request, timeout=3)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                    return None
                if error.code() not in _AGAIN:
                    raise
                await asyncio.sleep(0.05)


async def _trade(
    exchange: RunningExchange, requests: list[pb.CreateOrderRequest], dice: random.Random
) -> None:
    """Place orders from several hands, and cancel some that rest."""

    async def one(request: pb.CreateOrderRequest, cancelled: bool) -> None:
        order = await _persistent(exchange.stub.CreateOrder, request)
        if cancelled and order.state not in _DONE:
            # An id of its own, and the same one after the restart.
            ask = pb.CancelOrderRequest(name=order.name, request_id=request.request_id[:-4] + "cafe")
            await _persistent(exchange.stub.CancelOrder, ask)

    for first in range(0, len(requests), 4):
        hands = [one(request, dice.random() < 0.6) for request in requests[first : first + 4]]
        await asyncio.gather(*hands)


async def _at_rest(exchange: RunningExchange, venue: SupervisedVenue) -> None:
    """Let the venue behave, end what is open, and wait until the exchange knows all that the venue does."""
    await _persistent(venue.faults.ClearFaultScript, fault_service_pb2.ClearFaultScriptRequest())

    async def settled() -> bool:
        orders = await exchange.orders()
        for order in orders:
            if order.state in {order_pb2.ORDER_STATE_OPEN, order_pb2.ORDER_STATE_PARTIALLY_FILLED}:
                ask = pb.CancelOrderRequest(name=order.name, request_id=order.name.rpartition("/")[2])
                await _persistent(exchange.stub.CancelOrder, ask)
        told = await _persistent(
            venue.stub.ListFills, venue_pb.ListFillsRequest(account="paper", page_size=1000)
        )
        ours = await exchange.fills()
        return all(order.state in _DONE for order in orders) and len(told.fills) == len(ours)

    await eventually(settled, within=_GIVE_UP_S)
    # A cancel of a moment ago may still have its fill before it.
    await asyncio.sleep(2 * _LATE_S)
    await eventually(settled, within=_GIVE_UP_S)


@pytest.mark.parametrize("seed", _SEEDS)
async def test_nothing_is_lost_or_doubled_whatever_the_venue_does(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    url = f"sqlite+aiosqlite:///{tmp_path}/exchange.sqlite3"
    settings = simvenue_settings(faults=_SCRIPT.format(seed=seed))
    requests = _requests(dice)
    async with supervised_venue(sqlite_url(tmp_path), settings) as venue:
        adapter = SimVenue("sim", venue.channel, SystemClock())
        half = len(requests) // 2
        async with running_exchange(url, adapter=adapter, timing=_TIMING) as exchange:
            await _trade(exchange, requests[:half], dice)
            # The exchange dies with these under way.
            dying = [asyncio.ensure_future(exchange.create(request)) for request in requests[half:]]
            await asyncio.sleep(dice.random() * 0.1)
        await asyncio.gather(*dying, return_exceptions=True)
        async with running_exchange(url, adapter=adapter, timing=_TIMING) as exchange:
            await _trade(exchange, requests, dice)
            answers = {
                request.request_id: (await _persistent(exchange.stub.CreateOrder, request)).name
                for request in requests
            }
            await _at_rest(exchange, venue)
            await check_orders(exchange.channel, venue, answers)
            await no_gap_in_events(exchange.channel)
            await check_portfolio(exchange.channel, venue, tmp_path)
