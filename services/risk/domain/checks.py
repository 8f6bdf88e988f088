"""The checks that every order passes before it leaves, in a fixed order; the first failure decides."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from services.kernel.decimals import EXACT, render
from services.kernel.names import InstrumentName
from services.risk.domain.account import AccountState, Reservation
from services.risk.domain.limits import Limits, TradingMode, TradingState
from services.risk.domain.order import OrderTerms, Quote, Side, collar_price, worst_price

MISSING = "none"


class CheckKind(Enum):
    """The checks, in the order they run."""

    TRADING_HALTED = 1
    PRICE_MISSING = 2
    ORDER_NOTIONAL = 3
    PRICE_COLLAR = 4
    BALANCE = 5
    POSITION_NOTIONAL = 6
    GROSS_NOTIONAL = 7
    OPEN_ORDERS = 8


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one order.

    Attributes:
        kind: which check.
        passed: whether the order passed it.
        observed: what the order would lead to.
        allowed: what is allowed.
        message: one sentence for a person.
    """

    kind: CheckKind
    passed: bool
    observed: str
    allowed: str
    message: str


@dataclass(frozen=True, slots=True)
class Question:
    """All that the checks look at.

    Attributes:
        order: the order.
        reservation: what the order would set aside.
        limits: of its account.
        trading: of its account.
        state: of its account, without the order.
        quotes: best prices now, of each instrument where the market has them.
    """

    order: OrderTerms
    reservation: Reservation | None
    limits: Limits
    trading: TradingState
    state: AccountState
    quotes: Mapping[InstrumentName, Quote]

    @property
    def quote(self) -> Quote:
        """Best prices of the order's instrument; there after PRICE_MISSING has passed."""
        return self.quotes[self.order.instrument]


def run(question: Question) -> tuple[Check, ...]:
    """Run the checks up to the first that fails."""
    return tuple(_until_failure(question))


def _until_failure(question: Question) -> Iterator[Check]:
    for check in _CHAIN:
        result = check(question)
        yield result
        if not result.passed:
            return


def _trading_halted(question: Question) -> Check:
    trading = question.trading
    active = trading.mode is TradingMode.ACTIVE
    return Check(
        CheckKind.TRADING_HALTED,
        active,
        trading.mode.value,
        TradingMode.ACTIVE.value,
        "the account may trade" if active else f"the account is halted: {trading.reason}",
    )


def _price_missing(question: Question) -> Check:
    quote = question.quotes.get(question.order.instrument)
    return Check(
        CheckKind.PRICE_MISSING,
        quote is not None,
        MISSING if quote is None else render(quote.mark),
        "a fresh bid and ask",
        f"the market has {'no fresh' if quote is None else 'a fresh'} price of {question.order.instrument}",
    )


def _order_notional(question: Question) -> Check:
    price = worst_price(question.order, question.quote, question.limits.price_collar)
    return _at_most(
        CheckKind.ORDER_NOTIONAL,
        EXACT.multiply(price, question.order.quantity),
        question.limits.max_order_notional,
        "the order's notional",
    )


def _price_collar(question: Question) -> Check:
    order = question.order
    worst = collar_price(order.side, question.quote, question.limits.price_collar)
    if order.limit_price is None:
        return Check(
            CheckKind.PRICE_COLLAR, True, "market", render(worst), "a market order has no limit price"
        )
    inside = order.limit_price <= worst if order.side is Side.BUY else order.limit_price >= worst
    bound = "at most" if order.side is Side.BUY else "at least"
    return Check(
        CheckKind.PRICE_COLLAR,
        inside,
        render(order.limit_price),
        render(worst),
        f"the limit price {render(order.limit_price)} must be {bound} {render(worst)}",
    )


def _balance(question: Question) -> Check:
    wanted = question.reservation
    if wanted is None:
        return Check(CheckKind.BALANCE, False, MISSING, MISSING, "what the order needs is not known")
    return _at_most(
        CheckKind.BALANCE, wanted.quantity, question.state.free(wanted.asset), f"the {wanted.asset} needed"
    )


def _position_notional(question: Question) -> Check:
    order = question.order
    position = question.state.greatest_position(order.instrument, order)
    return _at_most(
        CheckKind.POSITION_NOTIONAL,
        EXACT.multiply(position, question.quote.mark),
        question.limits.max_position_notional,
        "the position's notional with all pending orders",
    )


def _gross_notional(question: Question) -> Check:
    order, state = question.order, question.state
    total = Decimal(0)
    for instrument in sorted(state.instruments() | {order.instrument}, key=str):
        quote = question.quotes.get(instrument)
        if quote is None:
            return Check(
                CheckKind.GROSS_NOTIONAL,
                False,
                MISSING,
                render(question.limits.max_gross_notional),
                f"the market has no fresh price of {instrument}, so the gross notional is not known",
            )
        total = EXACT.add(total, EXACT.multiply(state.greatest_position(instrument, order), quote.mark))
    return _at_most(
        CheckKind.GROSS_NOTIONAL,
        total,
        question.limits.max_gross_notional,
        "the notional of all positions with all pending orders",
    )


def _open_orders(question: Question) -> Check:
    return _at_most(
        CheckKind.OPEN_ORDERS,
        Decimal(len(question.state.reservations) + 1),
        Decimal(question.limits.max_open_orders),
        "the number of open orders",
    )


def _at_most(kind: CheckKind, observed: Decimal, allowed: Decimal, what: str) -> Check:
    passed = observed <= allowed
    return Check(
        kind,
        passed,
        render(observed),
        render(allowed),
        f"{what} would be {render(observed)}, {'within' if passed else 'above'} {render(allowed)}",
    )


_CHAIN: tuple[Callable[[Question], Check], ...] = (
    _trading_halted,
    _price_missing,
    _order_notional,
    _price_collar,
    _balance,
    _position_notional,
    _gross_notional,
    _open_orders,
)
