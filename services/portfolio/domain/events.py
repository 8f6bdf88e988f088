"""What the exchange tells us for good: fills and transfers."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum


class Side(Enum):
    """Which way a fill goes, seen from the account."""

    BUY = 1
    SELL = -1


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of one order.

    Attributes:
        name: resource name of the fill.
        account: id of the account.
        venue: id of the venue.
        instrument: id of the instrument on that venue.
        base_asset: the asset bought or sold.
        quote_asset: the asset that the price is in.
        side: buy or sell.
        price: in quote asset, above zero.
        quantity: in base asset, above zero.
        fee: in fee asset; below zero is a rebate.
        fee_asset: the asset the fee was paid in.
        exchange_time: the venue's clock.
    """

    name: str
    account: str
    venue: str
    instrument: str
    base_asset: str
    quote_asset: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    exchange_time: datetime


@dataclass(frozen=True, slots=True)
class Transfer:
    """Assets that came to, or left, the account other than by a trade.

    Attributes:
        name: the venue's id of the transfer.
        account: id of the account.
        venue: id of the venue.
        asset: the asset.
        amount: above zero came in, below zero went out.
        exchange_time: the venue's clock.
    """

    name: str
    account: str
    venue: str
    asset: str
    amount: Decimal
    exchange_time: datetime
