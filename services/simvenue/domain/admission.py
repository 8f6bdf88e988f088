"""What is asked of an order before it is accepted. Nothing here changes anything."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from services.kernel.decimals import EXACT, render
from services.kernel.errors import DomainError, ErrorKind
from services.simvenue.domain.account import Account
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.margin import Wanted, margin_of
from services.simvenue.domain.market import Market
from services.simvenue.domain.orders import (
    LimitTerms,
    MarketTerms,
    NewOrder,
    StopMarketTerms,
    Terms,
    held_price,
    trigger_of,
    working_terms,
)
from services.simvenue.domain.reducing import check_reducing
from services.simvenue.domain.stops import goes_off
from services.simvenue.domain.terms import Liquidity, SelfTrade, Side, TimeInForce

_DAY_NS = 86_400 * 1_000_000_000
_MOST_PARTS = 100
"""Parts an iceberg may come in. It bounds the trades that one order can make."""


class Admitted(NamedTuple):
    """An order that may come in.

    Attributes:
        request: with its quantity and its self-trade prevention worked out.
        lots: its quantity.
        expire_ns: exchange time at which it ends, if it does.
    """

    request: NewOrder
    lots: int
    expire_ns: int | None


def admit(
    account: Account,
    market: Market,
    request: NewOrder,
    default: SelfTrade,
    now_ns: int,
    instruments: Mapping[str, Instrument],
) -> Admitted:
    """Hold an order against the rules and the balance.

    Args:
        account: whose it is.
        market: of its instrument.
        request: what is asked for.
        default: the account's self-trade prevention.
        now_ns: exchange time.
        instruments: all of the venue, by symbol.

    Raises:
        DomainError: it is refused; the reason says why.
    """
    account.refuse_known(request.client_order_id)
    request = replace(request, self_trade=request.self_trade or default)
    if request.quote_quantity is not None:
        request = _sized(account, market, request, request.quote_quantity)
    instrument, terms = market.instrument, request.terms
    lots = instrument.lots(request.quantity)
    instrument.check_quantity(request.quantity)
    limit = limit_ticks(instrument, terms)
    expire_ns = _expire_ns(terms, now_ns)
    _check_display(instrument, request)
    trigger = trigger_of(terms)
    if trigger is not None:
        _refuse_going_off(market, request.side, instrument.ticks(trigger))
    if request.reduce_only and (trigger is None or instrument.perpetual is None):
        check_reducing(account, market, request)
    _check_money(account, market, request, lots, limit, instruments)
    return Admitted(request, lots, expire_ns)


def limit_ticks(instrument: Instrument, terms: Terms) -> int | None:
    """The worst price in ticks; None takes any. Raises PRICE_OFF_TICK."""
    working = working_terms(terms)
    return instrument.ticks(working.price) if isinstance(working, LimitTerms) else None


def display_lots(instrument: Instrument, terms: Terms) -> int:
    """Most lots that the book shows at a time; 0 shows all. Raises QUANTITY_OFF_LOT."""
    working = working_terms(terms)
    if isinstance(working, LimitTerms) and working.display is not None:
        return instrument.lots(working.display)
    return 0


def time_in_force(terms: Terms) -> TimeInForce:
    """How long what the book is given may rest."""
    working = working_terms(terms)
    return working.time_in_force if isinstance(working, LimitTerms) else TimeInForce.IOC


def crosses(market: Market, side: Side, price: int) -> int | None:
    """The best price that an order of a limit would trade with at once; None where it would rest."""
    best = market.book.best(side.opposite)
    if best is None or (price < best if side is Side.BUY else price > best):
        return None
    return best


def margin_cover(
    account: Account,
    instrument: Instrument,
    request: NewOrder,
    notional: Decimal,
    instruments: Mapping[str, Instrument],
) -> tuple[str, Decimal]:
    """Currency and amount that must be free for an order of a perpetual: margin of all, and its fee."""
    price = held_price(request.terms)
    if price is None:
        # A market order is margined as if it all came at the average price, rounded up to a tick.
        ticks = EXACT.divide_int(notional, EXACT.multiply(request.quantity, instrument.tick_size))
        price = EXACT.multiply(EXACT.add(ticks, Decimal(1)), instrument.tick_size)
    wanted = Wanted(instrument, request.side, request.quantity, price)
    margin = margin_of(account.open_orders(), wanted, account.positions, instruments)
    return instrument.quote, EXACT.add(margin, instrument.fee(notional, Liquidity.TAKER))


def taker_cover(
    account: Account, market: Market, request: NewOrder, lots: int, limit: int | None
) -> tuple[str, Decimal]:
    """Currency and amount that must be free for an order that comes to the book now."""
    instrument, working = market.instrument, working_terms(request.terms)
    if request.side is Side.SELL:
        return instrument.base, request.quantity
    if isinstance(working, LimitTerms):
        return instrument.quote, instrument.buying_power(EXACT.multiply(working.price, request.quantity))
    walk = market.book.walk(request.side, lots, limit, account.number, stp(request))
    cost = instrument.notional(walk.notional)
    return instrument.quote, EXACT.add(cost, instrument.fee(cost, Liquidity.TAKER))


def stp(request: NewOrder) -> SelfTrade:
    """The self-trade prevention of an order that was admitted."""
    return request.self_trade or SelfTrade.EXPIRE_TAKER


def _sized(account: Account, market: Market, request: NewOrder, budget: Decimal) -> NewOrder:
    """Work out what a market order with a quote quantity comes to in the book as it stands."""
    instrument = market.instrument
    instrument.check_notional(budget)
    tick_lots = int(EXACT.divide_int(budget, EXACT.multiply(instrument.tick_size, instrument.lot_size)))
    lots = market.book.lots_for(request.side, tick_lots, account.number, stp(request))
    if not lots:
        raise DomainError(
            "NO_LIQUIDITY",
            f"the book offers nothing that {render(budget)} {instrument.quote} could be traded for",
            kind=ErrorKind.PRECONDITION,
            metadata={"quoteQuantity": render(budget)},
        )
    most = instrument.lots(instrument.max_quantity)
    return replace(request, quantity=instrument.quantity(min(lots, most)))


def _expire_ns(terms: Terms, now_ns: int) -> int | None:
    lasting = terms if isinstance(terms, StopMarketTerms) else working_terms(terms)
    if isinstance(lasting, MarketTerms):
        return None
    if lasting.time_in_force is TimeInForce.DAY:
        return (now_ns // _DAY_NS + 1) * _DAY_NS
    expire_ns = lasting.expire_ns
    if expire_ns is not None and expire_ns <= now_ns:
        raise DomainError(
            "EXPIRE_TIME_PASSED",
            "the order's expire_time is not after exchange time now",
            kind=ErrorKind.PRECONDITION,
            metadata={"expireTimeNs": str(expire_ns), "exchangeTimeNs": str(now_ns)},
        )
    return expire_ns


def _check_display(instrument: Instrument, request: NewOrder) -> None:
    working = working_terms(request.terms)
    if not isinstance(working, LimitTerms) or working.display is None:
        return
    instrument.lots(working.display)
    if not working.display < request.quantity <= EXACT.multiply(working.display, Decimal(_MOST_PARTS)):
        raise DomainError(
            "DISPLAY_QUANTITY_INVALID",
            f"an iceberg of {render(request.quantity)} must show less than that, "
            f"and at least one part in {_MOST_PARTS} of it",
            kind=ErrorKind.INVALID,
            metadata={"displayQuantity": render(working.display), "quantity": render(request.quantity)},
        )


def _refuse_going_off(market: Market, side: Side, trigger: int) -> None:
    last = market.last_price
    if last is not None and goes_off(side, trigger, last):
        price = market.instrument.price
        raise DomainError(
            "STOP_WOULD_TRIGGER",
            f"a stop at {render(price(trigger))} would go off at once, the last trade was at "
            f"{render(price(last))}",
            kind=ErrorKind.PRECONDITION,
            metadata={"triggerPrice": render(price(trigger)), "lastPrice": render(price(last))},
        )


def _check_money(
    account: Account,
    market: Market,
    request: NewOrder,
    lots: int,
    limit: int | None,
    instruments: Mapping[str, Instrument],
) -> None:
    instrument, terms = market.instrument, request.terms
    held = held_price(terms)
    if held is not None:
        notional = EXACT.multiply(held, request.quantity)
        if not request.reduce_only:
            instrument.check_notional(notional)
        if isinstance(terms, LimitTerms) and terms.post_only:
            refuse_crossing(market, request.side, instrument.ticks(terms.price))
        cover = instrument.base, request.quantity
        if request.side is Side.BUY:
            cover = instrument.quote, instrument.buying_power(notional)
    else:
        walk = market.book.walk(request.side, lots, limit, account.number, stp(request))
        if walk.lots == lots and not request.reduce_only:
            instrument.check_notional(instrument.notional(walk.notional))
        notional = instrument.notional(walk.notional)
        cover = taker_cover(account, market, request, lots, limit)
    if request.reduce_only:
        return
    if instrument.perpetual is not None:
        cover = margin_cover(account, instrument, request, notional, instruments)
    account.require(*cover)


def refuse_crossing(market: Market, side: Side, price: int) -> None:
    """Refuse a post-only order that would trade at once.

    Raises:
        DomainError: POST_ONLY_WOULD_TRADE.
    """
    best = crosses(market, side, price)
    if best is not None:
        ours, theirs = market.instrument.price(price), market.instrument.price(best)
        raise DomainError(
            "POST_ONLY_WOULD_TRADE",
            f"a post-only order at {render(ours)} would trade with {render(theirs)} at once",
            kind=ErrorKind.PRECONDITION,
            metadata={"price": render(ours), "bestPrice": render(theirs)},
        )
