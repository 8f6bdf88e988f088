"""Rate limits: no window of a venue is ever overdrawn, by how many instances soever; the reserve stays."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.domain.budgets import Ask, Budget, CallKind, Told, settle


@dataclass
class Instance:
    """One instance of the service: its clock, and the units it has leased."""

    skew_ms: int
    slice: int = -1
    units: int = 0
    present: int = -1


@dataclass
class Shared:
    """The count that all share, and what really left, by the venue's clock."""

    budget: Budget
    used: Mapping[int, int] = field(default_factory=dict)
    sent: list[tuple[int, int]] = field(default_factory=list)
    general: list[tuple[int, int, int]] = field(default_factory=list)

    def call(self, instance: Instance, now_ms: int, need: int, *, safety: bool) -> bool:
        """Make a call of ``need`` units, if it may leave."""
        at = self.budget.slice_at(now_ms + instance.skew_ms)
        if instance.slice != at or instance.units < need:
            ask = Ask(self.budget, at, need, safety, instance.present, instance.units)
            grant = settle(ask, self.used)
            self.used = grant.used
            instance.slice, instance.units, instance.present = at, grant.units, grant.present
        if instance.units < need:
            return False
        instance.units -= need
        self.sent.append((now_ms, need))
        return True

    def most_in_a_window(self) -> int:
        """The most that left in any window, wherever it begins: it is enough to look where a call was."""
        length = self.budget.window_seconds * 1000
        return max(
            (sum(n for at, n in self.sent if begin <= at < begin + length) for begin, _ in self.sent),
            default=0,
        )


_BUDGETS = st.builds(
    lambda window, limit, reserve: Budget(
        name="weight", window_seconds=window, limit=limit, reserve=min(reserve, limit - 10)
    ),
    st.sampled_from([1, 3, 10, 60]),
    st.integers(20, 400),
    st.integers(0, 200),
)
_CALL = st.tuples(st.integers(0, 2), st.integers(0, 700), st.integers(1, 10), st.booleans())


@given(_BUDGETS, st.lists(_CALL, max_size=200), st.data())
def test_no_window_is_overdrawn_by_any_number_of_instances(
    budget: Budget, calls: list[tuple[int, int, int, bool]], data: st.DataObject
) -> None:
    """Clocks differ by up to a slice, windows begin anywhere, and some calls come in bursts."""
    skews = data.draw(st.lists(st.integers(0, budget.slice_ms - 1), min_size=3, max_size=3))
    instances = [Instance(skew) for skew in skews]
    shared = Shared(budget)
    now = 1_700_000_000_000
    for which, pause, need, safety in calls:
        now += pause
        shared.call(instances[which], now, need, safety=safety)
    assert shared.most_in_a_window() <= budget.limit


@given(_BUDGETS, st.lists(st.tuples(st.integers(0, 400), st.integers(1, 10)), min_size=1, max_size=200))
def test_orders_leave_the_reserve_to_cancels(budget: Budget, calls: list[tuple[int, int]]) -> None:
    shared, instance = Shared(budget), Instance(0)
    now = 1_700_000_000_000
    for pause, need in calls:
        now += pause
        shared.call(instance, now, need, safety=False)
        assert budget.in_force(shared.used, budget.slice_at(now)) <= budget.limit - budget.reserve
    # The whole reserve is there at any moment, for another instance, too.
    other, left = Instance(0), budget.reserve
    while left:
        assert shared.call(other, now, 1, safety=True)
        left -= 1
    assert shared.most_in_a_window() <= budget.limit


@given(_BUDGETS, st.integers(1, 10), st.lists(st.integers(0, 50), max_size=50))
def test_the_wait_it_names_is_long_enough_and_not_too_long(
    budget: Budget, need: int, pauses: list[int]
) -> None:
    now = 1_700_000_000_000
    shared, instance = Shared(budget), Instance(0)
    for pause in pauses:
        now += pause
        shared.call(instance, now, need, safety=False)
    while shared.call(instance, now, need, safety=False):
        pass
    wait = budget.wait_ms(shared.used, now, need, safety=False)
    assert 0 < wait <= budget.span * budget.slice_ms
    assert shared.call(instance, now + wait, need, safety=False)


@given(_BUDGETS, st.integers(1, 9), st.integers(0, 500))
def test_the_venues_higher_count_stands_and_its_lower_one_changes_nothing(
    budget: Budget, spent: int, told: int
) -> None:
    at = 1_000_000
    first = settle(Ask(budget, at, spent, safety=False), {})
    back = first.units - spent
    after = settle(
        Ask(budget, at, 0, safety=False, back_slice=first.present, back=back, told=Told(told, at)), first.used
    )
    assert budget.in_force(after.used, at) == max(spent, told)


def test_an_idle_instance_gives_back_what_it_leased() -> None:
    budget = Budget(name="weight", window_seconds=60, limit=6000, reserve=600)
    grant = settle(Ask(budget, 100, 1, safety=False), {})
    assert grant.units == budget.chunk > 1
    later = settle(Ask(budget, 101, 1, safety=False, back_slice=100, back=grant.units - 1), grant.used)
    assert later.used == {100: 1, 101: budget.chunk}


def test_an_instance_whose_clock_is_behind_counts_with_the_others() -> None:
    budget = Budget(name="weight", window_seconds=10, limit=100)
    ahead = settle(Ask(budget, 105, 1, safety=False), {})
    behind = settle(Ask(budget, 103, 1, safety=False), ahead.used)
    assert behind.present == 105
    assert set(behind.used) == {105}


def test_a_slice_that_no_clock_explains_is_forgotten() -> None:
    budget = Budget(name="weight", window_seconds=10, limit=100)
    assert settle(Ask(budget, 100, 1, safety=False), {10_000: 100}).units > 0


def test_each_kind_of_call_has_its_weight() -> None:
    budget = Budget(
        name="orders", window_seconds=10, limit=100, default_weight=0, weights={CallKind.PLACE: 2}
    )
    assert [budget.weight(kind) for kind in (CallKind.PLACE, CallKind.CANCEL)] == [2, 0]


@pytest.mark.parametrize(
    "changes",
    [
        {"limit": 0},
        {"window_seconds": 0},
        {"reserve": 100},
        {"reserve": -1},
        {"default_weight": 101},
        {"weights": {CallKind.PLACE: -1}},
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="budget weight"):
        Budget(**{"name": "weight", "window_seconds": 10, "limit": 100, **changes})  # type: ignore[arg-type]
