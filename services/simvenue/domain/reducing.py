"""Reduce-only orders of perpetuals: they may make a position smaller, never open or turn one.

As at Binance futures ("Summary of Failed Orders in Binance Futures" in its support pages): one that could
open anything is refused, but a market order of more than the position closes the position. What rests may
never be able to open anything either: where the position or the other orders change so that it could, it
expires, the youngest first.
"""

from decimal import Decimal

from services.kernel.decimals import render
from services.kernel.errors import DomainError, ErrorKind
from services.simvenue.domain.account import Account
from services.simvenue.domain.market import Market
from services.simvenue.domain.orders import LimitTerms, NewOrder, Order, working_terms
from services.simvenue.domain.terms import OrderStatus, Side


def closable_lots(account: Account, market: Market, side: Side) -> int:
    """Lots of the position that an order of this side can close."""
    return market.instrument.lots(account.closable(market.instrument.symbol, side))


def check_reducing(account: Account, market: Market, request: NewOrder) -> None:
    """Refuse a reduce-only order that could open something. A stop is looked at when it goes off.

    Raises:
        DomainError: REDUCE_ONLY_REFUSED.
    """
    closable = account.closable(market.instrument.symbol, request.side)
    if not may_reduce(account, market, request):
        raise DomainError(
            "REDUCE_ONLY_REFUSED",
            f"a reduce-only order of {render(request.quantity)} could open a position: "
            f"{render(closable)} can be closed, other orders' part included",
            kind=ErrorKind.PRECONDITION,
            metadata={"quantity": render(request.quantity), "closable": render(closable)},
        )


def may_reduce(account: Account, market: Market, request: NewOrder) -> bool:
    """Whether an order that comes to the book now is sure to reduce, cut to the position if it must be."""
    closable = closable_lots(account, market, request.side)
    working = working_terms(request.terms)
    if not isinstance(working, LimitTerms) or not working.time_in_force.rests:
        return closable > 0
    room = closable - sum(market.book.remaining(each.venue_order_id) for each in _beside(account, request))
    return 0 < market.instrument.lots(request.quantity) <= room


def knocked_out(account: Account, market: Market) -> list[Order]:
    """Resting reduce-only orders that could open something, with all others of their side filled before."""
    found: list[Order] = []
    mine = [account.order(each) for each in account.reducing]
    for side in Side:
        resting = [each for each in mine if _rests(each, market.instrument.symbol, side)]
        if not resting:
            continue
        room = closable_lots(account, market, side)
        for other in account.open_orders():
            if _rests(other, market.instrument.symbol, side) and not other.request.reduce_only:
                room -= market.book.remaining(other.venue_order_id)
        for order in resting:
            lots = market.book.remaining(order.venue_order_id)
            if lots > room:
                found.append(order)
            else:
                room -= lots
    return found


def reducing_quantity(account: Account, request: NewOrder) -> Decimal:
    """What of an order can trade: all of it, or what it can close where it may do nothing else."""
    closable = account.closable(request.symbol, request.side)
    return min(request.quantity, closable) if request.reduce_only else request.quantity


def _beside(account: Account, request: NewOrder) -> list[Order]:
    return [each for each in account.open_orders() if _rests(each, request.symbol, request.side)]


def _rests(order: Order, symbol: str, side: Side) -> bool:
    request = order.request
    return (request.symbol, request.side) == (symbol, side) and order.status is not OrderStatus.WAITING
