"""The circuit breaker of a venue: after too many failures in a row, calls end before they begin.

Failures are calls without an answer. A definite no is an answer. While the breaker is open, one call at
a time tries again, after a pause of full jitter: evenly between nothing and a bound that doubles with
each failed attempt (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

_MOST_DOUBLINGS: Final = 20


class BreakerState(StrEnum):
    """Whether calls are made."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When it opens, and for how long.

    Attributes:
        failures: so many in a row open it.
        first: bound of the first pause, in seconds.
        longest: bound of every pause, in seconds.
    """

    failures: int = 5
    first: float = 0.5
    longest: float = 10.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """A breaker at one moment; each event gives the next one.

    Attributes:
        rules: when it opens, and for how long.
        state: whether calls are made.
        failures: in a row, since the last answer.
        attempts: probes that failed since it opened.
        retry_time: when the next probe may begin; None while it is closed.
    """

    rules: BreakerRules
    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    attempts: int = 0
    retry_time: datetime | None = None

    @property
    def closed(self) -> bool:
        """Whether every call may be made."""
        return self.state is BreakerState.CLOSED

    def probe_due(self, now: datetime) -> bool:
        """Whether one call may try whether the venue answers again."""
        return self.state is BreakerState.OPEN and self.retry_time is not None and now >= self.retry_time

    def probing(self) -> Self:
        """One call tries; all others wait for its end."""
        return replace(self, state=BreakerState.PROBING)

    def answered(self) -> Self:
        """Some call got an answer, whatever it said."""
        if self.closed and not self.failures:
            return self
        return replace(self, state=BreakerState.CLOSED, failures=0, attempts=0, retry_time=None)

    def failed(self, now: datetime, jitter: float, *, probe: bool) -> Self:
        """Some call got no answer.

        Args:
            now: our clock.
            jitter: evenly between 0 and 1.
            probe: whether it was the call that tried. The end of any other while the breaker is open
                says nothing new.
        """
        failures = self.failures + 1
        if self.closed:
            if failures < self.rules.failures:
                return replace(self, failures=failures)
            return self._open(now, jitter, failures, 0)
        if probe and self.state is BreakerState.PROBING:
            return self._open(now, jitter, failures, self.attempts + 1)
        return self

    def abandoned(self, now: datetime) -> Self:
        """The call that tried ended without a word; another may try."""
        if self.state is not BreakerState.PROBING:
            return self
        return replace(self, state=BreakerState.OPEN, retry_time=now)

    def _open(self, now: datetime, jitter: float, failures: int, attempts: int) -> Self:
        top = min(self.rules.longest, self.rules.first * 2 ** min(attempts, _MOST_DOUBLINGS))
        return replace(
            self,
            state=BreakerState.OPEN,
            failures=failures,
            attempts=attempts,
            retry_time=now + timedelta(seconds=top * jitter),
        )
