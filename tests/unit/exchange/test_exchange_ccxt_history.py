"""Trades listed by time: each told once, none lost, however they are spread, paged and delayed."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.exchange.venues.ccxt_dialects import Dialect
from services.exchange.venues.ccxt_errors import Codes
from services.exchange.venues.ccxt_history import History, read_cursor, write_cursor

NOW = datetime(2026, 1, 31, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
DAYS = 2
MINUTE = 60_000


class Listing(Dialect):
    """A venue that gives the newest trades of a range, as many as fit on a page."""

    codes: ClassVar[Codes] = {}
    longest_range_ms = 6 * 3_600_000

    def __init__(self, page: int) -> None:
        self.trade_page = page  # type: ignore[misc]
        self.trades: list[dict[str, Any]] = []
        self.asked = 0

    async def trades_between(self, client: Any, symbol: str, since: int, until: int) -> Sequence[Any]:
        self.asked += 1
        found = [each for each in self.trades if since <= each["timestamp"] <= until]
        return found[-self.trade_page :]

    def happened(self, *times: int) -> None:
        begin = len(self.trades)
        self.trades += [{"id": f"t{begin + number}", "timestamp": time} for number, time in enumerate(times)]
        self.trades.sort(key=lambda trade: (trade["timestamp"], trade["id"]))


async def read_all(history: History, mark: str) -> tuple[list[str], str]:
    told: list[str] = []
    more = True
    while more:
        page = await history.trades(None, "BTC/USDT", mark)
        told += [str(trade["id"]) for trade in page.trades]
        mark, more = page.mark, page.more
    return told, mark


@given(
    st.lists(st.integers(min_value=NOW_MS - DAYS * 86_400_000, max_value=NOW_MS), max_size=60),
    st.integers(min_value=3, max_value=20),
)
def test_every_trade_is_told_once(times: list[int], page: int) -> None:
    listing = Listing(page)
    # No venue has more trades of one order book in a millisecond than a page holds.
    listing.happened(*sorted(set(times)))
    told, mark = asyncio.run(read_all(History(listing, DAYS, lambda: NOW), ""))
    assert told == [trade["id"] for trade in listing.trades]
    again, _ = asyncio.run(read_all(History(listing, DAYS, lambda: NOW), mark))
    assert again == []


@settings(max_examples=25)
@given(
    st.lists(st.integers(min_value=1, max_value=MINUTE), min_size=1, max_size=20, unique=True),
    st.data(),
)
def test_what_comes_while_it_is_read_is_told_later(ages: list[int], data: st.DataObject) -> None:
    """Reading every few seconds, with trades that appear up to four seconds after they happened."""
    listing, clock = Listing(50), [NOW]
    history = History(listing, DAYS, lambda: clock[0])
    happening = sorted(NOW_MS + age for age in ages)
    delays = [data.draw(st.integers(min_value=0, max_value=4000)) for _ in happening]
    told: list[str] = []

    async def follow() -> None:
        mark = ""
        for step in range(0, 3 * MINUTE, 4000):
            clock[0] = NOW + timedelta(milliseconds=step)
            listing.trades = [
                {"id": f"t{time}", "timestamp": time}
                for time, delay in zip(happening, delays, strict=True)
                if time + delay <= NOW_MS + step
            ]
            seen, mark = await read_all(history, mark)
            told.extend(seen)

    asyncio.run(follow())
    assert sorted(told) == sorted(f"t{time}" for time in happening)


async def test_a_quiet_account_is_not_read_from_the_beginning_again() -> None:
    listing = Listing(50)
    clock = [NOW]
    history = History(listing, DAYS, lambda: clock[0])
    _, mark = await read_all(history, "")
    listing.asked = 0
    clock[0] += timedelta(minutes=5)
    _, mark = await read_all(history, mark)
    assert listing.asked == 1


async def test_a_mark_is_known_while_the_venue_lists_its_trades() -> None:
    listing = Listing(50)
    listing.happened(NOW_MS - 1000)
    history = History(listing, DAYS, lambda: NOW)
    _, mark = await read_all(history, "")
    assert await history.knows(None, "BTC/USDT", mark)
    listing.trades.clear()
    assert not await history.knows(None, "BTC/USDT", mark)


@pytest.mark.parametrize("cursor", ["[]", "7", '{"a":1}', "{", "nonsense"])
def test_what_is_no_cursor(cursor: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of the parser, or ours
        read_cursor(cursor)


def test_cursors_there_and_back() -> None:
    marks = {"eth-usdt": "5", "btc-usdt": "7"}
    assert read_cursor(write_cursor(marks)) == marks
    assert write_cursor(marks) == write_cursor(dict(reversed(marks.items())))
    assert write_cursor({}) == ""
    assert read_cursor("") == {}
