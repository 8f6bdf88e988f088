"""Runs one strategy: candles in, signals out, nothing lost and nothing twice."""

import asyncio
import random
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from services.chassis.telemetry.correlation import correlated, new_correlation_id
from services.kernel.clock import Clock, IdSource
from services.kernel.errors import DomainError, ErrorKind
from services.strategy.domain.signal import ClosedCandle, Signal, SignalDraft, drafted, is_late
from services.strategy.domain.sma import Crossing, SmaState
from services.strategy.domain.strategy import Strategy
from services.strategy.metrics import StrategyMetrics
from services.strategy.ports import Candles, Lease, MarketLostError, Position, RunnerStore

_log = structlog.get_logger(__name__)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_WARM_UP_EXTRA = 50
"""Candles beyond the slow period that are read for the warm-up, so that equal averages at its end do
not leave the trend unknown."""
_MOST_CANDLES = 1000


@dataclass(frozen=True, slots=True)
class RunnerLimits:
    """How a runner treats time.

    Attributes:
        max_signal_age: how far, in exchange time, a candle may be behind the market's newest and
            still make a signal.
        clock_reset_grace: seconds of our time for which the venue's clock must stand behind the last
            processed candle before we believe that it went back. Longer than the age up to which
            the market calls its data fresh, so that an instance that lags is never taken for it.
        pause: first pause after a loss, in seconds.
        max_pause: longest pause, in seconds.
    """

    max_signal_age: timedelta = timedelta(seconds=30)
    clock_reset_grace: float = 6.0
    pause: float = 0.1
    max_pause: float = 5.0


@dataclass(frozen=True, slots=True)
class RunnerParts:
    """What every runner of this process shares.

    Attributes:
        candles: the market.
        store: what the runners keep.
        clock: our time.
        ids: fresh identifiers.
        metrics: where to count.
        limits: how time is treated.
    """

    candles: Candles
    store: RunnerStore
    clock: Clock
    ids: IdSource
    metrics: StrategyMetrics
    limits: RunnerLimits


class Runner:
    """Follows the market for one strategy, for as long as its lease lasts.

    Every session begins from what the store holds, so the start of the process, the loss of the
    market and the loss of the database are all the same case.

    Args:
        strategy: what it runs.
        lease: the right to run it.
        parts: what it stands on.
    """

    def __init__(self, strategy: Strategy, lease: Lease, parts: RunnerParts) -> None:
        self._strategy = strategy
        self._lease = lease
        self._parts = parts
        self._behind_since: float | None = None
        self._lost = False
        self._progress = False

    async def run(self) -> None:
        """Never ends by itself.

        Raises:
            LeaseLostError: another instance runs the strategy.
            StrategyChangedError: it is not this strategy any more.
        """
        limits = self._parts.limits
        pause = limits.pause
        while True:
            self._progress = False
            try:
                await self._session()
            except MarketLostError as error:
                self._report(str(error))
            except DomainError as error:
                if error.kind not in {ErrorKind.UNAVAILABLE, ErrorKind.ABORTED}:
                    raise
                self._report(error.message)
            pause = limits.pause if self._progress else min(pause * 2, limits.max_pause)
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter

    async def _session(self) -> None:
        definition, parts = self._strategy.definition, self._parts
        position = await parts.store.position(self._strategy.name)
        newest = await parts.candles.exchange_time(definition.instrument)
        if await self._clock_went_back(position, newest):
            position = await parts.store.position(self._strategy.name)
        state, position = await self._warmed(position)
        after = position.last_open_time or _BEGINNING
        watch = parts.candles.watch(definition.instrument, definition.candle_interval, after)
        async with aclosing(watch) as candles:
            self._found()
            async for candle in candles:
                if position.last_open_time is not None and candle.open_time <= position.last_open_time:
                    continue
                newest = max(newest, candle.close_time)
                state, crossing = state.step(candle.close_price)
                position = Position(position.run, candle.open_time, state.trend)
                await self._advance(position, candle, crossing, newest)
                self._progress = True

    async def _warmed(self, position: Position) -> tuple[SmaState, Position]:
        """The averages as they stood after the last processed candle, without signals."""
        definition = self._strategy.definition
        count = min(definition.rule.slow_period + _WARM_UP_EXTRA, _MOST_CANDLES)
        past = await self._parts.candles.closed(
            definition.instrument, definition.candle_interval, count, position.last_open_time
        )
        state = SmaState.warmed(definition.rule, [each.close_price for each in past], position.trend)
        if position.last_open_time is None and past:
            position = Position(position.run, past[-1].open_time, state.trend)
            # Kept at once: after a crash from here on, no candle counts as warm-up by mistake.
            await self._parts.store.advance(self._lease, self._strategy, position, self._parts.clock.now())
        _log.info(
            "strategy_warmed_up",
            strategy=str(self._strategy.name),
            candles=len(past),
            known=len(state.closes) == definition.rule.slow_period,
        )
        return state, position

    async def _advance(
        self, position: Position, candle: ClosedCandle, crossing: Crossing | None, newest: datetime
    ) -> None:
        parts, strategy = self._parts, self._strategy
        now = parts.clock.now()
        parts.metrics.candles.labels(strategy.name.strategy).inc()
        if crossing is None:
            await parts.store.advance(self._lease, strategy, position, now)
            return
        if is_late(candle, newest, parts.limits.max_signal_age):
            parts.metrics.late_signals.labels(strategy.name.strategy).inc()
            _log.warning(
                "signal_skipped",
                strategy=str(strategy.name),
                side=crossing.side.value,
                exchange_time=candle.close_time.isoformat(),
                newest=newest.isoformat(),
            )
            await parts.store.advance(self._lease, strategy, position, now)
            return
        correlation_id = new_correlation_id()
        with correlated(correlation_id):
            draft = drafted(strategy, candle, crossing, parts.ids.new(), correlation_id)
            signal = await parts.store.advance(self._lease, strategy, position, now, draft)
            if signal is not None:
                self._tell(signal)

    def _tell(self, signal: Signal) -> None:
        draft: SignalDraft = signal.draft
        self._parts.metrics.signals.labels(draft.strategy.strategy, draft.side.value).inc()
        _log.info(
            "signal_emitted",
            signal=signal.name,
            instrument=str(draft.instrument),
            side=draft.side.value,
            quantity=str(draft.quantity),
            reference_price=str(draft.reference_price),
            exchange_time=draft.exchange_time.isoformat(),
            sequence=signal.sequence,
        )

    async def _clock_went_back(self, position: Position, venue_time: datetime) -> bool:
        """Whether the venue began anew with an earlier clock; if so, so does the strategy.

        Raises:
            MarketLostError: it looks like it, but it may still be an instance that lags.
        """
        last = position.last_open_time
        if last is None or venue_time >= last:
            self._behind_since = None
            return False
        now = asyncio.get_running_loop().time()
        if self._behind_since is None:
            self._behind_since = now
        if now - self._behind_since < self._parts.limits.clock_reset_grace:
            raise MarketLostError(f"the venue's clock stands at {venue_time}, before the candle of {last}")
        self._behind_since = None
        await self._parts.store.begin_run(self._lease, self._parts.clock.now())
        _log.warning(
            "venue_clock_went_back",
            strategy=str(self._strategy.name),
            last_candle=last.isoformat(),
            venue_time=venue_time.isoformat(),
        )
        return True

    def _report(self, error: str) -> None:
        # Once per change: a market that stays away fills no log.
        if not self._lost:
            self._lost = True
            _log.warning("runner_interrupted", strategy=str(self._strategy.name), error=error)

    def _found(self) -> None:
        self._lost = False
        _log.info("runner_following", strategy=str(self._strategy.name))
