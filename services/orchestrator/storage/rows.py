"""Cycles as rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.kernel.names import InstrumentName
from services.orchestrator.domain.cycle import Cycle, CycleState, Side, Signal, Step


def cycle_row(cycle: Cycle) -> dict[str, Any]:
    """A cycle as a row of ``cycles``."""
    signal = cycle.signal
    return {
        "cycle_id": str(cycle.id),
        "signal": signal.name,
        "strategy": signal.strategy,
        "instrument": str(signal.instrument),
        "side": signal.side.name,
        "signal_quantity": signal.quantity,
        "signal_time": signal.create_time,
        "correlation_id": signal.correlation_id,
        "quantity": cycle.quantity,
        "state": cycle.state.name,
        "reason": cycle.reason,
        "order_name": cycle.order,
        "filled_quantity": cycle.filled_quantity,
        "steps": [[step.state.name, step.message, step.step_time.isoformat()] for step in cycle.steps],
        "create_time": cycle.create_time,
        "update_time": cycle.update_time,
    }


def cycle_from(row: Mapping[Any, Any]) -> Cycle:
    """A row of ``cycles``."""
    signal = Signal(
        name=row["signal"],
        strategy=row["strategy"],
        instrument=InstrumentName.parse(row["instrument"]),
        side=Side[row["side"]],
        quantity=row["signal_quantity"],
        create_time=row["signal_time"],
        correlation_id=row["correlation_id"],
    )
    return Cycle(
        id=UUID(row["cycle_id"]),
        signal=signal,
        quantity=row["quantity"],
        state=CycleState[row["state"]],
        reason=row["reason"],
        order=row["order_name"],
        filled_quantity=row["filled_quantity"],
        steps=tuple(
            Step(CycleState[state], message, datetime.fromisoformat(moment))
            for state, message, moment in row["steps"]
        ),
        create_time=row["create_time"],
        update_time=row["update_time"],
    )
