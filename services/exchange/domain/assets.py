"""Which way, of what, for what: the words that orders, fills and instruments share."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    """Which way an order goes."""

    BUY = "BUY"
    SELL = "SELL"


@dataclass(frozen=True, slots=True)
class Assets:
    """What an instrument trades for what.

    Attributes:
        base: the asset bought or sold, lower-case.
        quote: the asset that prices are in, lower-case.
    """

    base: str
    quote: str


@dataclass(frozen=True, slots=True)
class Contract:
    """What one unit of a perpetual stands for. Spot has none.

    Attributes:
        size: of one contract: in base asset where it is linear, in quote asset where it is inverse.
        settle_asset: what margin, fees and profit are in, lower-case.
        inverse: whether its worth in the settle asset is contracts * size / price.
    """

    size: Decimal
    settle_asset: str
    inverse: bool = False
