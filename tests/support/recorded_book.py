"""The books that a recording of Binance spot messages shows, for looking up what stood when.

It is written apart from the simulated venue's own reader on purpose: the tests hold one against the other.
"""

import gzip
import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Self

from sortedcontainers import SortedDict

_MS = 1_000_000
_GAP_NS = 1_000_000_000
"""Exchange time between the end of the recording and its next beginning, as the venue documents."""


@dataclass(frozen=True, slots=True)
class Top:
    """What a market order could have met at one moment.

    Attributes:
        bids: prices somebody bid, best first, as far as they matter.
        asks: prices somebody asked, best first.
        traded: prices of the trades since the last depth message, which prove that there was
            more at these prices than the depth messages say.
    """

    bids: tuple[Decimal, ...]
    asks: tuple[Decimal, ...]
    traded: frozenset[Decimal]


@dataclass
class _Side:
    levels: Any = field(default_factory=SortedDict)  # quantity by price; the package has no types

    def put(self, rows: list[list[str]]) -> None:
        for price, quantity in rows:
            if Decimal(quantity):
                self.levels[Decimal(price)] = Decimal(quantity)
            else:
                self.levels.pop(Decimal(price), None)


@dataclass(frozen=True, slots=True)
class _Moment:
    time_ns: int
    top: Top


class RecordedMarket:
    """One symbol of a recording.

    Attributes:
        begin_ns: event time of its first message.
        end_ns: event time of its last one.
    """

    def __init__(self, path: Path, kept: int = 12, until_ms: int | None = None) -> None:
        self._kept = kept
        self._bids, self._asks = _Side(), _Side()
        self._traded: set[Decimal] = set()
        self._moments: list[_Moment] = []
        self.begin_ns = self.end_ns = 0
        self._last_update: int | None = None
        self._early: list[dict[str, Any]] = []
        for data in _messages(path):
            if until_ms is not None and data.get("e") and data["E"] > until_ms:
                break
            self._read(data)
        self._times = [moment.time_ns for moment in self._moments]

    def whole(self) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """Price and quantity of every level at the end, bids and asks, best first."""
        return list(reversed(self._bids.levels.items())), list(self._asks.levels.items())

    def tops(self, time_ns: int) -> list[Top]:
        """The tops of the book at a moment: one, or each of those that stood in that very millisecond.

        Before the first snapshot of a pass, what the pass before ended with still stands.
        """
        last = bisect_right(self._times, time_ns) or len(self._times)
        first = last - 1
        while first > 0 and self._times[first] == time_ns:
            first -= 1
        return [moment.top for moment in self._moments[max(first, 0) : last]]

    def _read(self, data: dict[str, Any]) -> None:
        if "lastUpdateId" in data:
            self._last_update = data["lastUpdateId"]
            self._bids.put(data["bids"])
            self._asks.put(data["asks"])
            for delta in self._early:
                self._change(delta)
            return
        time_ns = data["E"] * _MS
        self.begin_ns = self.begin_ns or time_ns
        self.end_ns = max(self.end_ns, time_ns)
        if self._last_update is None:
            self._early += [data] if data["e"] == "depthUpdate" else []
            return
        if data["e"] == "trade":
            self._traded.add(Decimal(data["p"]))
        elif not self._change(data):
            return
        self._moments.append(_Moment(self.end_ns, self._top()))

    def _change(self, data: dict[str, Any]) -> bool:
        assert self._last_update is not None
        if data["u"] <= self._last_update:
            return False
        self._bids.put(data["b"])
        self._asks.put(data["a"])
        self._traded.clear()
        return True

    def _top(self) -> Top:
        bids = tuple(islice(reversed(self._bids.levels), self._kept))
        asks = tuple(islice(self._asks.levels, self._kept))
        return Top(bids, asks, frozenset(self._traded))


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as the venue plays it: all symbols together, again and again.

    Attributes:
        markets: by the instrument's id in the mesh, as in ``btc-usdt``.
    """

    markets: dict[str, RecordedMarket]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the files of a folder."""
        return cls(
            {
                "btc-usdt": RecordedMarket(folder / "btcusdt_20240808.gz"),
                "eth-usdt": RecordedMarket(folder / "ethusdt_20240808.gz"),
            }
        )

    def recorded_time(self, time_ns: int) -> int:
        """The moment of the recording that the venue's exchange time stands for."""
        begin = min(market.begin_ns for market in self.markets.values())
        end = max(market.end_ns for market in self.markets.values())
        return begin + (time_ns - begin) % (end - begin + _GAP_NS)


def _messages(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as text:
        for line in text:
            data = json.loads(line.partition(" ")[2])
            data = data.get("data", data)
            if "lastUpdateId" in data or data.get("e") in {"depthUpdate", "trade"}:
                yield data
