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


def test_without_a_break_every_answer_counts_at_once() -> None:
    state = Retention(GRACE).answered(1, (A, B), 0).answered(2, (A, critical(B)), 1)
    assert state.believed() == (A, critical(B))
    assert state.answered(3, (), 2).believed() == ()


def test_before_the_first_answer_a_failure_changes_nothing() -> None:
    assert Retention(GRACE).failed() == Retention(GRACE)


def test_an_empty_answer_after_a_break_empties_nothing_until_the_grace_ends() -> None:
    state = Retention(GRACE).answered(9, (A, B), 0).failed().answered(1, (), 100)
    assert state.believed() == (A, B)
    assert state.at(100 + GRACE - 0.1).believed() == (A, B)
    assert state.at(100 + GRACE).believed() == ()


def test_an_index_that_went_backwards_is_a_break() -> None:
    assert Retention(GRACE).answered(9, (A, B), 0).answered(3, (), 1).believed() == (A, B)


def test_checks_that_ran_out_while_the_registry_was_away_do_not_count_yet() -> None:
    state = Retention(GRACE).answered(9, (A, B), 0).failed()
    state = state.answered(10, (critical(A), critical(B)), 50)
    assert state.believed() == (A, B)
    state = state.answered(11, (A, critical(B)), 51)
    assert state.believed() == (A, B)
    # A has reported since: what is said of it now is news.
    assert state.answered(12, (critical(A), critical(B)), 52).believed() == (critical(A), B)


def test_what_was_critical_before_the_break_is_not_revived() -> None:
    state = Retention(GRACE).answered(9, (A, critical(B)), 0).failed()
    assert state.answered(10, (), 1).believed() == (A,)


def test_a_second_break_begins_the_grace_anew() -> None:
    state = Retention(GRACE).answered(9, (A,), 0).failed().answered(1, (), 10).failed()
    assert state.at(1000).believed() == (A,)
    assert state.answered(2, (), 1000).at(1000 + GRACE - 1).believed() == (A,)


alive = st.lists(st.sampled_from([A, B, critical(A), critical(B)]), max_size=2, unique_by=lambda one: one.id)
event = st.one_of(st.none(), st.tuples(st.integers(1, 20), alive))


@given(st.lists(event))
def test_a_quiet_grace_time_always_ends_in_the_latest_answer(
    events: list[tuple[int, list[Instance]] | None],
) -> None:
    state = Retention(GRACE)
    latest: tuple[Instance, ...] = ()
    for moment, one in enumerate(events):
        if one is None:
            state = state.failed()
        else:
            latest = tuple(sorted(one[1]))
            state = state.answered(one[0], latest, float(moment))
            # Whoever is said to pass is believed at once.
            assert {x for x in latest if x.health.takes_calls} <= set(state.believed())
    if state.index:
        assert state.answered(state.index, latest, 1e6).at(1e6 + GRACE).believed() == latest
