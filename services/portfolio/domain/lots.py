"""Tax lots of spot positions: what was opened by which fill, and which closing took from which lot.

A fill opens one lot, with its own price. A fill the other way takes from open lots in the order of the
account's method, and opens a lot the other way with what is left over. A lot keeps price and quantity, so
cost and gain are products: nothing is divided and nothing is rounded. The open lots of an instrument all
point one way, and their sum is the position.

The order, for a lot that was bought (long); of two equals the one that opened first:

    FIFO  first in, first out: oldest first
    LIFO  last in, first out: newest first
    HIFO  highest in, first out: dearest first

For a lot that was sold short HIFO takes the cheapest first: in both directions what gains least goes first.
Gains are before fees; fees stand in the ledger, each in its own asset.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from services.kernel.decimals import EXACT
from services.portfolio.domain.events import Fill, Side

ZERO = Decimal(0)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

OrderKey = tuple[Decimal, int, int]
"""Sorts lots; see :func:`order_key`."""


class LotMethod(StrEnum):
    """Which open lot a closing takes from first."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"


@dataclass(frozen=True, slots=True)
class Lot:
    """What one fill opened.

    Attributes:
        account: id of the account.
        venue: id of the venue.
        instrument: id of the instrument.
        base_asset: the asset held.
        quote_asset: the asset of price and gain.
        fill: resource name of the fill that opened it; no other lot has it.
        strategy: id of the strategy of that fill; empty where it has none.
        side: BUY for a long lot, SELL for a short one.
        quantity: what was opened, above zero.
        remaining: what is still open; zero where all was closed.
        price: of the opening fill.
        open_time: the venue's clock at the opening fill.
        number: order of booking; 0 where it is not stored yet.
    """

    account: str
    venue: str
    instrument: str
    base_asset: str
    quote_asset: str
    fill: str
    strategy: str
    side: Side
    quantity: Decimal
    remaining: Decimal
    price: Decimal
    open_time: datetime
    number: int = 0

    @property
    def signed(self) -> Decimal:
        """What is still open, below zero for a short lot."""
        return EXACT.multiply(self.remaining, Decimal(self.side.value))


@dataclass(frozen=True, slots=True)
class Gain:
    """What one closing made of one lot.

    Attributes:
        lot: the lot as it was before.
        fill: resource name of the closing fill.
        strategy: id of the strategy of the closing fill; empty where it has none.
        method: by which the lot was chosen.
        quantity: how much of the lot was closed.
        price: of the closing fill.
        close_time: the venue's clock at the closing fill.
    """

    lot: Lot
    fill: str
    strategy: str
    method: LotMethod
    quantity: Decimal
    price: Decimal
    close_time: datetime

    @property
    def cost(self) -> Decimal:
        """What the closed part was bought for; for a short lot, what closing it cost."""
        return EXACT.multiply(self.quantity, self.lot.price if self.lot.side is Side.BUY else self.price)

    @property
    def proceeds(self) -> Decimal:
        """What the closed part was sold for."""
        return EXACT.multiply(self.quantity, self.price if self.lot.side is Side.BUY else self.lot.price)

    @property
    def amount(self) -> Decimal:
        """Proceeds less cost, in quote asset, before fees."""
        return EXACT.subtract(self.proceeds, self.cost)

    @property
    def held(self) -> timedelta:
        """How long the lot was open; zero where fills came in another order than they happened."""
        return max(timedelta(0), self.close_time - self.lot.open_time)


@dataclass(frozen=True, slots=True)
class Matched:
    """What a fill does to the lots.

    Attributes:
        gains: closings, in the order of the lots.
        changed: the lots taken from, with what remains.
        opened: the lot that the fill opens, if it does.
    """

    gains: Sequence[Gain]
    changed: Sequence[Lot]
    opened: Lot | None


def in_order(lots: Iterable[Lot], method: LotMethod) -> Sequence[Lot]:
    """Lots in the order that a closing takes from them."""
    return sorted(lots, key=lambda lot: order_key(lot, method))


def order_key(lot: Lot, method: LotMethod) -> OrderKey:
    """What the lots of one instrument are sorted by: the one with the smallest goes first."""
    age = (lot.open_time - _BEGINNING) // _MICROSECOND
    if method is LotMethod.FIFO:
        return ZERO, age, lot.number
    if method is LotMethod.LIFO:
        return ZERO, -age, -lot.number
    return EXACT.multiply(lot.price, Decimal(-lot.side.value)), age, lot.number


def match_lots(fill: Fill, lots: Iterable[Lot], method: LotMethod) -> Matched:
    """Close what a fill closes, and open the rest.

    Args:
        fill: of a spot instrument.
        lots: open lots of the same account and instrument, in the order of the method; as many as the
            fill may need.
        method: of the account, now.
    """
    left = fill.quantity
    gains: list[Gain] = []
    changed: list[Lot] = []
    for lot in lots:
        if left == ZERO or lot.side is fill.side:
            break
        part = min(left, lot.remaining)
        gains.append(Gain(lot, fill.name, fill.strategy, method, part, fill.price, fill.exchange_time))
        changed.append(replace(lot, remaining=EXACT.subtract(lot.remaining, part)))
        left = EXACT.subtract(left, part)
    return Matched(gains, changed, None if left == ZERO else _opened(fill, left))


def _opened(fill: Fill, quantity: Decimal) -> Lot:
    return Lot(
        account=fill.account,
        venue=fill.venue,
        instrument=fill.instrument,
        base_asset=fill.base_asset,
        quote_asset=fill.quote_asset,
        fill=fill.name,
        strategy=fill.strategy,
        side=fill.side,
        quantity=quantity,
        remaining=quantity,
        price=fill.price,
        open_time=fill.exchange_time,
    )
