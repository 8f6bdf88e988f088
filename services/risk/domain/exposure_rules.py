"""Checks of what the account would have at stake, and of what it lost."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from services.kernel.decimals import EXACT, render
from services.kernel.names import InstrumentName
from services.risk.domain.account import AccountState
from services.risk.domain.equity import without_flows
from services.risk.domain.finding import Finding, at_most, unknown
from services.risk.domain.question import Question
from services.risk.domain.reservation import total
from services.risk.domain.traded import ZERO, Traded, divide

_RATIO_PLACES = Decimal("1e-6")


class PriceMissingError(Exception):
    """A number needs a price that the market does not have.

    Args:
        missing: what has no price.
    """

    def __init__(self, missing: str) -> None:
        super().__init__(missing)
        self.missing = missing


def position_quantity(question: Question) -> Finding | None:
    """The position stays within the instrument's own limit."""
    own = question.limits.instruments.get(question.order.instrument)
    if own is None or own.max_position_quantity is None:
        return None
    instrument = question.order.instrument
    return at_most(
        question.after.greatest(instrument),
        own.max_position_quantity,
        "the position with all pending orders",
        anyway=_no_greater(
            question, question.after.greatest(instrument), question.state.greatest(instrument)
        ),
    )


def position_notional(question: Question) -> Finding | None:
    """The position stays within what any position may be."""
    return _instrument(question, question.limits.max_position_notional, "the position's notional")


def instrument_exposure(question: Question) -> Finding | None:
    """The instrument's exposure stays within its own limit."""
    own = question.limits.instruments.get(question.order.instrument)
    if own is None or own.max_notional is None:
        return None
    return _instrument(question, own.max_notional, f"the exposure in {question.order.instrument}")


def venue_exposure(question: Question) -> Finding | None:
    """All positions at the venue stay within what may be at stake there."""
    venue, limit = question.order.instrument.venue, question.limits.max_venue_notional
    return _sum(
        question,
        limit,
        f"the notional of all positions at venues/{venue}",
        lambda state: gross(question, state, venue),
    )


def gross_notional(question: Question) -> Finding | None:
    """All positions together stay within what may be at stake."""
    return _sum(
        question,
        question.limits.max_gross_notional,
        "the notional of all positions",
        lambda state: gross(question, state),
    )


def net_notional(question: Question) -> Finding | None:
    """All positions together, long less short, stay within what may be at stake."""
    limit = question.limits.max_net_notional
    if limit is None:
        return None
    try:
        # A net position may be brought to zero: then only what it was before needs a price.
        before = net(question, question.state)
    except PriceMissingError as error:
        return unknown(f"{error.missing} has no fresh price", render(limit))
    return _sum(
        question,
        limit,
        "the net notional of all positions",
        lambda state: before if state is question.state else net(question, state),
    )


def concentration(question: Question) -> Finding | None:
    """One instrument is not too large a share of all that is at stake, or of the equity if that is more."""
    limit = question.limits.max_concentration
    if limit is None or question.reduces:
        return None
    if question.worth.missing:
        return _no_equity(question, limit)
    try:
        share = _value(question, question.after, question.order.instrument)
        whole = max(gross(question, question.after), question.worth.amount)
    except PriceMissingError as error:
        return unknown(f"{error.missing} has no price", render(limit))
    return _ratio(share, whole, limit, f"the share of {question.order.instrument}")


def leverage(question: Question) -> Finding | None:
    """All positions together are not too large a multiple of the equity."""
    limit = question.limits.max_leverage
    if limit is None or question.reduces:
        return None
    if question.worth.missing:
        return _no_equity(question, limit)
    try:
        whole = gross(question, question.after)
    except PriceMissingError as error:
        return unknown(f"{error.missing} has no price", render(limit))
    return _ratio(whole, question.worth.amount, limit, "the leverage")


def daily_loss(question: Question) -> Finding | None:
    """What was lost since the day began stays within its limit."""
    start = None if question.day is None else question.day.start
    return _loss(question, question.limits.max_daily_loss, start, "since the day began")


def daily_drawdown(question: Question) -> Finding | None:
    """What was lost since the day's highest equity stays within its limit."""
    peak = None if question.day is None else question.day.peak
    return _loss(question, question.limits.max_daily_drawdown, peak, "since the day's highest equity")


def gross(question: Question, state: AccountState, venue: str = "") -> Decimal:
    """Sum of the absolute values of all positions with pending orders, at one venue or at all.

    Raises:
        PriceMissingError: an instrument cannot be valued.
    """
    wanted = (each for each in state.instruments() if venue in {"", each.venue})
    return total(_value(question, state, instrument) for instrument in wanted)


def net(question: Question, state: AccountState) -> Decimal:
    """Absolute value of all positions, long less short, with the pending orders of the order's side.

    Raises:
        PriceMissingError: an instrument cannot be valued.
    """
    side = question.order.side
    amounts = (
        _worth(question, state, instrument, state.with_pending(instrument, side))
        for instrument in state.instruments()
    )
    return total(amounts).copy_abs()


def _value(question: Question, state: AccountState, instrument: InstrumentName) -> Decimal:
    return _worth(question, state, instrument, state.greatest(instrument))


def _worth(question: Question, state: AccountState, instrument: InstrumentName, quantity: Decimal) -> Decimal:
    """What a quantity is worth at the market, in valuation asset."""
    if quantity == ZERO:
        return ZERO
    quote = question.market.quotes.get(instrument)
    traded = _traded(question, state, instrument)
    if quote is None or traded is None:
        raise PriceMissingError(str(instrument))
    worth = question.notional(traded, quantity, quote.mark)
    if worth is None:
        raise PriceMissingError(traded.money)
    return worth


def _traded(question: Question, state: AccountState, instrument: InstrumentName) -> Traded | None:
    return question.traded if instrument == question.order.instrument else state.traded_of(instrument)


def _instrument(question: Question, limit: Decimal | None, what: str) -> Finding | None:
    return _sum(question, limit, what, lambda state: _value(question, state, question.order.instrument))


def _sum(
    question: Question, limit: Decimal | None, what: str, measure: Callable[[AccountState], Decimal]
) -> Finding | None:
    """Pass up to the limit, and beyond it where the order makes nothing greater.

    What it was before is only asked for beyond the limit. It needs no price that what comes after does
    not need: the greatest position is never brought to zero by one more order.
    """
    if limit is None:
        return None
    try:
        after = measure(question.after)
        anyway = after > limit and _no_greater(question, after, measure(question.state))
    except PriceMissingError as error:
        return unknown(f"{error.missing} has no fresh price", render(limit))
    return at_most(after, limit, f"{what} with all pending orders", anyway=anyway)


def _no_greater(question: Question, after: Decimal, before: Decimal) -> bool:
    """Whether the order makes nothing greater: then it passes a limit that is broken already."""
    return after <= before or question.reduces


def _ratio(part: Decimal, whole: Decimal, limit: Decimal, what: str) -> Finding:
    """Compare exactly; only what is shown is rounded."""
    passed = part <= EXACT.multiply(whole, limit) and (whole > ZERO or part == ZERO)
    shown = "infinite" if whole <= ZERO else render(divide(part, whole).quantize(_RATIO_PLACES))
    return Finding(
        passed,
        shown,
        render(limit),
        f"{what} with all pending would be {shown}, above {render(limit)}",
    )


def _loss(question: Question, limit: Decimal | None, reference: Decimal | None, since: str) -> Finding | None:
    if limit is None or question.reduces:
        return None
    if question.day is None or reference is None:
        return _no_equity(question, limit)
    now = without_flows(question.worth, question.day, question.market.rates)
    if now.missing:
        return _missing(now.missing, limit)
    loss = max(ZERO, EXACT.subtract(reference, now.amount))
    return Finding(
        loss <= limit,
        render(loss),
        render(limit),
        f"the account lost {render(loss)} {since}, more than {render(limit)}; only orders that reduce a "
        "position pass",
    )


def _no_equity(question: Question, limit: Decimal) -> Finding:
    return _missing(question.worth.missing, limit)


def _missing(what: Iterable[str], limit: Decimal) -> Finding:
    return unknown(f"{', '.join(what) or 'the equity'} has no price", render(limit))
