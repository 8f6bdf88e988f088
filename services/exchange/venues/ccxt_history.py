"""Fills and transfers from a cursor on, at venues that list them in two ways.

A cursor is JSON: for each instrument, how far its trades were read. At a venue that lists trades from an
id on, that is the last id. At one that lists them by time, it is the time of the last trade with the ids
of those shortly before it: the list is read again from a little earlier, since a venue may show a trade
later than one that came after it.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from services.exchange.venues.ccxt_convert import Raw
from services.exchange.venues.ccxt_dialects import Dialect
from services.exchange.venues.ccxt_transfers import Moved

T = TypeVar("T")
_OVERLAP_MS: Final = 5_000
_SETTLED_MS: Final = 60_000
"""What is older is complete in the venue's lists."""
_KEPT_IDS: Final = 200
_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades of one instrument after a mark.

    Attributes:
        trades: oldest first.
        mark: where the next ones begin.
        more: whether there may be more already.
    """

    trades: Sequence[Raw]
    mark: str
    more: bool


def read_cursor(cursor: str) -> dict[str, str]:
    """How far each instrument was read.

    Raises:
        ValueError: it is no cursor of ours.
    """
    if not cursor:
        return {}
    marks = json.loads(cursor)
    if not isinstance(marks, dict) or not all(isinstance(each, str) for each in marks.values()):
        raise ValueError("not a cursor of this adapter")
    return marks


def write_cursor(marks: Mapping[str, str]) -> str:
    """The cursor of these marks; empty where there are none."""
    return json.dumps(dict(sorted(marks.items())), separators=(",", ":")) if marks else ""


@dataclass(frozen=True, slots=True)
class History:
    """Reads one account's lists.

    Attributes:
        dialect: how the venue lists.
        days: how far back a new account is read, where the venue lists by time.
        now: our clock.
    """

    dialect: Dialect
    days: int
    now: Callable[[], datetime]

    async def trades(self, client: Any, symbol: str, mark: str) -> Trades:
        """Trades of an instrument after a mark; the empty mark begins with the first."""
        if self.dialect.trades_by_id:
            return await self._by_id(client, symbol, mark)
        found = await self._by_time(
            mark,
            lambda since, until: self.dialect.trades_between(client, symbol, since, until),
            lambda trade: (str(trade["id"]), int(trade["timestamp"])),
            self.dialect.trade_page,
        )
        return Trades(*found)

    async def moved(self, client: Any, market: str, mark: str) -> tuple[Sequence[Moved], str, bool]:
        """Transfers after a mark, the next mark, and whether there may be more."""
        return await self._by_time(
            mark,
            lambda since, until: self.dialect.moved_between(client, market, since, until),
            lambda moved: (moved.transfer_id, int(moved.time_ms)),
            self.dialect.trade_page,
        )

    def mark_of(self, trade: Raw, before: str) -> str:
        """The mark after a trade that was told by the stream."""
        if self.dialect.trades_by_id:
            return str(max(int(trade["id"]), int(before or 0)))
        since, ids = _read_mark(before)
        time_ms = int(trade["timestamp"])
        return _write_mark(max(since, time_ms), [*ids, (str(trade["id"]), time_ms)])

    def told_before(self, trade: Raw, mark: str) -> bool:
        """Whether a trade lies before a mark, and so was told."""
        if self.dialect.trades_by_id:
            return int(trade["id"]) <= int(mark or -1)
        return str(trade["id"]) in {each for each, _ in _read_mark(mark)[1]}

    async def knows(self, client: Any, symbol: str, mark: str) -> bool:
        """Whether the venue still lists the last trade before a mark."""
        if self.dialect.trades_by_id:
            listed = await self.dialect.trades_from_id(client, symbol, int(mark))
            return any(int(each["id"]) == int(mark) for each in listed)
        since, ids = _read_mark(mark)
        if not ids:
            return True
        listed = await self.dialect.trades_between(client, symbol, since - _OVERLAP_MS, since + 1)
        return bool({each for each, _ in ids} & {str(each["id"]) for each in listed})

    async def _by_id(self, client: Any, symbol: str, mark: str) -> Trades:
        first = int(mark) + 1 if mark else 0
        trades = sorted(
            await self.dialect.trades_from_id(client, symbol, first), key=lambda trade: int(trade["id"])
        )
        fresh = [trade for trade in trades if int(trade["id"]) >= first]
        last = str(fresh[-1]["id"]) if fresh else mark
        return Trades(fresh, last, more=len(trades) >= self.dialect.trade_page)

    async def _by_time(
        self,
        mark: str,
        ask: Callable[[int, int], Awaitable[Sequence[T]]],
        key: Callable[[T], tuple[str, int]],
        page: int,
    ) -> tuple[Sequence[T], str, bool]:
        now = int(self.now().timestamp() * _MS)
        begin, ids = _read_mark(mark)
        begin = begin or now - self.days * 86_400_000
        since = begin - _OVERLAP_MS
        until = min(since + self.dialect.longest_range_ms, now)
        found = await ask(since, until)
        # A full page may be the newest part of the range only: ask for less, until it surely is all.
        while len(found) >= page and until - since > 1:
            until = (since + until) // 2
            found = await ask(since, until)
        seen = {each for each, _ in ids}
        fresh = sorted((each for each in found if key(each)[0] not in seen), key=lambda each: key(each)[1])
        last = max([begin, *(key(each)[1] for each in fresh)])
        # Of the newest minute a trade may still be missing in the list.
        reached = max(last, min(until, now - _SETTLED_MS))
        return fresh, _write_mark(reached, [*ids, *map(key, fresh)]), until < now


def _read_mark(mark: str) -> tuple[int, list[tuple[str, int]]]:
    if not mark:
        return 0, []
    time_ms, ids = json.loads(mark)
    return int(time_ms), [(str(each), int(at)) for each, at in ids]


def _write_mark(time_ms: int, ids: Sequence[tuple[str, int]]) -> str:
    kept = [each for each in ids if each[1] >= time_ms - _OVERLAP_MS][-_KEPT_IDS:]
    return json.dumps([time_ms, kept], separators=(",", ":"))
