"""Protections: what did badly is locked for a while.

The rules have the meaning of freqtrade's (its documentation, "Protections"): cooldown period, stop-loss
guard, max drawdown, low profit pairs. They are looked at when a trade closes, at that trade's time, so
that a repeat gives the same locks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid5

from services.kernel.decimals import EXACT, render
from services.risk.domain.locks import Lock
from services.risk.domain.reservation import total
from services.risk.domain.traded import ZERO
from services.risk.domain.trades import ClosedTrade

_SPACE = UUID("6d0a1c0e-3a57-4c8e-9a43-0f9a3f6f5f11")


@dataclass(frozen=True, slots=True)
class Cooldown:
    """Locks an instrument after each closed trade in it."""

    lock_duration: timedelta


@dataclass(frozen=True, slots=True)
class StopLossGuard:
    """Locks where stops closed too many trades at a loss."""

    lookback: timedelta
    trade_limit: int
    lock_duration: timedelta
    per_instrument: bool = False
    per_strategy: bool = False


@dataclass(frozen=True, slots=True)
class MaxDrawdown:
    """Locks where the sum of the profits fell too far from its highest value."""

    lookback: timedelta
    trade_limit: int
    max_drawdown_amount: Decimal
    lock_duration: timedelta
    per_strategy: bool = False


@dataclass(frozen=True, slots=True)
class LowProfit:
    """Locks an instrument whose trades brought too little."""

    lookback: timedelta
    trade_limit: int
    required_profit: Decimal
    lock_duration: timedelta


@dataclass(frozen=True, slots=True)
class Protections:
    """The rules of an account; None is off.

    Attributes:
        cooldown: after each trade.
        stop_loss_guard: after stops.
        max_drawdown: after a fall of the profit.
        low_profit: for instruments that bring too little.
        version: grows by one with every change; 0 before the first.
        update_time: when they last changed; None before the first change.
    """

    cooldown: Cooldown | None = None
    stop_loss_guard: StopLossGuard | None = None
    max_drawdown: MaxDrawdown | None = None
    low_profit: LowProfit | None = None
    version: int = 0
    update_time: datetime | None = None

    @property
    def lookback(self) -> timedelta | None:
        """How far back the rules look; None where all are off."""
        if self == Protections(version=self.version, update_time=self.update_time):
            return None
        rules = (self.stop_loss_guard, self.max_drawdown, self.low_profit)
        return max((rule.lookback for rule in rules if rule is not None), default=timedelta(0))


def locks_after(
    protections: Protections, newest: ClosedTrade, trades: Sequence[ClosedTrade]
) -> Sequence[Lock]:
    """The locks that a closed trade gives rise to.

    Args:
        protections: the rules.
        newest: the trade that closed.
        trades: those of the account that closed within the rules' lookback, the newest among them.
    """
    rules = (_cooldown, _stops, _drawdown, _profit)
    return [lock for rule in rules for lock in rule(protections, newest, trades)]


def _cooldown(protections: Protections, newest: ClosedTrade, _: Sequence[ClosedTrade]) -> Iterator[Lock]:
    rule = protections.cooldown
    if rule is not None:
        yield _lock(newest, "cooldown", "a trade was closed", rule.lock_duration, instrument=True)


def _stops(protections: Protections, newest: ClosedTrade, trades: Sequence[ClosedTrade]) -> Iterator[Lock]:
    rule = protections.stop_loss_guard
    if rule is None or not newest.stopped:
        return
    stopped = [
        trade
        for trade in _since(trades, newest, rule.lookback)
        if trade.stopped
        and (not rule.per_instrument or trade.instrument == newest.instrument)
        and (not rule.per_strategy or trade.strategy == newest.strategy)
    ]
    if len(stopped) >= rule.trade_limit:
        yield _lock(
            newest,
            "stop_loss_guard",
            f"stops closed {len(stopped)} trades at a loss within {rule.lookback}",
            rule.lock_duration,
            instrument=rule.per_instrument,
            strategy=rule.per_strategy,
        )


def _drawdown(protections: Protections, newest: ClosedTrade, trades: Sequence[ClosedTrade]) -> Iterator[Lock]:
    rule = protections.max_drawdown
    if rule is None:
        return
    counted = [
        trade
        for trade in _since(trades, newest, rule.lookback)
        if not rule.per_strategy or trade.strategy == newest.strategy
    ]
    fall = drawdown([trade.profit for trade in sorted(counted, key=lambda trade: trade.close_time)])
    if len(counted) >= rule.trade_limit and fall > rule.max_drawdown_amount:
        yield _lock(
            newest,
            "max_drawdown",
            f"the profit of {len(counted)} trades fell by {render(fall)}, more than "
            f"{render(rule.max_drawdown_amount)}, within {rule.lookback}",
            rule.lock_duration,
            strategy=rule.per_strategy,
        )


def _profit(protections: Protections, newest: ClosedTrade, trades: Sequence[ClosedTrade]) -> Iterator[Lock]:
    rule = protections.low_profit
    if rule is None:
        return
    counted = [
        trade for trade in _since(trades, newest, rule.lookback) if trade.instrument == newest.instrument
    ]
    ratio = total(trade.ratio for trade in counted)
    if len(counted) >= rule.trade_limit and ratio < rule.required_profit:
        yield _lock(
            newest,
            "low_profit",
            f"{len(counted)} trades in {newest.instrument} brought {render(ratio)}, below "
            f"{render(rule.required_profit)}, within {rule.lookback}",
            rule.lock_duration,
            instrument=True,
        )


def drawdown(profits: Sequence[Decimal]) -> Decimal:
    """The deepest fall of the running sum from its highest value, which begins at zero."""
    running, highest, deepest = ZERO, ZERO, ZERO
    for profit in profits:
        running = EXACT.add(running, profit)
        highest = max(highest, running)
        deepest = max(deepest, EXACT.subtract(highest, running))
    return deepest


def _since(trades: Sequence[ClosedTrade], newest: ClosedTrade, lookback: timedelta) -> list[ClosedTrade]:
    start = newest.close_time - lookback
    return [trade for trade in trades if start < trade.close_time <= newest.close_time]


def _lock(
    newest: ClosedTrade,
    source: str,
    reason: str,
    duration: timedelta,
    *,
    instrument: bool = False,
    strategy: bool = False,
) -> Lock:
    place = newest.instrument if instrument else ""
    name = newest.strategy if strategy else ""
    parts = (newest.account, source, place, name, newest.close_time.isoformat())
    return Lock(
        lock_id=str(uuid5(_SPACE, " ".join(parts))),
        account=newest.account,
        instrument=place,
        strategy=name,
        source=source,
        reason=reason,
        create_time=newest.close_time,
        expire_time=newest.close_time + duration,
    )
