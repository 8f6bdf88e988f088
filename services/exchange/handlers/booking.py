"""Books what venues tell: evidence on orders, fills, orders that are not ours yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.chassis.telemetry.correlation import correlation_id, new_correlation_id
from services.exchange.domain.evidence import VenueOrder, adopted, fill_of, settle
from services.exchange.domain.fills import Fill
from services.exchange.domain.order import Order
from services.exchange.domain.states import OrderState
from services.exchange.handlers.heard import Heard
from services.exchange.ports import Journal, Step, Transaction
from services.kernel.clock import Clock
from services.kernel.decimals import render

_UNANSWERED = frozenset({OrderState.PENDING, OrderState.SUBMITTED})


@dataclass(frozen=True, slots=True)
class Booked:
    """What one piece of evidence led to.

    Attributes:
        before: the order as it was; None where it was adopted.
        after: the order as it is.
        fills: the fills that are new.
        told: the evidence; None where it was something else that changed the order.
    """

    before: Order | None
    after: Order
    fills: Sequence[Fill] = ()
    told: VenueOrder | None = None


class Booking:
    """Applies evidence inside a transaction, and reports it once that has committed.

    Args:
        clock: our clock.
        journal: hears of what was booked.

    Attributes:
        heard: the evidence that was booked and committed of late.
    """

    def __init__(self, clock: Clock, journal: Journal) -> None:
        self.heard = Heard()
        self._clock = clock
        self._journal = journal

    async def apply(self, transaction: Transaction, order: Order, told: VenueOrder) -> Booked:
        """Book what the venue says of an order that we have. Saying it again changes nothing."""
        now = self._clock.now()
        fresh = []
        for each in told.fills:
            fill = fill_of(order, each, now)
            if await transaction.record_fill(fill):
                fresh.append(fill)
        after = settle(order, told, fresh, now)
        if after is not order:
            await transaction.record_order(after)
        return Booked(order, after, fresh, told)

    async def apply_or_adopt(
        self, transaction: Transaction, venue: str, account: str, told: VenueOrder
    ) -> Booked:
        """Book what the venue says of an order, and make it ours where we do not have it."""
        order = await self._known(transaction, venue, account, told)
        if order is not None:
            return await self.apply(transaction, order, told)
        cause = correlation_id.get() or new_correlation_id()
        born = adopted(venue, account, told, cause, self._clock.now())
        await transaction.record_order(born)
        booked = await self.apply(transaction, born, told)
        return Booked(None, booked.after, booked.fills, told)

    def report(self, booked: Booked) -> None:
        """Tell the journal. Only after the commit: before it, nothing has happened."""
        before, after = booked.before, booked.after
        if booked.told is not None:
            self.heard.keep(after, booked.told)
        if before is None:
            self._journal.reached(Step.ADOPTED, after)
        elif before.state is not after.state:
            if before.state in _UNANSWERED:
                self._journal.reached(Step.ACKNOWLEDGED, after, venue_order_id=after.venue_order_id)
            elif before.state is OrderState.UNKNOWN:
                self._journal.reached(Step.OUTCOME_RESOLVED, after, venue_order_id=after.venue_order_id)
        for fill in booked.fills:
            self._journal.reached(
                Step.FILL_BOOKED,
                after,
                venue_trade_id=fill.venue_trade_id,
                price=render(fill.price),
                quantity=render(fill.quantity),
                overfilled=after.filled_quantity > after.quantity,
            )
        if after.state is OrderState.CANCELLED and (before is None or before.state is not after.state):
            self._journal.reached(Step.CANCELLED, after)

    @staticmethod
    async def _known(transaction: Transaction, venue: str, account: str, told: VenueOrder) -> Order | None:
        return await transaction.order_at(venue, account, told.known_as)
