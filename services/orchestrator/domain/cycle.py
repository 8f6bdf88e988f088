"""One cycle: the way from a signal to the end of its order."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID, uuid5

from services.kernel.names import InstrumentName

ZERO = Decimal(0)
_CYCLE_SPACE = UUID("6f1f3f43-8a3c-4b0e-9d0c-6f8f1f6f6d01")


class Side(Enum):
    """Which way a signal goes."""

    BUY = 1
    SELL = -1


class CycleState(Enum):
    """Where a cycle stands."""

    SIGNALLED = 1
    CHECKED = 2
    ORDERED = 3
    COMPLETED = 4
    SKIPPED = 5
    DENIED = 6
    FAILED = 7


TRANSITIONS: dict[CycleState, frozenset[CycleState]] = {
    CycleState.SIGNALLED: frozenset(
        {CycleState.CHECKED, CycleState.SKIPPED, CycleState.DENIED, CycleState.FAILED}
    ),
    CycleState.CHECKED: frozenset(
        {CycleState.ORDERED, CycleState.COMPLETED, CycleState.SKIPPED, CycleState.DENIED, CycleState.FAILED}
    ),
    CycleState.ORDERED: frozenset({CycleState.ORDERED, CycleState.COMPLETED}),
    CycleState.COMPLETED: frozenset(),
    CycleState.SKIPPED: frozenset(),
    CycleState.DENIED: frozenset(),
    CycleState.FAILED: frozenset(),
}
"""Every legal transition. ORDERED to ORDERED is a change of the filled quantity."""

FINAL = frozenset(state for state, following in TRANSITIONS.items() if not following)


class IllegalTransitionError(ValueError):
    """A cycle was sent where it cannot go: a fault of ours."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What a strategy asks for.

    Attributes:
        name: resource name.
        strategy: resource name of the strategy.
        instrument: what to trade.
        side: buy or sell.
        quantity: in base asset, above zero.
        create_time: our clock when the strategy wrote it down.
        correlation_id: finds all that follows from it.
    """

    name: str
    strategy: str
    instrument: InstrumentName
    side: Side
    quantity: Decimal
    create_time: datetime
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a cycle.

    Attributes:
        state: where it led to.
        message: what happened, for a person.
        step_time: when.
    """

    state: CycleState
    message: str
    step_time: datetime


@dataclass(frozen=True, slots=True)
class Cycle:
    """What became of one signal.

    Attributes:
        id: a pure function of the signal's name, so that a signal has one cycle.
        signal: the signal.
        quantity: of the order, in base asset.
        state: where it stands.
        reason: why it was skipped, denied or failed; empty otherwise.
        order: resource name of the order; empty before there is one.
        filled_quantity: of the order so far.
        steps: first to last.
        create_time: when the signal arrived.
        update_time: when the cycle last changed.
    """

    id: UUID
    signal: Signal
    quantity: Decimal
    state: CycleState
    reason: str
    order: str
    filled_quantity: Decimal
    steps: tuple[Step, ...]
    create_time: datetime
    update_time: datetime

    def to(
        self,
        state: CycleState,
        message: str,
        now: datetime,
        *,
        reason: str = "",
        quantity: Decimal | None = None,
        order: str | None = None,
        filled_quantity: Decimal | None = None,
    ) -> "Cycle":
        """The cycle after a step.

        Raises:
            IllegalTransitionError: the table has no such transition.
        """
        if state not in TRANSITIONS[self.state]:
            msg = f"cycle {self.id} cannot go from {self.state.name} to {state.name}"
            raise IllegalTransitionError(msg)
        return replace(
            self,
            state=state,
            reason=reason,
            quantity=self.quantity if quantity is None else quantity,
            order=self.order if order is None else order,
            filled_quantity=self.filled_quantity if filled_quantity is None else filled_quantity,
            steps=(*self.steps, Step(state, message, now)),
            update_time=now,
        )

    @property
    def order_request_id(self) -> UUID:
        """The request id of this cycle's one order: the same at every attempt."""
        return uuid5(self.id, "order")


def begin(signal: Signal, now: datetime) -> Cycle:
    """The cycle of a signal that has just arrived."""
    message = f"{signal.side.name.lower()} {signal.quantity} {signal.instrument}"
    return Cycle(
        id=uuid5(_CYCLE_SPACE, signal.name),
        signal=signal,
        quantity=signal.quantity,
        state=CycleState.SIGNALLED,
        reason="",
        order="",
        filled_quantity=ZERO,
        steps=(Step(CycleState.SIGNALLED, message, now),),
        create_time=now,
        update_time=now,
    )


def size(signal: Signal, held: Decimal) -> Decimal:
    """Quantity of the order: what the signal asks for, but never more sold than is held.

    Returns:
        The quantity in base asset; zero where there is nothing to sell.
    """
    if signal.side is Side.BUY:
        return signal.quantity
    return max(ZERO, min(signal.quantity, held))
