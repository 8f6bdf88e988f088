"""Builds a book from Binance's depth messages, as its documentation asks for, and checks the chain."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import structlog

from services.kernel.decimals import EXACT
from services.simvenue.domain.market import CrowdAction, CrowdLevels, CrowdTrade
from services.simvenue.domain.terms import Side

_log = structlog.get_logger(__name__)

_FIELDS = {Side.BUY: ("b", "bids"), Side.SELL: ("a", "asks")}


class RecordedBook:
    """Turns the messages of one symbol into actions of the crowd.

    Deltas that come before the snapshot wait for it; those it contains already are dropped; the first
    one after it must reach over it, and each later one must follow on its predecessor. Where the
    chain breaks, the book is emptied and waits for the next snapshot.

    Args:
        units: tick size and lot size.
        name: of the recording, for the log.

    Attributes:
        gap: where the chain is broken, and no snapshot came since; as in "3: update 8 is missing".
    """

    def __init__(self, units: tuple[Decimal, Decimal], name: str) -> None:
        self._tick, self._lot = units
        self._name = name
        self._last_update: int | None = None
        self._bridge = False
        self._waiting: list[dict[str, Any]] = []
        self._levels: dict[Side, dict[int, int]] = {side: {} for side in Side}
        self._traded: list[int] = []
        self.gap = ""

    def actions(self, line: int, data: dict[str, Any]) -> list[CrowdAction]:
        """What the crowd does by one message.

        Args:
            line: its line in the file.
            data: the message without its envelope.

        Raises:
            KeyError: a field is missing.
            ValueError: a number is not one, or lies off the tick or the lot.
        """
        if "lastUpdateId" in data:
            return self._snapshot(line, data)
        kind = data.get("e")
        if kind == "depthUpdate":
            return self._delta(line, data)
        if kind == "trade" and self._last_update is not None:
            return self._trade(data)
        return []

    def _snapshot(self, line: int, data: dict[str, Any]) -> list[CrowdAction]:
        self._last_update = int(data["lastUpdateId"])
        self.gap = ""
        self._bridge = True
        for side, (_, field) in _FIELDS.items():
            self._levels[side] = {price: lots for price, lots in self._read(data[field]) if lots}
        self._traded.clear()
        waiting, self._waiting = self._waiting, []
        for delta in waiting:
            self._take_in(line, delta)
        return [CrowdLevels(self._all(), clear=True)]

    def _delta(self, line: int, data: dict[str, Any]) -> list[CrowdAction]:
        waited = self._last_update is None
        changed = self._take_in(line, data)
        if changed is None:
            return [] if waited else [CrowdLevels((), clear=True)]
        changed |= self._doubtful()
        return [CrowdLevels([(side, price, self._levels[side].get(price, 0)) for side, price in changed])]

    def _take_in(self, line: int, data: dict[str, Any]) -> set[tuple[Side, int]] | None:
        """Apply a delta if it is the next one; a broken chain empties the book.

        Answers the levels it names, none where the book contains it already, None where the book
        waits for a snapshot.
        """
        last = self._last_update
        if last is None:
            self._waiting.append(data)
            return None
        first, final = int(data["U"]), int(data["u"])
        if final <= last:
            return set()
        if first == last + 1 or (self._bridge and first <= last + 1):
            self._bridge = False
            self._last_update = final
            return self._apply(data)
        _log.warning("recording_gap_found", recording=self._name, line=line, expected=last + 1, got=first)
        self.gap = f"{line}: update {last + 1} is missing, the message begins with {first}"
        self._last_update = None
        self._waiting = [data]
        for levels in self._levels.values():
            levels.clear()
        return None

    def _apply(self, data: dict[str, Any]) -> set[tuple[Side, int]]:
        changed: set[tuple[Side, int]] = set()
        for side, (field, _) in _FIELDS.items():
            levels = self._levels[side]
            for price, lots in self._read(data[field]):
                changed.add((side, price))
                if lots:
                    levels[price] = lots
                else:
                    levels.pop(price, None)
        return changed

    def _doubtful(self) -> set[tuple[Side, int]]:
        """Recorded levels that a trade since the last delta may have changed in the market's book.

        A trade consumes what it hits and proves that what stands through its price is gone, so these
        are the bids at or above the lowest price traded, and the asks at or below the highest.
        """
        if not self._traded:
            return set()
        lowest, highest = min(self._traded), max(self._traded)
        self._traded.clear()
        bids = {(Side.BUY, price) for price in self._levels[Side.BUY] if price >= lowest}
        return bids | {(Side.SELL, price) for price in self._levels[Side.SELL] if price <= highest}

    def _trade(self, data: dict[str, Any]) -> list[CrowdAction]:
        price, lots = self._ticks(data["p"]), self._lots(data["q"])
        if not lots:
            return []
        self._traded.append(price)
        return [CrowdTrade(Side.SELL if data["m"] else Side.BUY, price, lots)]

    def _all(self) -> list[tuple[Side, int, int]]:
        return [
            (side, price, lots) for side, levels in self._levels.items() for price, lots in levels.items()
        ]

    def _read(self, rows: Iterable[Sequence[str]]) -> list[tuple[int, int]]:
        return [(self._ticks(price), self._lots(lots)) for price, lots in rows]

    def _ticks(self, text: str) -> int:
        whole, rest = EXACT.divmod(Decimal(text), self._tick)
        if rest:
            raise ValueError(f"price {text} is not a multiple of {self._tick}")
        return int(whole)

    def _lots(self, text: str) -> int:
        """Whole lots of a quantity.

        Old orders in a recording may be finer than the lot size of today; the
        part of a lot that no order could ever take is left out.
        """
        return int(EXACT.divide_int(Decimal(text), self._lot))
