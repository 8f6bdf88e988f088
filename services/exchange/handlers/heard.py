"""What venues have told of late and we have committed, so that the same told again costs nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from services.exchange.domain.evidence import VenueOrder, settle
from services.exchange.domain.order import Order
from services.exchange.domain.states import OrderState

_MOST: Final = 4096
_ANY_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BY_EVIDENCE: Final = frozenset(
    {
        OrderState.OPEN,
        OrderState.PARTIALLY_FILLED,
        OrderState.FILLED,
        OrderState.CANCELLED,
        OrderState.EXPIRED,
    }
)
"""From these an order goes on by evidence or a cancel only, neither of which makes old evidence new."""


@dataclass(slots=True)
class _Known:
    order: Order
    trades: set[str]


class Heard:
    """The newest orders that evidence was booked on, with the trades that are booked of them.

    A venue tells of an order in its answer and again in its stream. What is in here was committed, so
    evidence that adds nothing to it needs no transaction. What is not in here is booked as ever: it is a
    memory, and never the proof that something did not happen.

    Args:
        most: how many orders are remembered.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: dict[tuple[str, str, str], _Known] = {}

    def keep(self, order: Order, told: VenueOrder) -> None:
        """Remember evidence. Only after the commit.

        Args:
            order: as the evidence left it.
            told: the evidence.
        """
        key = (order.venue, order.account, order.client_order_id)
        known = self._known.pop(key, None)
        if order.state not in _BY_EVIDENCE:
            return
        trades = set() if known is None else known.trades
        trades.update(fill.venue_trade_id for fill in told.fills)
        if known is not None and known.order.version > order.version:
            # Two transactions committed together, and are reported in the other order.
            order = known.order
        self._known[key] = _Known(order, trades)
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]

    def knows(self, venue: str, account: str, told: VenueOrder) -> bool:
        """Whether booking the evidence would surely change nothing."""
        known = self._known.get((venue, account, told.known_as))
        if known is None or any(fill.venue_trade_id not in known.trades for fill in told.fills):
            return False
        return settle(known.order, told, (), _ANY_TIME) is known.order
