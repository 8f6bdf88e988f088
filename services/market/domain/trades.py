"""Public trades, and the latest of them."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto

from services.kernel.names import InstrumentName


class Side(Enum):
    """Which way an order goes."""

    BUY = auto()
    SELL = auto()


@dataclass(frozen=True, slots=True)
class Trade:
    """One public trade.

    Attributes:
        instrument: what was traded.
        venue_trade_id: the venue's id, unique in the instrument.
        price: in quote asset.
        quantity: in base asset.
        aggressor_side: side of the order that took from the book.
        exchange_time: the venue's clock at the trade.
        receive_time: our clock when it arrived.
    """

    instrument: InstrumentName
    venue_trade_id: str
    price: Decimal
    quantity: Decimal
    aggressor_side: Side
    exchange_time: datetime
    receive_time: datetime


class TradeRing:
    """The latest trades of one instrument, each once.

    Args:
        capacity: how many are kept.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._trades: deque[Trade] = deque()
        self._ids: set[str] = set()

    def add(self, trade: Trade) -> bool:
        """Keep a trade; whether it is one that is not kept already."""
        if trade.venue_trade_id in self._ids:
            return False
        if len(self._trades) == self._capacity:
            self._ids.discard(self._trades.popleft().venue_trade_id)
        self._trades.append(trade)
        self._ids.add(trade.venue_trade_id)
        return True

    def last(self) -> Trade | None:
        """The newest trade."""
        return self._trades[-1] if self._trades else None

    def page(self, limit: int, before: str | None = None) -> Sequence[Trade]:
        """The newest trades, newest first.

        Args:
            limit: most trades in the answer.
            before: only trades older than the one with this id; none where it is no longer kept.
        """
        found: list[Trade] = []
        started = before is None
        for trade in reversed(self._trades):
            if len(found) == limit:
                break
            if started:
                found.append(trade)
            elif trade.venue_trade_id == before:
                started = True
        return found
