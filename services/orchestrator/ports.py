"""What the use cases need from outside."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from services.kernel.names import InstrumentName
from services.orchestrator.domain.cycle import Cycle, CycleState, Side
from services.orchestrator.domain.order import OrderView
from services.orchestrator.domain.trading import Trading


class UpstreamUnavailableError(Exception):
    """A service did not answer, so what it did is not known. The same call may be made again."""


class RefusedError(Exception):
    """A service refused a call for good.

    Attributes:
        reason: its reason.
        message: for a person.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class CycleQuery:
    """Which cycles to read, newest first.

    Attributes:
        before: sequence of the last cycle of the page before.
        states: only these; empty for all.
        limit: most cycles.
    """

    before: int | None
    states: Sequence[CycleState]
    limit: int


@dataclass(frozen=True, slots=True)
class NumberedCycle:
    """A cycle with its place in the order of arrival."""

    number: int
    cycle: Cycle


@dataclass(frozen=True, slots=True)
class Tally:
    """Cycles so far.

    Attributes:
        total: all.
        filled: those whose order was filled, wholly or in part.
        running: those that are not final.
        last: the newest; None before the first.
    """

    total: int
    filled: int
    running: int
    last: Cycle | None


@dataclass(frozen=True, slots=True)
class Watched:
    """What the cycles want to hear of orders.

    Attributes:
        orders: resource names of the orders that are followed to their end.
        placing: resource names of the strategies with a cycle whose order is being placed, so that its
            name is not known yet.
    """

    orders: frozenset[str]
    placing: frozenset[str]


class Reader(Protocol):
    """One snapshot of the orchestrator's state."""

    async def trading(self) -> Trading:
        """The mode."""
        ...

    async def cycle(self, cycle_id: UUID) -> Cycle | None:
        """One cycle."""
        ...

    async def cycle_of_order(self, order: str) -> Cycle | None:
        """The cycle that placed an order."""
        ...

    async def watched(self) -> Watched:
        """What the cycles want to hear of orders."""
        ...

    async def unplaced(self) -> Sequence[Cycle]:
        """Cycles that have no order yet and are not final, oldest first."""
        ...

    async def cycles(self, query: CycleQuery) -> Sequence[NumberedCycle]:
        """Cycles, newest first."""
        ...

    async def tally(self) -> Tally:
        """Counts."""
        ...

    async def pending_cancels(self) -> Sequence[str]:
        """Orders of an emergency stop whose cancel the venue has not confirmed."""
        ...

    async def order_seen(self, order: str) -> OrderView | None:
        """The newest version of an order that the exchange has reported."""
        ...


class Writer(Reader, Protocol):
    """The orchestrator's state inside one write transaction."""

    async def put_trading(self, trading: Trading) -> None:
        """Store the mode."""
        ...

    async def add_cycle(self, cycle: Cycle) -> bool:
        """Store a new cycle; False where the signal has one."""
        ...

    async def put_cycle(self, cycle: Cycle) -> None:
        """Store a cycle in place of its former state."""
        ...

    async def put_order_seen(self, order: OrderView) -> None:
        """Remember an order, unless a newer version is known."""
        ...

    async def put_pending_cancels(self, orders: Sequence[str]) -> None:
        """Replace the orders whose cancel is not confirmed."""
        ...


class Store(Protocol):
    """Where the orchestrator keeps its state."""

    def read(self) -> AbstractAsyncContextManager[Reader]:
        """Open a snapshot."""
        ...

    def write(self) -> AbstractAsyncContextManager[Writer]:
        """Open a write transaction; it commits at the end of the block."""
        ...

    def changes(self) -> int:
        """Number of commits so far that changed a cycle or the mode."""
        ...

    async def wait_for_change(self, seen: int, timeout: float) -> None:  # noqa: ASYNC109 - waits at most so long, and says nothing
        """Wait until :meth:`changes` is above ``seen``, or ``timeout`` seconds are over."""
        ...


@dataclass(frozen=True, slots=True)
class WantedOrder:
    """A market order that a cycle wants.

    Attributes:
        request_id: the same at every attempt.
        instrument: what to trade.
        side: buy or sell.
        quantity: in base asset.
        strategy: resource name of the strategy.
        expire_time: a new request is refused from then on.
    """

    request_id: UUID
    instrument: InstrumentName
    side: Side
    quantity: Decimal
    strategy: str
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What risk would say of an order.

    Attributes:
        approved: whether it may leave.
        check: the check that failed, or the last that passed.
        message: for a person.
    """

    approved: bool
    check: str
    message: str


class Risk(Protocol):
    """The risk service. Every method raises UpstreamUnavailableError or RefusedError."""

    async def preview(self, order: WantedOrder) -> Verdict:
        """What risk would say; nothing is reserved."""
        ...

    async def halt(self, request_id: UUID, reason: str) -> bool:
        """Halt the account and have its open orders cancelled; whether the venue has confirmed that."""
        ...

    async def resume(self, request_id: UUID, reason: str) -> None:
        """Let the account trade again."""
        ...


class Exchange(Protocol):
    """The exchange service. Every method raises UpstreamUnavailableError or RefusedError."""

    async def place(self, order: WantedOrder) -> OrderView:
        """Place an order; the same request id gives the same order."""
        ...

    async def open_orders(self) -> Sequence[str]:
        """Names of the account's orders that are not final."""
        ...

    async def cancel(self, order: str, request_id: UUID) -> OrderView:
        """Cancel an order."""
        ...


class Portfolio(Protocol):
    """The portfolio service."""

    async def held(self, instrument: InstrumentName) -> Decimal:
        """Position in an instrument, in base asset.

        Raises:
            UpstreamUnavailableError: it did not answer.
        """
        ...
