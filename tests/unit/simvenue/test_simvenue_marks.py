"""Time and ids never come twice; a feed's memory says when it has forgotten."""

from typing import NamedTuple

import pytest

from services.simvenue.feeds import Memory
from services.simvenue.marks import ExchangeClock, Leases
from services.simvenue.ports import Marks

SECOND = 1_000_000_000


class Ours:
    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def test_exchange_time_runs_at_its_speed_and_stops_at_its_bound() -> None:
    ours = Ours()
    clock = ExchangeClock(10, ours)
    clock.set(100 * SECOND)
    clock.bound_ns = 130 * SECOND
    assert clock.now_ns() == 100 * SECOND
    clock.run()
    ours.now_ns = 2 * SECOND
    assert clock.now_ns() == 120 * SECOND
    assert clock.seconds_until(125 * SECOND) == 0.5
    ours.now_ns = 10 * SECOND
    assert clock.now_ns() == 130 * SECOND
    clock.bound_ns = 500 * SECOND
    assert clock.now_ns() == 200 * SECOND


def test_exchange_time_stays_short_of_a_market_that_is_late() -> None:
    ours = Ours()
    clock = ExchangeClock(10, ours)
    clock.bound_ns = 1000 * SECOND
    clock.run()
    clock.expect(15 * SECOND)
    ours.now_ns = 1 * SECOND
    assert clock.now_ns() == 10 * SECOND
    ours.now_ns = 2 * SECOND
    assert clock.now_ns() == 15 * SECOND - 1
    assert clock.seconds_until(15 * SECOND) == -0.5
    clock.expect(90 * SECOND)
    assert clock.now_ns() == 20 * SECOND


def test_nothing_is_used_before_its_bound_is_on_disk() -> None:
    leases = Leases(ExchangeClock(1, Ours()), None)
    with pytest.raises(RuntimeError, match="used up"):
        next(leases.trades)
    marks = leases.wanted()
    assert marks is not None
    leases.granted(marks)
    assert next(leases.trades) == 1
    assert leases.wanted() is None


def test_a_second_run_goes_on_behind_the_first() -> None:
    ours = Ours()
    leases = Leases(ExchangeClock(1, ours), Marks(50 * SECOND, 10, 20, 30))
    marks = leases.wanted()
    assert marks is not None
    leases.granted(marks)
    assert (next(leases.trades), next(leases.orders), next(leases.transfers)) == (11, 21, 31)


def test_bounds_are_renewed_before_they_are_reached() -> None:
    ours = Ours()
    clock = ExchangeClock(4, ours)
    leases = Leases(clock, None)
    marks = leases.wanted()
    assert marks is not None
    leases.granted(marks)
    clock.run()
    for second in range(1, 200):
        ours.now_ns = second * SECOND
        renewed = leases.wanted()
        if renewed is not None:
            leases.granted(renewed)
        assert clock.now_ns() == 4 * second * SECOND


class Event(NamedTuple):
    sequence: int


def test_a_memory_gives_what_it_has_and_says_what_it_forgot() -> None:
    memory = Memory[Event](10, kept=4)
    assert memory.after(10) == ()
    assert memory.after(9) is None
    for sequence in range(11, 31):
        memory.add(Event(sequence))
        assert memory.last == sequence
        assert memory.after(sequence - 1) == [Event(sequence)]
    assert memory.after(26) == [Event(27), Event(28), Event(29), Event(30)]
    assert memory.after(20) is None
