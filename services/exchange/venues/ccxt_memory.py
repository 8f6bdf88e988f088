"""What an adapter remembers of an account's orders: whose id is whose, and what was sent.

Forgetting is safe: what is not remembered is asked for.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from services.exchange.domain.evidence import VenueOrder
from services.exchange.domain.order import Order
from services.exchange.ports.venues import Accepted, AlreadyThere, NotSent, PlaceOutcome, Refused, Uncertain

T = TypeVar("T")
_KEPT: Final = 20_000
FRESH: Final = timedelta(seconds=3)
"""An order that was allowed to leave so lately, in this process, was not sent before."""


class KnownOrders:
    """Orders of one account by both of their ids, without their fills."""

    def __init__(self) -> None:
        self._by_venue_id: OrderedDict[str, VenueOrder] = OrderedDict()
        self._instruments: OrderedDict[str, str] = OrderedDict()

    def learn(self, told: VenueOrder) -> VenueOrder:
        """Remember an order; answers the same."""
        _keep(self._by_venue_id, told.venue_order_id, replace(told, fills=()))
        if told.client_order_id:
            self.expect(told.client_order_id, told.instrument)
        return told

    def expect(self, client_order_id: str, instrument: str) -> None:
        """Remember where an order will be."""
        _keep(self._instruments, client_order_id, instrument)

    def order(self, venue_order_id: str) -> VenueOrder | None:
        """The order with an id of the venue's."""
        return self._by_venue_id.get(venue_order_id)

    def instrument(self, client_order_id: str) -> str | None:
        """What the order with one of our ids trades."""
        return self._instruments.get(client_order_id)


class Sendings:
    """Sees to it that one client order id is sent once, at a venue that would take it again.

    Binance takes an id once more as soon as the order with it is closed ("A unique id among open
    orders", New Order in its API documents). So whatever may have been sent before is not sent again:
    the outcome is uncertain, and the venue's word on the first sending settles it.

    Args:
        born: when this process began to send.
        for_good: whether the venue itself refuses a used id for ever.
    """

    def __init__(self, born: datetime, *, for_good: bool) -> None:
        self._born = born
        self._for_good = for_good
        self._outcomes: OrderedDict[str, asyncio.Future[PlaceOutcome]] = OrderedDict()

    async def once(
        self, order: Order, handed_over: datetime, send: Callable[[], Awaitable[PlaceOutcome]]
    ) -> PlaceOutcome:
        """Send an order, or say what is known of an earlier sending.

        Args:
            order: what is to be sent.
            handed_over: when the adapter was given it.
            send: sends it.
        """
        earlier = self._outcomes.get(order.client_order_id)
        if earlier is not None:
            return _repeated(await asyncio.shield(earlier))
        if not self._for_good and self._maybe_sent_before(order, handed_over):
            return Uncertain("it may have been sent before, and the venue would take it again")
        ours: asyncio.Future[PlaceOutcome] = asyncio.get_running_loop().create_future()
        _keep(self._outcomes, order.client_order_id, ours)
        outcome: PlaceOutcome = Uncertain("the sending was broken off")
        try:
            outcome = await send()
        finally:
            if isinstance(outcome, NotSent | Refused):
                # Nothing came of it: the same order may be sent again.
                self._outcomes.pop(order.client_order_id, None)
            ours.set_result(outcome)
        return outcome

    def _maybe_sent_before(self, order: Order, handed_over: datetime) -> bool:
        submitted = order.submit_time
        return submitted is not None and (submitted < self._born or handed_over - submitted > FRESH)


def _repeated(outcome: PlaceOutcome) -> PlaceOutcome:
    return AlreadyThere() if isinstance(outcome, Accepted) else outcome


def _keep(store: "OrderedDict[str, T]", key: str, value: T) -> None:
    store[key] = value
    store.move_to_end(key)
    if len(store) > _KEPT:
        store.popitem(last=False)
