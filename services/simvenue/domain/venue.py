"""The venue: all markets, all real accounts, and what every step does to them.

One thread owns it. A step (an order, a cancel, an act of the crowd) happens whole; afterwards
``take_facts`` gives the private facts to store and ``take_public`` the public events to tell.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.kernel.errors import DomainError, ErrorKind
from services.simvenue.domain.account import Account, AccountState
from services.simvenue.domain.admission import admit
from services.simvenue.domain.book import Match
from services.simvenue.domain.clearing import Clearing
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.liquidation import Liquidation, refuse_reserved
from services.simvenue.domain.market import CrowdAction, Market, PublicEvent
from services.simvenue.domain.matching import Matching
from services.simvenue.domain.orders import (
    AccountEvent,
    NewOrder,
    Order,
    Transfer,
    TransferKind,
    trigger_of,
)
from services.simvenue.domain.positions import FUNDING_NS
from services.simvenue.domain.terms import CloseReason, OrderStatus, QueueModel, SelfTrade

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
        queue_model: who leaves where a recorded level shrinks without a trade.
        liquidates: whether accounts are liquidated; then the account INSURANCE_FUND must be opened.
    """

    def __init__(
        self,
        instruments: Iterable[Instrument],
        ids: Ids,
        self_trade: Mapping[str, SelfTrade] | None = None,
        queue_model: QueueModel = QueueModel.RISK_AVERSE,
        *,
        liquidates: bool = False,
    ) -> None:
        self._ids = ids
        self._self_trade = dict(self_trade or {})
        self.markets: Mapping[str, Market] = {
            instrument.symbol: Market(instrument, ids.trades, queue_model)
            for instrument in sorted(instruments, key=lambda instrument: instrument.symbol)
        }
        self._instruments = {symbol: market.instrument for symbol, market in self.markets.items()}
        self._accounts: dict[str, Account] = {}
        self._by_number: dict[int, Account] = {}
        self._clearing = Clearing(self._by_number, ids.trades)
        self._matching = Matching(self._by_number, self._clearing, self._tell)
        self._public: list[tuple[str, PublicEvent]] = []
        self._expiries: list[tuple[int, int, str]] = []
        self._liquidation = Liquidation(
            self._accounts,
            self.markets,
            self._clearing,
            self._matching,
            order_ids=ids.orders,
            transfer_ids=ids.transfers,
            end=lambda account, order: self._take_out(
                account, order, OrderStatus.EXPIRED, CloseReason.LIQUIDATION
            ),
        )
        self.liquidates = liquidates

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
            account, market = self._accounts[order.account], self.markets[order.request.symbol]
            if order.status is OrderStatus.WAITING:
                self._matching.wait(account, market, order)
            else:
                self._matching.submit(account, market, order, rest=True)
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
        self._matching.set_off(market)
        if market.instrument.perpetual is not None:
            self._liquidate()

    def place(self, name: str, request: NewOrder, time_ns: int, pieces: int = 1) -> Order:
        """Accept an order, and match it or let it wait for its trigger.

        Args:
            name: the account.
            request: what is asked for.
            time_ns: exchange time.
            pieces: most fills that each of its trades comes as, in this run.

        Raises:
            DomainError: the order is refused, and nothing changed; the reason says why.
        """
        account, market = self.account(name), self.market(request.symbol)
        refuse_reserved(request.client_order_id)
        self.advance(time_ns)
        default = self._self_trade.get(name, SelfTrade.EXPIRE_TAKER)
        admitted = admit(account, market, request, default, self.time_ns, self._instruments)
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
        if pieces > 1:
            self._clearing.cut_in_pieces(order.venue_order_id, pieces)
        if waits:
            self._clearing.hold(account, market.instrument, order, admitted.lots)
            self._matching.wait(account, market, order)
        else:
            self._matching.match(account, market, order)
        self._clearing.settle(account)
        self._matching.set_off(market)
        self._liquidate()
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

    def fill_late(self, name: str, venue_order_id: int, share: float, time_ns: int) -> bool:
        """Let a share of what a cancelled order left trade after all, as a race at a real venue does.

        Answers whether it did: the account may not be able to pay for it any more.
        """
        account = self.account(name)
        self.advance(time_ns)
        order = account.order(venue_order_id)
        market = self.markets[order.request.symbol]
        filled = self._matching.fill_late(account, market, order, share, next(self._ids.trades))
        self._liquidate()
        return filled

    def advance(self, time_ns: int) -> None:
        """Let exchange time pass: end the orders whose time is over, and pay funding when it is due.

        Time never runs backwards, whoever brings it. Funding that fell due while the venue was down is
        not paid.
        """
        due_ns = (self.time_ns // FUNDING_NS + 1) * FUNDING_NS
        if self.time_ns and due_ns <= time_ns:
            self._fund(due_ns, time_ns)
        self._expire(time_ns)
        self._clearing.time_ns = max(self.time_ns, time_ns)

    def _fund(self, due_ns: int, time_ns: int) -> None:
        """Pay funding at every due time up to now, of the positions of each, at the last price."""
        while due_ns <= time_ns:
            self._expire(due_ns)
            self._clearing.time_ns = max(self.time_ns, due_ns)
            for account in self._accounts.values():
                for position in [each for each in account.positions.values() if each.quantity]:
                    market = self.markets[position.symbol]
                    if market.last_price is not None:
                        mark = market.instrument.price(market.last_price)
                        self._clearing.fund(account, market.instrument, mark, next(self._ids.transfers))
            self._liquidate()
            due_ns += FUNDING_NS

    def _liquidate(self) -> None:
        if self.liquidates:
            self._liquidation.run()

    def _expire(self, time_ns: int) -> None:
        while self._expiries and self._expiries[0][0] <= time_ns:
            expire_ns, venue_order_id, name = heapq.heappop(self._expiries)
            account = self._accounts[name]
            if account.is_open(venue_order_id):
                self._clearing.time_ns = max(self.time_ns, expire_ns)
                order = account.order(venue_order_id)
                self._take_out(account, order, OrderStatus.EXPIRED, CloseReason.EXPIRE_TIME)

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

    def _take_out(self, account: Account, order: Order, status: OrderStatus, reason: CloseReason) -> Order:
        """End an order that rests or waits, and give back what was held for it."""
        market = self.markets[order.request.symbol]
        if order.status is OrderStatus.WAITING:
            lots = self._matching.wait_no_more(market, order)
        else:
            lots = market.book.cancel(order.venue_order_id)
        self._clearing.hold(account, market.instrument, order, -lots)
        closed = self._clearing.close(account, order, status, reason)
        self._clearing.settle(account)
        self._tell(market, [])
        return closed

    def _watch_expiry(self, order: Order) -> None:
        if order.expire_ns is not None:
            heapq.heappush(self._expiries, (order.expire_ns, order.venue_order_id, order.account))

    def _tell(self, market: Market, matches: Iterable[Match]) -> None:
        symbol = market.instrument.symbol
        self._public += [(symbol, event) for event in market.publish(self.time_ns, matches)]
