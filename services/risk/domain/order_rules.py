"""Checks of the order itself: may it be sent at all, to this venue, at this price, from this balance."""

from decimal import Decimal

from services.kernel.decimals import EXACT, is_multiple, render
from services.risk.domain.finding import MISSING, Finding, at_most, unknown
from services.risk.domain.locks import standing
from services.risk.domain.order import Side, collar_price, highest_price, reference_price
from services.risk.domain.question import Question
from services.risk.domain.traded import ONE, ZERO
from services.risk.domain.trading import TradingMode


def trading_halted(question: Question) -> Finding:
    """Nobody has halted the account, or trading as a whole."""
    trading = question.trading
    return Finding(
        trading.mode is not TradingMode.HALTED,
        trading.mode.value,
        f"{TradingMode.ACTIVE.value} or {TradingMode.REDUCING.value}",
        f"trading is halted: {trading.reason}",
    )


def instrument_status(question: Question) -> Finding:
    """The venue takes orders for the instrument; one that it says nothing of is known by its price."""
    rules = question.market.rules.get(question.order.instrument)
    if rules is None:
        return unknown(f"the market does not answer for {question.order.instrument}", "trading")
    if rules.halted:
        why = f"the venue takes no orders for {question.order.instrument} now"
        return Finding(False, "halted", "trading", why)
    return Finding(True, "trading", "trading")


def trading_reducing(question: Question) -> Finding | None:
    """While positions may only be reduced: the order does that, with all that is pending."""
    if question.trading.mode is not TradingMode.REDUCING:
        return None
    return _reduces(question, f"positions may only be reduced ({question.trading.reason})")


def reduce_only(question: Question) -> Finding | None:
    """An order that may only reduce a position does so, with all that is pending."""
    return (
        _reduces(question, "the order may only reduce the position") if question.order.reduce_only else None
    )


def locked(question: Question) -> Finding | None:
    """No lock stands against a new position."""
    if not question.locks:
        return None
    lock = standing(question.locks, question.order)
    if lock is None or question.reduces:
        return Finding(True, MISSING, MISSING)
    until = lock.expire_time.isoformat(timespec="seconds")
    return Finding(False, lock.source, MISSING, f"locked until {until}: {lock.reason}")


def price_tick(question: Question) -> Finding | None:
    """Prices are whole numbers of ticks; a price off the tick is refused, never rounded."""
    tick = question.rules.tick
    prices = [each for each in (question.order.limit_price, question.order.trigger_price) if each is not None]
    if tick is None or not prices:
        return None
    off = next((price for price in prices if not is_multiple(price, tick)), None)
    shown, step = render(prices[0] if off is None else off), render(tick)
    return Finding(
        off is None,
        shown,
        f"a multiple of {step}",
        f"the price {shown} is not a whole number of ticks of {step}",
    )


def quantity_lot(question: Question) -> Finding | None:
    """The quantity is a whole number of lots."""
    lot, quantity = question.rules.lot, question.order.quantity
    if lot is None:
        return None
    shown, step = render(quantity), render(lot)
    return Finding(
        is_multiple(quantity, lot),
        shown,
        f"a multiple of {step}",
        f"the quantity {shown} is not a whole number of lots of {step}",
    )


def quantity_range(question: Question) -> Finding | None:
    """The quantity is one that the venue takes."""
    rules, quantity = question.rules, question.order.quantity
    least, greatest = rules.min_quantity or ZERO, rules.max_quantity
    if rules.min_quantity is None and greatest is None:
        return None
    shown = render(quantity)
    allowed = f"{render(least)} to {MISSING if greatest is None else render(greatest)}"
    return Finding(
        least <= quantity and (greatest is None or quantity <= greatest),
        shown,
        allowed,
        f"the quantity {shown} is outside {allowed}",
    )


def price_missing(question: Question) -> Finding:
    """The market has a fresh price."""
    quote, allowed = question.market.quotes.get(question.order.instrument), "a fresh bid and ask"
    if quote is None:
        why = f"the market has no fresh price of {question.order.instrument}"
        return Finding(False, MISSING, allowed, why)
    return Finding(True, render(quote.mark), allowed)


def notional_minimum(question: Question) -> Finding | None:
    """The notional is one that the venue takes, at the order's price or the market's."""
    least = question.rules.min_notional
    if least is None:
        return None
    order = question.order
    price = order.limit_price or reference_price(order, question.quote)
    units = ONE if order.contract is None else order.contract.size
    if order.contract is None or not order.contract.inverse:
        units = EXACT.multiply(units, price)
    notional = EXACT.multiply(order.quantity, units)
    shown, needed = render(notional), render(least)
    return Finding(
        notional >= least,
        shown,
        f"at least {needed}",
        f"the notional {shown} is below the instrument's least, {needed}",
    )


def price_collar(question: Question) -> Finding:
    """The limit price is not too far on the far side of the market, or of the trigger."""
    order = question.order
    worst = collar_price(order.side, reference_price(order, question.quote), question.limits.price_collar)
    if order.limit_price is None:
        return Finding(True, "market", render(worst))
    buy = order.side is Side.BUY
    bound = "at most" if buy else "at least"
    shown, allowed = render(order.limit_price), render(worst)
    return Finding(
        order.limit_price <= worst if buy else order.limit_price >= worst,
        shown,
        allowed,
        f"the limit price {shown} must be {bound} {allowed}",
    )


def balance(question: Question) -> Finding:
    """What the account holds at the venue, less all that is set aside, pays for the order."""
    held = (question.traded.venue, question.reservation.asset)
    needed = EXACT.subtract(question.after.reserved.get(held, ZERO), question.state.reserved.get(held, ZERO))
    free = question.state.free(*held)
    contract = question.order.contract
    if contract is not None and needed > ZERO:
        margin = _contracts(question, contract.settle)
        if isinstance(margin, Finding):
            return margin
        free = EXACT.add(free, margin)
    return at_most(needed, free, f"the {held[1]} needed")


def order_rate(question: Question) -> Finding | None:
    """Not too many orders in a short time."""
    most = question.limits.max_order_rate
    if not most:
        return None
    window = question.limits.order_rate_window.total_seconds()
    return at_most(
        Decimal(question.recent.orders + 1), Decimal(most), f"the number of orders within {window:g} s"
    )


def open_orders(question: Question) -> Finding | None:
    """Not too many orders at once."""
    most = question.limits.max_open_orders
    if not most:
        return None
    return at_most(Decimal(question.after.open_orders), Decimal(most), "the number of open orders")


def order_notional(question: Question) -> Finding | None:
    """The order is not too large."""
    limit = question.limits.max_order_notional
    if limit is None:
        return None
    price = highest_price(question.order, question.quote, question.limits.price_collar)
    notional = question.notional(question.traded, question.order.quantity, price)
    if notional is None:
        return unknown(f"{question.traded.money} has no price", render(limit))
    return at_most(notional, limit, "the order's notional")


def duplicate_order(question: Question) -> Finding | None:
    """The same order did not pass a moment ago."""
    window, order = question.limits.duplicate_window, question.order
    if not window or order.reduce_only or order.group:
        return None
    earlier = question.recent.duplicate
    return Finding(
        not earlier,
        earlier or MISSING,
        MISSING,
        f"order {earlier} is equal, and was less than {window.total_seconds():g} s ago",
    )


def _reduces(question: Question, why: str) -> Finding:
    reducible = question.state.reducible(question.traded, question.order.side)
    return Finding(
        question.reduces,
        render(question.pending),
        render(reducible),
        f"{why}: with what is pending {render(question.pending)}, while the position has "
        f"{render(reducible)} to reduce",
    )


def _contracts(question: Question, settle: str) -> Decimal | Finding:
    """What contracts add to the free margin: what they have gained, less the margin of what is held."""
    result = ZERO
    for instrument, position in question.state.positions.items():
        traded = position.traded
        same = traded.contract is not None and traded.contract.settle == settle
        if not same or traded.venue != question.traded.venue:
            continue
        if position.quantity == ZERO:
            result = EXACT.add(result, position.gain(Decimal(1)))
            continue
        quote = question.market.quotes.get(instrument)
        if quote is None:
            return unknown(f"the market has no fresh price of {instrument}", MISSING)
        worth = traded.worth(position.quantity, quote.mark, up=True).copy_abs()
        held = EXACT.multiply(worth, question.limits.initial_margin)
        result = EXACT.subtract(EXACT.add(result, position.gain(quote.mark)), held)
    return result
