"""Rate limits of a venue: how much may leave when, so that none of the venue's windows is overdrawn.

A venue counts calls in windows whose beginnings we do not know exactly: fixed ones at Binance
(rest-api, "Limits": an interval starts with the minute and its count begins anew), rolling ones
elsewhere, and always by its own clock. So a budget is kept for any window of its length: time is cut
into slices, uses are counted by slice, and what the newest slices used together, as many as a window
and two more can touch, never exceeds the limit. One of the two is the slice that a window cuts; the
other is slack for clocks that differ and for calls that are longer on their way than others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

_SLICES: Final = 20
_LEAST_SLICE_MS: Final = 100
_SHARE: Final = 2
"""A chunk is this part of what a slice may use on average."""


class CallKind(StrEnum):
    """What a call to a venue is for; its weight depends on it."""

    PLACE = "place"
    CANCEL = "cancel"
    FIND = "find"
    OPEN_ORDERS = "open_orders"
    FILLS = "fills"
    TRANSFERS = "transfers"
    VERIFY = "verify"
    BALANCES = "balances"
    POSITIONS = "positions"
    INSTRUMENTS = "instruments"
    STREAM = "stream"


SAFETY: Final = frozenset({CallKind.CANCEL, CallKind.FIND, CallKind.OPEN_ORDERS})
"""Calls that may use the reserve: what takes orders back, and what asks how orders stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One rate limit.

    Attributes:
        name: what is counted, as in "weight"; unique at its venue.
        window_seconds: length of its window.
        limit: what the venue allows in a window.
        reserve: how much of that only the calls of ``SAFETY`` may use.
        default_weight: what a call counts whose kind is not in ``weights``; 0: it is not counted.
        weights: what a call of a kind counts.
    """

    name: str
    window_seconds: int
    limit: int
    reserve: int = 0
    default_weight: int = 1
    weights: Mapping[CallKind, int] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Refuse what cannot be kept.

        Raises:
            ValueError: a window or limit below 1, a reserve that leaves nothing, a weight that no
                window has room for.
        """
        if self.window_seconds < 1 or self.limit < 1 or not 0 <= self.reserve < self.limit:
            raise ValueError(
                f"budget {self.name}: window and limit from 1, reserve from 0 to below the limit"
            )
        weights = [self.default_weight, *self.weights.values()]
        if min(weights) < 0 or max(weights) > self.limit - self.reserve:
            raise ValueError(f"budget {self.name}: a weight is below 0, or above limit less reserve")

    def weight(self, kind: CallKind) -> int:
        """What a call counts."""
        return self.weights.get(kind, self.default_weight)

    @property
    def slice_ms(self) -> int:
        """Length of a slice, in milliseconds."""
        return max(_LEAST_SLICE_MS, -(-self.window_seconds * 1000 // _SLICES))

    @property
    def span(self) -> int:
        """How many slices count, the present one among them."""
        return -(-self.window_seconds * 1000 // self.slice_ms) + 2

    @property
    def chunk(self) -> int:
        """How much an instance leases at once, so that not every call writes."""
        return max(1, (self.limit - self.reserve) // (self.span * _SHARE))

    def slice_at(self, now_ms: int) -> int:
        """The slice of a moment, in milliseconds since 1970."""
        return now_ms // self.slice_ms

    def available(self, used: Mapping[int, int], present: int, *, safety: bool) -> int:
        """How much may be used now; below zero where the venue told of more than we may."""
        ceiling = self.limit if safety else self.limit - self.reserve
        return ceiling - self.in_force(used, present)

    def in_force(self, used: Mapping[int, int], present: int) -> int:
        """What counts now, of the uses by slice."""
        return sum(count for at, count in used.items() if present - self.span < at)

    def wait_ms(self, used: Mapping[int, int], now_ms: int, need: int, *, safety: bool) -> int:
        """Milliseconds until ``need`` may be used, where nothing else is used meanwhile."""
        present = max(self.slice_at(now_ms), max(used, default=0))
        if self.available(used, present, safety=safety) >= need:
            return 0
        for at in sorted(used):
            free_from = at + self.span
            if self.available(used, free_from, safety=safety) >= need:
                return max(1, free_from * self.slice_ms - now_ms)
        return self.span * self.slice_ms


@dataclass(frozen=True, slots=True)
class Told:
    """The venue's own count of a budget.

    Attributes:
        used: in the venue's present window.
        slice: when it said so.
    """

    used: int
    slice: int


@dataclass(frozen=True, slots=True)
class Ask:
    """What an instance asks of the count that all instances share.

    Attributes:
        budget: of which budget.
        slice: the present one, by the clock of the instance.
        need: how much its call counts; 0: it only reports.
        safety: whether the call may use the reserve.
        back_slice: slice of an earlier lease that was not used up.
        back: how much of that was not used.
        told: the venue's own count, where it said one.
    """

    budget: Budget
    slice: int
    need: int
    safety: bool
    back_slice: int = 0
    back: int = 0
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What the shared count gave.

    Attributes:
        units: how much may be used until the slice of the asking instance ends; 0: nothing.
        present: the slice that it counts in.
        used: the whole count after it, by slice.
    """

    units: int
    present: int
    used: Mapping[int, int]


def settle(ask: Ask, before: Mapping[int, int]) -> Grant:
    """Answer an ask out of the count as it stands.

    The newest slice of the count is the present one for all, so that an instance whose clock is
    behind counts with the others. A slice so far ahead that no two clocks explain it is forgotten.

    Args:
        ask: what an instance asks.
        before: uses by slice.
    """
    budget = ask.budget
    used = {at: count for at, count in before.items() if at <= ask.slice + budget.span}
    if ask.back and ask.back_slice in used:
        used[ask.back_slice] = max(0, used[ask.back_slice] - ask.back)
    present = max([ask.slice, *used])
    used = {at: count for at, count in used.items() if present - budget.span < at}
    if ask.told is not None and ask.told.slice > present - budget.span:
        # Somebody else uses the limit, too, or the venue counts more than we do.
        missing = ask.told.used - budget.in_force(used, present)
        if missing > 0:
            used[ask.told.slice] = used.get(ask.told.slice, 0) + missing
    units = _units(ask, used, present)
    if units:
        used[present] = used.get(present, 0) + units
    return Grant(units, present, used)


def _units(ask: Ask, used: Mapping[int, int], present: int) -> int:
    if not ask.need:
        return 0
    general = ask.budget.available(used, present, safety=False)
    if general >= ask.need:
        return min(max(ask.need, ask.budget.chunk), general)
    if ask.safety and ask.budget.available(used, present, safety=True) >= ask.need:
        # Exactly that: what is left of the reserve is for others.
        return ask.need
    return 0
