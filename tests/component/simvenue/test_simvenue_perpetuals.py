"""Perpetuals through the real doors: listed where asked for, kept over a restart, read by the adapter."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from trademesh.simvenue.v1 import account_pb2, order_pb2
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb
from trademesh.type.v1 import contract_pb2, side_pb2

from services.chassis.clock import SystemClock
from services.exchange.domain.assets import Contract
from services.exchange.domain.fills import TransferKind
from services.exchange.venues.simvenue import SimVenue
from tests.support.simvenue import RunningVenue, running_venue, simvenue_settings

PERP = "btc-usdt-perp"
D = Decimal


def market(key: str, side: Any, quantity: str) -> pb.PlaceOrderRequest:
    return pb.PlaceOrderRequest(
        account="paper",
        client_order_id=key,
        symbol=PERP,
        side=side,
        quantity=quantity,
        market=order_pb2.MarketTerms(),
    )


async def positions(venue: RunningVenue) -> list[account_pb2.Position]:
    return list((await venue.stub.ListPositions(pb.ListPositionsRequest(account="paper"))).positions)


async def test_a_position_survives_a_restart_and_the_adapter_reads_it(database_url: str) -> None:
    settings = simvenue_settings(perpetuals=True, heartbeat_seconds=0.2)
    async with running_venue(database_url, settings) as venue:
        listed = (await venue.stub.ListInstruments(pb.ListInstrumentsRequest())).instruments
        perpetual, _ = [each for each in listed if each.HasField("contract")]
        assert (perpetual.symbol, perpetual.contract.kind) == (PERP, contract_pb2.INSTRUMENT_KIND_PERPETUAL)
        assert (perpetual.margin_rate, perpetual.funding_rate) == ("0.1", "0.0001")

        sold = await venue.stub.PlaceOrder(market("short", side_pb2.SIDE_SELL, "0.5"))
        assert sold.status == order_pb2.ORDER_STATUS_FILLED
        (position,) = await positions(venue)
        entry = D(sold.filled_notional) / D("0.5")
        assert (position.quantity, abs(D(position.entry_price) - entry) < D("1e-11")) == ("-0.5", True)
        assert D(position.margin) == D(sold.filled_notional) / 10
        assert D(position.unrealised_pnl) == D(sold.filled_notional) - D("0.5") * D(position.mark_price)
        balances = (await venue.stub.GetBalances(pb.GetBalancesRequest(account="paper"))).balances
        assert [(each.currency, D(each.locked)) for each in balances] == [("usdt", D(position.margin))]

    async with running_venue(database_url, settings) as venue:
        (again,) = await positions(venue)
        assert (again.quantity, again.entry_price) == (position.quantity, position.entry_price)
        adapter = SimVenue("sim", venue.channel, SystemClock())
        rules = {each.instrument: each for each in await adapter.instruments()}
        assert rules[PERP].contract == Contract(D(1), "usdt")
        assert rules["btc-usdt"].contract is None
        (told,) = await adapter.positions("paper")
        assert (told.instrument, told.quantity, told.contract) == (PERP, D("-0.5"), Contract(D(1), "usdt"))
        (deposit,) = (await adapter.transfers_after("paper", "")).transfers
        assert deposit.kind is TransferKind.DEPOSIT
        closed = await venue.stub.PlaceOrder(market("close", side_pb2.SIDE_BUY, "0.5"))
        assert closed.status == order_pb2.ORDER_STATUS_FILLED
        assert await positions(venue) == []
        told_quantities = [each async for each in _told_quantities(venue)]
        assert len(told_quantities) == len(sold.fills) + len(closed.fills)
        assert told_quantities[len(sold.fills) - 1] == "-0.5"
        assert told_quantities[-1] == "0"


async def _told_quantities(venue: RunningVenue) -> AsyncIterator[str]:
    """What the account's stream has told of positions."""
    stream: Any = venue.stub.StreamAccount(pb.StreamAccountRequest(account="paper"))
    while not (frame := await stream.read()).HasField("heartbeat"):
        if frame.HasField("position_update"):
            yield frame.position_update.position.quantity
    stream.cancel()


async def test_without_the_setting_there_is_spot_only(database_url: str) -> None:
    async with running_venue(database_url, simvenue_settings(synthetic_warmup_seconds=0)) as venue:
        listed = (await venue.stub.ListInstruments(pb.ListInstrumentsRequest())).instruments
        assert [each.symbol for each in listed] == ["btc-usdt", "eth-usdt"]
        assert await positions(venue) == []


async def test_reduce_only_and_liquidation_go_on_after_a_restart(database_url: str) -> None:
    money = {"paper": {"usdt": D(10_000)}, "rich": {"usdt": D(1_000_000)}}
    settings = simvenue_settings(
        perpetuals=True, liquidation=True, crowd=False, synthetic_warmup_seconds=0, accounts=money
    )

    async def limit(
        venue: RunningVenue, account: str, key: str, side: Any, quantity: str, price: str, **more: Any
    ) -> order_pb2.Order:
        request = market(key, side, quantity)
        request.account = account
        request.limit.price = price
        request.MergeFrom(pb.PlaceOrderRequest(**more))
        return await venue.stub.PlaceOrder(request)

    async def listed(venue: RunningVenue) -> list[order_pb2.Order]:
        return list((await venue.stub.ListOpenOrders(pb.ListOpenOrdersRequest(account="paper"))).orders)

    buy, sell = side_pb2.SIDE_BUY, side_pb2.SIDE_SELL
    async with running_venue(database_url, settings) as venue:
        await limit(venue, "rich", "r1", sell, "1", "60000")
        await venue.stub.PlaceOrder(market("long", buy, "1"))
        await limit(venue, "rich", "r2", buy, "0.1", "61000")
        part = await limit(venue, "paper", "part", sell, "0.1", "61000")
        assert [each.realised_pnl for each in part.fills] == ["100"]
        closing = await limit(venue, "paper", "closing", sell, "0.9", "70000", reduce_only=True)
        assert closing.reduce_only
    async with running_venue(database_url, settings) as venue:
        assert [(each.client_order_id, each.reduce_only) for each in await listed(venue)] == [
            ("closing", True)
        ]
        fills = (await venue.stub.ListFills(pb.ListFillsRequest(account="paper"))).fills
        assert [each.realised_pnl for each in fills] == ["0", "100"]
        await limit(venue, "rich", "r3", buy, "5", "49800")
        await limit(venue, "paper", "smaller", sell, "0.5", "49800")
        # Less is held than the order would sell; and at this price the rest is not covered.
        assert await listed(venue) == []
        assert await positions(venue) == []
        fund = await venue.stub.GetBalances(pb.GetBalancesRequest(account="insurance-fund"))
        fee = D(fund.balances[0].free)
        assert fee != 0
    async with running_venue(database_url, settings) as venue:
        fund = await venue.stub.GetBalances(pb.GetBalancesRequest(account="insurance-fund"))
        assert D(fund.balances[0].free) == fee


def test_the_funds_account_is_nobodys() -> None:
    with pytest.raises(ValidationError, match="insurance-fund"):
        simvenue_settings(accounts={"insurance-fund": {"usdt": D(1)}})
