"""What protects a venue from us, and us from a venue: limits, pauses, a breaker."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from services.exchange.domain.budgets import Ask, Budget, Grant
from services.exchange.ports.venues import Venue
from services.exchange.views import VenueCondition


@dataclass(frozen=True, slots=True)
class Pause:
    """The venue asked us to wait.

    Attributes:
        until: when calls go on.
        banned: whether cancels wait, too: the venue would not take them either (HTTP 418 at Binance).
    """

    until: datetime
    banned: bool


@dataclass(frozen=True, slots=True)
class Leased:
    """Answer of the shared count.

    Attributes:
        grants: one for each ask.
        pause: of the venue, as some instance was told; None for none.
    """

    grants: Sequence[Grant]
    pause: Pause | None


class RateLedger(Protocol):
    """The count of what all instances of this service used of a venue's limits."""

    async def lease(self, venue: str, asks: Sequence[Ask]) -> Leased:
        """Answer all asks in one transaction.

        Raises:
            DomainError: STORAGE_UNAVAILABLE.
        """
        ...

    async def pause(self, venue: str, pause: Pause) -> None:
        """Let all instances know of a pause; the later end of two stands.

        Raises:
            DomainError: STORAGE_UNAVAILABLE.
        """
        ...


class VenueReports(Protocol):
    """What an adapter may tell of a venue beside its answers."""

    def used(self, budget: str, amount: int) -> None:
        """The venue's own count of a budget, as in the header X-MBX-USED-WEIGHT-1M."""
        ...

    def asked_to_wait(self, seconds: float, *, banned: bool) -> None:
        """The venue answered with 429 (or 418: banned) and said for how long."""
        ...


@runtime_checkable
class DeclaresBudgets(Protocol):
    """An adapter that knows its venue's rate limits."""

    def rate_budgets(self) -> Sequence[Budget]:
        """The limits; settings go before them."""
        ...


@runtime_checkable
class Reporting(Protocol):
    """An adapter that tells what the venue says of limits."""

    def report_to(self, reports: VenueReports) -> None:
        """Called once, before the first call."""
        ...


class ProtectedVenue(Venue, Protocol):
    """A venue behind its protection."""

    def condition(self) -> VenueCondition:
        """How it stands now."""
        ...

    async def admit_order(self) -> None:
        """Make sure that an order may leave now.

        Raises:
            DomainError: LIVE_TRADING_OFF, VENUE_RATE_LIMITED or VENUE_UNAVAILABLE.
        """
        ...
