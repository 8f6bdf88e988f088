"""Decides whether a call to a venue may leave now."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from services.exchange.domain.budgets import SAFETY, CallKind
from services.exchange.ports.protection import Pause, RateLedger
from services.exchange.protection.health import Health
from services.exchange.protection.limiter import Limiter
from services.exchange.protection.metrics import PAUSES
from services.kernel.clock import Clock
from services.kernel.errors import DomainError

_log = structlog.get_logger(__name__)
_LEAST_WAIT_S: Final = 0.005
_COUNT_S: Final = 1.0
"""Longest wait for the shared count, in seconds: a cancel does not wait for a database for ever."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call may not leave.

    Attributes:
        reason: VENUE_RATE_LIMITED or VENUE_UNAVAILABLE.
        message: for a person outside the mesh.
        retry_after: seconds.
    """

    reason: str
    message: str
    retry_after: float


class Gate:
    """Pauses, breaker and rate limits of one venue, in this order.

    Args:
        venue: id of the venue.
        limiter: its rate limits.
        health: its breaker.
        ledger: where pauses are shared.
        clock: our clock.
    """

    def __init__(
        self, venue: str, limiter: Limiter, health: Health, ledger: RateLedger, clock: Clock
    ) -> None:
        self._venue = venue
        self._limiter = limiter
        self._health = health
        self._ledger = ledger
        self._clock = clock
        self._unshared: Pause | None = None

    async def order(self, *, spend: bool) -> Refusal | None:
        """Whether an order may leave. It never is the call that tries an open breaker.

        Args:
            spend: count it, since it leaves now.
        """
        refusal = self._paused(CallKind.PLACE) or self._tripped()
        if refusal is not None:
            return refusal
        place = CallKind.PLACE
        if spend and self._limiter.take(place):
            return None
        try:
            async with asyncio.timeout(_COUNT_S):
                wait = await (self._limiter.spend(place) if spend else self._limiter.room_for(place))
        except (DomainError, TimeoutError) as error:
            _log.warning("venue_rate_not_counted", venue=self._venue, call=place.value, error=repr(error))
            return Refusal("VENUE_UNAVAILABLE", "its rate limits cannot be counted", 0.5)
        # A pause that another instance was asked for comes with the lease.
        return self._paused(place) or (_limited(wait) if wait else None)

    async def question(self, kind: CallKind) -> Refusal | None:
        """Whether a question may be asked."""
        refusal = self._paused(kind)
        if refusal is not None:
            return refusal
        wait = await self._spent(kind)
        return self._paused(kind) or (_limited(wait) if wait else None)

    async def cancel(self, within: float) -> Refusal | None:
        """Whether a cancel may leave, after waiting for room in the reserve.

        An open breaker does not stop it, nor does a pause after 429; a ban does.
        """
        end = asyncio.get_running_loop().time() + within
        while True:
            pause = self._limiter.pause
            if pause is not None and pause.banned:
                return self._paused(CallKind.CANCEL)
            wait = await self._spent(CallKind.CANCEL)
            if not wait:
                return None
            if asyncio.get_running_loop().time() + wait >= end:
                return _limited(wait)
            await asyncio.sleep(max(_LEAST_WAIT_S, wait))

    def ask_to_wait(self, seconds: float, *, banned: bool) -> None:
        """The venue asked for a pause. Shared with :meth:`share`."""
        pause = Pause(self._clock.now() + timedelta(seconds=seconds), banned)
        self._limiter.pause_until(pause)
        self._unshared = self._limiter.pause
        PAUSES.labels(self._venue, "ban" if banned else "pause").inc()
        _log.warning("venue_asks_to_wait", venue=self._venue, seconds=seconds, banned=banned)

    async def share(self) -> None:
        """Let the other instances know of a pause."""
        pause, self._unshared = self._unshared, None
        if pause is None:
            return
        try:
            await self._ledger.pause(self._venue, pause)
        except DomainError as error:
            # We keep to it ourselves; the others will be told by the venue.
            _log.warning("venue_pause_not_shared", venue=self._venue, error=str(error))

    def paused(self) -> Refusal | None:
        """The venue's wish for a pause that stands."""
        return self._paused(CallKind.PLACE)

    async def _spent(self, kind: CallKind) -> float:
        if self._limiter.take(kind):
            return 0.0
        try:
            async with asyncio.timeout(_COUNT_S):
                return await self._limiter.spend(kind)
        except (DomainError, TimeoutError) as error:
            _log.warning("venue_rate_not_counted", venue=self._venue, call=kind.value, error=repr(error))
            # Without the count, what takes orders back still leaves, and nothing else.
            return 0.0 if kind in SAFETY else 1.0

    def _paused(self, kind: CallKind) -> Refusal | None:
        pause = self._limiter.pause
        if pause is None or (kind is CallKind.CANCEL and not pause.banned):
            return None
        seconds = max(0.001, (pause.until - self._clock.now()).total_seconds())
        why = "the venue has banned this address" if pause.banned else "the venue asked for a pause"
        return Refusal("VENUE_RATE_LIMITED", why, seconds)

    def _tripped(self) -> Refusal | None:
        if self._health.breaker.closed:
            return None
        return Refusal(
            "VENUE_UNAVAILABLE", "too many calls to it failed", max(0.1, self._health.seconds_to_probe())
        )


def _limited(wait: float) -> Refusal:
    return Refusal("VENUE_RATE_LIMITED", "its rate limit is used up but for the reserve", wait)
