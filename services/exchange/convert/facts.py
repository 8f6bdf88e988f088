"""Fills, transfers and balances: what venues told us, as the contract shows it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final
from uuid import UUID

from trademesh.exchange.v1 import balance_pb2, fill_pb2

from services.chassis.rpc.timestamps import to_datetime, to_timestamp
from services.exchange.convert.terms import (
    contract_to_proto,
    liquidity_of,
    liquidity_to_proto,
    optional_amount,
    optional_contract,
    side_of,
    side_to_proto,
)
from services.exchange.domain.assets import Assets
from services.exchange.domain.fills import Balance, Fill, Transfer, TransferKind
from services.exchange.domain.positions import VenuePosition
from services.kernel.decimals import parse, render
from services.kernel.names import AccountName, InstrumentName, OrderName, StrategyName

_TRANSFER_KINDS_BACK: Final[Mapping[int, TransferKind]] = {
    balance_pb2.TransferKind.Value(f"TRANSFER_KIND_{each}"): each for each in TransferKind
}


def fill_to_proto(fill: Fill) -> fill_pb2.Fill:
    """A fill as the contract shows it."""
    message = fill_pb2.Fill(
        name=fill.name,
        order=str(OrderName(fill.account, str(fill.order_id))),
        instrument=str(InstrumentName(fill.venue, fill.instrument)),
        base_asset=fill.assets.base,
        quote_asset=fill.assets.quote,
        side=side_to_proto(fill.side),
        price=render(fill.price),
        quantity=render(fill.quantity),
        fee=render(fill.fee),
        fee_asset=fill.fee_asset,
        liquidity=liquidity_to_proto(fill.liquidity),
        venue_trade_id=fill.venue_trade_id,
        strategy=str(StrategyName(fill.strategy)) if fill.strategy else "",
        exchange_time=to_timestamp(fill.exchange_time),
        receive_time=to_timestamp(fill.receive_time),
        correlation_id=fill.correlation_id,
    )
    if fill.contract is not None:
        message.contract.CopyFrom(contract_to_proto(fill.contract))
    return message


def fill_of(message: fill_pb2.Fill) -> Fill:
    """A fill back from the contract's form."""
    order = OrderName.parse(message.order)
    instrument = InstrumentName.parse(message.instrument)
    return Fill(
        fill_id=UUID(message.name.rpartition("/")[2]),
        order_id=UUID(order.order),
        account=order.account,
        venue=instrument.venue,
        instrument=instrument.instrument,
        assets=Assets(message.base_asset, message.quote_asset),
        side=side_of(message.side, "side"),
        price=parse(message.price),
        quantity=parse(message.quantity),
        fee=parse(message.fee),
        fee_asset=message.fee_asset,
        liquidity=liquidity_of(message.liquidity),
        venue_trade_id=message.venue_trade_id,
        strategy=StrategyName.parse(message.strategy).strategy if message.strategy else "",
        exchange_time=to_datetime(message.exchange_time),
        receive_time=to_datetime(message.receive_time),
        correlation_id=message.correlation_id,
        contract=optional_contract(message),
    )


def transfer_to_proto(transfer: Transfer) -> balance_pb2.Transfer:
    """A transfer as the contract shows it."""
    return balance_pb2.Transfer(
        account=f"accounts/{transfer.account}",
        venue=f"venues/{transfer.venue}",
        venue_transfer_id=transfer.venue_transfer_id,
        asset=transfer.asset,
        amount=render(transfer.amount),
        exchange_time=to_timestamp(transfer.exchange_time),
        receive_time=to_timestamp(transfer.receive_time),
        kind=f"TRANSFER_KIND_{transfer.kind}",
        instrument=str(InstrumentName(transfer.venue, transfer.instrument)) if transfer.instrument else "",
    )


def transfer_of(message: balance_pb2.Transfer) -> Transfer:
    """A transfer back from the contract's form."""
    instrument = InstrumentName.parse(message.instrument).instrument if message.instrument else ""
    return Transfer(
        account=message.account.rpartition("/")[2],
        venue=message.venue.rpartition("/")[2],
        venue_transfer_id=message.venue_transfer_id,
        asset=message.asset,
        amount=parse(message.amount),
        exchange_time=to_datetime(message.exchange_time),
        receive_time=to_datetime(message.receive_time),
        kind=_TRANSFER_KINDS_BACK[message.kind],
        instrument=instrument,
    )


def position_to_proto(position: VenuePosition) -> balance_pb2.VenuePosition:
    """A position as the contract shows it."""
    message = balance_pb2.VenuePosition(
        account=f"accounts/{position.account}",
        instrument=str(InstrumentName(position.venue, position.instrument)),
        quantity=render(position.quantity),
        entry_price=_amount(position.entry_price),
        mark_price=_amount(position.mark_price),
        liquidation_price=_amount(position.liquidation_price),
        unrealized_pnl=_amount(position.unrealized_pnl),
        margin=_amount(position.margin),
        receive_time=to_timestamp(position.receive_time),
    )
    if position.contract is not None:
        message.contract.CopyFrom(contract_to_proto(position.contract))
    return message


def position_of(message: balance_pb2.VenuePosition) -> VenuePosition:
    """A position back from the contract's form."""
    instrument = InstrumentName.parse(message.instrument, field="instrument")
    return VenuePosition(
        account=AccountName.parse(message.account, field="account").account,
        venue=instrument.venue,
        instrument=instrument.instrument,
        quantity=parse(message.quantity),
        contract=optional_contract(message),
        receive_time=to_datetime(message.receive_time),
        entry_price=optional_amount(message.entry_price),
        mark_price=optional_amount(message.mark_price),
        liquidation_price=optional_amount(message.liquidation_price),
        unrealized_pnl=optional_amount(message.unrealized_pnl),
        margin=optional_amount(message.margin),
    )


def _amount(amount: Decimal | None) -> str:
    return "" if amount is None else render(amount)


def balance_to_proto(balance: Balance) -> balance_pb2.Balance:
    """A balance as the contract shows it."""
    return balance_pb2.Balance(
        account=f"accounts/{balance.account}",
        venue=f"venues/{balance.venue}",
        asset=balance.asset,
        free=render(balance.free),
        locked=render(balance.locked),
        receive_time=to_timestamp(balance.receive_time),
    )
