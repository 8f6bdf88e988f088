"""The gate that every order passes before it leaves."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from services.exchange.domain.order import Order


class RiskUnavailableError(Exception):
    """Risk gave no decision. The order must not leave."""


@dataclass(frozen=True, slots=True)
class Approved:
    """Risk has reserved for the order.

    Attributes:
        needed: what that sets aside, as far as risk said.
    """

    needed: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """Risk said no.

    Attributes:
        reason: the check that failed.
        message: for a person, with its numbers.
        needed: what would have been set aside, as far as risk came to that.
    """

    reason: str
    message: str
    needed: Decimal | None = None


class RiskGate(Protocol):
    """Decides whether an order may leave, and reserves for it under its id."""

    async def preview(self, order: Order, within: float) -> Approved | Denied:
        """Ask what would be decided now; nothing is reserved, and nothing is kept of it.

        Raises:
            RiskUnavailableError: there is no decision.
        """
        ...

    async def reserve(self, order: Order, within: float) -> Approved | Denied:
        """Ask; asking again for the same order changes nothing.

        Raises:
            RiskUnavailableError: there is no decision.
        """
        ...
