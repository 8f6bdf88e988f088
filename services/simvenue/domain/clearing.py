"""What trades and ends of orders do to real accounts, and the facts that tell of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from services.kernel.decimals import EXACT
from services.simvenue.domain.account import Account
from services.simvenue.domain.book import Match
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.orders import (
    AccountEvent,
    BalanceUpdate,
    ExecutionReport,
    Fill,
    Order,
    PositionUpdate,
    Transfer,
    TransferKind,
    held_price,
)
from services.simvenue.domain.positions import Position
from services.simvenue.domain.terms import CloseReason, Liquidity, OrderStatus, Side


class Clearing:
    """Books fills, holds and ends of orders.

    Args:
        accounts: all real accounts, by the number that the book knows them by.
        trade_ids: gives an id to the second fill of a trade of an account with itself.
    """

    def __init__(self, accounts: Mapping[int, Account], trade_ids: Iterator[int]) -> None:
        self._accounts = accounts
        self._trade_ids = trade_ids
        self._pieces: dict[int, int] = {}
        self.facts: list[AccountEvent] = []
        self.time_ns = 0

    def cut_in_pieces(self, venue_order_id: int, pieces: int) -> None:
        """Book each trade of an order as several fills, as venues do that match in parts."""
        self._pieces[venue_order_id] = pieces

    def fill_taker(
        self, account: Account, instrument: Instrument, venue_order_id: int, matches: Iterable[Match]
    ) -> None:
        """Book the trades of an order that came in."""
        for match in matches:
            self._fill_in_pieces(account, instrument, venue_order_id, match, match.trade_id, Liquidity.TAKER)

    def fill_makers(self, instrument: Instrument, matches: Iterable[Match]) -> None:
        """Book the trades that hit resting orders of real accounts."""
        touched: dict[int, Account] = {}
        for match in matches:
            if match.maker_owner:
                account = touched[match.maker_owner] = self._accounts[match.maker_owner]
                self.hold(account, instrument, account.order(match.maker_id), -match.lots)
                own = match.maker_owner == match.taker_owner
                trade_id = next(self._trade_ids) if own else match.trade_id
                self._fill_in_pieces(account, instrument, match.maker_id, match, trade_id, Liquidity.MAKER)
        for account in touched.values():
            self.settle(account)

    def fill_cancelled(self, account: Account, instrument: Instrument, match: Match) -> None:
        """Book a trade of an order that nothing is held for any more."""
        self._fill(account, instrument, match.maker_id, match, match.trade_id, Liquidity.MAKER)
        self.settle(account)

    def hold(self, account: Account, instrument: Instrument, order: Order, lots: int) -> None:
        """Hold what so many lots may cost while they rest or wait; below zero gives it back.

        Orders of perpetuals hold nothing: see :mod:`services.simvenue.domain.margin`.
        """
        if instrument.perpetual is not None:
            return
        quantity = instrument.quantity(lots)
        price = held_price(order.request.terms)
        if order.request.side is Side.SELL:
            account.lock(instrument.base, quantity)
        elif price is not None:
            account.lock(instrument.quote, instrument.buying_power(EXACT.multiply(price, quantity)))

    def close(self, account: Account, order: Order, status: OrderStatus, reason: CloseReason) -> Order:
        """End an order."""
        closed = replace(order, status=status, close_reason=reason, update_ns=self.time_ns)
        account.put(closed)
        self.report(account, closed)
        return closed

    def report(self, account: Account, order: Order, fill: Fill | None = None) -> None:
        """Tell that an order changed."""
        self.facts.append(account.event(self.time_ns, ExecutionReport(order, fill)))

    def transfer(self, account: Account, transfer: Transfer) -> None:
        """Book money that came in."""
        account.add(transfer.currency, transfer.amount)
        self.facts.append(account.event(self.time_ns, transfer))
        self.settle(account)

    def settle(self, account: Account) -> None:
        """Tell the balances that changed."""
        if changed := account.take_changes():
            self.facts.append(account.event(self.time_ns, BalanceUpdate(changed)))

    def _fill_in_pieces(
        self,
        account: Account,
        instrument: Instrument,
        venue_order_id: int,
        match: Match,
        trade_id: int,
        liquidity: Liquidity,
    ) -> None:
        pieces = min(self._pieces.get(venue_order_id, 1), match.lots)
        for number in range(pieces):
            lots = match.lots // pieces + (number < match.lots % pieces)
            part = match._replace(lots=lots)
            each = next(self._trade_ids) if number else trade_id
            self._fill(account, instrument, venue_order_id, part, each, liquidity)

    def _fill(
        self,
        account: Account,
        instrument: Instrument,
        venue_order_id: int,
        match: Match,
        trade_id: int,
        liquidity: Liquidity,
    ) -> None:
        order = account.order(venue_order_id)
        quantity = instrument.quantity(match.lots)
        notional = instrument.notional(match.price * match.lots)
        fee = instrument.fee(notional, liquidity)
        fill = Fill(
            trade_id,
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
        status = OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED
        order = replace(
            order,
            status=status if order.status.is_open else order.status,  # a cancelled order stays so
            filled=filled,
            notional=EXACT.add(order.notional, notional),
            fees=EXACT.add(order.fees, fee),
            update_ns=self.time_ns,
        )
        account.put(order)
        if instrument.perpetual is not None:
            fill = replace(fill, profit=self._move(account, instrument, fill))
        elif order.request.side is Side.BUY:
            account.add(instrument.base, quantity)
            account.add(instrument.quote, EXACT.add(notional, fee).copy_negate())
        else:
            account.add(instrument.base, quantity.copy_negate())
            account.add(instrument.quote, EXACT.subtract(notional, fee))
        account.add_fill(fill)
        self.report(account, order, fill)
        if instrument.perpetual is not None:
            self._tell_position(account, instrument.symbol)

    def fund(self, account: Account, instrument: Instrument, mark: Decimal, transfer_id: int) -> None:
        """Pay or receive funding for a position."""
        position, amount = account.positions[instrument.symbol].funded(instrument, mark)
        account.positions[instrument.symbol] = position
        kind, symbol = TransferKind.FUNDING, instrument.symbol
        paid = Transfer(transfer_id, account.name, kind, instrument.quote, amount, self.time_ns, symbol)
        self.transfer(account, paid)
        self._tell_position(account, symbol)

    def _move(self, account: Account, instrument: Instrument, fill: Fill) -> Decimal:
        """What a fill does to a position, its margin and the money; answers the profit."""
        before = account.positions.get(instrument.symbol, Position(instrument.symbol))
        after, profit = before.traded(fill.side, fill.quantity, fill.price)
        account.positions[instrument.symbol] = after
        account.add(instrument.quote, EXACT.subtract(profit, fill.fee))
        margin = EXACT.subtract(after.margin(instrument), before.margin(instrument))
        if margin:
            account.lock(instrument.quote, margin)
        return profit

    def _tell_position(self, account: Account, symbol: str) -> None:
        self.facts.append(account.event(self.time_ns, PositionUpdate(account.positions[symbol])))
