from hypothesis import given
from hypothesis import strategies as st

from services.supervisor.backoff import RestartPolicy

POLICY = RestartPolicy(first=0.2, factor=2.0, ceiling=30.0, jitter=0.3, settled=20.0, looping_after=4)


def test_waits_double_up_to_the_ceiling() -> None:
    assert [POLICY.delay(failures, 0.0) for failures in (1, 2, 3, 4)] == [0.2, 0.4, 0.8, 1.6]
    assert POLICY.delay(1_000_000, 0.0) == 30.0


def test_a_child_that_stayed_up_starts_from_the_beginning() -> None:
    assert POLICY.failures_after(7, uptime=20.0) == 1
    assert POLICY.failures_after(7, uptime=19.9) == 8


def test_four_failures_in_a_row_are_a_crash_loop() -> None:
    assert [POLICY.is_looping(failures) for failures in (3, 4, 5)] == [False, True, True]


@given(failures=st.integers(0, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_jitter_only_shortens_and_never_below_its_share(failures: int, chance: float) -> None:
    longest = POLICY.delay(failures, 0.0)
    assert 0.7 * longest <= POLICY.delay(failures, chance) <= longest <= POLICY.ceiling
