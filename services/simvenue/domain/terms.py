"""Words of the trade: sides, times in force, states."""

from enum import Enum, auto
from typing import Final


class Side(Enum):
    """Which way an order or a trade goes."""

    BUY = auto()
    SELL = auto()

    @property
    def opposite(self) -> "Side":
        """The side that this one trades with."""
        return Side.SELL if self is Side.BUY else Side.BUY


class TimeInForce(Enum):
    """How long a limit order may rest."""

    GTC = auto()  # good till cancelled
    IOC = auto()  # what does not trade at once expires
    FOK = auto()  # trades whole at once or expires whole


class OrderStatus(Enum):
    """State of an order."""

    OPEN = auto()
    PARTIALLY_FILLED = auto()
    FILLED = auto()
    CANCELLED = auto()
    EXPIRED = auto()

    @property
    def is_open(self) -> bool:
        """Whether the order rests in the book."""
        return self in _OPEN


_OPEN: Final = frozenset({OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED})


class CloseReason(Enum):
    """Why an order left the book without being filled whole."""

    CANCELLED_BY_OWNER = auto()
    IMMEDIATE_OR_CANCEL = auto()
    FILL_OR_KILL = auto()
    NO_LIQUIDITY = auto()
    SELF_TRADE_PREVENTION = auto()


class Liquidity(Enum):
    """Whether a fill gave or took liquidity."""

    MAKER = auto()
    TAKER = auto()
