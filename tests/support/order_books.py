"""I1 to I4 for an exchange beside a real simulated venue, with a real portfolio reading its events."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc.aio
from trademesh.events.v1 import outbox_service_pb2, outbox_service_pb2_grpc
from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import exchange_service_pb2_grpc
from trademesh.portfolio.v1 import portfolio_service_pb2, portfolio_service_pb2_grpc
from trademesh.simvenue.v1 import simvenue_service_pb2 as venue_pb

from services.chassis.persistence import Database
from services.portfolio.app import build
from tests.support.application import running
from tests.support.exchange import PAPER, eventually
from tests.support.simvenue import RunningVenue, SupervisedVenue

AnyVenue = RunningVenue | SupervisedVenue
_PAGE = 1000


async def check_orders(channel: grpc.aio.Channel, venue: AnyVenue, answers: Mapping[str, str]) -> None:
    """I1 and I2.

    Args:
        channel: to the exchange; nothing trades meanwhile.
        venue: the venue behind it.
        answers: name of the order that each request was answered with, by request_id.
    """
    stub: Any = exchange_service_pb2_grpc.ExchangeServiceStub(channel)
    orders = (await stub.ListOrders(pb.ListOrdersRequest(parent=PAPER, page_size=_PAGE))).orders
    assert len(set(answers.values())) == len(answers)
    assert {order.name for order in orders} == set(answers.values())
    by_client = {order.client_order_id: order for order in orders}
    placed = await _placed_at(venue)
    assert len(placed) == len(set(placed)), "an order twice at the venue"
    assert set(placed) <= set(by_client)
    absent = [order for client_id, order in by_client.items() if client_id not in set(placed)]
    assert all(order.filled_quantity == "0" for order in absent)
    fills = (await stub.ListFills(pb.ListFillsRequest(parent=PAPER, page_size=_PAGE))).fills
    told = await _venue_fills(venue)
    ours = sorted((fill.venue_trade_id, fill.price, fill.quantity, fill.fee) for fill in fills)
    assert ours == sorted((str(fill.trade_id), fill.price, fill.quantity, fill.fee) for fill in told)
    for client_id, order in by_client.items():
        filled = sum(
            (Decimal(fill.quantity) for fill in told if fill.client_order_id == client_id), Decimal(0)
        )
        assert Decimal(order.filled_quantity) == filled


async def check_portfolio(channel: grpc.aio.Channel, venue: AnyVenue, folder: Path) -> None:
    """I3 and I4, by a portfolio that reads the exchange's events from the first on."""
    database = await Database.open(
        f"sqlite:///{folder}/portfolio.sqlite3", migrations="services.portfolio.storage.migrations"
    )
    nowhere = grpc.aio.insecure_channel("127.0.0.1:1")
    channels = {"exchange": channel, "market": nowhere}
    try:
        async with running("portfolio", build, database=database, channels=channels) as own:
            stub: Any = portfolio_service_pb2_grpc.PortfolioServiceStub(own)
            fills = await _venue_fills(venue)

            async def caught_up() -> Any:
                try:
                    found = await stub.ListPositions(portfolio_service_pb2.ListPositionsRequest(parent=PAPER))
                except grpc.aio.AioRpcError:
                    return None
                booked = sum(position.fill_count for position in found.positions)
                return found if booked >= len(fills) else None

            positions = (await eventually(caught_up, within=30.0)).positions
            trial = await stub.GetTrialBalance(
                portfolio_service_pb2.GetTrialBalanceRequest(name=f"{PAPER}/trialBalance")
            )
    finally:
        await nowhere.close()
        await database.close()
    assert trial.balanced
    _check_positions(positions, fills)
    balances = (await venue.stub.GetBalances(venue_pb.GetBalancesRequest(account="paper"))).balances
    held = {each.currency: Decimal(each.free) + Decimal(each.locked) for each in balances}
    assert _holdings(trial) == {asset: amount for asset, amount in held.items() if amount}


async def no_gap_in_events(channel: grpc.aio.Channel) -> None:
    """I5: sequences from 1 without a gap, and each order's versions, too."""
    stub: Any = outbox_service_pb2_grpc.OutboxServiceStub(channel)
    head = await stub.GetHead(outbox_service_pb2.GetHeadRequest())
    call = stub.StreamEvents(outbox_service_pb2.StreamEventsRequest())
    sequence = 0
    while sequence < head.latest_sequence:
        frame = await call.read()
        for event in frame.page.events:
            assert event.sequence == sequence + 1
            sequence += 1
    call.cancel()


def _check_positions(positions: Sequence[Any], fills: Sequence[Any]) -> None:
    assert sum(position.fill_count for position in positions) == len(fills)
    total = sum((Decimal(fill.quantity) * (1 if fill.side == 1 else -1) for fill in fills), Decimal(0))
    assert sum((Decimal(position.quantity) for position in positions), Decimal(0)) == total


def _holdings(trial: Any) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in trial.rows:
        if row.ledger_account.startswith("assets:"):
            found[row.asset] = found.get(row.asset, Decimal(0)) + Decimal(row.amount)
    return {asset: amount for asset, amount in found.items() if amount}


async def _venue_fills(venue: AnyVenue) -> Sequence[Any]:
    request = venue_pb.ListFillsRequest(account="paper", page_size=_PAGE)
    return list((await venue.stub.ListFills(request)).fills)


async def _placed_at(venue: AnyVenue) -> list[str]:
    """The client id of each order the venue ever accepted, once for each of the venue's own ids."""
    balances = await venue.stub.GetBalances(venue_pb.GetBalancesRequest(account="paper"))
    seen: dict[int, str] = {}
    call = venue.stub.StreamAccount(venue_pb.StreamAccountRequest(account="paper"))
    last = 0
    while last < balances.sequence:
        event: Any = await call.read()
        if event.WhichOneof("event") == "execution_report":
            order = event.execution_report.order
            seen[order.venue_order_id] = order.client_order_id
        last = max(last, event.sequence)
    call.cancel()
    return list(seen.values())
