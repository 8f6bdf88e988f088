"""What the books are made of: fills and transfers that the exchange tells, and corrections by hand."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum


class Side(Enum):
    """Which way a fill goes, seen from the account."""

    BUY = 1
    SELL = -1


@dataclass(frozen=True, slots=True)
class Contract:
    """What one unit of a perpetual stands for.

    Attributes:
        size: units of base asset of a linear contract, units of quote asset of an inverse one.
        settle_asset: the asset that margin, fees, funding and profit are in.
        inverse: whether its worth is ``size / price`` in base asset, not ``size * price`` in quote asset.
    """

    size: Decimal
    settle_asset: str
    inverse: bool


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
        quantity: in base asset, number of contracts of a perpetual; above zero.
        fee: in fee asset; below zero is a rebate.
        fee_asset: the asset the fee was paid in.
        exchange_time: the venue's clock.
        strategy: id of the strategy of the order; empty where none ordered it.
        contract: what one unit stands for; None for spot.
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
    strategy: str = ""
    contract: Contract | None = None


class TransferKind(Enum):
    """Why money or asset moved."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    FUNDING = "funding"
    INTERNAL = "internal"
    CORRECTION = "correction"


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
        kind: why.
        instrument: id of the instrument of a funding payment; empty otherwise.
        shared: whether it is shared by the strategies that held the position. Funding is; what was booked
            before it was stays whole.
    """

    name: str
    account: str
    venue: str
    asset: str
    amount: Decimal
    exchange_time: datetime
    kind: TransferKind = TransferKind.DEPOSIT
    instrument: str = ""
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Correction:
    """An amount that somebody puts into the books, or takes out, by hand.

    Attributes:
        name: resource name of the correction.
        account: id of the account.
        venue: id of the venue.
        asset: the asset.
        amount: above zero adds to the holding, below zero takes from it.
        time: our clock.
        reason: why, in the words of whoever did it.
    """

    name: str
    account: str
    venue: str
    asset: str
    amount: Decimal
    time: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Reversal:
    """A transaction whose effect somebody takes back by hand. The transaction itself stays.

    Attributes:
        name: resource name of the correction.
        account: id of the account.
        transaction_id: of what is taken back.
        time: our clock.
        reason: why, in the words of whoever did it.
    """

    name: str
    account: str
    transaction_id: str
    time: datetime
    reason: str


Event = Fill | Transfer | Correction | Reversal
