"""The chain of checks that every order passes before it leaves; the first failure decides."""

from enum import IntEnum
from typing import NamedTuple

from services.risk.domain import exposure_rules, order_rules
from services.risk.domain.finding import Rule
from services.risk.domain.question import Question


class CheckKind(IntEnum):
    """The checks, numbered as in the contract; their order is that of :data:`CHAIN`."""

    TRADING_HALTED = 1
    PRICE_MISSING = 2
    ORDER_NOTIONAL = 3
    PRICE_COLLAR = 4
    BALANCE = 5
    POSITION_NOTIONAL = 6
    GROSS_NOTIONAL = 7
    OPEN_ORDERS = 8
    TRADING_REDUCING = 9
    LOCKED = 10
    INSTRUMENT_STATUS = 11
    PRICE_TICK = 12
    QUANTITY_LOT = 13
    QUANTITY_RANGE = 14
    NOTIONAL_MINIMUM = 15
    REDUCE_ONLY = 16
    ORDER_RATE = 17
    DAILY_LOSS = 18
    DAILY_DRAWDOWN = 19
    INSTRUMENT_EXPOSURE = 20
    VENUE_EXPOSURE = 21
    NET_NOTIONAL = 22
    CONCENTRATION = 23
    LEVERAGE = 24
    DUPLICATE_ORDER = 25
    POSITION_QUANTITY = 26


# A check may count on all before it: what the order trades is known after INSTRUMENT_STATUS, its price
# after PRICE_MISSING.
CHAIN: tuple[tuple[CheckKind, Rule], ...] = (
    (CheckKind.TRADING_HALTED, order_rules.trading_halted),
    (CheckKind.INSTRUMENT_STATUS, order_rules.instrument_status),
    (CheckKind.PRICE_TICK, order_rules.price_tick),
    (CheckKind.QUANTITY_LOT, order_rules.quantity_lot),
    (CheckKind.QUANTITY_RANGE, order_rules.quantity_range),
    (CheckKind.PRICE_MISSING, order_rules.price_missing),
    (CheckKind.NOTIONAL_MINIMUM, order_rules.notional_minimum),
    (CheckKind.PRICE_COLLAR, order_rules.price_collar),
    (CheckKind.TRADING_REDUCING, order_rules.trading_reducing),
    (CheckKind.REDUCE_ONLY, order_rules.reduce_only),
    (CheckKind.LOCKED, order_rules.locked),
    (CheckKind.BALANCE, order_rules.balance),
    (CheckKind.POSITION_QUANTITY, exposure_rules.position_quantity),
    (CheckKind.POSITION_NOTIONAL, exposure_rules.position_notional),
    (CheckKind.ORDER_RATE, order_rules.order_rate),
    (CheckKind.OPEN_ORDERS, order_rules.open_orders),
    (CheckKind.ORDER_NOTIONAL, order_rules.order_notional),
    (CheckKind.DAILY_LOSS, exposure_rules.daily_loss),
    (CheckKind.DAILY_DRAWDOWN, exposure_rules.daily_drawdown),
    (CheckKind.INSTRUMENT_EXPOSURE, exposure_rules.instrument_exposure),
    (CheckKind.VENUE_EXPOSURE, exposure_rules.venue_exposure),
    (CheckKind.GROSS_NOTIONAL, exposure_rules.gross_notional),
    (CheckKind.NET_NOTIONAL, exposure_rules.net_notional),
    (CheckKind.CONCENTRATION, exposure_rules.concentration),
    (CheckKind.LEVERAGE, exposure_rules.leverage),
    (CheckKind.DUPLICATE_ORDER, order_rules.duplicate_order),
)


class Check(NamedTuple):
    """One check of one order.

    Attributes:
        kind: which check.
        passed: whether the order passed it.
        observed: what the order would lead to.
        allowed: what is allowed.
        message: one sentence for a person; empty where it passed.
    """

    kind: CheckKind
    passed: bool
    observed: str
    allowed: str
    message: str


def run(question: Question) -> tuple[Check, ...]:
    """Run the checks up to the first that fails. Those without a limit are left out."""
    checks: list[Check] = []
    for kind, rule in CHAIN:
        found = rule(question)
        if found is None:
            continue
        passed, observed, allowed, message = found
        checks.append(Check(kind, passed, observed, allowed, "" if passed else message))
        if not passed:
            break
    return tuple(checks)
