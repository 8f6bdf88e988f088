"""What the use cases of the strategy service need from outside."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.kernel.names import InstrumentName, StrategyName
from services.strategy.domain.signal import ClosedCandle, Signal, SignalDraft
from services.strategy.domain.strategy import Strategy


class MarketLostError(Exception):
    """The market service is away, or its data is old; try again."""


class LeaseLostError(Exception):
    """Another instance runs the strategy now."""


class StrategyChangedError(Exception):
    """The strategy was changed, disabled or deleted; its runner must end."""


class Candles(Protocol):
    """Closed candles of the market service."""

    async def exchange_time(self, instrument: InstrumentName) -> datetime:
        """A recent time of the venue's clock.

        Raises:
            MarketLostError: nobody can tell now.
        """
        ...

    async def closed(
        self, instrument: InstrumentName, interval: str, count: int, until: datetime | None
    ) -> Sequence[ClosedCandle]:
        """The latest closed candles, oldest first.

        Args:
            instrument: whose candles.
            interval: their length.
            count: most candles.
            until: only candles that open then or earlier; None for all.

        Raises:
            MarketLostError: nobody can tell now.
        """
        ...

    def watch(
        self, instrument: InstrumentName, interval: str, after: datetime
    ) -> AsyncGenerator[ClosedCandle, None]:
        """Every closed candle that opens after a moment: those that are kept, then each new one.

        Raises:
            MarketLostError: the stream broke or ended; watch again after the last candle.
        """
        ...


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run a strategy.

    Attributes:
        strategy: which.
        fence: rises with each owner; what an earlier owner still tries to write is refused.
    """

    strategy: StrategyName
    fence: int


@dataclass(frozen=True, slots=True)
class Position:
    """How far a strategy has come.

    Attributes:
        run: number of the venue clock's run; one more whenever that clock went back.
        last_open_time: the last candle it processed; None where it begins anew.
        trend: of its averages after that candle.
    """

    run: int
    last_open_time: datetime | None
    trend: int


class Session(Protocol):
    """One write transaction on the strategies."""

    async def strategy(self, name: StrategyName) -> Strategy | None:
        """The strategy, if there is one."""
        ...

    async def put(self, strategy: Strategy) -> None:
        """Create or replace a strategy."""
        ...

    async def delete(self, name: StrategyName) -> None:
        """Remove a strategy. Its signals and its place stay."""
        ...

    async def begin_anew(self, name: StrategyName, now: datetime) -> None:
        """Forget how far the strategy has come."""
        ...

    async def ever_known(self, name: StrategyName) -> bool:
        """Whether there is or was such a strategy."""
        ...


class StrategyStore(Protocol):
    """The strategies and their signals."""

    def write(self) -> AbstractAsyncContextManager[Session]:
        """One write transaction."""
        ...

    async def strategy(self, name: StrategyName) -> Strategy | None:
        """The strategy, if there is one."""
        ...

    async def strategies(self, after: str, limit: int) -> Sequence[Strategy]:
        """Strategies by id, after an id."""
        ...

    async def signals_before(self, name: StrategyName, before: int | None, limit: int) -> Sequence[Signal]:
        """Signals of a strategy, newest first, before a sequence."""
        ...

    async def signals_after(self, name: StrategyName, after: int, limit: int) -> Sequence[Signal]:
        """Signals of a strategy, oldest first, after a sequence."""
        ...

    def signal_version(self) -> int:
        """A number that changes with each new signal of this process."""
        ...

    async def signal_changed(self, seen: int, within: float) -> bool:
        """Wait until that number is another; False after ``within`` seconds."""
        ...

    def wake_signal_readers(self) -> None:
        """Change that number without a signal."""
        ...


class RunnerStore(Protocol):
    """What the runners keep."""

    async def enabled(self) -> Sequence[Strategy]:
        """All enabled strategies."""
        ...

    async def acquire(self, name: StrategyName, holder: str, now: datetime, until: datetime) -> Lease | None:
        """Take the strategy's lease where it is free or run out."""
        ...

    async def renew(self, lease: Lease, until: datetime) -> bool:
        """Keep the lease; False where somebody else has it."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give the lease back."""
        ...

    async def position(self, name: StrategyName) -> Position:
        """How far the strategy has come."""
        ...

    async def begin_run(self, lease: Lease, now: datetime) -> None:
        """Begin a new run, since the venue's clock went back.

        Raises:
            LeaseLostError: somebody else runs the strategy.
        """
        ...

    async def advance(
        self,
        lease: Lease,
        strategy: Strategy,
        position: Position,
        now: datetime,
        draft: SignalDraft | None = None,
    ) -> Signal | None:
        """In one transaction: the strategy has processed a candle, and sends a signal, or none.

        Returns:
            The signal; None where there is none, or this candle of this run has had one.

        Raises:
            LeaseLostError: somebody else runs the strategy.
            StrategyChangedError: it is not this strategy any more.
        """
        ...

    def strategies_version(self) -> int:
        """A number that changes with each change of a strategy in this process."""
        ...

    async def strategies_changed(self, seen: int, within: float) -> bool:
        """Wait until that number is another; False after ``within`` seconds."""
        ...
