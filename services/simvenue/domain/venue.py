"""The venue: all markets, all real accounts, and what every step does to them.

One thread owns it. A step (an order, a cancel, an act of the crowd) happens whole; afterwards
``take_facts`` gives the private facts to store and ``take_public`` the public events to tell.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from services.kernel.decimals import EXACT
from services.kernel.errors import DomainError, ErrorKind
from services.simvenue.domain.account import Account, AccountState
from services.simvenue.domain.admission import (
    admit,
    crosses,
    display_lots,
    limit_ticks,
    stp,
    taker_cover,
    time_in_force,
)
from services.simvenue.domain.book import Match, Outcome
from services.simvenue.domain.clearing import Clearing
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.market import CrowdAction, Market, PublicEvent
from services.simvenue.domain.orders import (
    AccountEvent,
    LimitTerms,
    NewOrder,
    Order,
    Transfer,
    TransferKind,
    trigger_of,
    working_terms,
)
from services.simvenue.domain.terms import CloseReason, OrderStatus, SelfTrade, TimeInForce

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Ids:
    """Where the venue's ids come from; each rises and never comes twice, across restarts too."""

    trades: Iterator[int]
    orders: Iterator[int]
    transfers: Iterator[int]


class Venue:
    """All markets and all real accounts.

    Args:
        instruments: what is traded.
        ids: where ids come from.
        self_trade: what happens where orders of one account meet, by account; EXPIRE_TAKER where an
            account is not named. An order may choose for itself.
    """

    def __init__(
        self,
        instruments: Iterable[Instrument],
        ids: Ids,
        self_trade: Mapping[str, SelfTrade] | None = None,
    ) -> None:
        self._ids = ids
        self._self_trade = dict(self_trade or {})
        self.markets: Mapping[str, Market] = {
            instrument.symbol: Market(instrument, ids.trades)
            for instrument in sorted(instruments, key=lambda instrument: instrument.symbol)
        }
        self._accounts: dict[str, Account] = {}
        self._by_number: dict[int, Account] = {}
        self._clearing = Clearing(self._by_number, ids.trades)
        self._public: list[tuple[str, PublicEvent]] = []
        self._expiries: list[tuple[int, int, str]] = []

    @property
    def time_ns(self) -> int:
        """Exchange time of the last step."""
        return self._clearing.time_ns

    def market(self, symbol: str) -> Market:
        """The market of an instrument.

        Raises:
            DomainError: NOT_FOUND, UNKNOWN_SYMBOL.
        """
        market = self.markets.get(symbol)
        if market is None:
            raise DomainError(
                "UNKNOWN_SYMBOL",
                f"there is no instrument {symbol}",
                kind=ErrorKind.NOT_FOUND,
                metadata={"symbol": symbol},
            )
        return market

    def account(self, name: str) -> Account:
        """A real account.

        Raises:
            DomainError: NOT_FOUND, UNKNOWN_ACCOUNT.
        """
        account = self._accounts.get(name)
        if account is None:
            raise DomainError(
                "UNKNOWN_ACCOUNT",
                f"there is no account {name}",
                kind=ErrorKind.NOT_FOUND,
                metadata={"account": name},
            )
        return account

    def accounts(self) -> Iterable[Account]:
        """All real accounts."""
        return self._accounts.values()

    def open_account(self, state: AccountState) -> None:
        """Bring an account in, new or as it was stored; its open orders return by ``reopen``."""
        account = Account(len(self._accounts) + 1, state)
        self._accounts[account.name] = account
        self._by_number[account.number] = account

    def reopen(self) -> None:
        """Put the open orders of all accounts back, before anybody else is there.

        They keep their priority among themselves and stand before the crowd, which comes anew. An
        iceberg comes back with a whole part shown.
        """
        orders = [order for account in self._accounts.values() for order in account.open_orders()]
        for order in sorted(orders, key=lambda order: order.venue_order_id):
            market = self.markets[order.request.symbol]
            if order.status is OrderStatus.WAITING:
                self._wait(market, order)
            else:
                self._submit(market, order, rest=True)
            self._watch_expiry(order)
            self._tell(market, [])

    def deposit(self, name: str, currency: str, amount: Decimal, time_ns: int) -> None:
        """Put money into an account.

        Raises:
            DomainError: UNKNOWN_ACCOUNT.
        """
        account = self.account(name)
        self.advance(time_ns)
        transfer = Transfer(
            next(self._ids.transfers), name, TransferKind.DEPOSIT, currency, amount, self.time_ns
        )
        self._clearing.transfer(account, transfer)

    def act(self, symbol: str, actions: Iterable[CrowdAction], time_ns: int) -> None:
        """Let the crowd act in one market."""
        self.advance(time_ns)
        market = self.markets[symbol]
        matches: list[Match] = []
        for action in actions:
            matches += market.act(action)
        self._clearing.fill_makers(market.instrument, matches)
        self._tell(market, matches)
        self._set_off(market)

    def place(self, name: str, request: NewOrder, time_ns: int) -> Order:
        """Accept an order, and match it or let it wait for its trigger.

        Raises:
            DomainError: the order is refused, and nothing changed; the reason says why.
        """
        account, market = self.account(name), self.market(request.symbol)
        self.advance(time_ns)
        default = self._self_trade.get(name, SelfTrade.EXPIRE_TAKER)
        admitted = admit(account, market, request, default, self.time_ns)
        waits = trigger_of(request.terms) is not None
        order = Order(
            next(self._ids.orders),
            name,
            admitted.request,
            OrderStatus.WAITING if waits else OrderStatus.OPEN,
            None,
            _ZERO,
            _ZERO,
            _ZERO,
            self.time_ns,
            self.time_ns,
            admitted.expire_ns,
        )
        account.put(order)
        self._clearing.report(account, order)
        self._watch_expiry(order)
        if waits:
            self._clearing.hold(account, market.instrument, order, admitted.lots)
            self._wait(market, order)
        else:
            self._match(account, market, order)
        self._clearing.settle(account)
        self._set_off(market)
        return account.order(order.venue_order_id)

    def cancel(self, name: str, order_id: str | int, time_ns: int) -> Order:
        """Take an open order out.

        Raises:
            DomainError: UNKNOWN_ACCOUNT, ORDER_NOT_FOUND, ORDER_NOT_OPEN.
        """
        account = self.account(name)
        account.find(order_id)
        self.advance(time_ns)
        order = account.find(order_id)
        if not order.status.is_open:
            raise DomainError(
                "ORDER_NOT_OPEN",
                f"order {order_id} is {order.status.name.lower()}",
                kind=ErrorKind.PRECONDITION,
                metadata={"status": order.status.name},
            )
        return self._take_out(account, order, OrderStatus.CANCELLED, CloseReason.CANCELLED_BY_OWNER)

    def advance(self, time_ns: int) -> None:
        """Let exchange time pass, and end the orders whose time is over.

        Time never runs backwards, whoever brings it.
        """
        while self._expiries and self._expiries[0][0] <= time_ns:
            expire_ns, venue_order_id, name = heapq.heappop(self._expiries)
            account = self._accounts[name]
            order = account.order(venue_order_id)
            if order.status.is_open:
                self._clearing.time_ns = max(self.time_ns, expire_ns)
                self._take_out(account, order, OrderStatus.EXPIRED, CloseReason.EXPIRE_TIME)
        self._clearing.time_ns = max(self.time_ns, time_ns)

    def take_facts(self) -> list[AccountEvent]:
        """The private facts since the last call, in the order they happened."""
        facts, self._clearing.facts = self._clearing.facts, []
        return facts

    @property
    def has_facts(self) -> bool:
        """Whether private facts wait to be taken."""
        return bool(self._clearing.facts)

    def take_public(self) -> list[tuple[str, PublicEvent]]:
        """Symbol and public event of everything since the last call."""
        public, self._public = self._public, []
        return public

    def _match(self, account: Account, market: Market, order: Order) -> None:
        """Bring an order that nothing is held for to the book."""
        instrument, clearing = market.instrument, self._clearing
        outcome = self._try(account, market, order)
        if outcome is None:
            clearing.close(account, order, OrderStatus.EXPIRED, CloseReason.FILL_OR_KILL)
            return
        clearing.fill_taker(account, instrument, order.venue_order_id, outcome.matches)
        clearing.fill_makers(instrument, outcome.matches)
        for venue_order_id, lots in outcome.expired:
            own = account.order(venue_order_id)
            clearing.hold(account, instrument, own, -lots)
            clearing.close(account, own, OrderStatus.EXPIRED, CloseReason.SELF_TRADE_PREVENTION)
        if outcome.remaining:
            self._leave(account, market, account.order(order.venue_order_id), outcome)
        self._tell(market, outcome.matches)

    def _try(self, account: Account, market: Market, order: Order) -> Outcome | None:
        """Match an order; None where it is fill-or-kill and cannot fill."""
        request = order.request
        tif = time_in_force(request.terms)
        if tif is TimeInForce.FOK:
            lots = market.instrument.lots(request.quantity)
            limit = limit_ticks(market.instrument, request.terms)
            if market.book.walk(request.side, lots, limit, account.number, stp(request)).lots < lots:
                return None
        return self._submit(market, order, rest=tif.rests)

    def _submit(self, market: Market, order: Order, *, rest: bool) -> Outcome:
        instrument, request = market.instrument, order.request
        return market.book.submit(
            order.venue_order_id,
            self._accounts[order.account].number,
            request.side,
            instrument.lots(EXACT.subtract(request.quantity, order.filled)),
            limit_ticks(instrument, request.terms),
            rest=rest,
            display=display_lots(instrument, request.terms),
            self_trade=stp(request),
        )

    def _leave(self, account: Account, market: Market, order: Order, outcome: Outcome) -> None:
        """What becomes of the part that did not trade at once."""
        working = working_terms(order.request.terms)
        if outcome.self_trade:
            reason = CloseReason.SELF_TRADE_PREVENTION
        elif not isinstance(working, LimitTerms):
            reason = CloseReason.NO_LIQUIDITY
        elif not working.time_in_force.rests:
            reason = CloseReason.IMMEDIATE_OR_CANCEL
        else:
            self._clearing.hold(account, market.instrument, order, outcome.remaining)
            return
        self._clearing.close(account, order, OrderStatus.EXPIRED, reason)

    def _take_out(self, account: Account, order: Order, status: OrderStatus, reason: CloseReason) -> Order:
        """End an order that rests or waits, and give back what was held for it."""
        market = self.markets[order.request.symbol]
        if order.status is OrderStatus.WAITING:
            lots = self._wait_no_more(market, order)
        else:
            lots = market.book.cancel(order.venue_order_id)
        self._clearing.hold(account, market.instrument, order, -lots)
        closed = self._clearing.close(account, order, status, reason)
        self._clearing.settle(account)
        self._tell(market, [])
        return closed

    def _wait(self, market: Market, order: Order) -> None:
        owner = self._accounts[order.account].number
        market.stops.add(order.venue_order_id, owner, order.request.side, _trigger_ticks(market, order))

    def _wait_no_more(self, market: Market, order: Order) -> int:
        market.stops.remove(order.venue_order_id, order.request.side, _trigger_ticks(market, order))
        return market.instrument.lots(order.request.quantity)

    def _set_off(self, market: Market) -> None:
        """Bring the stops that trades set off to the book; their trades may set off more."""
        while (due := market.stops.take_due()) is not None:
            owner, venue_order_id = due
            account = self._by_number[owner]
            order = account.order(venue_order_id)
            self._clearing.hold(
                account, market.instrument, order, -market.instrument.lots(order.request.quantity)
            )
            order = replace(order, status=OrderStatus.OPEN, trigger_ns=self.time_ns, update_ns=self.time_ns)
            account.put(order)
            self._clearing.report(account, order)
            reason = _hindrance(account, market, order)
            if reason is None:
                self._match(account, market, order)
            else:
                self._clearing.close(account, order, OrderStatus.EXPIRED, reason)
            self._clearing.settle(account)

    def _watch_expiry(self, order: Order) -> None:
        if order.expire_ns is not None:
            heapq.heappush(self._expiries, (order.expire_ns, order.venue_order_id, order.account))

    def _tell(self, market: Market, matches: Iterable[Match]) -> None:
        symbol = market.instrument.symbol
        self._public += [(symbol, event) for event in market.publish(self.time_ns, matches)]


def _trigger_ticks(market: Market, order: Order) -> int:
    trigger = trigger_of(order.request.terms)
    return 0 if trigger is None else market.instrument.ticks(trigger)


def _hindrance(account: Account, market: Market, order: Order) -> CloseReason | None:
    """Why an order that was set off cannot go to the book; None where it can.

    A buy at any price may cost more than was held for it at its trigger.
    """
    request, working = order.request, working_terms(order.request.terms)
    limit = limit_ticks(market.instrument, request.terms)
    lots = market.instrument.lots(request.quantity)
    currency, amount = taker_cover(account, market, request, lots, limit)
    if account.free(currency) < amount:
        return CloseReason.INSUFFICIENT_BALANCE
    if isinstance(working, LimitTerms) and working.post_only and limit is not None:
        return CloseReason.POST_ONLY_WOULD_TRADE if crosses(market, request.side, limit) is not None else None
    return None
