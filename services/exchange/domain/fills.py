"""What was traded, moved and held: facts that the venue told us."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from services.exchange.domain.assets import Assets, Contract, Side
from services.kernel.decimals import EXACT

_FILLS: Final = UUID("5f0ed2c2-2c0a-5c5b-9a55-2f1f6a1d9c11")


class Liquidity(StrEnum):
    """Whether an order rested in the book when it traded."""

    UNSPECIFIED = "UNSPECIFIED"
    MAKER = "MAKER"
    TAKER = "TAKER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution of one order. Unique by venue, account and the venue's trade id.

    Attributes:
        fill_id: made from venue, account and trade id, so that booking it again makes no second one.
        order_id: the order.
        account: id of the account.
        venue: id of the venue.
        instrument: id of the instrument at the venue.
        assets: what was traded for what.
        side: buy or sell.
        price: in quote asset.
        quantity: in base asset.
        fee: paid, in ``fee_asset``; below zero for a rebate.
        fee_asset: lower-case.
        liquidity: whether the order rested in the book.
        venue_trade_id: the venue's id of the trade.
        strategy: id of the order's strategy; empty for none.
        exchange_time: the venue's clock at the trade.
        receive_time: our clock when we learned of it.
        correlation_id: that of the order.
        contract: what one unit stands for; None for spot.
    """

    fill_id: UUID
    order_id: UUID
    account: str
    venue: str
    instrument: str
    assets: Assets
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: Liquidity
    venue_trade_id: str
    strategy: str
    exchange_time: datetime
    receive_time: datetime
    correlation_id: str
    contract: Contract | None = None

    @property
    def name(self) -> str:
        """Resource name."""
        return f"accounts/{self.account}/fills/{self.fill_id}"

    @property
    def notional(self) -> Decimal:
        """Price times quantity, exact, in quote asset."""
        return EXACT.multiply(self.price, self.quantity)


class TransferKind(StrEnum):
    """Why money or asset moved. The contract's comments say what each means."""

    UNSPECIFIED = "UNSPECIFIED"
    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    FUNDING = "FUNDING"
    INTERNAL = "INTERNAL"
    CORRECTION = "CORRECTION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money or asset that came or left other than by a trade.

    Attributes:
        account: id of the account.
        venue: id of the venue.
        venue_transfer_id: the venue's id, unique in venue and account.
        asset: lower-case.
        amount: above zero came in, below zero went out.
        exchange_time: the venue's clock.
        receive_time: our clock when we learned of it.
        kind: why it moved.
        instrument: id of the instrument of a funding payment; empty otherwise.
    """

    account: str
    venue: str
    venue_transfer_id: str
    asset: str
    amount: Decimal
    exchange_time: datetime
    receive_time: datetime
    kind: TransferKind = TransferKind.UNSPECIFIED
    instrument: str = ""

    @property
    def name(self) -> str:
        """Name of it, for the event's subject."""
        return f"accounts/{self.account}/venues/{self.venue}/transfers/{self.venue_transfer_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What an account holds of one asset at one venue, as the venue says.

    Attributes:
        account: id of the account.
        venue: id of the venue.
        asset: lower-case.
        free: what new orders can use.
        locked: what open orders hold.
        receive_time: our clock when the venue said so.
    """

    account: str
    venue: str
    asset: str
    free: Decimal
    locked: Decimal
    receive_time: datetime


def fill_id(venue: str, account: str, venue_trade_id: str) -> UUID:
    """Id of a fill: a pure function of what makes it unique."""
    return uuid5(_FILLS, f"{venue}\n{account}\n{venue_trade_id}")
