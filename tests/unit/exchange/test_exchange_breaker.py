"""The circuit breaker's state machine."""

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.exchange.domain.breaker import Breaker, BreakerRules, BreakerState

_RULES = BreakerRules(failures=3, first=1.0, longest=8.0)
_JITTER = st.floats(0, 1)


class BreakerMachine(RuleBasedStateMachine):
    """Answers, failures, probes and time, in any order, beside the plainest model of them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.breaker = Breaker(_RULES)
        self.in_a_row = 0
        self.probing = False
        self.bound = 0.0

    @rule(seconds=st.floats(0, 20))
    def time_goes_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def answered(self) -> None:
        self.breaker = self.breaker.answered()
        self.in_a_row, self.probing = 0, False
        assert self.breaker.closed

    @precondition(lambda self: self.breaker.closed)
    @rule(jitter=_JITTER)
    def failed(self, jitter: float) -> None:
        self.breaker = self.breaker.failed(self.now, jitter, probe=False)
        self.in_a_row += 1
        assert self.breaker.closed == (self.in_a_row < _RULES.failures)
        self.bound = _RULES.first

    @precondition(lambda self: not self.breaker.closed)
    @rule(jitter=_JITTER)
    def a_call_from_before_or_a_cancel_failed(self, jitter: float) -> None:
        assert self.breaker.failed(self.now, jitter, probe=False) == self.breaker

    @precondition(lambda self: self.breaker.probe_due(self.now))
    @rule()
    def probe(self) -> None:
        assert not self.probing
        self.breaker = self.breaker.probing()
        self.probing = True
        assert not self.breaker.probe_due(self.now)

    @precondition(lambda self: self.probing)
    @rule(jitter=_JITTER)
    def the_probe_failed(self, jitter: float) -> None:
        self.breaker = self.breaker.failed(self.now, jitter, probe=True)
        self.probing = False
        self.bound = min(_RULES.longest, self.bound * 2)
        retry_time = self.breaker.retry_time
        assert retry_time is not None
        assert 0 <= (retry_time - self.now).total_seconds() <= self.bound + 1e-6

    @precondition(lambda self: self.probing)
    @rule()
    def the_probe_was_cut_off(self) -> None:
        self.breaker = self.breaker.abandoned(self.now)
        self.probing = False
        assert self.breaker.probe_due(self.now)

    @invariant()
    def one_state_at_a_time(self) -> None:
        assert (self.breaker.state is BreakerState.PROBING) == self.probing
        assert self.breaker.closed == (self.breaker.retry_time is None)
        if self.breaker.closed:
            assert not self.breaker.probe_due(self.now)


BreakerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestBreaker = BreakerMachine.TestCase
