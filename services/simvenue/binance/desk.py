"""What accounts ask of the venue through this door. Every step happens whole on the trading floor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from services.kernel.clock import IdSource
from services.kernel.errors import DomainError
from services.simvenue.binance import rules
from services.simvenue.binance.errors import BinanceError, no_such_order, of_domain, unknown_order_sent
from services.simvenue.binance.orders import Draft
from services.simvenue.binance.wire import client_id_of
from services.simvenue.domain.account import Account
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.orders import Balance, Fill, Order, Transfer
from services.simvenue.domain.terms import OrderStatus
from services.simvenue.domain.venue import Venue
from services.simvenue.doors import Doors
from services.simvenue.floor import TradingFloor
from services.simvenue.handlers import OrderWithFills
from services.simvenue.latency import Operation

T = TypeVar("T")

_PAGE = 1_000
_CANCELS_KEPT = 10_000
RESTRICTIONS = {
    "ONLY_NEW": {OrderStatus.OPEN, OrderStatus.WAITING},
    "ONLY_PARTIALLY_FILLED": {OrderStatus.PARTIALLY_FILLED},
}


@dataclass(frozen=True, slots=True)
class Cancelling:
    """A cancel that is asked for.

    Attributes:
        instrument: of the order.
        order_id: the venue's number or its owner's text.
        cancel_id: the cancel's own id.
        restriction: the state the order must be in, by Binance's name; None for any open one.
    """

    instrument: Instrument
    order_id: str | int
    cancel_id: str
    restriction: str | None = None


@dataclass(frozen=True, slots=True)
class Replaced:
    """What became of a cancel and a new order that were asked for together.

    Attributes:
        cancelled: the order that was cancelled, or why it was not.
        placed: the new order, why there is none, or None where it was not tried.
    """

    cancelled: Order | BinanceError
    placed: OrderWithFills | BinanceError | None


class CancelIds:
    """The ids of the last cancels, which the user data stream tells."""

    def __init__(self) -> None:
        self._ids: dict[int, str] = {}

    def name(self, venue_order_id: int, cancel_id: str) -> None:
        """Remember the cancel of an order."""
        self._ids[venue_order_id] = cancel_id
        if len(self._ids) > _CANCELS_KEPT:
            del self._ids[next(iter(self._ids))]

    def of(self, venue_order_id: int) -> str:
        """The id of an order's cancel; one made up where it did not come through this door."""
        return self._ids.get(venue_order_id, f"cancel-{venue_order_id}")


class Desk:
    """Takes orders.

    Args:
        floor: where they are matched.
        doors: the way there, with all that happens on it.
        ids: for orders whose owners gave no id.
        refusal: what Binance would say where the venue says this.
        check_room: told how many open orders an account has of a symbol; raises where that is too many.
    """

    def __init__(
        self,
        floor: TradingFloor,
        doors: Doors,
        ids: IdSource,
        refusal: Callable[[DomainError], BinanceError] = of_domain,
        check_room: Callable[[int], None] = rules.check_open_orders,
    ) -> None:
        self._of_domain = refusal
        self._check_open_orders = check_room
        self._floor = floor
        self._doors = doors
        self._ids = ids
        self.cancels = CancelIds()

    def new_client_id(self) -> str:
        """An id for an order or a cancel that its owner gave none."""
        return client_id_of(self._ids.new())

    async def place(self, account: str, draft: Draft) -> OrderWithFills:
        """Accept an order and match it; raises BinanceError or DomainError."""
        named = self._named(draft)
        self._check_room(self._floor.venue.account(account), named)
        return await self._doors.place(account, named.request)

    async def cancel(self, account: str, wanted: Cancelling) -> Order:
        """Take an order out of the book; raises BinanceError."""

        def command(venue: Venue, now_ns: int) -> OrderWithFills:
            return OrderWithFills(self._cancel(venue, account, wanted, now_ns), ())

        doors = self._doors
        answer = await doors.travel(Operation.CANCEL, account, lambda: self._run(command), doors.cancelled)
        return answer.order

    async def replace(self, account: str, wanted: Cancelling, draft: Draft, *, go_on: bool) -> Replaced:
        """Cancel an order and place another in one step.

        Args:
            account: whose they are.
            wanted: the cancel.
            draft: the new order.
            go_on: whether to place it even where the cancel fails.
        """
        named = self._named(draft)

        def command(venue: Venue, now_ns: int) -> Replaced:
            cancelled = self._tried(lambda: self._cancel(venue, account, wanted, now_ns))
            if isinstance(cancelled, BinanceError) and not go_on:
                return Replaced(cancelled, None)
            return Replaced(cancelled, self._tried(lambda: self._place(venue, account, named, now_ns)))

        return await self._doors.travel(Operation.PLACE, account, lambda: self._run(command))

    async def cancel_all(self, account: str, instrument: Instrument, cancel_id: str) -> Sequence[Order]:
        """Take all orders of a symbol out of the book; each cancel has the same id.

        Raises:
            BinanceError: -2011, there is none.
        """

        def command(venue: Venue, now_ns: int) -> Sequence[Order]:
            found = _open_orders(venue.account(account), instrument)
            if not found:
                raise unknown_order_sent()
            for order in found:
                self.cancels.name(order.venue_order_id, cancel_id)
            return [venue.cancel(account, order.venue_order_id, now_ns) for order in found]

        def then(orders: Sequence[Order]) -> None:
            for order in orders:
                self._doors.cancelled(OrderWithFills(order, ()))

        return await self._doors.travel(Operation.CANCEL, account, lambda: self._run(command), then)

    async def order(self, account: str, instrument: Instrument, order_id: str | int) -> Order:
        """One order; raises BinanceError."""
        found = await self._ask(lambda venue, _: _find(venue, account, instrument, order_id))
        if self._doors.hides(found):
            raise no_such_order()
        return found

    async def open_orders(self, account: str, instrument: Instrument | None) -> Sequence[Order]:
        """All open orders, of one instrument or of all."""
        found = await self._ask(lambda venue, _: _open_orders(venue.account(account), instrument))
        return [order for order in found if not self._doors.hides(order)]

    async def all_orders(self, account: str, instrument: Instrument) -> Sequence[Order]:
        """All orders of an instrument, by number."""

        def command(venue: Venue, now_ns: int) -> Sequence[Order]:
            del now_ns
            orders = venue.account(account).orders()
            return [order for order in orders if order.request.symbol == instrument.symbol]

        return [order for order in await self._ask(command) if not self._doors.hides(order)]

    async def fills(self, account: str, instrument: Instrument) -> Sequence[Fill]:
        """All fills of an instrument, by trade id."""

        def command(venue: Venue, now_ns: int) -> Sequence[Fill]:
            del now_ns
            owner = venue.account(account)
            return [
                fill
                for order in owner.orders()
                if order.request.symbol == instrument.symbol
                for fill in owner.fills(order.venue_order_id)
            ]

        return sorted(await self._ask(command), key=lambda fill: fill.trade_id)

    async def balances(self, account: str) -> tuple[Sequence[Balance], int]:
        """What an account has, and the exchange time at which it has it."""
        return await self._ask(lambda venue, now_ns: (venue.account(account).balances(), now_ns))

    async def look(self, account: str, look: Callable[[Account, Venue, int], T]) -> T:
        """What is to be seen of an account, in one step; ``look`` gets exchange time, too."""
        return await self._ask(lambda venue, now_ns: look(venue.account(account), venue, now_ns))

    async def transfers(self, account: str) -> Sequence[Transfer]:
        """All money that came into an account or left it, by transfer id."""
        found: list[Transfer] = []
        while True:
            page = await self._doors.transfers(account, found[-1].transfer_id if found else 0, _PAGE)
            found += page
            if len(page) < _PAGE:
                return found

    def _cancel(self, venue: Venue, account: str, wanted: Cancelling, now_ns: int) -> Order:
        try:
            order = _find(venue, account, wanted.instrument, wanted.order_id)
        except (BinanceError, DomainError) as error:
            raise unknown_order_sent() from error
        allowed = None if wanted.restriction is None else RESTRICTIONS[wanted.restriction]
        if allowed is not None and order.status.is_open and order.status not in allowed:
            raise BinanceError(-2011, "Order was not canceled due to cancel restrictions.")
        cancelled = venue.cancel(account, order.venue_order_id, now_ns)
        self.cancels.name(order.venue_order_id, wanted.cancel_id)
        return cancelled

    def _named(self, draft: Draft) -> Draft:
        if draft.request.client_order_id:
            return draft
        return replace(draft, request=replace(draft.request, client_order_id=self.new_client_id()))

    async def _ask(self, question: Callable[[Venue, int], T]) -> T:
        return await self._doors.ask(lambda: self._run(question))

    async def _run(self, command: Callable[[Venue, int], T]) -> T:
        """Run a command whose refusals may be Binance's: the floor knows the domain's only."""
        outcome = await self._floor.execute(lambda venue, now_ns: self._tried(lambda: command(venue, now_ns)))
        if isinstance(outcome, BinanceError):
            raise outcome
        return outcome

    def _tried(self, attempt: Callable[[], T]) -> T | BinanceError:
        try:
            return attempt()
        except BinanceError as error:
            return error
        except DomainError as error:
            return self._of_domain(error)

    def _place(self, venue: Venue, account: str, draft: Draft, now_ns: int) -> OrderWithFills:
        owner = venue.account(account)
        self._check_room(owner, draft)
        order = venue.place(account, draft.request, now_ns)
        return OrderWithFills(order, owner.fills(order.venue_order_id))

    def _check_room(self, owner: Account, draft: Draft) -> None:
        self._check_open_orders(len(_open_orders(owner, draft.instrument)))


def _find(venue: Venue, account: str, instrument: Instrument, order_id: str | int) -> Order:
    order = venue.account(account).find(order_id)
    if order.request.symbol != instrument.symbol:
        raise no_such_order()
    return order


def _open_orders(owner: Account, instrument: Instrument | None) -> list[Order]:
    wanted = None if instrument is None else instrument.symbol
    return [order for order in owner.open_orders() if wanted in {None, order.request.symbol}]
