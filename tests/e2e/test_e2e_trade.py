"""The trade on recorded data: prices that stood in the recording, and books that agree to the last digit."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.account_books import Books, check_books, read_books
from tests.support.recorded_book import Recording
from tests.support.recorded_mesh import RecordedMesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
_CYCLES = 6
# What depends on the market of the moment, or says when it was asked.
_MOVING = {
    "read_time",
    "receive_time",
    "mark_price",
    "price",
    "value",
    "equity",
    "unrealized_pnl",
    "notional",
    "gross_notional",
}


@pytest.fixture(scope="module")
def recording(recorded_mesh: RecordedMesh) -> Recording:
    return Recording.read(recorded_mesh.recording)


async def test_books_at_rest(
    recorded_mesh: RecordedMesh, recording: Recording, grpcurl_binary: Path, tmp_path: Path
) -> None:
    recorded_mesh.start_trading()
    recorded_mesh.wait_filled_cycles(_CYCLES)
    recorded_mesh.come_to_rest()
    try:
        venue_fills = await recorded_mesh.venue_fills(tmp_path)
        by_stubs = read_books(recorded_mesh.stubs)
        by_rest = read_books(recorded_mesh.rest)
        by_grpcurl = read_books(recorded_mesh.grpcurl(grpcurl_binary))
    finally:
        recorded_mesh.start_trading()

    for books in (by_stubs, by_rest, by_grpcurl):
        check_books(books, venue_fills)
    assert _still(by_rest) == _still(by_stubs)
    assert _still(by_grpcurl) == _still(by_stubs)

    takers = [fill for fill in by_stubs.fills if fill.liquidity == _TAKER]
    assert len(takers) >= _CYCLES
    off = [fill for fill in takers if not _stood(recording, fill)]
    assert off == []


_TAKER = 2
_BUY = 1


def _stood(recording: Recording, fill: Any) -> bool:
    """Whether somebody of the recording offered this price when the fill happened.

    A trade proves that nothing better than its price was left on the side it hit, and that there was
    enough at its price; so a price is good if it stands in the depth, or was traded since.
    """
    market = recording.markets[fill.instrument.rpartition("/")[2]]
    price = Decimal(fill.price)
    for top in market.tops(recording.recorded_time(fill.exchange_time.ToNanoseconds())):
        offered = top.asks if fill.side == _BUY else top.bids
        if price in top.traded or price in offered:
            return True
    return False


def _still(books: Books) -> Books:
    """The books without what moves while nobody trades."""
    kept = {
        name: tuple(map(_without_moving, value)) if isinstance(value, tuple) else _without_moving(value)
        for name, value in ((name, getattr(books, name)) for name in Books.__slots__)
        if name not in {"orders", "fills"}
    }
    return replace(books, **kept)


def _without_moving(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    _clear(copy)
    return copy


def _clear(message: Any) -> None:
    for field, value in message.ListFields():
        if field.name in _MOVING:
            message.ClearField(field.name)
        elif field.message_type is not None and field.is_repeated:
            for one in value:
                _clear(one)
        elif field.message_type is not None:
            _clear(value)
