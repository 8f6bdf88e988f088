"""Use case: follow what the exchange reports, so that reservations turn into holdings."""

from dataclasses import dataclass
from decimal import Decimal

from services.kernel.decimals import EXACT
from services.kernel.names import InstrumentName
from services.risk.domain.account import Reservation
from services.risk.domain.order import Side
from services.risk.ports import RiskWriter


@dataclass(frozen=True, slots=True)
class OrderEnded:
    """An order is final: nothing more is set aside for it."""

    order_id: str


@dataclass(frozen=True, slots=True)
class OrderOpened:
    """An order is open at the venue. One that risk never saw came from outside and is set aside for."""

    reservation: Reservation


@dataclass(frozen=True, slots=True)
class Filled:
    """A fill.

    Attributes:
        order_id: the order.
        account: id of the account.
        instrument: what was traded.
        base_asset: the asset bought or sold.
        quote_asset: the asset that the price is in.
        side: buy or sell.
        quantity: in base asset.
        price: in quote asset.
        fee: in fee asset; below zero is a rebate.
        fee_asset: the asset of the fee.
    """

    order_id: str
    account: str
    instrument: InstrumentName
    base_asset: str
    quote_asset: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str


@dataclass(frozen=True, slots=True)
class Transferred:
    """Assets came to, or left, an account."""

    account: str
    asset: str
    amount: Decimal


ExchangeEvent = OrderEnded | OrderOpened | Filled | Transferred


async def follow(event: ExchangeEvent, writer: RiskWriter) -> None:
    """Apply one event, inside the transaction that also remembers it was seen."""
    match event:
        case Transferred():
            await writer.add_holding(event.account, event.asset, event.amount)
        case Filled():
            await _fill(event, writer)
        case OrderOpened():
            if await writer.reservation(event.reservation.order_id) is None:
                await writer.put_reservation(event.reservation)
        case OrderEnded():
            await writer.end(event.order_id)


async def _fill(fill: Filled, writer: RiskWriter) -> None:
    change = EXACT.multiply(fill.quantity, Decimal(fill.side.value))
    await writer.add_holding(fill.account, fill.base_asset, change)
    await writer.add_holding(fill.account, fill.quote_asset, EXACT.minus(EXACT.multiply(change, fill.price)))
    await writer.add_holding(fill.account, fill.fee_asset, EXACT.minus(fill.fee))
    await writer.add_position(fill.account, fill.instrument, change)
    reserved = await writer.reservation(fill.order_id)
    if reserved is not None:
        await writer.put_reservation(reserved.filled(fill.quantity))
