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
    """How long an order may rest, or wait for its trigger."""

    GTC = auto()  # good till cancelled
    IOC = auto()  # what does not trade at once expires
    FOK = auto()  # trades whole at once or expires whole
    GTD = auto()  # good till a date of the order's own
    DAY = auto()  # good till the next 00:00 UTC of exchange time

    @property
    def rests(self) -> bool:
        """Whether what does not trade at once stays in the book."""
        return self not in _AT_ONCE


_AT_ONCE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})


class OrderStatus(Enum):
    """State of an order."""

    OPEN = auto()
    PARTIALLY_FILLED = auto()
    FILLED = auto()
    CANCELLED = auto()
    EXPIRED = auto()
    WAITING = auto()  # a stop that nothing set off so far

    @property
    def is_open(self) -> bool:
        """Whether the order can still trade."""
        return self in _OPEN


_OPEN: Final = frozenset({OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED, OrderStatus.WAITING})


class CloseReason(Enum):
    """Why an order ended without being filled whole."""

    CANCELLED_BY_OWNER = auto()
    IMMEDIATE_OR_CANCEL = auto()
    FILL_OR_KILL = auto()
    NO_LIQUIDITY = auto()
    SELF_TRADE_PREVENTION = auto()
    EXPIRE_TIME = auto()
    INSUFFICIENT_BALANCE = auto()
    POST_ONLY_WOULD_TRADE = auto()
    REDUCE_ONLY = auto()  # more of it would have opened a position
    LIQUIDATION = auto()  # its account was liquidated


class SelfTrade(Enum):
    """What happens where an order would trade with one of the same account. The taker's choice counts."""

    EXPIRE_TAKER = auto()  # the rest of the order that comes in expires
    EXPIRE_MAKER = auto()  # the order that rests expires, the other goes on
    EXPIRE_BOTH = auto()
    NONE = auto()  # they trade


class Liquidity(Enum):
    """Whether a fill gave or took liquidity."""

    MAKER = auto()
    TAKER = auto()


class QueueModel(Enum):
    """Who leaves where a recorded level shrinks without a trade; the recording does not say.

    hftbacktest's documentation describes both: RiskAverseQueueModel, in which an order only comes
    forward by trades, and ProbQueueModel with a chance in proportion to what stands before and behind
    (https://hftbacktest.readthedocs.io/en/v1.8.4/reference/queue_models.html).
    """

    RISK_AVERSE = auto()  # the youngest, so that nobody comes forward as long as somebody stands behind
    PROPORTIONAL = auto()  # everybody in proportion to what they have in the queue
