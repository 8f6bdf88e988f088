"""What an account may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from services.kernel.names import InstrumentName
from services.risk.domain.traded import ONE


@dataclass(frozen=True, slots=True)
class InstrumentLimit:
    """Limits of one instrument; None is no limit.

    Attributes:
        max_notional: greatest absolute value of its position, in valuation asset.
        max_position_quantity: greatest absolute position, in base asset or contracts.
    """

    max_notional: Decimal | None = None
    max_position_quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one account; amounts in valuation asset. None, and 0 of a number, is no limit.

    Attributes:
        max_order_notional: greatest price times quantity of one order.
        max_position_notional: greatest absolute value of any one position, pending orders included.
        max_gross_notional: greatest sum of the absolute values of all positions, likewise.
        price_collar: how far beyond the opposite best price a limit may reach, as a fraction.
        max_open_orders: most orders pending or open at once.
        version: grows by one with every change.
        update_time: when they last changed.
        max_venue_notional: as max_gross_notional, at one venue.
        max_net_notional: greatest absolute value of all positions, long less short.
        instruments: limits of single instruments.
        max_concentration: greatest share of one instrument, as a fraction.
        max_leverage: greatest gross value, as a multiple of the equity.
        max_daily_loss: most that may be lost since the day began.
        max_daily_drawdown: most that may be lost since the day's highest equity.
        max_order_rate: most orders that may pass within the window.
        order_rate_window: that window.
        duplicate_window: how long an equal order is refused; zero is no limit.
        initial_margin: what a contract order sets aside, as a fraction of its notional.
    """

    max_order_notional: Decimal | None
    max_position_notional: Decimal | None
    max_gross_notional: Decimal | None
    price_collar: Decimal
    max_open_orders: int
    version: int
    update_time: datetime
    max_venue_notional: Decimal | None = None
    max_net_notional: Decimal | None = None
    instruments: Mapping[InstrumentName, InstrumentLimit] = field(default_factory=dict)
    max_concentration: Decimal | None = None
    max_leverage: Decimal | None = None
    max_daily_loss: Decimal | None = None
    max_daily_drawdown: Decimal | None = None
    max_order_rate: int = 0
    order_rate_window: timedelta = timedelta(seconds=1)
    duplicate_window: timedelta = timedelta(0)
    initial_margin: Decimal = ONE

    @property
    def limits_losses(self) -> bool:
        """Whether a limit is set on what the day may lose."""
        return self.max_daily_loss is not None or self.max_daily_drawdown is not None

    @property
    def needs_equity(self) -> bool:
        """Whether a limit is set that depends on what the account is worth."""
        shares = self.max_concentration is not None or self.max_leverage is not None
        return shares or self.limits_losses
