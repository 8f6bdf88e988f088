"""What one check found."""

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from services.kernel.decimals import render
from services.risk.domain.question import Question

MISSING = "none"


class Finding(NamedTuple):
    """What one check found. A tuple, since an order makes many of them and most say that all is well.

    Attributes:
        passed: whether the order passed.
        observed: what the order would lead to.
        allowed: what is allowed.
        message: one sentence for a person; meant only where it did not pass.
    """

    passed: bool
    observed: str
    allowed: str
    message: str = ""


Rule = Callable[[Question], Finding | None]
"""A check; None where there is nothing to check, since no limit is set."""


def at_most(observed: Decimal, allowed: Decimal, what: str, *, anyway: bool = False) -> Finding:
    """Pass up to a limit, or anyway."""
    shown, most = render(observed), render(allowed)
    return Finding(observed <= allowed or anyway, shown, most, f"{what} would be {shown}, above {most}")


def unknown(what: str, allowed: str) -> Finding:
    """Fail, since a number that is needed is not known."""
    return Finding(False, MISSING, allowed, f"{what}, so it is not known whether the order may leave")
