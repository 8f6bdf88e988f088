"""Ids and exchange time that never come twice, not even after a crash.

Both are used far more often than the disk is written, so they are leased: the bound of what may be
used is on disk before it is used, and a start goes on behind the last bound.
"""

import time
from collections.abc import Callable

from services.simvenue.ports import Marks

_SECOND_NS = 1_000_000_000
_IDS = 10_000_000
_LEASE_SECONDS = 20


class IdLease:
    """Gives rising ids up to a bound.

    Args:
        used: every id up to this one may have been given before.
    """

    def __init__(self, used: int) -> None:
        self.last = used
        self.bound = used

    def __iter__(self) -> "IdLease":
        return self

    def __next__(self) -> int:
        """The next id.

        Raises:
            RuntimeError: the bound is reached before a new one came; the venue must stop.
        """
        if self.last >= self.bound:
            raise RuntimeError("ids are used up faster than their lease is renewed")
        self.last += 1
        return self.last


class ExchangeClock:
    """The venue's own time: it runs ``speed`` times as fast as ours, from a start of its own.

    It stands still rather than pass the bound that is on disk, or reach what the market does next
    before the market has done it: on a busy machine the market is late, but never out of step.

    Args:
        speed: seconds of exchange time in a second of ours, above zero.
        monotonic_ns: our time, in nanoseconds, from any point on.
    """

    def __init__(self, speed: float, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._speed = speed
        self._monotonic_ns = monotonic_ns
        self._start_ns = 0
        self._started_at: int | None = None
        self._horizon_ns: int | None = None
        self.bound_ns = 0

    def set(self, time_ns: int) -> None:
        """Stand at a time, without running."""
        self._start_ns = time_ns
        self._started_at = None

    def run(self) -> None:
        """Run from where it stands."""
        self._started_at = self._monotonic_ns()

    def now_ns(self) -> int:
        """Exchange time now, in nanoseconds since the Unix epoch."""
        if self._started_at is None:
            return self._start_ns
        now_ns = self._free_ns()
        return now_ns if self._horizon_ns is None else min(now_ns, self._horizon_ns - 1)

    def expect(self, time_ns: int) -> None:
        """Stay short of what the market does next."""
        self._horizon_ns = time_ns

    def seconds_until(self, time_ns: int) -> float:
        """Seconds of our time until something is due; below zero where it is late."""
        return (time_ns - self._free_ns()) / (_SECOND_NS * self._speed)

    def _free_ns(self) -> int:
        """What time would be if the market were never late."""
        elapsed = 0 if self._started_at is None else self._monotonic_ns() - self._started_at
        return min(self._start_ns + int(elapsed * self._speed), self.bound_ns)

    def lease_ns(self) -> int:
        """How much exchange time one lease covers."""
        return int(_LEASE_SECONDS * self._speed * _SECOND_NS)


class Leases:
    """The venue's clock and ids, with the bounds that are on disk.

    Args:
        clock: exchange time.
        stored: bounds of the run before; None on the first run.
    """

    def __init__(self, clock: ExchangeClock, stored: Marks | None) -> None:
        self.clock = clock
        self.trades = IdLease(stored.trade_id if stored else 0)
        self.orders = IdLease(stored.order_id if stored else 0)
        self.transfers = IdLease(stored.transfer_id if stored else 0)

    def wanted(self) -> Marks | None:
        """New bounds, once half of the present ones is used; None while there is time."""
        remaining_ns = self.clock.bound_ns - self.clock.now_ns()
        ids = (self.trades, self.orders, self.transfers)
        if remaining_ns > self.clock.lease_ns() // 2 and all(
            lease.bound - lease.last > _IDS // 2 for lease in ids
        ):
            return None
        return Marks(
            self.clock.now_ns() + self.clock.lease_ns(),
            self.trades.last + _IDS,
            self.orders.last + _IDS,
            self.transfers.last + _IDS,
        )

    def granted(self, marks: Marks) -> None:
        """Bounds that are on disk now."""
        self.clock.bound_ns = marks.time_ns
        self.trades.bound = marks.trade_id
        self.orders.bound = marks.order_id
        self.transfers.bound = marks.transfer_id
