"""An outage of the registry is told from instances that are gone."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.controlplane.domain.catalog import Health, Instance
from services.controlplane.domain.retention import Retention

GRACE = 30.0
A, B = (Instance(name, "127.0.0.1", port) for name, port in (("a", 1), ("b", 2)))


def critical(one: Instance) -> Instance:
    return replace(one, health=Health.CRITICAL)


def answer(state: Retention, index: int, alive: tuple[Instance, ...], now: float, *changed: str) -> Retention:
    """An answer in which these instances' checks changed just now, and the others' long ago."""
    return state.answered(index, alive, {one.id: index if one.id in changed else 1 for one in alive}, now)


def test_without_a_break_every_answer_counts_at_once() -> None:
    state = answer(answer(Retention(GRACE), 1, (A, B), 0), 2, (A, critical(B)), 1)
    assert state.believed() == (A, critical(B))
    assert answer(state, 3, (), 2).believed() == ()


def test_before_the_first_answer_a_failure_changes_nothing() -> None:
    assert Retention(GRACE).failed() == Retention(GRACE)


def test_an_empty_answer_after_a_break_empties_nothing_until_the_grace_ends() -> None:
    state = answer(answer(Retention(GRACE), 9, (A, B), 0).failed(), 1, (), 100)
    assert state.believed() == (A, B)
    assert state.at(100 + GRACE - 0.1).believed() == (A, B)
    assert state.at(100 + GRACE).believed() == ()


def test_an_index_that_went_backwards_is_a_break() -> None:
    assert answer(answer(Retention(GRACE), 9, (A, B), 0), 3, (), 1).believed() == (A, B)


def test_checks_that_ran_out_while_the_registry_was_away_do_not_count_yet() -> None:
    state = answer(Retention(GRACE), 9, (A, B), 0).failed()
    # First it shows what it had stored, then it counts both as critical, then A reports.
    state = answer(state, 10, (A, B), 50)
    state = answer(state, 11, (critical(A), critical(B)), 51, "a", "b")
    assert state.believed() == (A, B)
    state = answer(state, 12, (A, critical(B)), 52, "a")
    assert state.believed() == (A, B)
    # A has reported since: what is said of it now is news.
    state = answer(state, 13, (critical(A), critical(B)), 53, "a")
    assert state.believed() == (critical(A), B)


def test_a_new_instance_counts_at_once_also_after_a_break() -> None:
    state = answer(Retention(GRACE), 9, (A,), 0).failed()
    assert answer(state, 2, (B,), 1, "b").believed() == (A, B)


def test_what_was_critical_before_the_break_is_not_revived() -> None:
    state = answer(Retention(GRACE), 9, (A, critical(B)), 0).failed()
    assert answer(state, 10, (), 1).believed() == (A,)


def test_a_second_break_begins_the_grace_anew() -> None:
    state = answer(answer(Retention(GRACE), 9, (A,), 0).failed(), 1, (), 10).failed()
    assert state.at(1000).believed() == (A,)
    assert answer(state, 2, (), 1000).at(1000 + GRACE - 1).believed() == (A,)


alive = st.lists(st.sampled_from([A, B, critical(A), critical(B)]), max_size=2, unique_by=lambda one: one.id)
event = st.one_of(st.none(), st.tuples(st.integers(1, 20), alive, st.lists(st.sampled_from("ab"))))


@given(st.lists(event))
def test_a_quiet_grace_time_always_ends_in_the_latest_answer(
    events: list[tuple[int, list[Instance], list[str]] | None],
) -> None:
    state = Retention(GRACE)
    latest: tuple[Instance, ...] = ()
    for moment, one in enumerate(events):
        if one is None:
            state = state.failed()
        else:
            latest = tuple(sorted(one[1]))
            state = answer(state, one[0], latest, float(moment), *one[2])
            # Whoever is said to pass is believed at once.
            assert {each for each in latest if each.health.takes_calls} <= set(state.believed())
    if state.index:
        assert answer(state, state.index, latest, 1e6).at(1e6 + GRACE).believed() == latest
