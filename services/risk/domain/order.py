"""The order that is to be checked, and the market it would meet."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from services.kernel.decimals import EXACT
from services.kernel.names import InstrumentName

ONE = Decimal(1)
_HALF = Decimal("0.5")


class Side(Enum):
    """Which way an order goes."""

    BUY = 1
    SELL = -1


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What risk is asked about.

    Attributes:
        account: id of the account.
        instrument: what is traded.
        side: buy or sell.
        quantity: in base asset, above zero.
        limit_price: in quote asset; None for a market order.
    """

    account: str
    instrument: InstrumentName
    side: Side
    quantity: Decimal
    limit_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Assets:
    """The two assets of an instrument, lower-case."""

    base: str
    quote: str


@dataclass(frozen=True, slots=True)
class Quote:
    """Best prices of an instrument, in quote asset, both above zero."""

    bid: Decimal
    ask: Decimal

    @property
    def mark(self) -> Decimal:
        """The middle of bid and ask."""
        return EXACT.multiply(EXACT.add(self.bid, self.ask), _HALF)


def collar_price(side: Side, quote: Quote, collar: Decimal) -> Decimal:
    """The worst price that the collar allows: above the ask for a buy, below the bid for a sell."""
    if side is Side.BUY:
        return EXACT.multiply(quote.ask, EXACT.add(ONE, collar))
    return EXACT.multiply(quote.bid, EXACT.subtract(ONE, min(collar, ONE)))


def worst_price(order: OrderTerms, quote: Quote, collar: Decimal) -> Decimal:
    """The worst price at which the order can be filled: its limit, or the collar's for a market order."""
    return collar_price(order.side, quote, collar) if order.limit_price is None else order.limit_price
