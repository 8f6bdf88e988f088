"""Brings orders of real accounts to the book, and does what becomes of them there."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from services.kernel.decimals import EXACT
from services.simvenue.domain.account import Account
from services.simvenue.domain.admission import (
    crosses,
    display_lots,
    limit_ticks,
    stp,
    taker_cover,
    time_in_force,
)
from services.simvenue.domain.book import CROWD, Match, Outcome
from services.simvenue.domain.clearing import Clearing
from services.simvenue.domain.market import Market
from services.simvenue.domain.orders import LimitTerms, Order, trigger_of, working_terms
from services.simvenue.domain.reducing import knocked_out, may_reduce, reducing_quantity
from services.simvenue.domain.terms import CloseReason, OrderStatus, Side, TimeInForce


class Matching:
    """Orders of real accounts at the book.

    Args:
        accounts: all real accounts, by the number that the book knows them by.
        clearing: books what happens.
        tell: makes trades and changed levels public.
    """

    def __init__(
        self,
        accounts: Mapping[int, Account],
        clearing: Clearing,
        tell: Callable[[Market, Iterable[Match]], None],
    ) -> None:
        self._accounts = accounts
        self._clearing = clearing
        self._tell = tell

    def match(self, account: Account, market: Market, order: Order) -> None:
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
        left = account.order(order.venue_order_id)
        if outcome.remaining:
            self._leave(account, market, left, outcome)
        elif left.status.is_open:
            clearing.close(account, left, OrderStatus.EXPIRED, CloseReason.REDUCE_ONLY)
        self._tell(market, outcome.matches)

    def _try(self, account: Account, market: Market, order: Order) -> Outcome | None:
        """Match an order; None where it is fill-or-kill and cannot fill."""
        request = order.request
        tif = time_in_force(request.terms)
        if tif is TimeInForce.FOK:
            lots = market.instrument.lots(request.quantity)
            limit = limit_ticks(market.instrument, request.terms)
            walk = market.book.walk(request.side, lots, limit, account.number, stp(request))
            if walk.lots < lots or reducing_quantity(account, request) < request.quantity:
                return None
        return self.submit(account, market, order, rest=tif.rests)

    def submit(self, account: Account, market: Market, order: Order, *, rest: bool) -> Outcome:
        """Give what is left of an order to the book."""
        instrument, request = market.instrument, order.request
        quantity = request.quantity if rest else reducing_quantity(account, request)
        return market.book.submit(
            order.venue_order_id,
            account.number,
            request.side,
            instrument.lots(EXACT.subtract(quantity, order.filled)),
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

    def wait(self, account: Account, market: Market, order: Order) -> None:
        """Let a stop wait for its trigger."""
        trigger = _trigger_ticks(market, order)
        market.stops.add(order.venue_order_id, account.number, order.request.side, trigger)

    def wait_no_more(self, market: Market, order: Order) -> int:
        """Take a waiting stop out; answers its lots."""
        market.stops.remove(order.venue_order_id, order.request.side, _trigger_ticks(market, order))
        return market.instrument.lots(order.request.quantity)

    def set_off(self, market: Market) -> None:
        """Bring the stops that trades set off to the book; their trades may set off more."""
        self._knock_out(market)
        while (due := market.stops.take_due()) is not None:
            owner, venue_order_id = due
            account = self._accounts[owner]
            order = account.order(venue_order_id)
            self._clearing.hold(
                account, market.instrument, order, -market.instrument.lots(order.request.quantity)
            )
            order = replace(
                order,
                status=OrderStatus.OPEN,
                trigger_ns=self._clearing.time_ns,
                update_ns=self._clearing.time_ns,
            )
            account.put(order)
            self._clearing.report(account, order)
            reason = _hindrance(account, market, order)
            if reason is None:
                self.match(account, market, order)
            else:
                self._clearing.close(account, order, OrderStatus.EXPIRED, reason)
            self._clearing.settle(account)
            self._knock_out(market)

    def _knock_out(self, market: Market) -> None:
        """End the reduce-only orders that could open something, now that positions and orders changed."""
        if market.instrument.perpetual is None:
            return
        for account in self._accounts.values():
            for order in knocked_out(account, market) if account.reducing else ():
                market.book.cancel(order.venue_order_id)
                self._clearing.close(account, order, OrderStatus.EXPIRED, CloseReason.REDUCE_ONLY)
                self._tell(market, [])

    def fill_late(self, account: Account, market: Market, order: Order, share: float, trade_id: int) -> bool:
        """Let a share of what a cancelled order left trade with the crowd after all.

        Answers whether it did: the account may not be able to pay for it any more.
        """
        request, instrument = order.request, market.instrument
        price = limit_ticks(instrument, request.terms)
        lots = math.ceil(instrument.lots(EXACT.subtract(request.quantity, order.filled)) * share)
        if order.status is not OrderStatus.CANCELLED or price is None or not lots:
            return False
        currency, needed = instrument.base, instrument.quantity(lots)
        if request.side is Side.BUY or instrument.perpetual is not None:
            currency = instrument.quote
            needed = instrument.buying_power(instrument.notional(price * lots))
        if account.free(currency) < needed:
            return False
        taker = request.side.opposite
        match = Match(trade_id, price, lots, taker, order.venue_order_id, account.number, 0, CROWD)
        self._clearing.fill_cancelled(account, instrument, match)
        self._tell(market, [match])
        self.set_off(market)
        return True


def _trigger_ticks(market: Market, order: Order) -> int:
    trigger = trigger_of(order.request.terms)
    return 0 if trigger is None else market.instrument.ticks(trigger)


def _hindrance(account: Account, market: Market, order: Order) -> CloseReason | None:
    """Why an order that was set off cannot go to the book; None where it can.

    A buy at any price may cost more than was held for it at its trigger.
    """
    request, working = order.request, working_terms(order.request.terms)
    limit = limit_ticks(market.instrument, request.terms)
    if request.reduce_only and not may_reduce(account, market, request):
        return CloseReason.REDUCE_ONLY
    if market.instrument.perpetual is None and not _covered(account, market, order, limit):
        return CloseReason.INSUFFICIENT_BALANCE
    if isinstance(working, LimitTerms) and working.post_only and limit is not None:
        return CloseReason.POST_ONLY_WOULD_TRADE if crosses(market, request.side, limit) is not None else None
    return None


def _covered(account: Account, market: Market, order: Order, limit: int | None) -> bool:
    request = order.request
    lots = market.instrument.lots(request.quantity)
    currency, amount = taker_cover(account, market, request, lots, limit)
    return account.free(currency) >= amount
