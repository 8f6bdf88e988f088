"""Plays the driver's actions at their exchange time."""

import asyncio
import time
from collections.abc import AsyncIterator

import structlog

from services.simvenue.drivers.driver import MarketDriver, TimedActions
from services.simvenue.floor import TradingFloor
from services.simvenue.marks import ExchangeClock

_log = structlog.get_logger(__name__)

_LONGEST_SLEEP = 1.0
_SHORTEST_SLEEP = 0.02
"""Seconds. What is due sooner waits for them, since to wake up costs more than a step does."""
_LAG_SECONDS = 1.0
_CAUGHT_UP_SECONDS = 0.1
_LONGEST_TURN = 0.001
"""Seconds that a market which is late may keep the event loop to itself."""


class MarketPump:
    """Brings the crowd to the floor.

    Args:
        driver: makes the crowd's actions.
        floor: where they happen.
        clock: exchange time.
    """

    def __init__(self, driver: MarketDriver, floor: TradingFloor, clock: ExchangeClock) -> None:
        self._driver = driver
        self._floor = floor
        self._clock = clock
        self._steps: AsyncIterator[TimedActions] | None = None
        self._next: TimedActions | None = None
        self._lagging = False
        self._yielded = 0.0

    async def warm_up(self, begin_ns: int, open_ns: int) -> None:
        """Play the past at once: everything before ``open_ns``. Exchange time goes along."""
        self._steps = self._driver.actions(begin_ns, self._floor.venue.markets)
        played = 0
        async for step in self._steps:
            if step.time_ns >= open_ns:
                self._next = step
                self._clock.expect(step.time_ns)
                break
            self._clock.set(step.time_ns)
            self._floor.act(step)
            played += 1
        self._clock.set(open_ns)
        _log.info("market_warmed_up", steps=played, exchange_seconds=(open_ns - begin_ns) / 1e9)

    async def run(self) -> None:
        """Play the market as exchange time passes, for ever; begins after ``warm_up``.

        Raises:
            RecordingError: the recording cannot be read.
            RuntimeError: ``warm_up`` did not run.
        """
        if self._steps is None or self._next is None:
            raise RuntimeError("the market must be warmed up first")
        await self._play(self._next)
        async for step in self._steps:
            await self._play(step)

    async def _play(self, step: TimedActions) -> None:
        self._clock.expect(step.time_ns)
        wait = self._clock.seconds_until(step.time_ns)
        self._watch_lag(-wait)
        if wait <= 0 and time.monotonic() - self._yielded > _LONGEST_TURN:
            await self._pause(0)
        while wait > 0:
            await self._pause(min(max(wait, _SHORTEST_SLEEP), _LONGEST_SLEEP))
            wait = self._clock.seconds_until(step.time_ns)
        self._floor.act(step)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._yielded = time.monotonic()

    def _watch_lag(self, lag: float) -> None:
        # Two bounds, so that a market that hovers at one of them is not told again and again.
        lagging = lag > (_CAUGHT_UP_SECONDS if self._lagging else _LAG_SECONDS)
        if lagging != self._lagging:
            self._lagging = lagging
            event = "market_fell_behind" if lagging else "market_caught_up"
            _log.warning(event, lag_seconds=round(lag, 3))
