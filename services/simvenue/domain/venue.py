"""The venue: all markets, all real accounts, and what every step does to them.

One thread owns it. A step (an order, a cancel, an act of the crowd) happens whole; afterwards
``take_facts`` gives the private facts to store and ``take_public`` the public events to tell.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from services.kernel.decimals import EXACT, render
from services.kernel.errors import DomainError, ErrorKind
from services.simvenue.domain.account import Account, AccountState
from services.simvenue.domain.book import Match
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.market import CrowdAction, Market, PublicEvent
from services.simvenue.domain.orders import (
    AccountEvent,
    BalanceUpdate,
    ExecutionReport,
    Fill,
    LimitTerms,
    MarketTerms,
    NewOrder,
    Order,
    Transfer,
    TransferKind,
)
from services.simvenue.domain.terms import CloseReason, Liquidity, OrderStatus, Side, TimeInForce

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
    """

    def __init__(self, instruments: Iterable[Instrument], ids: Ids) -> None:
        self._ids = ids
        self.markets: Mapping[str, Market] = {
            instrument.symbol: Market(instrument, ids.trades)
            for instrument in sorted(instruments, key=lambda instrument: instrument.symbol)
        }
        self._accounts: dict[str, Account] = {}
        self._by_number: dict[int, Account] = {}
        self._facts: list[AccountEvent] = []
        self._public: list[tuple[str, PublicEvent]] = []
        self.time_ns = 0

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
        """Put the open orders of all accounts back into the book, before anybody else is there.

        They keep their priority among themselves and stand before the crowd, which comes anew.
        """
        orders = [order for account in self._accounts.values() for order in account.open_orders()]
        for order in sorted(orders, key=lambda order: order.venue_order_id):
            market = self.markets[order.request.symbol]
            remaining = EXACT.subtract(order.request.quantity, order.filled)
            market.submit(
                order.venue_order_id,
                self._accounts[order.account].number,
                order.request.side,
                market.instrument.lots(remaining),
                _limit(market.instrument, order.request),
                rest=True,
            )
            self._tell(market, [])

    def deposit(self, name: str, currency: str, amount: Decimal, time_ns: int) -> None:
        """Put money into an account.

        Raises:
            DomainError: UNKNOWN_ACCOUNT.
        """
        account = self.account(name)
        self._advance(time_ns)
        account.add(currency, amount)
        transfer = Transfer(
            next(self._ids.transfers), name, TransferKind.DEPOSIT, currency, amount, self.time_ns
        )
        self._facts.append(account.event(self.time_ns, transfer))
        self._settle_balances(account)

    def act(self, symbol: str, actions: Iterable[CrowdAction], time_ns: int) -> None:
        """Let the crowd act in one market."""
        self._advance(time_ns)
        market = self.markets[symbol]
        matches: list[Match] = []
        for action in actions:
            matches += market.act(action)
        self._fill_makers(market, matches)
        self._tell(market, matches)

    def place(self, name: str, request: NewOrder, time_ns: int) -> Order:
        """Accept an order and match it.

        Raises:
            DomainError: the order is refused, and nothing changed; the reason says why.
        """
        account, market = self.account(name), self.market(request.symbol)
        self._advance(time_ns)
        account.refuse_known(request.client_order_id)
        lots = market.instrument.lots(request.quantity)
        market.instrument.check_quantity(request.quantity)
        limit = _limit(market.instrument, request)
        doomed = self._check(account, market, request, lots, limit)
        order = Order(
            next(self._ids.orders),
            name,
            request,
            OrderStatus.OPEN,
            None,
            _ZERO,
            _ZERO,
            _ZERO,
            self.time_ns,
            self.time_ns,
        )
        account.put(order)
        self._report(account, order)
        if doomed:
            self._close(account, order, OrderStatus.EXPIRED, CloseReason.FILL_OR_KILL)
        else:
            self._match(account, market, order, lots, limit)
        self._settle_balances(account)
        return account.order(order.venue_order_id)

    def cancel(self, name: str, order_id: str | int, time_ns: int) -> Order:
        """Take an open order out of the book.

        Raises:
            DomainError: UNKNOWN_ACCOUNT, ORDER_NOT_FOUND, ORDER_NOT_OPEN.
        """
        account = self.account(name)
        order = account.find(order_id)
        if not order.status.is_open:
            raise DomainError(
                "ORDER_NOT_OPEN",
                f"order {order_id} is {order.status.name.lower()}",
                kind=ErrorKind.PRECONDITION,
                metadata={"status": order.status.name},
            )
        self._advance(time_ns)
        market = self.markets[order.request.symbol]
        lots = market.book.cancel(order.venue_order_id)
        _lock(account, market.instrument, order, -lots)
        closed = self._close(account, order, OrderStatus.CANCELLED, CloseReason.CANCELLED_BY_OWNER)
        self._settle_balances(account)
        self._tell(market, [])
        return closed

    def take_facts(self) -> list[AccountEvent]:
        """The private facts since the last call, in the order they happened."""
        facts, self._facts = self._facts, []
        return facts

    @property
    def has_facts(self) -> bool:
        """Whether private facts wait to be taken."""
        return bool(self._facts)

    def take_public(self) -> list[tuple[str, PublicEvent]]:
        """Symbol and public event of everything since the last call."""
        public, self._public = self._public, []
        return public

    def _advance(self, time_ns: int) -> None:
        """Time never runs backwards, whoever brings it."""
        self.time_ns = max(self.time_ns, time_ns)

    def _check(
        self, account: Account, market: Market, request: NewOrder, lots: int, limit: int | None
    ) -> bool:
        """Refuse what the rules or the balance forbid; answers whether a FOK order cannot fill."""
        instrument, terms = market.instrument, request.terms
        walk = market.book.walk(request.side, lots, limit, account.number)
        if isinstance(terms, MarketTerms):
            cost = instrument.notional(walk.notional)
            if walk.lots == lots:
                instrument.check_notional(cost)
            cover = EXACT.add(cost, instrument.fee(cost, Liquidity.TAKER))
        else:
            notional = EXACT.multiply(terms.price, request.quantity)
            instrument.check_notional(notional)
            cover = instrument.buying_power(notional)
            if terms.post_only:
                _refuse_crossing(market, request.side, terms.price)
        if request.side is Side.BUY:
            account.require(instrument.quote, cover)
        else:
            account.require(instrument.base, request.quantity)
        return _time_in_force(terms) is TimeInForce.FOK and walk.lots < lots

    def _match(self, account: Account, market: Market, order: Order, lots: int, limit: int | None) -> None:
        rests = _time_in_force(order.request.terms) is TimeInForce.GTC
        outcome = market.submit(
            order.venue_order_id, account.number, order.request.side, lots, limit, rest=rests
        )
        for match in outcome.matches:
            self._fill(account, market.instrument, order.venue_order_id, match, Liquidity.TAKER)
        self._fill_makers(market, outcome.matches)
        if outcome.remaining:
            self._leave(
                account, market, account.order(order.venue_order_id), outcome.remaining, outcome.self_trade
            )
        self._tell(market, outcome.matches)

    def _leave(
        self, account: Account, market: Market, order: Order, remaining: int, self_trade: bool
    ) -> None:
        """What becomes of the part that did not trade at once."""
        terms = order.request.terms
        if self_trade:
            self._close(account, order, OrderStatus.EXPIRED, CloseReason.SELF_TRADE_PREVENTION)
        elif isinstance(terms, MarketTerms):
            self._close(account, order, OrderStatus.EXPIRED, CloseReason.NO_LIQUIDITY)
        elif terms.time_in_force is TimeInForce.IOC:
            self._close(account, order, OrderStatus.EXPIRED, CloseReason.IMMEDIATE_OR_CANCEL)
        else:
            _lock(account, market.instrument, order, remaining)

    def _fill_makers(self, market: Market, matches: Iterable[Match]) -> None:
        """Settle the trades that hit resting orders of real accounts."""
        touched: dict[int, Account] = {}
        for match in matches:
            if match.maker_owner:
                account = touched[match.maker_owner] = self._by_number[match.maker_owner]
                _lock(account, market.instrument, account.order(match.maker_id), -match.lots)
                self._fill(account, market.instrument, match.maker_id, match, Liquidity.MAKER)
        for account in touched.values():
            self._settle_balances(account)

    def _fill(
        self,
        account: Account,
        instrument: Instrument,
        venue_order_id: int,
        match: Match,
        liquidity: Liquidity,
    ) -> None:
        order = account.order(venue_order_id)
        quantity = instrument.quantity(match.lots)
        notional = instrument.notional(match.price * match.lots)
        fee = instrument.fee(notional, liquidity)
        fill = Fill(
            match.trade_id,
            venue_order_id,
            order.request.client_order_id,
            account.name,
            instrument.symbol,
            order.request.side,
            instrument.price(match.price),
            quantity,
            fee,
            instrument.quote,
            liquidity,
            self.time_ns,
        )
        filled = EXACT.add(order.filled, quantity)
        whole = filled == order.request.quantity
        order = replace(
            order,
            status=OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED,
            filled=filled,
            notional=EXACT.add(order.notional, notional),
            fees=EXACT.add(order.fees, fee),
            update_ns=self.time_ns,
        )
        account.put(order)
        account.add_fill(fill)
        if order.request.side is Side.BUY:
            account.add(instrument.base, quantity)
            account.add(instrument.quote, EXACT.add(notional, fee).copy_negate())
        else:
            account.add(instrument.base, quantity.copy_negate())
            account.add(instrument.quote, EXACT.subtract(notional, fee))
        self._report(account, order, fill)

    def _close(self, account: Account, order: Order, status: OrderStatus, reason: CloseReason) -> Order:
        closed = replace(order, status=status, close_reason=reason, update_ns=self.time_ns)
        account.put(closed)
        self._report(account, closed)
        return closed

    def _report(self, account: Account, order: Order, fill: Fill | None = None) -> None:
        self._facts.append(account.event(self.time_ns, ExecutionReport(order, fill)))

    def _settle_balances(self, account: Account) -> None:
        if changed := account.take_changes():
            self._facts.append(account.event(self.time_ns, BalanceUpdate(changed)))

    def _tell(self, market: Market, matches: Iterable[Match]) -> None:
        symbol = market.instrument.symbol
        self._public += [(symbol, event) for event in market.publish(self.time_ns, matches)]


def _limit(instrument: Instrument, request: NewOrder) -> int | None:
    terms = request.terms
    return instrument.ticks(terms.price) if isinstance(terms, LimitTerms) else None


def _time_in_force(terms: MarketTerms | LimitTerms) -> TimeInForce:
    return terms.time_in_force if isinstance(terms, LimitTerms) else TimeInForce.IOC


def _refuse_crossing(market: Market, side: Side, price: Decimal) -> None:
    best = market.book.best(side.opposite)
    if best is None:
        return
    opposite = market.instrument.price(best)
    if price >= opposite if side is Side.BUY else price <= opposite:
        raise DomainError(
            "POST_ONLY_WOULD_TRADE",
            f"a post-only order at {render(price)} would trade with {render(opposite)} at once",
            kind=ErrorKind.PRECONDITION,
            metadata={"price": render(price), "bestPrice": render(opposite)},
        )


def _lock(account: Account, instrument: Instrument, order: Order, lots: int) -> None:
    """Hold what so many lots of a resting order may cost; give it back where ``lots`` is below zero."""
    quantity = instrument.quantity(lots)
    terms = order.request.terms
    if order.request.side is Side.SELL:
        account.lock(instrument.base, quantity)
    elif isinstance(terms, LimitTerms):
        account.lock(instrument.quote, instrument.buying_power(EXACT.multiply(terms.price, quantity)))
