"""What a strategy asks for, and the candle it follows from."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from services.kernel.names import InstrumentName, StrategyName
from services.strategy.domain.sma import Crossing, Side
from services.strategy.domain.strategy import Strategy


@dataclass(frozen=True, slots=True)
class ClosedCandle:
    """What a strategy reads of a candle.

    Attributes:
        open_time: begin of its span, by the venue's clock; names the candle.
        close_time: end of its span.
        close_price: price of its last trade, in quote asset.
    """

    open_time: datetime
    close_time: datetime
    close_price: Decimal


@dataclass(frozen=True, slots=True)
class SignalDraft:
    """A signal before it is written down.

    Attributes:
        signal_id: its identity.
        strategy: whose signal it is.
        instrument: the instrument to trade.
        side: which way.
        quantity: how much, in base asset.
        reference_price: close of the candle, in quote asset.
        fast_average: the fast average, for display.
        slow_average: the slow average, for display.
        exchange_time: close time of the candle, by the venue's clock.
        correlation_id: finds everything that follows from it.
    """

    signal_id: UUID
    strategy: StrategyName
    instrument: InstrumentName
    side: Side
    quantity: Decimal
    reference_price: Decimal
    fast_average: Decimal
    slow_average: Decimal
    exchange_time: datetime
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal that was written down; it never changes.

    Attributes:
        draft: what it says.
        create_time: when it was written down, by our clock.
        sequence: its place among all signals of the service.
    """

    draft: SignalDraft
    create_time: datetime
    sequence: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"{self.draft.strategy}/signals/{self.draft.signal_id}"


def drafted(
    strategy: Strategy, candle: ClosedCandle, crossing: Crossing, signal_id: UUID, correlation_id: str
) -> SignalDraft:
    """The signal that a crossing makes."""
    return SignalDraft(
        signal_id=signal_id,
        strategy=strategy.name,
        instrument=strategy.definition.instrument,
        side=crossing.side,
        quantity=strategy.definition.quantity,
        reference_price=candle.close_price,
        fast_average=crossing.fast_average,
        slow_average=crossing.slow_average,
        exchange_time=candle.close_time,
        correlation_id=correlation_id,
    )


def is_late(candle: ClosedCandle, newest: datetime, max_age: timedelta) -> bool:
    """Whether a candle is too far behind the market for its signal to make sense.

    A candle that closed while the service was away still moves the averages.

    Args:
        candle: the candle.
        newest: the newest time of the venue's clock that is known.
        max_age: how far behind it may be, in exchange time.
    """
    return newest - candle.close_time > max_age
