"""Perpetuals through the real doors: listed where asked for, kept over a restart, read by the adapter."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

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
