"""The order that is to be checked, and the market it would meet."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from services.kernel.decimals import EXACT
from services.kernel.names import InstrumentName
from services.risk.domain.traded import ONE, Contract

_HALF = Decimal("0.5")


class Side(Enum):
    """Which way an order goes."""

    BUY = 1
    SELL = -1

    # By identity: there is one object of each, and sides are keys of what every order looks up.
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What risk is asked about.

    Attributes:
        account: id of the account.
        instrument: what is traded.
        side: buy or sell.
        quantity: in base asset, or contracts; above zero.
        limit_price: in quote asset; None for a market order.
        trigger_price: what sets the order off, in quote asset; None where nothing does.
        reduce_only: whether it may only make a position smaller.
        group: orders of which only one can be filled share it; empty for none.
        strategy: id of the strategy; empty for none.
        contract: what one unit stands for; None for spot.
    """

    account: str
    instrument: InstrumentName
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    trigger_price: Decimal | None = None
    reduce_only: bool = False
    group: str = ""
    strategy: str = ""
    contract: Contract | None = None

    def repeats(self, other: "OrderTerms") -> bool:
        """Whether an order like the other one, a moment later, counts as the same order sent twice."""
        alike = (self.instrument, self.side, self.quantity, self.limit_price, self.trigger_price)
        return not (other.reduce_only or other.group) and alike == (
            other.instrument,
            other.side,
            other.quantity,
            other.limit_price,
            other.trigger_price,
        )


@dataclass(frozen=True, slots=True)
class Quote:
    """Best prices of an instrument, in quote asset, both above zero.

    Attributes:
        bid: best price to sell at.
        ask: best price to buy at.
        mark: the middle of both.
    """

    bid: Decimal
    ask: Decimal
    mark: Decimal = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mark", EXACT.multiply(EXACT.add(self.bid, self.ask), _HALF))


def collar_price(side: Side, reference: Decimal, collar: Decimal) -> Decimal:
    """The worst price that the collar allows: above the reference for a buy, below it for a sell."""
    if side is Side.BUY:
        return EXACT.multiply(reference, EXACT.add(ONE, collar))
    return EXACT.multiply(reference, EXACT.subtract(ONE, min(collar, ONE)))


def reference_price(order: OrderTerms, quote: Quote) -> Decimal:
    """What the collar is laid around: the trigger, or the opposite best price."""
    if order.trigger_price is not None:
        return order.trigger_price
    return quote.ask if order.side is Side.BUY else quote.bid


def worst_price(order: OrderTerms, quote: Quote, collar: Decimal) -> Decimal:
    """The worst price at which the order can be filled: its limit, or the collar's where it has none."""
    if order.limit_price is not None:
        return order.limit_price
    return collar_price(order.side, reference_price(order, quote), collar)


def highest_price(order: OrderTerms, quote: Quote, collar: Decimal) -> Decimal:
    """The highest price that the order's notional is counted at.

    A buy pays its worst price at most. A sell is filled at its limit or better, which has no bound; it is
    counted at the best bid where that is better than its limit.
    """
    worst = worst_price(order, quote, collar)
    return worst if order.side is Side.BUY else max(worst, reference_price(order, quote))


def lowest_price(order: OrderTerms, quote: Quote, collar: Decimal) -> Decimal:
    """The lowest price that the order counts at: there an inverse contract is worth most."""
    worst = worst_price(order, quote, collar)
    return worst if order.side is Side.SELL else min(worst, reference_price(order, quote), quote.bid)
