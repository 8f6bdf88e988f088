"""What an account may do."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum


class TradingMode(Enum):
    """Whether new orders pass. Cancels always do."""

    ACTIVE = "active"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class TradingState:
    """The mode of an account.

    Attributes:
        mode: whether new orders pass.
        reason: why, in the words of who changed it; empty where nobody did.
        update_time: when it last changed.
    """

    mode: TradingMode
    reason: str
    update_time: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one account; amounts in quote asset.

    Attributes:
        max_order_notional: greatest price times quantity of one order.
        max_position_notional: greatest absolute value of one position, pending orders included.
        max_gross_notional: greatest sum of the absolute values of all positions, likewise.
        price_collar: how far beyond the opposite best price a limit may reach, as a fraction.
        max_open_orders: most orders pending or open at once.
        version: grows by one with every change.
        update_time: when they last changed.
    """

    max_order_notional: Decimal
    max_position_notional: Decimal
    max_gross_notional: Decimal
    price_collar: Decimal
    max_open_orders: int
    version: int
    update_time: datetime
