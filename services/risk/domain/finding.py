"""What one check found."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from services.kernel.decimals import render
from services.risk.domain.question import Question

MISSING = "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        passed: whether the order passed.
        observed: what the order would lead to.
        allowed: what is allowed.
        message: one sentence for a person; empty where it passed.
    """

    passed: bool
    observed: str
    allowed: str
    message: str = ""


Rule = Callable[[Question], Finding | None]
"""A check; None where there is nothing to check, since no limit is set."""


def at_most(observed: Decimal, allowed: Decimal, what: str, *, anyway: bool = False) -> Finding:
    """Pass up to a limit, or anyway."""
    return Finding(
        observed <= allowed or anyway,
        render(observed),
        render(allowed),
        f"{what} would be {render(observed)}, above {render(allowed)}",
    )


def unknown(what: str, allowed: str) -> Finding:
    """Fail, since a number that is needed is not known."""
    return Finding(False, MISSING, allowed, f"{what}, so it is not known whether the order may leave")
