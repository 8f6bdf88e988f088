"""A cycle moves only along its table, keeps every step, and sizes no short sale."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.names import InstrumentName
from services.orchestrator.domain.cycle import (
    FINAL,
    TRANSITIONS,
    Cycle,
    CycleState,
    IllegalTransitionError,
    Side,
    Signal,
    begin,
    size,
)

NOW = datetime(2024, 8, 8, tzinfo=UTC)


def signal(side: Side = Side.BUY, quantity: str = "0.01", name: str = "strategies/s/signals/1") -> Signal:
    return Signal(name, "strategies/s", InstrumentName("sim", "btc-usdt"), side, Decimal(quantity), NOW, "c")


@given(st.lists(st.sampled_from(CycleState), max_size=12))
def test_only_legal_transitions_happen_and_each_is_kept(wanted: list[CycleState]) -> None:
    cycle: Cycle = begin(signal(), NOW)
    taken = [CycleState.SIGNALLED]
    for state in wanted:
        if state in TRANSITIONS[cycle.state]:
            cycle = cycle.to(state, "because", NOW)
            taken.append(state)
        else:
            with pytest.raises(IllegalTransitionError):
                cycle.to(state, "because", NOW)
    assert [step.state for step in cycle.steps] == taken
    assert cycle.state is taken[-1]


def test_every_state_leads_to_an_end() -> None:
    for state in CycleState:
        reached, frontier = {state}, {state}
        while frontier:
            frontier = {after for each in frontier for after in TRANSITIONS[each]} - reached
            reached |= frontier
        assert reached & FINAL


def test_a_signal_has_one_cycle_and_one_order_request() -> None:
    first, again = begin(signal(), NOW), begin(signal(), datetime(2025, 1, 1, tzinfo=UTC))
    other = begin(signal(name="strategies/s/signals/2"), NOW)
    assert first.id == again.id != other.id
    assert first.order_request_id == again.order_request_id != other.order_request_id


@pytest.mark.parametrize(
    ("side", "held", "expected"),
    [
        (Side.BUY, "0", "0.01"),
        (Side.BUY, "-3", "0.01"),
        (Side.SELL, "5", "0.01"),
        (Side.SELL, "0.004", "0.004"),
        (Side.SELL, "0", "0"),
        (Side.SELL, "-1", "0"),
    ],
)
def test_never_more_is_sold_than_is_held(side: Side, held: str, expected: str) -> None:
    assert size(signal(side), Decimal(held)) == Decimal(expected)
