"""What is known of a venue from the calls made to it: whether it answers, how fast, since when not."""

import random
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from services.exchange.domain.breaker import Breaker, BreakerRules
from services.exchange.domain.budgets import CallKind
from services.exchange.protection.metrics import CALLS, LAST_CONTACT, SECONDS, TRIPS
from services.kernel.clock import Clock

_log = structlog.get_logger(__name__)
_SMOOTHING: Final = 0.2


class Health:
    """Counts the calls to one venue and keeps its breaker.

    Args:
        venue: id of the venue.
        rules: of the breaker.
        clock: our clock.
        jitter: evenly between 0 and 1, for the breaker's pauses.
    """

    def __init__(
        self,
        venue: str,
        rules: BreakerRules,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._venue = venue
        self._clock = clock
        self._jitter = jitter
        self._seconds = {kind: SECONDS.labels(venue, kind.value) for kind in CallKind}
        self._calls = {
            (kind, outcome): CALLS.labels(venue, kind.value, outcome)
            for kind in CallKind
            for outcome in ("answered", "failed", "not_made")
        }
        self._last_contact = LAST_CONTACT.labels(venue)
        self.breaker = Breaker(rules)
        self.last_contact: datetime | None = None
        self.latency: float | None = None

    def seconds_to_probe(self) -> float:
        """Seconds until a call may try again; 0 where it may now, or the breaker is closed."""
        retry_time = self.breaker.retry_time
        if retry_time is None:
            return 0.0
        return max(0.0, (retry_time - self._clock.now()).total_seconds())

    def begin_probe(self) -> bool:
        """Become the one call that tries. False: it is not time, or another one tries."""
        if not self.breaker.probe_due(self._clock.now()):
            return False
        self.breaker = self.breaker.probing()
        return True

    def end_probe(self) -> None:
        """The call that tried was cut off."""
        self.breaker = self.breaker.abandoned(self._clock.now())

    def heard(self) -> None:
        """The venue said something."""
        self.last_contact = self._clock.now()
        self._last_contact.set(self.last_contact.timestamp())

    def answered(self, kind: CallKind, seconds: float) -> None:
        """A call got an answer after so many seconds, whatever it said."""
        self.heard()
        before = seconds if self.latency is None else self.latency
        self.latency = before + _SMOOTHING * (seconds - before)
        self._seconds[kind].observe(seconds)
        self._calls[kind, "answered"].inc()
        if not self.breaker.closed:
            _log.info("venue_breaker_closed", venue=self._venue, call=kind.value)
        self.breaker = self.breaker.answered()

    def failed(self, kind: CallKind, detail: str, *, probe: bool) -> None:
        """A call got no answer."""
        self._calls[kind, "failed"].inc()
        before = self.breaker
        self.breaker = before.failed(self._clock.now(), self._jitter(), probe=probe)
        if before.closed and not self.breaker.closed:
            TRIPS.labels(self._venue).inc()
            _log.warning(
                "venue_breaker_opened",
                venue=self._venue,
                failures=self.breaker.failures,
                retry_in=self.seconds_to_probe(),
                detail=detail,
            )

    def not_made(self, kind: CallKind) -> None:
        """A call ended before it began."""
        self._calls[kind, "not_made"].inc()
