"""What the use cases need from outside."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypedDict

from services.kernel.names import InstrumentName
from services.risk.domain.account import AccountState, Reservation
from services.risk.domain.checks import Check
from services.risk.domain.limits import Limits, TradingState
from services.risk.domain.order import Assets, OrderTerms, Quote


class LimitsChange(TypedDict, total=False):
    """New values of the limits that change."""

    max_order_notional: Decimal
    max_position_notional: Decimal
    max_gross_notional: Decimal
    price_collar: Decimal
    max_open_orders: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What was said of one order.

    Attributes:
        checks: in the order they ran; all but perhaps the last have passed.
        reservation: what was set aside; None where the order was not approved or only asked about.
        limits_version: version of the limits it was checked against.
        decide_time: when.
    """

    checks: tuple[Check, ...]
    reservation: Reservation | None
    limits_version: int
    decide_time: datetime

    @property
    def approved(self) -> bool:
        """Whether the order may leave."""
        return all(check.passed for check in self.checks)


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision and what it was about."""

    order: OrderTerms
    decision: Decision


class RiskReader(Protocol):
    """One snapshot of what risk knows."""

    async def limits(self, account: str) -> Limits | None:
        """Limits of an account; None where there is no such account."""
        ...

    async def trading(self, account: str) -> TradingState | None:
        """Mode of an account; None where there is no such account."""
        ...

    async def state(self, account: str) -> AccountState:
        """Holdings, positions and reservations of an account."""
        ...

    async def decision(self, order_id: str) -> StoredDecision | None:
        """The decision on an order, if there is one."""
        ...


class RiskWriter(RiskReader, Protocol):
    """What risk knows, inside one write transaction."""

    async def put_limits(self, account: str, limits: Limits) -> None:
        """Store the limits of an account."""
        ...

    async def put_trading(self, account: str, trading: TradingState) -> None:
        """Store the mode of an account."""
        ...

    async def put_decision(self, order_id: str, stored: StoredDecision) -> None:
        """Store a decision, with its reservation."""
        ...

    async def reservation(self, order_id: str) -> Reservation | None:
        """What is set aside for an order."""
        ...

    async def put_reservation(self, reservation: Reservation) -> None:
        """Store what is set aside for an order."""
        ...

    async def end(self, order_id: str) -> None:
        """Set nothing aside for an order any more, nor later."""
        ...

    async def has_ended(self, order_id: str) -> bool:
        """Whether an order ended before it was decided on."""
        ...

    async def add_holding(self, account: str, asset: str, change: Decimal) -> None:
        """Change what an account holds of an asset."""
        ...

    async def add_position(self, account: str, instrument: InstrumentName, change: Decimal) -> None:
        """Change what an account has traded of an instrument."""
        ...


class RiskStore(Protocol):
    """Where risk keeps what it knows."""

    def read(self) -> AbstractAsyncContextManager[RiskReader]:
        """Open a snapshot."""
        ...

    def write(self) -> AbstractAsyncContextManager[RiskWriter]:
        """Open a write transaction; it commits at the end of the block."""
        ...


class Market(Protocol):
    """What the market service knows."""

    async def assets(self, instrument: InstrumentName) -> Assets | None:
        """The assets of an instrument; None where the market does not answer.

        Raises:
            DomainError: INSTRUMENT_NOT_FOUND where it answers that there is no such instrument.
        """
        ...

    async def quotes(self, instruments: Collection[InstrumentName]) -> Mapping[InstrumentName, Quote]:
        """Fresh best prices of each instrument that has them now."""
        ...


class ExchangeEvents(Protocol):
    """How far the exchange's events have been applied."""

    def ready(self) -> bool:
        """Whether what is stored is new enough to decide on."""
        ...
