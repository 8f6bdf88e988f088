"""Exact decimal amounts: money, price and quantity.

On the wire and in every database an amount is a canonical decimal string. In Python it is a
``decimal.Decimal`` and all arithmetic runs in :data:`EXACT`, which raises instead of rounding.
"""

import re
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

MAX_DIGITS = 38
"""Most significant digits an amount may have on the wire."""

EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""Context that never rounds: a result that would need it raises ``decimal.Inexact``."""

_GRAMMAR = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


def parse(text: str) -> Decimal:
    """Read an amount from its wire form.

    Args:
        text: ``-?(0|[1-9][0-9]*)(.[0-9]+)?`` with at most 38 significant digits.

    Raises:
        ValueError: the text is not of that grammar, or has too many digits.
    """
    if _GRAMMAR.fullmatch(text) is None:
        msg = f"not a decimal amount: {text[:60]!r}"
        raise ValueError(msg)
    amount = Decimal(text)
    if len(text) > MAX_DIGITS and len(amount.as_tuple().digits) > MAX_DIGITS:
        msg = f"more than {MAX_DIGITS} significant digits: {text[:60]!r}"
        raise ValueError(msg)
    return amount


def render(amount: Decimal) -> str:
    """Write an amount in its one canonical form: no exponent, no trailing zeros, no minus zero.

    Raises:
        ValueError: the amount is infinite or not a number.
    """
    if not amount.is_finite():
        msg = f"not a finite amount: {amount}"
        raise ValueError(msg)
    if not amount:
        return "0"
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_multiple(amount: Decimal, step: Decimal) -> bool:
    """Whether ``amount`` is a whole number of ``step`` (a tick or a lot; above zero)."""
    return EXACT.remainder(amount, step) == 0
